"""The Export dock in a real window: preview, options, saving, the clipboard."""

from __future__ import annotations

import threading
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.image import imread
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QFileDialog
from tests.other_pipelines import write_caiman

from napari_celltype.celltypes import DEFAULT_TYPES
from napari_celltype.export import read_table
from napari_celltype.gui.export import export_dock
from napari_celltype.gui.settings import Settings
from napari_celltype.labels import Label, LabelTable, read_label_table


@pytest.fixture
def export(window, qtbot):
    """The dock, with the first preview made."""
    _, dock = window.viewer.window.add_plugin_dock_widget("napari-celltype", "Export")
    settle(dock, qtbot)
    return dock


def settle(dock, qtbot):
    """Wait until the preview is that of what is chosen now."""

    def settled():
        resting = dock._rest.isActive() or not dock._up_to_date
        return not (resting or dock.previews.running or dock.job.running)

    qtbot.waitUntil(settled, timeout=20_000)


def choose(dock, qtbot, key):
    dock.choose_format(key)
    settle(dock, qtbot)


PV = (0.1, 0.7, 0.1, 0.1)


def save(dock, qtbot, monkeypatch, path):
    """Press Save... and give a file name."""
    asked = []

    def answer(parent, title, start, kinds):
        asked.append((Path(start), kinds))
        return str(path), kinds

    monkeypatch.setattr(QFileDialog, "getSaveFileName", answer)
    with qtbot.waitSignal(dock.job.ended, timeout=60_000):
        qtbot.mouseClick(dock.save, Qt.MouseButton.LeftButton)
    return asked[0]


def cell(dock, row, name):
    model = dock.preview.model
    return model.data(model.index(row, model.titles.index(name)))


def test_labels_alone_are_previewed_saved_and_read_again(
    export, qtbot, monkeypatch, tmp_path
):
    tree = DEFAULT_TYPES.with_type("NDNF", color="#00FF7F")
    session, row = export.session, Label(2, "NDNF", source="histology")
    session.set_tree(tree)
    session.set_labels(session.active.key, LabelTable((row,), tree))
    settle(export, qtbot)
    assert "12 of 12 rows" in export.preview.caption.text()
    assert cell(export, 2, "label") == "NDNF"

    start, kinds = save(export, qtbot, monkeypatch, tmp_path / "here" / "table")
    assert start.name == "mouse_1_ü_plane_0_cell_types.csv"
    assert kinds.endswith("(*.csv)")
    assert export.job.notice.text == f"Wrote {tmp_path / 'here' / 'table.csv'}"
    table = pd.read_csv(tmp_path / "here" / "table.csv", keep_default_na=False)
    assert table["label"][2] == "NDNF"

    choose(export, qtbot, "labels")
    assert export.job.notice.text == ""
    start, _ = save(export, qtbot, monkeypatch, tmp_path / "labels.csv")
    assert start.parent == tmp_path / "here"
    again = read_label_table(tmp_path / "labels.csv", tree=tree)
    assert again.by_roi()[2].source == "histology"
    assert Settings().get("export format") == "labels"

    choose(export, qtbot, "npy")
    assert "no model has run" in export.problem.text
    assert not export.save.isEnabled()
    assert export.save.toolTip() == export.problem.text

    choose(export, qtbot, "svg")
    assert export.problem.text == ""
    assert not export.preview.picture.pixmap().isNull()
    save(export, qtbot, monkeypatch, tmp_path / "figure.svg")
    svg = (tmp_path / "figure.svg").read_text()
    assert "NDNF: 1 labelled" in svg
    assert "#00ff7f" in svg


