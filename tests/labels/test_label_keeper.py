from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from napari_celltype.celltypes import DEFAULT_TYPES
from napari_celltype.errors import LabelConflict, LabelError
from napari_celltype.labels import Label, LabelKeeper, LabelTable, save_labels
from napari_celltype.recording import Recording, open_recording

FIRST = LabelTable((Label(1, "PV", 0, annotator="Ada"),))


@pytest.fixture
def recording(labelled: Callable[..., Path]) -> Recording:
    return open_recording(labelled("day1"))


@pytest.fixture
def windows(recording: Recording) -> tuple[LabelKeeper, LabelKeeper]:
    """Two windows that have read the same labels."""
    save_labels(recording, FIRST)
    keepers = LabelKeeper(recording), LabelKeeper(recording)
    assert [keeper.load() for keeper in keepers] == [FIRST, FIRST]
    return keepers


def test_one_window_saves_as_often_as_it_likes(recording: Recording) -> None:
    keeper = LabelKeeper(recording)
    assert keeper.load() is None
    for roi_id in range(4):
        table = keeper.base.with_label(Label(roi_id, "PY", 0))
        assert keeper.save(table) == keeper.path
        assert keeper.changed() is None
    assert LabelKeeper(recording).load() == keeper.base


def test_the_second_window_is_told_who_changed_what_and_nothing_is_lost(
    windows: tuple[LabelKeeper, LabelKeeper],
) -> None:
    ada, ben = windows
    ben.save(FIRST.with_label(Label(2, "SOM", 0, annotator="Ben")))
    before = ada.path.read_bytes()
    found = r"celltype_labels\.json was changed by Ben at \d\d:\d\d:\d\d \(1 label "
    with pytest.raises(LabelConflict, match=found + r"differs: ROI 2\)"):
        ada.save(FIRST.with_label(Label(3, "PY", 0, annotator="Ada")))
    assert ada.path.read_bytes() == before
    # Told again until somebody decides.
    assert ada.changed() is not None
    with pytest.raises(LabelConflict):
        ada.save(FIRST)


def test_a_merge_can_be_saved_and_is_seen_by_the_other(
    windows: tuple[LabelKeeper, LabelKeeper],
) -> None:
    ada, ben = windows
    ben.save(FIRST.with_label(Label(2, "SOM", 0, annotator="Ben")))
    mine = FIRST.with_label(Label(3, "PY", 0, annotator="Ada"))
    merged = ada.merge(mine)
    assert merged.disputes == ()
    ada.save(merged.table)
    assert ada.changed() is None
    sentence = ben.changed()
    assert sentence is not None
    assert "changed by Ada" in sentence
    both = ben.load()
    assert both is not None
    assert {r.roi_id: r.label for r in both} == {1: "PV", 2: "SOM", 3: "PY"}
    assert ben.changed() is None


def test_overwrite_is_one_decision_not_a_habit(
    windows: tuple[LabelKeeper, LabelKeeper],
) -> None:
    ada, ben = windows
    ben.save(LabelTable((Label(2, "SOM", 0),)))
    ada.overwrite(FIRST)
    assert ada.load() == FIRST
    with pytest.raises(LabelConflict):
        ben.save(LabelTable((Label(2, "SOM", 0),)))


