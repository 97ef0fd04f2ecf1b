"""Files of CRACK in both of MATLAB's versions, and what is none of them."""

import numpy as np
import pytest
from scipy.io import savemat

from napari_celltype.errors import RecordingError
from napari_celltype.labels import Label, LabelTable, load_labels, save_labels
from napari_celltype.recording import (
    find_planes,
    find_recordings,
    open_recording,
    pipeline_of_file,
    recording_names,
)
from napari_celltype.recording.recording import ONLY_DFF

VERSIONS = pytest.mark.parametrize("is_7_3", [False, True], ids=["v7", "v7.3"])
TYPES = ("", "PY", "PY", "PY", "PV", "SOM", "VIP")


@VERSIONS
@pytest.mark.parametrize("in_memory", [True, False])
def test_trials_of_an_area_are_joined(tmp_path, public_files, is_7_3, in_memory):
    path = public_files.crack(tmp_path / "cc029L-3.mat", is_7_3=is_7_3)
    assert find_planes(path) == [path / "CaA0", path / "CaA1"]
    recording = open_recording(path, 1, in_memory=in_memory)
    rng = np.random.default_rng(0)
    trials = [rng.standard_normal((7, n)) for n in (120, 80, 100)]
    wanted = np.concatenate(trials, axis=1).astype(np.float32)
    np.testing.assert_array_equal(recording.raw_traces[:], wanted)
    np.testing.assert_array_equal(recording.raw_traces[[4, 1]], wanted[[4, 1]])
    spans = [(s.start, s.stop) for s in recording.segments]
    assert spans == [(0, 120), (120, 200), (200, 300)]
    whole = recording.with_joins("continuous")
    assert [(s.start, s.stop) for s in whole.segments] == [(0, 300)]
    assert recording.sampling_frequency == 10
    assert (recording.plane, recording.trace_kind) == (1, "dF/F")
    assert recording.facts == {"subject_id": "cc029", "session_id": "cc029L-3"}
    assert {"no-masks", ONLY_DFF} <= {w.code for w in recording.warnings}
    labels = load_labels(recording)
    assert {row.roi_id: row.label for row in labels} == dict(enumerate(TYPES[1:], 1))


def test_labels_lie_beside_the_file_for_each_area(tmp_path, public_files):
    path = public_files.crack(tmp_path / "data" / "bb001-2.mat")
    savemat(tmp_path / "data" / "behaviour.mat", {"licks": [1, 2]})
    (tmp_path / "data" / "noise.mat").write_bytes(b"anything")
    planes = find_recordings([tmp_path]).planes
    assert planes == (path / "CaA0", path / "CaA1")
    owners = [pipeline_of_file(p) for p in sorted(path.parent.glob("*.mat"))]
    assert owners == ["CRACK", None, None]
    assert recording_names(planes) == ["bb001-2.mat"] * 2
    for plane in planes:
        recording = open_recording(plane)
        saved = save_labels(recording, LabelTable((Label(0, "IN", recording.plane),)))
        assert saved.name == f"bb001-2.mat.{plane.name}.celltype_labels.json"
        (row,) = load_labels(recording)
        assert (row.plane, row.label) == (recording.plane, "IN")


@VERSIONS
@pytest.mark.parametrize(
    ("changes", "shape"),
    [
        ({"F_dF": [np.ones((7, 5))]}, (7, 5)),
        ({"F_dF": [np.ones((1, 5)), np.ones((1, 1))], "celltype": 4}, (1, 6)),
        ({"F_dF": [np.ones((7, 1)), np.zeros((0, 0)), np.ones((7, 2))]}, (7, 3)),
    ],
)
def test_axes_of_length_one(tmp_path, public_files, is_7_3, changes, shape):
    path = public_files.crack(tmp_path / "a.mat", is_7_3=is_7_3, **changes)
    assert open_recording(path, 0).raw_traces.shape == shape


@VERSIONS
@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"F_dF": []}, "holds no dF/F of trials"),
        ({"F_dF": [np.ones((7, 5)), np.ones((5, 7))]}, r"shape \(5, 7\) in trial 2"),
        ({"F_dF": ["text", "more"]}, "holds no dF/F of trials"),
    ],
)
def test_what_is_not_as_listed(tmp_path, public_files, is_7_3, changes, sentence):
    path = public_files.crack(tmp_path / "cc1-1.mat", is_7_3=is_7_3, **changes)
    with pytest.raises(RecordingError, match=rf"cc1-1\.mat.*{sentence}"):
        open_recording(path, 0)


@VERSIONS
def test_types_and_rates_that_leave_doubt(tmp_path, public_files, is_7_3):
    def opened(**changes):
        path = public_files.crack(tmp_path / "x1-1.mat", is_7_3=is_7_3, **changes)
        recording = open_recording(path, 0)
        return recording, {w.code for w in recording.warnings}

    recording, codes = opened(celltype=np.arange(6), sampling_rate=0)
    assert {"types-in-doubt", "frame-rate-unknown"} <= codes
    assert (recording.roi_texts, recording.sampling_frequency) == ({}, None)
    recording, codes = opened(celltype=[np.ones(2), np.ones(3)])
    assert ("types-in-doubt" in codes, recording.roi_texts) == (True, {})
    recording, _ = opened(sampling_rate=0)
    given = open_recording(recording.path, sampling_frequency=12)
    assert given.sampling_frequency == 12
    recording, _ = opened(celltype=[9, np.nan, 4, 4.5, np.inf, -1, 0])
    (row,) = labels = load_labels(recording)
    assert (row.roi_id, row.label) == (2, "PV")
    assert "celltype 9" in labels.warnings[0]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid", "git lfs pull"),
        (b"MATLAB 7.3 MAT-file".ljust(512) + b"nothing", "cannot be read"),
        (b"MATLAB 5.0 MAT-file".ljust(126) + b"IM", "is no recording of"),
        (b"", "is no recording of"),
    ],
)
def test_what_is_no_file_of_its_kind(tmp_path, content, sentence):
    path = tmp_path / "jn039-1.mat"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=rf"jn039-1\.mat.*{sentence}"):
        open_recording(path)


def test_a_damaged_file_costs_itself_and_is_named(tmp_path, public_files):
    public_files.crack(tmp_path / "cc028-1.mat")
    (tmp_path / "cc028-2.mat").write_bytes(b"version https://git-lfs.github.com")
    (tmp_path / "notes.mat").write_bytes(b"version https://git-lfs.github.com")
    *_, last = planes = find_recordings([tmp_path]).planes
    assert [p.name for p in planes] == ["CaA0", "CaA1", "cc028-2.mat"]
    with pytest.raises(RecordingError, match="git lfs pull"):
        open_recording(last)
    truncated = public_files.crack(tmp_path / "cc028-3.mat")
    truncated.write_bytes(truncated.read_bytes()[:4000])
    with pytest.raises(RecordingError, match=r"cc028-3\.mat cannot be read"):
        open_recording(truncated, 0)