def test_the_window_decides_what_is_exported_and_copied(
    export, qtbot, monkeypatch, tmp_path, predict
):
    session = export.session
    predict(session, PV)
    settle(export, qtbot)
    assert cell(export, 0, "predicted") == "PV"
    session.set_min_probability(0.9)
    settle(export, qtbot)
    assert cell(export, 0, "predicted") == "unsure"
    save(export, qtbot, monkeypatch, tmp_path / "t.csv")
    assert set(read_table(tmp_path / "t.csv")["predicted"]) == {"unsure"}

    n_cells = int(session.active.recording.iscell.sum())
    export.options.native("only_iscell").setChecked(True)
    settle(export, qtbot)
    assert f"of {n_cells} rows" in export.preview.caption.text()
    export.options.native("only_iscell").setChecked(False)

    session.show_predictions(False)
    settle(export, qtbot)
    assert "hidden" in export.hidden.text
    assert "predicted" not in export.preview.model.titles
    choose(export, qtbot, "methods")
    assert "predicted from" not in export.preview.text.toPlainText()
    session.show_predictions(True)
    settle(export, qtbot)
    assert export.hidden.text == ""
    assert "unproven on real cells" in export.preview.text.toPlainText()

    clipboard = QApplication.clipboard()

    def copy(key):
        choose(export, qtbot, key)
        with qtbot.waitSignal(export.job.ended, timeout=60_000):
            qtbot.mouseClick(export.copy, Qt.MouseButton.LeftButton)
        return export.job.notice.text

    assert copy("csv") == "Copied 12 rows."
    lines = clipboard.text().splitlines()
    assert len(lines) == 13
    assert lines[0].split("\t")[2] == "roi_id"
    assert copy("methods") == "Copied the text."
    assert clipboard.text().startswith("Cell types of 12 ROIs in 1 recording")
    export.options.native("width").setValue(50)
    assert copy("png") == "Copied the figure."
    # 50 mm at 300 dots per inch, finer than the preview.
    assert abs(clipboard.image().width() - 591) <= 1


def test_only_the_options_of_the_format_are_shown_and_they_are_taken(
    export, qtbot, monkeypatch, tmp_path
):
    options = export.options
    # A row that stands for each group of options.
    parts = ["only_iscell", "width", "age", "existing"]
    shown = {
        "csv": ["only_iscell"],
        "labels": [],
        "nwb": ["only_iscell", "age"],
        "nwb-copy": ["existing"],
        "pdf": ["only_iscell", "width"],
        "methods": [],
    }
    assert export.minimumSizeHint().width() <= 310
    for key, expected in shown.items():
        export.choose_format(key)
        assert [p for p in parts if options.native(p).isVisible()] == expected, key

    choose(export, qtbot, "nwb")
    assert not options.native("lab").isVisible()
    options.more.click()
    assert options.native("lab").isVisible()

    choose(export, qtbot, "png")
    options.native("width").setValue(100)
    options.native("dots_per_inch").setValue(254)
    options.native("pixel_size").setValue(1.5)
    options.native("title").setText("Mouse 1")
    settle(export, qtbot)
    save(export, qtbot, monkeypatch, tmp_path / "f.png")
    assert imread(tmp_path / "f.png").shape[1] == 1000
    choose(export, qtbot, "svg")
    save(export, qtbot, monkeypatch, tmp_path / "f.svg")
    text = (tmp_path / "f.svg").read_text()
    assert "Mouse 1" in text
    assert "µm" in text