def test_a_change_that_keeps_size_and_time_is_noticed(
    windows: tuple[LabelKeeper, LabelKeeper],
) -> None:
    # As on a file system whose clock steps by two seconds.
    ada, ben = windows
    status = ada.path.stat()
    ben.save(LabelTable((Label(1, "PY", 0, annotator="Ada"),)))
    os.utime(ada.path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert ada.path.stat().st_size == status.st_size
    assert ada.changed() is not None
    with pytest.raises(LabelConflict):
        ada.save(FIRST)


def test_a_copy_of_the_same_labels_is_no_conflict(
    windows: tuple[LabelKeeper, LabelKeeper],
) -> None:
    ada, _ = windows
    ada.path.write_text(ada.path.read_text() + "\n")
    assert ada.changed() is None
    ada.save(FIRST.with_label(Label(2, "SOM", 0)))


def test_new_types_of_the_other_are_a_change(
    windows: tuple[LabelKeeper, LabelKeeper],
) -> None:
    ada, ben = windows
    tree = DEFAULT_TYPES.with_type("NDNF", color="#112233")
    ben.save(LabelTable(FIRST.rows, tree))
    assert ada.changed() is not None
    assert ada.merge(FIRST).table.tree == tree


def test_a_file_that_vanished_is_said_and_can_be_put_back(
    windows: tuple[LabelKeeper, LabelKeeper],
) -> None:
    ada, _ = windows
    ada.path.unlink()
    with pytest.raises(LabelConflict, match="moved or deleted"):
        ada.save(FIRST)
    assert ada.merge(FIRST).table == FIRST
    ada.save(FIRST)
    assert ada.load() == FIRST


def test_a_file_that_was_damaged_is_said_and_left_alone(
    windows: tuple[LabelKeeper, LabelKeeper],
) -> None:
    ada, _ = windows
    ada.path.write_text("{")
    with pytest.raises(LabelError, match="damaged"):
        ada.changed()
    for save in (ada.save, ada.overwrite):
        with pytest.raises(LabelError, match="damaged") as raised:
            save(FIRST)
        assert not isinstance(raised.value, LabelConflict), "nothing to merge with"
    assert ada.path.read_text() == "{"


def test_a_disk_that_is_gone_gets_no_folder_in_its_place(
    windows: tuple[LabelKeeper, LabelKeeper], tmp_path: Path
) -> None:
    ada, _ = windows
    session = ada.path.parents[2]
    session.rename(tmp_path / "elsewhere")
    for ask in (ada.changed, lambda: ada.save(FIRST), lambda: ada.overwrite(FIRST)):
        with pytest.raises(LabelError, match="not there any more; connect its disk"):
            ask()
    assert not session.exists()
    ada.move_to(tmp_path / "labels")
    assert ada.save(FIRST).is_file()


def test_labels_move_to_a_folder_of_the_users_choice(
    tmp_path: Path, windows: tuple[LabelKeeper, LabelKeeper]
) -> None:
    ada, ben = windows
    beside = ada.path.read_bytes()
    assert ada.move_to(tmp_path / "labels").is_relative_to(tmp_path / "labels")
    mine = FIRST.with_label(Label(2, "SOM", 0))
    ada.save(mine)
    assert ada.load() == mine
    assert ben.path.read_bytes() == beside
    # What somebody keeps there is not overwritten, and belongs to no common base.
    ben.move_to(tmp_path / "labels")
    with pytest.raises(LabelConflict, match="were not read here"):
        ben.save(FIRST.with_label(Label(4, "PY", 0)))
    merged = ben.merge(FIRST.with_label(Label(4, "PY", 0)))
    assert {r.roi_id for r in merged.table} == {1, 2, 4}


def test_of_two_that_save_at_once_only_one_succeeds(
    recording: Recording,
) -> None:
    def save(n: int) -> bool:
        keeper = LabelKeeper(recording)
        try:
            keeper.save(LabelTable((Label(n, "PV", 0),)))
        except LabelConflict:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(save, range(6))) == [False] * 5 + [True]


def test_a_mark_of_a_program_that_died_does_not_stop_saving(
    recording: Recording,
) -> None:
    keeper = LabelKeeper(recording)
    mark = keeper.path.with_name(".celltype_labels.json.saving")
    mark.touch()
    keeper.save(FIRST)
    assert keeper.load() == FIRST
    assert not mark.exists()


def test_traces_from_elsewhere_have_nothing_to_keep() -> None:
    keeper = LabelKeeper(Recording.from_traces([[1.0, 2.0]], sampling_frequency=10))
    assert keeper.load() is None
    assert keeper.changed() is None
    with pytest.raises(LabelError, match="no recording folder"):
        keeper.save(LabelTable())
