"""Labelling as a person does it: keys in the image and in the table, saved at once."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QKeyEvent

from napari_celltype.gui.label.label_keys import key_of
from napari_celltype.gui.palette import UNCLASSIFIED
from napari_celltype.gui.scene import scene_of
from napari_celltype.labels import Label, LabelFile, LabelTable, load_labels


@pytest.fixture
def dock(window, qtbot):
    dock = window.viewer.window.add_plugin_dock_widget("napari-celltype", "Label")[1]
    qtbot.waitUntil(dock.isVisible)
    return dock


def saved(window, qtbot):
    """The labels in the file, once they are there."""
    scene = scene_of(window.viewer)
    key = scene.session.active.key
    qtbot.waitUntil(lambda: scene.autosave.state(key).kind == "saved")
    table = load_labels(scene.session.active.recording)
    return {row.roi_id: row.label for row in table or ()}


NONE = Qt.KeyboardModifier.NoModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
CONTROL = Qt.KeyboardModifier.ControlModifier


def test_keys_label_in_the_image_and_in_the_table_and_save_at_once(window, dock, qtbot):
    session = dock.session
    assert "no second channel" in dock.red.toolTip()
    assert not dock.red.isEnabled()
    table = window.rois_dock.view
    session.select(2)
    window.press(Qt.Key.Key_2)
    assert session.active.labels is None, "keys label only while labelling is on"
    window.press(Qt.Key.Key_L)
    assert dock.labelling.on
    assert window.rois_dock.banner.isVisible()
    assert dock.toggle.grab().toImage().pixelColor(8, 8).name() == "#2f6f4f"
    window.press(Qt.Key.Key_2)
    assert saved(window, qtbot) == {2: "PV"}
    rois, colors = window.layer("rois"), window.layer("colors")
    before = colors.data.copy()
    session.select(7)
    window.press(Qt.Key.Key_4)
    assert (colors.data != before).any()
    qtbot.waitUntil(lambda: rois.features["label"][7] == "VIP")
    session.select(1)
    window.press(Qt.Key.Key_Z, CONTROL)
    assert session.roi_id == 7
    session.select(2)
    np.testing.assert_array_equal(colors.data[rois.data == 8], before[rois.data == 8])
    window.press(Qt.Key.Key_J, widget=table)
    first = session.roi_id
    window.press(Qt.Key.Key_3, SHIFT, widget=table)
    assert saved(window, qtbot) == {2: "PV", first: "!SOM"}
    qtbot.waitUntil(lambda: ", 2 labelled, saved " in dock.saved.line.text())
    window.press(Qt.Key.Key_Z, CONTROL, widget=table)
    assert saved(window, qtbot) == {2: "PV"}
    window.press(Qt.Key.Key_Z, CONTROL | SHIFT)
    window.press(Qt.Key.Key_X)
    assert saved(window, qtbot) == {2: "PV", first: "not a soma"}
    # It is no ROI without a label, and can be read in full.
    here = rois.data == first + 1
    assert (colors.data[here] == UNCLASSIFIED).mean() > 0.5
    column = window.rois_dock.table.titles.index("Label")
    assert table.sizeHintForColumn(column) <= table.columnWidth(column)
    window.press(Qt.Key.Key_Backspace)
    window.press(Qt.Key.Key_L)
    assert saved(window, qtbot) == {2: "PV"}
    assert not window.rois_dock.banner.isVisible()
    # napari's own mode keys are as they were.
    assert window.layer("rois").mode == "pan_zoom"


def test_keys_label_whatever_layer_is_active_and_wherever_the_dock_came_from(
    sit_down, folder
):
    me = sit_down()
    rois_dock, classify = me.open_dock("ROIs and traces"), me.open_dock("Classify")
    me.answer(classify.folder, folder)
    me.wait(lambda: classify.session.active is not None, 90)
    label = me.open_dock("Label")
    # The keyboard is in a box of another dock, and the dock comes by its tab.
    me.go_to_tab("Classify")
    box = classify.form.model.choice
    box.setFocus()
    assert me.main.focusWidget() is box
    me.go_to_tab("Label")
    me.wait(lambda: me.main.focusWidget() is not box)
    # A layer of somebody else is active: L is ours in our docks only.
    me.viewer.add_points([[1, 1]])
    me.press(Qt.Key.Key_L)
    assert not label.labelling.on
    for widget in (label.toggle, rois_dock.view, label):
        before = label.labelling.on
        me.press(Qt.Key.Key_L, widget=widget)
        assert label.labelling.on != before, widget
    assert label.labelling.on
    me.find(rois_dock.banner)
    # Another layer becomes the active one by a click on its name.
    layers = me.viewer.window._qt_viewer.layers
    row = next(
        row
        for row in range(layers.model().rowCount())
        if "mean image" in layers.model().index(row, 0).data()
    )
    me.click_row(layers, row)
    assert "mean image" in me.viewer.layers.selection.active.name
    recording = label.session.active.recording
    me.click_roi(recording.rois[3])
    me.press(Qt.Key.Key_3)
    me.go_to_tab("Gallery")
    me.press(Qt.Key.Key_J, widget=rois_dock.gallery.view)
    me.press(Qt.Key.Key_1, widget=me.main)
    labels = label.session.active.labels.by_roi()
    assert (labels[3].label, labels[4].label) == ("SOM", "PY")
    # Typing stays typing.
    me.type_in(label.annotator, "L2 Ada")
    assert len(label.session.active.labels) == 2
    assert label.labelling.annotator == "L2 Ada"
    me.press(Qt.Key.Key_L)
    assert not label.labelling.on


def test_at_the_end_of_the_list_no_key_overwrites_the_last_label(window, dock, qtbot):
    session = dock.session
    window.press(Qt.Key.Key_L)
    place = dock.buttons.mapTo(dock, dock.buttons.rect().topLeft())
    session.select(1)
    for _ in range(11):
        window.press(Qt.Key.Key_1)
        window.press(Qt.Key.Key_J)
    # The one without a label, before all others.
    assert session.roi_id == 0
    window.press(Qt.Key.Key_1)
    session.select(11)
    window.press(Qt.Key.Key_J)
    assert session.roi_id is None
    qtbot.waitUntil(lambda: "The list has ended" in dock.notice.text)
    window.press(Qt.Key.Key_2)
    assert {row.label for row in session.active.labels} == {"PY"}
    assert "Click on a ROI first" in dock.notice.text
    # A sentence moves no button, and goes when it no longer holds.
    assert dock.buttons.mapTo(dock, dock.buttons.rect().topLeft()) == place
    window.press(Qt.Key.Key_L)
    assert dock.notice.text == ""


GERMAN, FRENCH, SHIFTED_FRENCH = (0xA7, SHIFT), (0x22, NONE), (0x33, SHIFT)
KEYPAD = Qt.KeyboardModifier.KeypadModifier


@pytest.mark.parametrize(
    ("platform", "key", "modifiers", "scan_code", "virtual_key", "taken"),
    [
        *(
            (platform, *key, *place, Qt.Key.Key_3)
            for platform, *place in (
                ("linux", 12, 0),
                ("win32", 0, 0x33),
                ("darwin", 0, 20),
            )
            for key in (GERMAN, FRENCH, SHIFTED_FRENCH)
        ),
        ("linux", 0x37, KEYPAD, 79, 0x67, Qt.Key.Key_7),  # it has no places
        ("linux", 0x414, NONE, 46, 0, Qt.Key.Key_L),  # Russian
        ("linux", 0x5DA, NONE, 46, 0, Qt.Key.Key_L),  # Hebrew
        ("linux", ord("Y"), NONE, 52, 0, Qt.Key.Key_Y),  # German: Z is elsewhere
        ("linux", 0xD6, NONE, 53, 0, 0xD6),  # a Latin letter is what it is
        ("linux", int(Qt.Key.Key_Space), NONE, 65, 0, Qt.Key.Key_Space),
    ],
)
def test_keys_are_recognised_on_any_keyboard(
    monkeypatch, platform, key, modifiers, scan_code, virtual_key, taken
):
    monkeypatch.setattr("sys.platform", platform)
    kind = QEvent.Type.KeyPress
    event = QKeyEvent(kind, key, modifiers, scan_code, virtual_key, 0)
    assert key_of(event) == taken


def copy_of(dock):
    """The copy that the sentence about trouble names."""
    return Path(dock.saved.trouble.text.split("yours is kept in ")[1].rstrip("."))


def test_labels_that_cannot_be_saved_are_kept_also_when_it_is_closed(
    window, dock, qtbot
):
    session = dock.session
    recording = session.active.recording
    (recording.path / "celltype_labels.json").mkdir()
    window.press(Qt.Key.Key_L)
    session.select(1)
    window.press(Qt.Key.Key_1)
    qtbot.waitUntil(lambda: "not saved" in dock.saved.line.text())
    assert dock.saved.folder.isVisible()
    assert json.loads(copy_of(dock).read_text())["labels"][0]["label"] == "PY"
    with qtbot.waitSignal(window.dock.tasks.ended, timeout=20_000):
        window.dock.reload()
    assert session.active.labels.by_roi()[1].label == "PY"
    qtbot.waitUntil(lambda: "not saved" in dock.saved.line.text())
    elsewhere = recording.path.parent / "labels"
    scene_of(window.viewer).autosave.move(session.active.key, elsewhere)
    qtbot.waitUntil(lambda: "labelled, saved" in dock.saved.line.text())
    qtbot.waitUntil(lambda: dock.saved.trouble.text == "")
    assert load_labels(recording, elsewhere).by_roi()[1].label == "PY"
    file = session.active.label_file.path
    file.unlink()
    file.mkdir()
    session.select(1)
    window.press(Qt.Key.Key_2)
    qtbot.waitUntil(lambda: "not saved" in dock.saved.line.text())
    window.viewer.layers.remove(window.layer("rois"))
    qtbot.waitUntil(lambda: "A copy of yours is kept in" in dock.notice.text)


@pytest.fixture
def conflict(window, dock, qtbot):
    """ROI 1 is labelled here and saved, ROI 5 by Grace, and ROI 2 here."""
    session = dock.session
    window.press(Qt.Key.Key_L)
    session.select(1)
    window.press(Qt.Key.Key_1)
    saved(window, qtbot)
    other = LabelFile(session.active.recording)
    other.save(LabelTable((*other.load(), Label(5, "VIP", 0, annotator="Grace"))))
    session.select(2)
    window.press(Qt.Key.Key_2)
    qtbot.waitUntil(dock.saved.theirs.isVisible)
    assert "changed by somebody else" in dock.saved.line.text()
    assert load_labels(session.active.recording).by_roi().keys() == {1, 5}
    return copy_of(dock)


def test_labels_of_somebody_else_are_taken_and_mine_are_kept(
    window, dock, qtbot, conflict
):
    qtbot.mouseClick(dock.saved.theirs, Qt.MouseButton.LeftButton)
    assert saved(window, qtbot) == {1: "PY", 5: "VIP"}
    assert dock.session.active.labels.by_roi().keys() == {1, 5}
    qtbot.waitUntil(lambda: dock.saved.trouble.text == "")
    assert str(conflict) in dock.notice.text
    assert len(json.loads(conflict.read_text())["labels"]) == 2
    window.press(Qt.Key.Key_Z, CONTROL)
    assert saved(window, qtbot) == {1: "PY", 2: "PV"}


def test_my_labels_are_written_over_those_of_somebody_else_which_are_kept(
    window, dock, qtbot, conflict
):
    qtbot.mouseClick(dock.saved.mine, Qt.MouseButton.LeftButton)
    assert saved(window, qtbot) == {1: "PY", 2: "PV"}
    qtbot.waitUntil(lambda: "are kept in" in dock.saved.trouble.text)
    theirs = Path(dock.saved.trouble.text.split("are kept in ")[1].rstrip("."))
    assert {e["roi_id"] for e in json.loads(theirs.read_text())["labels"]} == {1, 5}
    assert not conflict.exists()


def test_a_type_of_ones_own_gets_a_key_or_a_button_and_is_remembered(
    window, dock, qtbot
):
    from napari_celltype.gui.label.label_dock import TypeDialog
    from napari_celltype.gui.settings import Settings

    dock.ask_for_type()
    (dialog,) = dock.findChildren(TypeDialog)
    dialog.name.setText("PV")
    dialog.accept()
    assert "already taken" in dialog.notice.text
    dialog.name.setText("NDNF")
    dialog.set_color("#00AA55")
    dialog.accept()
    assert Settings().tree()["NDNF"].parent == "IN"
    window.press(Qt.Key.Key_L)
    dock.session.select(3)
    qtbot.mouseClick(dock.buttons.types["NDNF"], Qt.MouseButton.LeftButton)
    assert saved(window, qtbot) == {3: "NDNF"}
    window.press(Qt.Key.Key_5, SHIFT)
    assert saved(window, qtbot) == {3: "!NDNF"}
    assert dock.buttons.types["!NDNF"].text() == "⇧5  not NDNF: 1"
    # There are more types than keys.
    tree = dock.session.tree
    for number in range(6):
        tree = tree.with_type(f"R&{number}", color="#445566")
    dock.session.set_tree(tree)
    assert "9</b>&nbsp;R&amp;3" in window.rois_dock.banner.text()
    for name, text in (("R&5", "R&&5"), ("!R&5", "not R&&5")):
        assert dock.buttons.types[name].text() == text
        qtbot.mouseClick(dock.buttons.types[name], Qt.MouseButton.LeftButton)
        assert saved(window, qtbot) == {3: name}


def test_closing_the_window_in_mid_work_loses_no_label(window, dock, qtbot):
    recording = dock.session.active.recording
    window.press(Qt.Key.Key_L)
    for roi_id in range(12):
        dock.session.select(roi_id)
        window.press(Qt.Key.Key_2)
    window.viewer.close()
    qtbot.waitUntil(lambda: len(load_labels(recording) or ()) == 12)


def test_clicks_add_rois_and_go_through_those_that_overlap(
    window, dock, suite2p_folder, tmp_path
):
    session = dock.session

    def click(roi_id, *modifier):
        window.click(
            *map(int, session.active.recording.rois[roi_id].centroid), *modifier
        )
        return session.roi_ids

    assert click(4) == (4,)
    assert click(6, SHIFT) == (4, 6)
    assert click(6, SHIFT) == (4,)
    # Row 12 is ROIs 0 and 1 merged by hand, and so lies on both.
    window.open(suite2p_folder(tmp_path / "merged", fs=12.5, merged=[(0, 1)]))
    seen = [click(0) for _ in range(3)]
    assert set(seen[:2]) == {(0,), (12,)}
    assert seen[2] == seen[0]
    window.click(1, 36)
    assert session.roi_id is None
