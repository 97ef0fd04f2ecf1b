"""Classifying in a real window: start, cancel, fail, and what the answer shows."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QLabel, QPushButton

from napari_celltype.export import read_table
from napari_celltype.findings import Finding
from napari_celltype.gui.classify import classify_dock
from napari_celltype.gui.layers import tag_of
from napari_celltype.gui.palette import CLEAR, UNCLASSIFIED
from napari_celltype.gui.scene import scene_of
from napari_celltype.gui.widgets import Column
from napari_celltype.recording.recording import ANOTHER_RATE, FROM_SUITE2P


def text_of(legend):
    return "\n".join(label.text() for label in legend.findChildren(QLabel))


def type_number(qtbot, box, text):
    box.lineEdit().selectAll()
    qtbot.keyClicks(box.lineEdit(), text)


@pytest.fixture
def held(hold):
    return hold(classify_dock, "classify_recording")


def test_classifying_fills_layer_table_and_legend(window):
    dock = window.dock
    window.classify()
    assert dock.notice.text == ""
    features = window.layer("rois").features
    assert features["probability"].notna().all()
    assert set(features["group"]) <= {"PY", "IN"}
    assert {"p_PY", "p_PV", "p_SOM", "p_VIP"} <= set(features.columns)
    titles = [
        window.rois_dock.table.headerData(i, Qt.Orientation.Horizontal)
        for i in range(window.rois_dock.table.columnCount())
    ]
    assert titles[:4] == ["ROI", "Group", "p_IN", "Type ⚠"]
    assert titles[4] == "Probability"
    assert "PY\npyramidal\n" in text_of(dock.legend)


def test_the_table_is_saved_in_any_format_of_tables(
    window, qtbot, monkeypatch, tmp_path, predict
):
    dock = window.dock
    predict(dock.session, [0.1, 0.7, 0.1, 0.1])
    dock.session.set_min_probability(0.9)
    filters = []

    def answer(parent, title, start, kinds):
        filters.extend(kinds.split(";;"))
        return str(tmp_path / "t"), filters[1]

    monkeypatch.setattr(QFileDialog, "getSaveFileName", answer)
    qtbot.mouseClick(dock.run.export, Qt.MouseButton.LeftButton)
    assert dock.notice.text == f"Wrote {tmp_path / 't.parquet'}"
    assert set(read_table(tmp_path / "t.parquet")["predicted"]) == {"unsure"}
    endings = [text.split("*")[1].rstrip(")") for text in filters]
    assert endings == [".csv", ".parquet", ".json", ".mat", ".npy"]


def test_a_trace_that_never_changes_gets_a_reason_instead_of_a_name(
    window, suite2p_folder, tmp_path
):
    viewer, dock = window.viewer, window.dock
    flat = suite2p_folder(tmp_path / "flat", fs=12.5, n_frames=200)
    traces = np.load(flat / "plane0" / "F.npy")
    traces[3] = 100
    np.save(flat / "plane0" / "F.npy", traces)
    window.open(flat)
    window.classify()
    dock.session.select(3)
    title = window.rois_dock.traces.title.text()
    assert title == "ROI 3: trace is not finite or never changes"
    rois = next(
        x
        for x in viewer.layers
        if tag_of(x).key == dock.session.active.key and tag_of(x).role == "rois"
    )
    y, x = np.argwhere(rois.data == 4)[0]
    hover = rois.get_status((0, y, x), world=True)["value"]
    assert "never changes" in hover
    assert "p_PY" not in hover


def test_every_roi_is_filled_and_hide_below_leaves_a_thin_outline(window, qtbot):
    dock = window.dock
    window.classify()
    predictions = dock.session.active.predictions
    rois, colors = window.layer("rois"), window.layer("colors")
    assert (colors.data[rois.data > 0] > UNCLASSIFIED).all()
    hide = dock.form.hide_below
    type_number(qtbot, hide, "1")
    assert set(np.unique(colors.data)) == {CLEAR, UNCLASSIFIED}
    assert "hidden\n12" in text_of(dock.legend)
    qtbot.waitUntil(lambda: set(rois.features["predicted"]) == {"unsure"})
    type_number(qtbot, hide, "0")
    assert (colors.data[rois.data > 0] > UNCLASSIFIED).all()
    # The network did not run again.
    now = dock.session.active.predictions
    assert now.model_probabilities is predictions.model_probabilities


def test_a_typed_frame_rate_counts_and_the_result_names_it(window, qtbot):
    dock = window.dock
    type_number(qtbot, dock.form.frame_rate.number, "15")
    window.classify()
    assert dock.session.active.predictions.recording.sampling_frequency == 15.0
    assert dock.legend.heading.text().startswith("quick, 15 Hz, ")


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Tab])
def test_enter_and_leaving_the_box_take_a_typed_frame_rate(window, qtbot, key):
    dock = window.dock
    line = dock.form.frame_rate.number.lineEdit()
    # Without a window manager nothing is active, and focus is not lost.
    dock.window().activateWindow()
    qtbot.mouseClick(line, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(dock.form.frame_rate.number.hasFocus)
    type_number(qtbot, dock.form.frame_rate.number, "15")
    assert dock.session.active.recording.sampling_frequency == 12.5
    qtbot.keyClick(line, key)
    qtbot.waitUntil(lambda: dock.session.active.recording.sampling_frequency == 15)


def test_a_dock_opened_again_shows_what_is_in_use(window, quick_model):
    from napari_celltype.gui.commands import show_dock

    window.classify()
    first = window.dock
    first.form.hide_below.setValue(0.4)
    choice = first.form.prevalence.choice
    choice.setCurrentIndex(choice.findText("All neurons of CA1"))
    heading = first.legend.heading.text()
    window.viewer.window.remove_dock_widget(first)
    again = show_dock(window.viewer, "Classify")
    assert again is not first
    assert again.form.model.value == quick_model
    assert again.form.hide_below.value() == 0.4
    assert again.form.prevalence.choice.currentText() == choice.currentText()
    again.form.model.choose("lstm")
    assert again.legend.heading.text() == heading
    assert heading.startswith("quick, 12.5 Hz, ")


def test_the_input_that_the_terminal_asks_for_is_chosen(window):
    form = window.dock.form
    form.choose_input(0.5)
    assert form.request().neuropil == 0.5
    form.choose_input("none")
    assert form.request().neuropil == "none"


def test_the_dock_has_few_words_beside_its_controls(window, qtbot):
    dock = window.dock
    window.classify()
    shown = map(window.words, (dock.legend, dock.notice, dock.warnings))
    assert sum(len(text.split()) for text in shown) <= 40
    details = dock.legend.details
    assert not details.words.isVisible()
    qtbot.mouseClick(details.button, Qt.MouseButton.LeftButton)
    assert details.words.isVisible()
    assert "Assumed shares" in details.words.text()
    flags = details.words.textInteractionFlags()
    assert flags & Qt.TextInteractionFlag.TextSelectableByMouse


def test_a_rate_confirmed_in_train_is_known_here_and_the_other_way_round(
    window, qtbot, labelled
):
    from napari_celltype.gui.commands import show_dock

    roots = [labelled(name, ["PY"], fs=10.0, n_frames=200) for name in ("m1", "m2")]
    dock, session = window.dock, window.dock.session
    train = show_dock(window.viewer, "Train")
    for root in roots:
        window.open(root)
    qtbot.mouseClick(train.recordings.add_open, Qt.MouseButton.LeftButton)
    first, second = list(session.recordings)[-2:]
    session.activate(first)
    assert "confirm" in dock.form.frame_rate.doubt.text()
    assert "may never have been set" in dock.form.frame_rate.doubt.toolTip()
    assert "frame rate" not in dock.warnings.text
    qtbot.mouseClick(dock.form.frame_rate.button, Qt.MouseButton.LeftButton)
    collected = session.collection.recordings
    assert [r.frequency_confirmed for r in collected if r.key == first] == [True]
    assert [r.frequency_confirmed for r in collected if r.key == second] == [False]

    def yes():
        buttons = train.findChildren(QPushButton)
        return [b for b in buttons if b.text() == "Yes, 10 Hz"]

    qtbot.waitUntil(lambda: len(yes()) == 1)
    qtbot.mouseClick(yes()[0], Qt.MouseButton.LeftButton)
    session.activate(second)
    assert session.active.recording.sampling_frequency_confirmed
    assert not dock.form.frame_rate.doubt.isVisible()


def test_a_tiff_of_another_rate_is_told_beside_the_number(window):
    box = window.dock.form.frame_rate
    recording = replace(
        window.dock.session.active.recording,
        sampling_frequency=30.0,
        sampling_frequency_source=FROM_SUITE2P,
        warnings=(Finding(ANOTHER_RATE, "30 Hz, and the TIFF says 10 Hz."),),
    )
    box.show_recording(recording)
    assert "TIFF" in box.doubt.text()
    assert "10 Hz" in box.doubt.toolTip()


def test_other_shares_change_everything_without_classifying(window, predict):
    dock = window.dock
    predict(dock.session, [0.4, 0.6, 0.0, 0.0])
    before = window.layer("colors").data.copy()
    assert "parvalbumin\n12" in text_of(dock.legend)
    assert "unproven on real cells" in window.hover(3)
    choice = dock.form.prevalence.choice
    choice.setCurrentIndex(choice.findText("All neurons of CA1"))
    assert "pyramidal\n12" in text_of(dock.legend)
    assert "IN 11 %" in text_of(dock.legend)
    assert (window.layer("colors").data != before).any()
    assert dock.form.request().prior == {"IN": 0.11}
    choice.setCurrentIndex(choice.findText("Share of IN"))
    column = dock.findChild(Column)
    assert dock.form.prevalence.percent.isVisible()
    assert column.widget().minimumSizeHint().width() <= column.viewport().width()


def test_doubts_and_reasons_stand_in_the_dock(window, qtbot, predict):
    dock = window.dock
    predict(dock.session, [0.1, 0.4, 0.3, 0.2])
    active = dock.session.active
    doubt = "This recording is noisier than any that the model was trained on."
    made = replace(active.predictions, findings=(Finding("unlike-training", doubt),))
    dock.session.set_predictions(active.key, made)
    dock.notice.show_text("Something else happened.")
    assert doubt in dock.warnings.text
    assert dock.warnings.isVisible()
    assert dock.warnings.y() < dock.legend.y()
    hover = window.hover(3)
    assert hover.index("group: IN") < hover.index("predicted: PV")
    dock.form.hide_below.setValue(0.5)
    qtbot.waitUntil(lambda: "why_unsure: " in window.hover(3))


def test_the_card_is_the_one_of_the_terminal(window, quick_model):
    from napari_celltype.models import describe
    from napari_celltype.models.catalog import find_model

    box = window.dock.form.model
    box.choose(quick_model)
    box.button.setChecked(True)
    assert box.card.isVisible()
    found = find_model(quick_model)
    title = describe(found.card, found.sha256).splitlines()[0].removeprefix("# ")
    shown = box.card.toPlainText()
    assert shown.startswith(title)
    assert found.sha256 in shown


def test_the_toggle_colours_by_group(window):
    viewer, dock = window.viewer, window.dock
    window.classify()
    scene = scene_of(viewer)
    colors = window.layer("colors")
    dock.legend.toggle.setChecked(True)
    types = [scene.palette.outline(name) for name in ("PV", "SOM", "VIP")]
    assert not np.isin(colors.data, types).any()


def test_an_error_is_a_sentence_in_the_dock(window):
    dock = window.dock
    window.classify("no-such-model")
    assert dock.notice.is_error
    assert "no-such-model" in dock.notice.text
    assert dock.session.active.predictions is None


def test_cancel_keeps_what_was_there(window, qtbot, predict, held):
    dock = window.dock
    predict(dock.session, 0.25)
    kept = dock.session.active.predictions
    dock.form.model.choose("quick")
    with qtbot.waitSignal(dock.tasks.ended, timeout=60_000):
        dock.classify()
        qtbot.mouseClick(dock.job.cancel, Qt.MouseButton.LeftButton)
        held.set()
    assert dock.notice.text.startswith("Cancelled")
    assert not dock.notice.is_error
    assert dock.session.active.predictions is kept


def test_opening_while_it_classifies_says_what_was_stopped(
    window, qtbot, suite2p_folder, tmp_path, held
):
    dock = window.dock
    other = suite2p_folder(tmp_path / "other", n_frames=60)
    dock.form.model.choose("quick")
    dock.classify()
    dock.open_paths([other])
    held.set()
    sentence = (
        "Classification of mouse 1 ü plane 0 was stopped because another recording "
        "was opened."
    )
    assert dock.job.running
    assert dock.job.cancel.isVisible()
    assert dock.notice.text == sentence
    qtbot.waitUntil(lambda: not dock.tasks.running, timeout=20_000)
    assert not dock.job.running
    assert sentence in dock.notice.text


@pytest.mark.parametrize("what", ["window", "dock"])
def test_closing_while_it_classifies_leaves_no_thread(window, capsys, what):
    viewer, dock = window.viewer, window.dock
    dock.form.model.choose("quick")
    dock.classify()
    if what == "window":
        viewer.close()
    else:
        viewer.window.remove_dock_widget(dock)
    for thread in threading.enumerate():
        if thread.name == "napari-celltype work":
            thread.join(30)
            assert not thread.is_alive()
    assert capsys.readouterr().err == ""
    if what == "dock":
        assert scene_of(viewer).session.active.predictions is None
