from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from napari_celltype.celltypes import DEFAULT_TYPES
from napari_celltype.errors import LabelConflict, LabelError, OutputError
from napari_celltype.labels import (
    Label,
    LabelFile,
    LabelTable,
    load_labels,
    save_labels,
)
from napari_celltype.labels.label_file import label_path, read_label_file
from napari_celltype.recording import Recording, open_recording

LABELS = LabelTable(
    (
        Label(1, "PV", 0, "histology", True, "m1-7", "Jürgen", "sicher"),
        Label(4, "!PV", 0, "redcell", False),
        Label(7, "IN", 0),
    )
)


@pytest.fixture
def plane(tmp_path, suite2p_folder):
    return suite2p_folder(tmp_path / "mäuse 1" / "tag 1", data_bin=False) / "plane0"


@pytest.fixture
def recording(plane):
    return open_recording(plane)


def _rearrange(plane, rows):
    """Renumber, repeat or drop the rows of a plane, as suite2p's GUI may."""
    for name in ("F", "Fneu", "spks", "iscell", "stat"):
        path = plane / f"{name}.npy"
        np.save(path, np.load(path, allow_pickle=name == "stat")[list(rows)])
    return open_recording(plane)


def _load(recording):
    labels = load_labels(recording)
    assert labels is not None
    return labels


def test_round_trip(recording):
    assert load_labels(recording) is None
    save_labels(recording, LABELS)
    assert _load(recording) == LABELS


def test_labels_follow_their_roi_to_another_row(plane, recording):
    save_labels(recording, LABELS)
    # An ROI drawn by hand is put in front of the others.
    labels = _load(_rearrange(plane, [11, *range(11)]))
    assert {r.roi_id: r.label for r in labels} == {2: "PV", 5: "!PV", 8: "IN"}
    assert "3 of 3 labels followed their ROI" in labels.warnings[0]


def test_labels_follow_their_roi_into_a_merged_one(tmp_path, suite2p_folder, recording):
    save_labels(recording, LABELS)
    # As suite2p's GUI leaves it: the parts stay, a row is appended.
    merged = suite2p_folder(tmp_path / "after", data_bin=False, merged=[[1, 2]])
    after = open_recording(merged)
    table = read_label_file(label_path(recording), after)
    assert {r.roi_id: r.label for r in table} == {4: "!PV", 7: "IN", 12: "PV"}
    assert "What is known of ROI 1 is that of ROI 12 now" in table.warnings[-1]
    save_labels(after, LABELS)
    assert _load(after).rows == table.rows


def test_masks_that_changed_a_little_keep_their_label(plane, recording):
    save_labels(recording, LABELS)
    # One is appended, and all are shifted by a pixel.
    _rearrange(plane, [*range(12), 0])
    stat = np.load(plane / "stat.npy", allow_pickle=True)
    for roi in stat:
        roi["ypix"] = roi["ypix"] + 1
    np.save(plane / "stat.npy", stat)
    labels = _load(open_recording(plane))
    assert (labels.rows, labels.warnings) == (LABELS.rows, ())


def test_a_label_whose_roi_is_gone_is_set_aside(plane, recording):
    save_labels(recording, LABELS)
    labels = _load(_rearrange(plane, [0, 1, 2, 3, 5, 6, 7]))
    assert {r.roi_id: r.label for r in labels} == {1: "PV", 6: "IN"}
    assert [item.label.label for item in labels.set_aside] == ["!PV"]
    assert "1 label set aside" in labels.warnings[-1]
    assert "row 4" in labels.warnings[-1]


def test_a_label_set_aside_comes_back_with_its_roi(plane, recording):
    save_labels(recording, LABELS)
    files = {path: path.read_bytes() for path in plane.glob("*.npy")}
    without = _rearrange(plane, [0, 1, 2, 3, 5, 6, 7])
    save_labels(without, _load(without))
    without = _rearrange(plane, [0, 1, 2, 3, 6, 5, 4])
    assert _load(without).warnings == (
        "suite2p changed its rows after the labels were made; 1 of 2 labels followed "
        "their ROI to another row.",
    )
    for path, content in files.items():
        path.write_bytes(content)
    back = _load(open_recording(plane))
    assert back.rows == LABELS.rows
    assert "1 of 2 labels" in back.warnings[0]


def test_labels_of_another_recording_are_refused(plane, recording):
    save_labels(recording, LABELS)
    other = _rearrange(plane, [0, 2, 3, 5, 6])
    with pytest.raises(LabelError, match=r"made on other ROIs .* no mask fits"):
        load_labels(other)


def test_labels_that_claim_the_same_roi_are_set_aside(plane, recording):
    twice = _rearrange(plane, [*range(12), 1])
    labels = (Label(1, "PV", 0), Label(7, "IN", 0), Label(12, "PY", 0))
    save_labels(twice, LabelTable(labels))
    labels_now = _load(_rearrange(plane, range(12)))
    assert [row.roi_id for row in labels_now] == [7]
    assert len(labels_now.set_aside) == 2


