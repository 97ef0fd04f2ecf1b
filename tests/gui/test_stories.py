"""Whole stories in one real window each, as somebody with a mouse lives them."""

from __future__ import annotations

import pandas as pd
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QTableView

from napari_celltype.labels import load_labels
from napari_celltype.recording import open_recording

CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def mice(labelled, tmp_path):
    """The folder of two mice with 12 labelled cells each, 24 s at 12.5 Hz."""
    for n in (1, 2):
        labelled(f"mouse{n}", ["PY", "PV"] * 6, n_frames=300, fs=12.5, seed=n)
    return tmp_path / "data"


def column(table: QTableView, title: str):
    """A column of a table, by the number of the ROI."""
    model = table.model()
    titles = [
        model.headerData(i, Qt.Orientation.Horizontal)
        for i in range(model.columnCount())
    ]
    at, rois = titles.index(title), titles.index("ROI")
    return {
        int(model.index(row, rois).data()): model.index(row, at).data()
        for row in range(model.rowCount())
    }


def given(label_dock):
    """The counts on the buttons of the labels."""
    texts = {name: b.text() for name, b in label_dock.buttons.types.items()}
    return {n: int(t.split(": ")[1]) for n, t in texts.items() if ": " in t}


def labels_in(folder):
    table = load_labels(open_recording(folder))
    return {row.roi_id: row.label for row in table}


def test_from_a_folder_to_a_model_of_ones_own_and_back(
    sit_down, mice, quick_model, tmp_path
):
    me = sit_down()
    rois_dock = me.open_dock("ROIs and traces")
    classify = me.open_dock("Classify")
    me.answer(classify.folder, mice / "mouse1")
    me.read(classify, "12 ROIs, not classified yet")
    me.look("1 opened")

    me.choose(classify.form.model.choice, "quick")
    me.click(classify.run.classify)
    me.read(classify.legend, "quick, ")
    me.read(classify.legend, "unproven on real cells")
    names = set(column(rois_dock.view, "Type ⚠").values())
    assert names <= {"PY", "PV", "SOM", "VIP"}
    me.look("2 classified")

    # Three labels are corrected by keys, blind; one is taken back and given again.
    label = me.open_dock("Label")
    rois = open_recording(mice / "mouse1").rois
    me.click_roi(rois[2])
    me.press(Qt.Key.Key_L)
    assert rois_dock.banner.isVisible()
    assert "predictions hidden" in rois_dock.banner.text()
    me.read(rois_dock, "Predictions are hidden")
    me.press(Qt.Key.Key_2)
    me.click_roi(rois[7])
    me.press(Qt.Key.Key_1)
    me.click_row(rois_dock.view, 4)
    me.press(Qt.Key.Key_2, SHIFT, rois_dock.view)
    me.read(rois_dock, "Label: !PV")
    me.press(Qt.Key.Key_Z, CONTROL)
    me.read(rois_dock, "Label: PY")
    me.press(Qt.Key.Key_Z, CONTROL | SHIFT)
    me.read(rois_dock, "Label: !PV")
    me.wait(lambda: "12 ROIs, 12 labelled, saved " in label.saved.line.text())
    assert given(label) == {"PY": 5, "PV": 6, "!PV": 1}
    me.look("3 labelled")
    me.press(Qt.Key.Key_L)
    corrected = {2: "PV", 4: "!PV", 7: "PY"}
    expected = {i: corrected.get(i, ("PY", "PV")[i % 2]) for i in range(12)}
    assert labels_in(mice / "mouse1") == expected

    train = me.open_dock("Train")
    me.answer(train.recordings.add_folders, mice)
    me.wait(lambda: train.recordings.table.rowCount() == 2)
    me.choose(train.form.native("base"), "scratch")
    me.choose(train.form.native("architecture"), "RNN")
    me.type_in(train.form.native("epochs"), "2")
    me.type_in(train.form.name, "mine")
    me.click(train.train)
    me.read(train, "Saved as mine: RNN, from scratch.", 60)
    me.read(train, "chance 0.50")
    me.click(train.details.button)
    me.read(train, "1 of 2 animals")
    me.look("4 trained")
    me.click(train.use)
    assert classify.form.model.choice.currentText() == "mine"
    me.click(classify.run.classify)
    me.wait(lambda: not classify.tasks.running)
    assert set(column(rois_dock.view, "Type ⚠").values()) <= {"PY", "PV"}
    me.look("5 classified by mine")

    evaluate = me.open_dock("Evaluate")
    for name, box in evaluate.form.classifiers.items():
        if box.isChecked() != (name == "rnn"):
            me.click(box)
    me.type_in(evaluate.form.native("n_splits"), "2")
    me.type_in(evaluate.form.native("epochs"), "1")
    me.wait(lambda: evaluate.expected.text.startswith("Expected"), 60)
    me.wait(evaluate.run.isEnabled)
    me.click(evaluate.run)
    me.find(evaluate.results.sentence, 60)
    me.read(evaluate.results, "chance 0.50")
    me.click(evaluate.results.details.button)
    me.read(evaluate.results, "A quick look: 2 splits")
    me.look("6 evaluated")

    export = me.open_dock("Export")
    for kind, name in (("Table: CSV", "types.csv"), ("NWB: new", "types.nwb")):
        me.choose(export.format, kind)
        me.wait(lambda: export.preview.caption.text().startswith("Preview"))
        me.wait(export.save.isEnabled)
        me.answer(export.save, tmp_path / name)
        me.read(export, f"Wrote {tmp_path / name}")
    me.look("7 exported")
    table = pd.read_csv(tmp_path / "types.csv")
    assert dict(zip(table["roi_id"], table["label"], strict=True)) == expected
    assert set(table["model"]) == {"mine"}
    pynwb = pytest.importorskip("pynwb")
    with pynwb.NWBHDF5IO(tmp_path / "types.nwb", "r") as io:
        cells = io.read().processing["ophys"]["ImageSegmentation"]["PlaneSegmentation"]
        assert list(cells["label"].data[:]) == list(expected.values())

    me.viewer.close()
    me = sit_down()
    rois_dock = me.open_dock("ROIs and traces")
    classify = me.open_dock("Classify")
    assert classify.form.model.choice.findText("mine") >= 0
    me.answer(classify.folder, mice / "mouse1")
    me.read(classify, "12 ROIs, not classified yet")
    label = me.open_dock("Label")
    assert "12 ROIs, 12 labelled" in label.saved.line.text()
    assert column(rois_dock.view, "Label") == expected
    me.look("8 found again")


