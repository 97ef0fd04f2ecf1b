"""The table of labelled recordings, in a real window and without napari."""

from dataclasses import replace

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QPushButton
from tests.gui.person import drop

from napari_celltype.gui.opening import read_recordings
from napari_celltype.gui.session import Session
from napari_celltype.gui.train.recordings_table import COLUMNS, RecordingsTable
from napari_celltype.labels import Label, LabelTable, find_labelled


@pytest.fixture
def table(qtbot):
    table = RecordingsTable(Session())
    qtbot.addWidget(table)
    table.resize(310, 600)
    table.show()
    return table


def item(table, row, column):
    return table.table.item(row, list(COLUMNS).index(column))


def text(table, row, column):
    return item(table, row, column).text()


def test_dropped_folders_are_read_edited_decided_about_and_removed(
    table, labelled, qtbot, tmp_path
):
    first = labelled("mouse1/day1", ["PY", "PV", "VIP"])
    second = labelled("mouse2/day1", ["PY", "PV"])
    assert table.blocked_by == "Add labelled recordings first."
    with qtbot.waitSignal(table.job.ended, timeout=20_000):
        drop(table, first, second, tmp_path / "missing")
        assert table.blocked_by == "Recordings are still being read."
    assert [text(table, row, "Animal") for row in (0, 1)] == ["mouse1", "mouse2"]
    assert text(table, 0, "Labels") == "PY 1, PV 1, VIP 1"
    assert "missing" in table.job.notice.text
    assert "VIP 1 from 1 animal" in table.counts.text()

    assert table.blocked_by.startswith("VIP: 1 cell from 1 animal")
    buttons = {b.text(): b for b in table.obstacle_list.findChildren(QPushButton)}
    qtbot.mouseClick(buttons["Leave out"], Qt.MouseButton.LeftButton)
    assert table.blocked_by == ""
    assert table.session.collection.left_out == ("VIP",)

    with qtbot.waitSignal(table.changed):
        item(table, 1, "Animal").setText("mouse1")
    assert table.session.collection.recordings[1].subject == "mouse1"
    assert any("new animal cannot be tested" in o.sentence for o in table.obstacles)

    assert "Select rows first" in table.remove.toolTip()
    table.table.selectRow(0)
    qtbot.mouseClick(table.remove, Qt.MouseButton.LeftButton)
    assert [r.subject for r in table.session.collection.recordings] == ["mouse1"]

    table.save_to(tmp_path / "list")
    assert len(find_labelled([tmp_path / "list" / "recordings.csv"])[0]) == 1


def test_open_recordings_are_counted_as_they_are_labelled(table, labelled, qtbot):
    assert not table.add_open.isEnabled()
    assert "No recording is open" in table.add_open.toolTip()
    (opened,) = read_recordings(labelled("mouse1/day1", ["PY", "PV"], fs=10.0))
    session = table.session
    session.open(opened)
    qtbot.mouseClick(table.add_open, Qt.MouseButton.LeftButton)
    assert text(table, 0, "Labels") == "PY 1, PV 1"
    # Nobody confirmed suite2p's default, until the user does.
    assert text(table, 0, "Hz") == "10 ⚠"
    session.set_sampling_frequency(opened.key, 10.0)
    assert text(table, 0, "Hz") == "10"
    session.set_labels(opened.key, LabelTable((*opened.labels, Label(5, "SOM", 0))))
    assert text(table, 0, "Labels") == "PY 1, PV 1, SOM 1"
    # Once closed, what is on disk counts.
    with qtbot.waitSignal(table.job.ended, timeout=20_000):
        session.close(opened.key)
    assert text(table, 0, "Labels") == "PY 1, PV 1"
    assert table.session.collection.recordings[0].table is None


def test_a_folder_that_is_open_counts_as_it_is_labelled_too(table, labelled, qtbot):
    folder = labelled("mouse1/day1", ["PY", "PV"])
    (opened,) = read_recordings(folder)
    session = table.session
    session.open(opened)
    more = LabelTable((*opened.labels, Label(5, "SOM", 0)))
    session.set_labels(opened.key, more)
    with qtbot.waitSignal(table.job.ended, timeout=20_000):
        table.add_paths([folder])
    assert text(table, 0, "Labels") == "PY 1, PV 1, SOM 1"
    session.set_labels(opened.key, LabelTable((*more, Label(6, "SOM", 0))))
    assert text(table, 0, "Labels") == "PY 1, PV 1, SOM 2"
    assert table.counts.toolTip() == "mouse1: PY 1, PV 1, SOM 2"


def test_two_tables_of_a_viewer_show_the_same(table, labelled, qtbot, quick_card):
    other = RecordingsTable(table.session)
    qtbot.addWidget(other)
    folders = [labelled(f"m{n}/day1", ["PY", "PV"]) for n in (1, 2)]
    with qtbot.waitSignal(table.job.ended, timeout=20_000):
        table.add_paths(folders)
    assert other.table.rowCount() == 2
    # What they are for differs: one learns from scratch, the other from a model.
    other.set_requirements(replace(quick_card, sampling_frequency=50.0))
    assert "slower than the 50 Hz of quick" in other.blocked_by
    assert table.blocked_by == ""
