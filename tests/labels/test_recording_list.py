from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from napari_celltype.errors import CellTypeError, RecordingError
from napari_celltype.labels.recording_list import read_recording_list

Labelled = Callable[..., Path]


def _write(tmp_path, text):
    path = tmp_path / "cells.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_paths_are_relative_to_the_list(tmp_path, labelled):
    labelled("Mäuse 1/day1")
    path = _write(tmp_path, "path,labels\nMäuse 1/day1,cells.csv\n")
    ((plane,), _) = read_recording_list(path)
    assert plane.folder == tmp_path / "Mäuse 1/day1/suite2p/plane0"
    assert plane.labels == path


def test_columns_are_facts_or_named(tmp_path, labelled):
    labelled("m1")
    head = "path,Subject_ID,line,sampling_frequency,experimenter,region,"
    path = _write(tmp_path, f'{head}\nm1,mouse 1,Pvalb-Cre,"7,5",Ana\n')
    ((plane,), unused) = read_recording_list(path)
    assert plane.facts == {"subject_id": "mouse 1", "line": "Pvalb-Cre"}
    assert (plane.sampling_frequency, unused) == (7.5, ("experimenter",))


def test_without_a_plane_all_planes_are_taken(tmp_path, labelled):
    labelled("m1", n_planes=3)
    planes, _ = read_recording_list(_write(tmp_path, "path\nm1\n"))
    assert [p.folder.name for p in planes] == ["plane0", "plane1", "plane2"]
    assert all(p.one_of_several for p in planes)


def test_the_lists_own_plane_goes_before_the_one_asked_for(tmp_path, labelled):
    labelled("m1", n_planes=3)
    labelled("m2", n_planes=3)
    path = _write(tmp_path, "path,plane\nm1,2\nm2,\n")
    planes, _ = read_recording_list(path, plane=1)
    assert [p.folder.name for p in planes] == ["plane2", "plane1"]
    assert not any(p.one_of_several for p in planes)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("path\nm1\nmissing\n", r"line 3: .*missing does not exist"),
        ("path\nm1\n.\n", r"line 3: .* is no recording itself"),
        ("path,labels\nm1,no.csv\n", r"line 2: .*no\.csv does not exist"),
        ("path,plane\nm1,4\n", r"line 2: .* has no plane 4; it has 0"),
        ("path,plane\nm1,first\n", r"line 2: plane is 'first'"),
        ("path,line\nm1,a\n,b\n", r"line 3: path is empty"),
        ("path\nm1\nm1/suite2p\n", r"line 3: .* already given in line 2"),
        ("path,subject_id\nm1,a\nm2,\n", r"line 3: subject_id is empty and other"),
        ("path,line\nm1,\nm2,b\n", r"line 2: line is empty and other lines"),
        ("path,sampling_frequency\nm1,fast\n", r"line 2: sampling_frequency is 'fast'"),
        ("path,sampling_frequency\nm1,0\n", r"line 2: A frame rate of 0\.0 Hz"),
        ("path,labels\nm1," + "x" * 300, "line 2: .*xxx does not exist"),
        ("path\n" + "x" * 300, "line 2: .*xxx"),
        ("path\n", "lists no recording"),
        ("", r"has no column\(s\) 'path'"),
        ("folder\nm1\n", r"has no column\(s\) 'path', .* first line names folder"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path, labelled, text, sentence):
    labelled("m1")
    labelled("m2")
    with pytest.raises(CellTypeError, match=sentence):
        read_recording_list(_write(tmp_path, text))


def test_the_kind_of_error_is_kept(tmp_path):
    with pytest.raises(RecordingError):
        read_recording_list(_write(tmp_path, "path\nmissing\n"))
