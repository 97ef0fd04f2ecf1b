"""Labels and matches come in through the dialog, in a real window."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import Qt

from napari_celltype.gui.label.label_import import LabelImport
from napari_celltype.gui.scene import scene_of
from napari_celltype.labels import Label, LabelTable


def _dialog(dock, qtbot):
    qtbot.mouseClick(dock.load, Qt.MouseButton.LeftButton)
    return dock.findChildren(LabelImport)[-1]


def _read(dialog, qtbot, path):
    with qtbot.waitSignal(dialog.job.ended, timeout=10_000):
        dialog.read(path)


def _histology():
    return LabelTable((Label(0, "PV", 0, "histology"), Label(1, "PY", 0)))


def test_labels_are_previewed_and_taken_over(
    window, qtbot, tmp_path, suite2p_folder, folder
):
    session = scene_of(window.viewer).session
    first = session.active.key
    session.set_labels(first, _histology())
    dock = window.viewer.window.add_plugin_dock_widget("napari-celltype", "Label")[1]
    suite2p_folder(folder, fs=12.5, n_frames=875, n_rois=13)
    dialog = _dialog(dock, qtbot)
    # suite2p ran anew, and the dock was about to read it.
    window.open(folder)
    session.set_labels(first, _histology())
    assert not dialog.ok.isEnabled()
    assert dialog.ok.toolTip() == "Choose a file first"

    # A wrong file is named in words, and nothing is offered.
    table = tmp_path / "labels.csv"
    table.write_text("roi_id,label\n0,glia\n")
    _read(dialog, qtbot, table)
    assert "glia" in dialog.job.notice.text
    assert not dialog.ok.isEnabled()

    # What differs is named before anything happens.
    table.write_text("roi_id,label\n0,SOM\n12,VIP\n")
    _read(dialog, qtbot, table)
    assert "2 labels (1 SOM, 1 VIP)." in dialog.preview.text()
    assert "New here: 1 label, 0 cell_ids." in dialog.preview.text()
    assert (
        "Yours stay where the file says something else: ROI 0." in dialog.preview.text()
    )
    dialog.keep.setChecked(False)
    assert "⚠ Replaced: ROI 0." in dialog.preview.text()
    dialog.keep.setChecked(True)
    qtbot.mouseClick(dialog.ok, Qt.MouseButton.LeftButton)
    labels = session.active.labels
    assert [(r.roi_id, r.label) for r in labels] == [(0, "PV"), (1, "PY"), (12, "VIP")]
    assert not dialog.isVisible()
    dock.labelling.undo()
    assert len(session.active.labels) == 2

    # On the next day the same cells are found, and their labels offered.
    day2 = suite2p_folder(tmp_path / "day 2", n_frames=100, data_bin=False).parent
    window.open(day2)
    track2p = tmp_path / "track2p"
    track2p.mkdir()
    np.save(
        track2p / "track_ops.npy",
        {"all_ds_path": [str(folder), str(day2)], "iscell_thr": 0.5},
        allow_pickle=True,
    )
    np.save(
        track2p / "plane0_suite2p_indices.npy",
        np.array([[0, 3], [1, None], [5, 6]], dtype=object),
    )
    dialog = _dialog(dock, qtbot)
    _read(dialog, qtbot, track2p)
    assert "2 ROIs of 12 found again" in dialog.preview.text()
    assert "these cells have 1 label (1 PV)" in dialog.preview.text()
    assert dialog.carry.isVisible()
    qtbot.mouseClick(dialog.ok, Qt.MouseButton.LeftButton)
    rows = session.active.labels.by_roi()
    assert (rows[3].label, rows[3].source) == ("PV", "imported")
    assert rows[3].note.endswith("ROI 0 (histology)")
    assert rows[6].label == ""
    assert rows[6].cell_id
