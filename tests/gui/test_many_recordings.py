"""Several recordings, planes, windows; closing things in the middle of work."""

from __future__ import annotations

import pytest
from tests.gui.person import Window

from napari_celltype.gui import widgets
from napari_celltype.gui.commands import show_dock
from napari_celltype.gui.scene import scene_of
from napari_celltype.labels import Label, LabelTable, load_labels


@pytest.fixture
def other_folder(suite2p_folder, tmp_path):
    """A second session, of two planes."""
    return suite2p_folder(
        tmp_path / "mouse 2", fs=12.5, n_frames=875, n_planes=2, seed=3
    ).parent


def label_dock(viewer):
    return viewer.window.add_plugin_dock_widget("napari-celltype", "Label")[1]


def test_details_say_how_often_a_cell_keeps_its_type(
    window, suite2p_folder, tmp_path, predict
):
    session = window.dock.session
    for day in ("day1", "day2"):
        window.open(suite2p_folder(tmp_path / "lab" / day, fs=12.5, n_frames=875))
        predict(session, [0.1, 0.7, 0.1, 0.1])
        cells = (Label(row, "", cell_id=f"cell {row}") for row in range(3))
        session.set_labels(session.active.key, LabelTable(tuple(cells)))
    said = window.dock.legend.details.words.text()
    assert "Same type on another day: 100 % [100-100] of 3 pairs" in said


def test_sessions_of_one_name_are_told_apart(window, suite2p_folder, tmp_path):
    viewer = window.viewer
    for mouse in ("m1", "m2"):
        window.open(suite2p_folder(tmp_path / mouse / "day1", n_planes=2))
    planes = [f"{mouse}/day1 plane {n}" for mouse in ("m1", "m2") for n in (0, 1)]
    export = show_dock(viewer, "Export")
    for box in (window.dock.form.recording, export.recording):
        titles = [box.itemText(at) for at in range(box.count())]
        assert titles[:5] == ["mouse 1 ü plane 0", *planes]
        assert box.currentText() == "m2/day1 plane 0"
    layers = list(viewer.layers)
    for mouse in ("m1", "m2"):
        window.open(tmp_path / mouse / "day1")
    assert list(viewer.layers) == layers


def test_labels_go_to_the_plane_that_is_looked_at(window, other_folder, qtbot):
    session = window.dock.session
    window.open(other_folder)
    first, plane0, plane1 = session.recordings
    labelling = label_dock(window.viewer).labelling
    labelling.toggle()
    for key, digit in ((plane1, 2), (first, 3), (plane0, 4)):
        session.activate(key)
        session.select(1)
        labelling.give_digit(digit)
    autosave = scene_of(window.viewer).autosave
    qtbot.waitUntil(
        lambda: all(autosave.state(k).kind == "saved" for k in session.recordings)
    )
    found = [
        load_labels(opened.recording).by_roi()[1].label
        for opened in session.recordings.values()
    ]
    assert found == ["SOM", "VIP", "PV"]
    # Undo goes back through all of them, and shows which one.
    labelling.undo()
    labelling.undo()
    assert session.active.key == first
    assert not session.active.labels.rows


def test_two_windows_on_one_recording_notice_one_another(
    window, make_napari_viewer, folder, qtbot
):
    other = Window(make_napari_viewer(show=True), qtbot)
    other.open(folder)
    assert other.dock.session is not window.dock.session
    docks = [label_dock(w.viewer) for w in (window, other)]
    for number, (one, dock) in enumerate(zip((window, other), docks, strict=True)):
        dock.labelling.toggle()
        one.dock.session.select(number)
        dock.labelling.give_digit(number + 1)
        scene = scene_of(one.viewer)
        key = one.dock.session.active.key
        qtbot.waitUntil(lambda s=scene, k=key: s.autosave.state(k).kind != "saving")
    # The line follows what the thread that saves has come to.
    qtbot.waitUntil(lambda: "somebody else" in docks[1].saved.line.text())
    (row,) = load_labels(other.dock.session.active.recording)
    assert (row.roi_id, row.label) == (0, "PY")
    (row,) = other.dock.session.active.labels
    assert (row.roi_id, row.label) == (1, "PV")


def test_closing_docks_leaves_nothing_that_listens(window, predict, qtbot):
    session, main = window.dock.session, window.viewer.window
    names = ("ROIs and traces", "Label", "Train", "Evaluate", "Export", "Classify")
    held = len(widgets._forgetting)
    docks = [show_dock(window.viewer, name) for name in names]
    labelling = docks[1].labelling
    labelling.toggle()
    gone = []
    for dock in docks:
        dock.destroyed.connect(lambda: gone.append(1))
        main.remove_dock_widget(dock)
        dock.deleteLater()
    qtbot.waitUntil(lambda: len(gone) == len(docks))
    assert len(widgets._forgetting) <= held
    # Python may keep what Qt has destroyed; no signal may reach it.
    session.select(2)
    labelling.give_digit(1)
    labelling.undo()
    labelling.transient_asked.emit()
    predict(session, 0.25)
    session.set_min_probability(0.2)
    session.set_tree(session.tree.with_type("NDNF", color="#112233"))
    session.tell("Nobody hears this.")
    window.viewer.theme = "light"
    window.viewer.dims.set_current_step(0, 5)
    labelling.toggle()
    session.close(session.active.key)