def test_nwb_is_written_with_what_was_typed_and_added_to_a_copy(
    export, qtbot, monkeypatch, tmp_path, predict
):
    pynwb = pytest.importorskip("pynwb")
    h5py = pytest.importorskip("h5py")

    choose(export, qtbot, "nwb")
    fields = export.options
    fields.native("age").setText("90 days")
    settle(export, qtbot)
    assert "P90D" in export.problem.text
    assert not export.save.isEnabled()
    fields.native("age").setText("P90D")
    fields.native("lab").setText("Our lab")
    sex = fields.native("sex")
    sex.setCurrentIndex(sex.findData("F"))
    settle(export, qtbot)
    assert "sex F, age P90D" in export.preview.text.toPlainText()
    theirs = tmp_path / "n.nwb"
    save(export, qtbot, monkeypatch, theirs)
    with pynwb.NWBHDF5IO(theirs, "r") as io:
        content = io.read()
        assert (content.subject.sex, content.lab) == ("F", "Our lab")
    again = type(fields)()
    assert (again.value("lab"), again.value("age")) == ("Our lab", "")

    predict(export.session, PV)
    choose(export, qtbot, "nwb-copy")
    assert "Choose the NWB file" in export.problem.text
    assert not export.problem.is_error
    line = export.options.control("existing").line.native
    line.setText(str(theirs))
    line.editingFinished.emit()
    settle(export, qtbot)
    assert "holds cell types of napari-celltype already" in export.problem.text
    assert not export.save.isEnabled()
    with h5py.File(theirs, "r+") as file:
        del file["processing/ophys/CellTypeProvenance"]
    line.editingFinished.emit()
    settle(export, qtbot)
    assert "number and masks agree" in export.preview.text.toPlainText()
    save(export, qtbot, monkeypatch, theirs)
    assert "never changed" in export.job.notice.text
    save(export, qtbot, monkeypatch, tmp_path / "copy.nwb")
    with pynwb.NWBHDF5IO(tmp_path / "copy.nwb", "r") as io:
        ophys = io.read().processing["ophys"]
        rois = ophys["ImageSegmentation"]["PlaneSegmentation"]
        assert set(rois["predicted"].data[:]) == {"PV"}


def test_several_recordings_share_a_table_but_no_figure(
    window, export, qtbot, monkeypatch, tmp_path, suite2p_folder
):
    other = suite2p_folder(tmp_path / "other", n_rois=5, fs=12.5)
    window.open(other.parent)
    settle(export, qtbot)
    assert "of 5 rows" in export.preview.caption.text()
    combo = export.recording
    combo.setCurrentIndex(combo.count() - 1)
    combo.activated.emit(combo.count() - 1)
    settle(export, qtbot)
    assert "All 2 open ones" in combo.currentText()
    assert "of 17 rows" in export.preview.caption.text()
    save(export, qtbot, monkeypatch, tmp_path / "both.csv")
    assert len(pd.read_csv(tmp_path / "both.csv")["recording"].unique()) == 2
    choose(export, qtbot, "pdf")
    assert "choose one" in export.problem.text
    for key in list(export.session.recordings):
        export.session.close(key)
    assert export.problem.text == "Open a recording first."
    assert not export.save.isEnabled()
    assert not export.copy.isEnabled()


def test_a_recording_that_is_a_file_is_exported_beside_it(
    window, export, qtbot, monkeypatch, tmp_path, predict
):
    path = write_caiman(tmp_path / "m1" / "day1.hdf5", fr=30)
    window.open(path)
    predict(export.session, PV)
    settle(export, qtbot)
    folders = []

    def answer(parent, title, start, kinds):
        folders.append(Path(start).parent)
        return "", ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", answer)
    export.save.click()
    window.dock.run.export.click()
    assert folders == [path.parent, path.parent]


def test_failing_and_closing_leave_no_thread_and_no_half_file(
    window, export, qtbot, monkeypatch, tmp_path, hold
):
    out = tmp_path / "out"
    out.mkdir()
    (out / "file").write_text("in the way")
    save(export, qtbot, monkeypatch, out / "file" / "t.csv")
    assert export.job.notice.is_error
    assert "cannot be written" in export.job.notice.text
    assert export.save.isEnabled()

    go = hold(export_dock, "write_export")
    export.save_to(out / "cancelled.csv")
    assert not export.save.isEnabled()
    assert export.save.toolTip() == "Something is being written."
    with qtbot.waitSignal(export.job.ended, timeout=60_000):
        qtbot.mouseClick(export.job.cancel, Qt.MouseButton.LeftButton)
        go.set()
    assert export.job.notice.text == "Cancelled."
    assert not (out / "cancelled.csv").exists()

    go.clear()
    export.save_to(out / "closed.csv")
    window.viewer.window.remove_dock_widget(export)
    go.set()
    for thread in threading.enumerate():
        if thread.name == "napari-celltype work":
            thread.join(30)
    assert [f.name for f in out.iterdir() if f.name.endswith(".part")] == []
