import os
import re
import signal

import pandas as pd
import pytest

from napari_celltype.answers import ClassifyRequest
from napari_celltype.answers.classify import classify_many
from napari_celltype.cli.terminal import result_lines
from napari_celltype.errors import CellTypeError, RecordingError
from napari_celltype.labels import Label, LabelTable, save_labels
from napari_celltype.recording import find_recordings, open_recording

LONG = {"n_frames": 1900, "n_rois": 5}


@pytest.fixture
def three_recordings(session_folder, tmp_path):
    for name in ("m1", "m2", "m3"):
        session_folder(f"lab/{name}", **LONG, seed=ord(name[1]))
    return tmp_path / "lab"


def test_a_folder_of_many_recordings_is_searched(three_recordings):
    found = find_recordings([three_recordings]).planes
    assert [p.parents[1].name for p in found] == ["m1", "m2", "m3"]
    (three_recordings.parent / "empty").mkdir()
    with pytest.raises(RecordingError):
        find_recordings([three_recordings.parent / "empty"])


def test_all_planes_are_taken_and_one_can_be_chosen(session_folder):
    folder = session_folder("m1", n_planes=3)
    planes = [p.name for p in find_recordings([folder]).planes]
    assert planes == ["plane0", "plane1", "plane2"]
    assert [p.name for p in find_recordings([folder], plane=1).planes] == ["plane1"]
    with pytest.raises(RecordingError, match="no plane 7"):
        find_recordings([folder], plane=7)


def test_a_plane_folder_of_another_name_is_plane_0_as_when_opened(session_folder):
    plane = session_folder("m1") / "suite2p" / "plane0"
    renamed = plane.rename(plane.parents[2] / "mouse7")
    assert find_recordings([renamed], plane=0).planes == (renamed,)
    assert open_recording(renamed, plane=0).path == renamed
    with pytest.raises(RecordingError, match="no plane 1; it has 0"):
        find_recordings([renamed], plane=1)


@pytest.fixture
def planes(three_recordings):
    return find_recordings([three_recordings]).planes


def test_one_bad_recording_does_not_stop_the_rest(planes):
    (planes[1] / "F.npy").write_bytes(b"junk")
    result = classify_many(planes, ClassifyRequest())
    assert list(result.table["recording"].unique()) == ["m1", "m3"]
    assert [f.path.parents[1].name for f in result.failures] == ["m2"]
    assert "F.npy" in result.failures[0].reason


def test_the_same_cells_on_two_days_are_compared(session_folder, tmp_path):
    for day in ("day1", "day2"):
        folder = session_folder(f"mouse1/{day}", **LONG)
        cells = (Label(row, "", cell_id=f"cell {row}") for row in range(3))
        save_labels(open_recording(folder), LabelTable(tuple(cells)))
    request = ClassifyRequest()
    result = classify_many(find_recordings([tmp_path]).planes, request)
    said = "same type on another day: 100 % [100-100] of 3 pairs of ROIs, 3 cells"
    assert any(said in x for x in result_lines(result, asked=2, in_full=False))
    assert result.provenance(request)["settings"]["over_days"]["n_pairs"] == 3


def test_what_was_finished_before_a_stop_is_kept(planes):
    finished = []
    result = classify_many(
        planes,
        ClassifyRequest(),
        on_progress=lambda p: finished.append(p) if "done" in p.message else None,
        should_stop=lambda: bool(finished),
    )
    assert result.stopped
    assert list(result.table["recording"].unique()) == ["m1"]


def test_a_scheduler_that_does_not_answer_is_named(planes, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("napari_celltype.protocol.backends.PATIENCE", 0.2)
    with pytest.raises(CellTypeError, match="No Dask scheduler answers"):
        classify_many(planes, ClassifyRequest(), scheduler="tcp://127.0.0.1:9")


@pytest.mark.slow
def test_processes_and_a_cluster_give_the_same_table(planes, local_cluster):
    alone = classify_many(planes, ClassifyRequest())
    together = classify_many(planes, ClassifyRequest(), jobs=2)
    pd.testing.assert_frame_equal(alone.table, together.table)
    with local_cluster(2) as cluster:
        address = cluster.scheduler_address
        together = classify_many(planes, ClassifyRequest(), scheduler=address)
    pd.testing.assert_frame_equal(alone.table, together.table)


@pytest.mark.slow
def test_a_killed_worker_does_not_stop_the_rest(planes, local_cluster):
    (planes[1] / "F.npy").write_bytes(b"junk")
    told = []
    with local_cluster(2) as cluster:

        def kill_a_worker_after_the_first(progress):
            if not told:
                os.kill(cluster.workers[0].pid, signal.SIGKILL)
            told.append(progress.message)

        result = classify_many(
            planes,
            ClassifyRequest(),
            scheduler=cluster.scheduler_address,
            on_progress=kill_a_worker_after_the_first,
        )
    assert len(told) == 3
    assert list(result.table["recording"].unique()) == ["m1", "m3"]
    assert [f.path for f in result.failures] == [planes[1]]


def test_progress_says_how_long_the_rest_may_take(planes):
    told = []
    classify_many(
        planes, ClassifyRequest(), on_progress=lambda p: told.append(p.message)
    )
    assert re.fullmatch(r"m1: done, about \d+ (s|min) left", told[0])
    assert told[-1] == "m3: done"