def test_labels_of_other_rois_are_kept_when_they_are_replaced(plane, recording):
    path = save_labels(recording, LABELS)
    before = path.read_bytes()
    other = _rearrange(plane, [0, 2, 3, 5, 6])
    save_labels(other, LabelTable((Label(0, "PY", 0),)))
    save_labels(other, LabelTable((Label(0, "VIP", 0),)))
    kept = list(plane.glob("celltype_labels.*.json"))
    assert [p.read_bytes() for p in kept] == [before]


def test_a_users_own_types_come_back(recording):
    tree = DEFAULT_TYPES.with_type("NDNF", color="#112233")
    tree = tree.with_type("NDNF-NPY", color="#445566", parent="NDNF")
    labels = LabelTable((Label(1, "NDNF-NPY", 0),), tree)
    save_labels(recording, labels)
    assert _load(recording) == labels


def test_a_labels_folder_repeats_the_path(tmp_path, plane, recording):
    assert load_labels(recording, tmp_path / "labels") is None
    path = save_labels(recording, LABELS, tmp_path / "labels")
    repeated = plane.resolve().relative_to(plane.anchor)
    assert path == tmp_path / "labels" / repeated / "celltype_labels.json"
    assert load_labels(recording, tmp_path / "labels") == LABELS
    assert not (plane / "celltype_labels.json").exists()
    # The recording's own labels serve an empty labels folder.
    path.rename(plane / path.name)
    assert load_labels(recording, tmp_path / "labels") == LABELS


def test_a_labels_folder_keeps_mice_of_one_date_apart(tmp_path, suite2p_folder):
    mice = [
        open_recording(suite2p_folder(tmp_path / mouse / "a/day1/1", n_frames=20))
        for mouse in ("m1", "m2")
    ]
    for mouse, label in zip(mice, ("PV", "SOM"), strict=True):
        assert load_labels(mouse, tmp_path / "labels") is None
        save_labels(mouse, LabelTable((Label(0, label, 0),)), tmp_path / "labels")
    for mouse, label in zip(mice, ("PV", "SOM"), strict=True):
        kept = load_labels(mouse, tmp_path / "labels")
        assert [row.label for row in kept] == [label]


def test_a_folder_that_cannot_be_written_to_is_said(tmp_path, recording):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        save_labels(recording, LABELS, tmp_path / "file")


def test_traces_from_elsewhere_have_no_label_file():
    recording = Recording(np.zeros((3, 50), np.float32))
    file = LabelFile(recording)
    assert (load_labels(recording), file.load(), file.is_changed()) == (
        None,
        None,
        False,
    )
    for save in (lambda: save_labels(recording, LABELS), lambda: file.save(LABELS)):
        with pytest.raises(LabelError, match="no recording folder"):
            save()


def test_a_row_that_does_not_exist_is_refused(recording):
    with pytest.raises(LabelError, match="ROI 99 does not exist"):
        save_labels(recording, LabelTable((Label(99, "PV"),)))


def _changed(recording, **changes):
    path = save_labels(recording, LABELS)
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes))
    return path