N_RED = 10


def test_from_a_red_channel_to_labels_to_a_table(sit_down, red_folder, tmp_path):
    red_mouse = red_folder(30, N_RED)
    me = sit_down()
    classify = me.open_dock("Classify")
    me.answer(classify.folder, red_mouse)
    me.read(classify, "30 ROIs, not classified yet")
    label = me.open_dock("Label")
    me.click(label.red)
    panel = me.viewer.window.dock_widgets["Red channel (Cell types)"]
    me.wait(panel.apply_button.isEnabled)
    me.read(panel, "R2 = 0.")
    me.read(panel, f"▲ {N_RED} surely red: PV")
    me.click(panel.show_image)
    me.look("red 1 measured")
    me.click(panel.apply_button)
    me.go_to_tab("Label")
    me.wait(lambda: given(label).get("PV") == N_RED)
    n_not = sum(row.label == "!PV" for row in label.session.active.labels)
    assert n_not >= 15
    assert given(label) == {"PV": N_RED, "!PV": n_not}
    me.wait(lambda: f"{N_RED + n_not} labelled, saved " in label.saved.line.text())
    me.look("red 2 labelled")

    export = me.open_dock("Export")
    me.choose(export.format, "Labels only")
    me.wait(export.save.isEnabled)
    me.answer(export.save, tmp_path / "labels.csv")
    me.read(export, f"Wrote {tmp_path / 'labels.csv'}")
    me.read(export, "30 of 30 rows")
    table = pd.read_csv(tmp_path / "labels.csv")
    assert set(table["roi_id"][table["label"] == "PV"]) == set(range(N_RED))
    assert set(table["source"]) == {"redcell"}
    assert labels_in(red_mouse) == dict(
        zip(table["roi_id"], table["label"], strict=True)
    )
    me.look("red 3 exported")