def test_a_newer_file_is_neither_read_nor_replaced(recording):
    before = _changed(recording, version=2).read_bytes()
    for use in (load_labels, lambda r: save_labels(r, LABELS)):
        with pytest.raises(LabelError, match="update napari-celltype"):
            use(recording)
    assert label_path(recording).read_bytes() == before


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null", "[" * 100_000, "\x00"])
def test_a_file_that_is_not_ours_is_neither_read_nor_replaced(recording, text):
    label_path(recording).write_text(text)
    for use in (load_labels, lambda r: save_labels(r, LABELS)):
        with pytest.raises(LabelError, match=r"celltype_labels\.json (is|was)"):
            use(recording)
    assert label_path(recording).read_text() == text


@pytest.mark.parametrize(
    "entry",
    [
        {"types": [3]},
        {"types": [{"name": "x", "color": "red"}]},
        {"roi_id": "1"},
        {"roi_id": True},
        {"roi_id": None},
        {"roi_id": -1},
        {"label": "glia"},
        {"label": 3},
        {"source": "guess"},
        {"note": ["x"]},
        {"runs": [[0, 0]]},
        {"runs": [[0, 0, 10**12]]},
        {"runs": [[0, 0, 1.5]]},
        {"runs": 7},
    ],
)
def test_a_damaged_label_is_said(recording, entry):
    good = {"roi_id": 1, "label": "PV", "source": "manual", "runs": []}
    types = entry.pop("types", [])
    _changed(recording, labels=[good | entry], types=types)
    with pytest.raises(LabelError, match="cannot be used"):
        load_labels(recording)


def test_a_label_that_names_nothing_is_damaged(recording):
    _changed(recording, labels=[{"roi_id": 1}])
    with pytest.raises(LabelError, match="has the label None"):
        load_labels(recording)


def test_suite2ps_own_files_stay_as_they_are(plane, recording):
    before = {p: p.stat().st_mtime_ns for p in plane.iterdir()}
    save_labels(recording, LABELS)
    assert {p: p.stat().st_mtime_ns for p in before} == before
    assert {p.name for p in plane.iterdir()} - {p.name for p in before} == {
        "celltype_labels.json"
    }


FIRST = LabelTable((Label(1, "PV", 0, annotator="Ada"),))
MINE = LabelTable((*FIRST, Label(3, "PY", 0, annotator="Ada")))
THEIRS = LabelTable((*FIRST, Label(2, "SOM", 0, annotator="Ben")))


@pytest.fixture
def windows(recording):
    """Two windows that have read the same labels."""
    save_labels(recording, FIRST)
    files = LabelFile(recording), LabelFile(recording)
    assert [file.load() for file in files] == [FIRST, FIRST]
    return files


def test_one_window_saves_as_often_as_it_likes(recording):
    file = LabelFile(recording)
    assert file.load() is None
    for roi_id in range(4):
        file.save(LabelTable((*file.saved, Label(roi_id, "PY", 0))))
        assert not file.is_changed()
    assert LabelFile(recording).load() == file.saved


def test_a_file_of_somebody_else_is_not_replaced_and_both_sides_are_kept(
    windows, tmp_path
):
    ada, ben = windows
    ben.save(THEIRS)
    before = ada.path.read_bytes()
    for _ in range(2):
        with pytest.raises(LabelConflict, match=r"json was saved by another window"):
            ada.save(MINE)
    assert ada.path.read_bytes() == before
    mine = ada.save_copy(FIRST, tmp_path)
    assert ada.save_copy(MINE, tmp_path) == mine
    assert mine.parent == ada.path.parent
    assert read_label_file(mine, ada.recording) == MINE
    # The file is taken: it may be replaced, and the copy stays.
    assert ada.load() == THEIRS
    ada.save(THEIRS)
    assert mine.exists()


def test_writing_over_the_labels_of_somebody_else_keeps_a_copy_of_them(
    windows, tmp_path
):
    ada, ben = windows
    ben.save(THEIRS)
    mine = ada.save_copy(MINE, tmp_path)
    theirs = ada.save(MINE, overwrite=True)
    assert theirs is not None
    assert read_label_file(theirs, ada.recording) == THEIRS
    assert LabelFile(ada.recording).load() == MINE
    assert not mine.exists()
    assert ada.save(FIRST, overwrite=True) is None
    with pytest.raises(LabelConflict):
        ben.save(THEIRS)


def test_the_content_is_compared_and_not_the_time(windows):
    # As on a file system whose clock steps by two seconds.
    ada, ben = windows
    status = ada.path.stat()
    ben.save(LabelTable((Label(1, "PY", 0, annotator="Ada"),)))
    os.utime(ada.path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert ada.path.stat().st_size == status.st_size
    with pytest.raises(LabelConflict):
        ada.save(FIRST)


def test_a_damaged_file_stays_and_one_that_is_gone_is_written_again(windows):
    ada, _ = windows
    ada.path.write_text("{")
    with pytest.raises(LabelConflict):
        ada.save(FIRST)
    with pytest.raises(LabelError, match="damaged"):
        ada.save(FIRST, overwrite=True)
    assert ada.path.read_text() == "{"
    ada.path.unlink()
    assert ada.is_changed()
    ada.save(MINE)
    assert ada.load() == MINE


def test_a_disk_that_is_gone_gets_no_folder_in_its_place(windows, tmp_path):
    ada, _ = windows
    session = ada.path.parents[2]
    session.rename(tmp_path / "elsewhere")
    for overwrite in (False, True):
        with pytest.raises(LabelError, match="not there any more; connect its disk"):
            ada.save(FIRST, overwrite=overwrite)
    rescued = ada.save_copy(FIRST, tmp_path / "rescued")
    assert rescued.is_relative_to(tmp_path / "rescued")
    assert not session.exists()
    ada.move_to(tmp_path / "labels")
    ada.save(FIRST)
    assert ada.load() == FIRST
    assert not rescued.exists()


def test_labels_move_to_a_folder_of_the_users_choice(windows, tmp_path):
    ada, ben = windows
    beside = ada.path.read_bytes()
    ada.move_to(tmp_path / "labels")
    assert ada.path.is_relative_to(tmp_path / "labels")
    ada.save(MINE)
    assert ada.load() == MINE
    assert ben.path.read_bytes() == beside
    # What somebody keeps there was not read here.
    ben.move_to(tmp_path / "labels")
    with pytest.raises(LabelConflict):
        ben.save(THEIRS)


def test_of_two_that_save_at_once_only_one_succeeds(recording):
    def save(roi_id):
        try:
            LabelFile(recording).save(LabelTable((Label(roi_id, "PV", 0),)))
        except LabelConflict:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(save, range(6))) == [False] * 5 + [True]
