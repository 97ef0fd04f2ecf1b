"""Table, plot and picture follow one another in a real window."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import Mock

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_celltype.gui.look import gallery
from napari_celltype.gui.opened import OpenRecording
from napari_celltype.gui.roi_filter import RoiFilter
from napari_celltype.gui.scene import scene_of
from napari_celltype.labels import Label, LabelTable
from napari_celltype.recording import FROM_USER, Recording, RoiMasks


def current(dock):
    """The ROI of the current row."""
    return dock.table.items([dock.view.currentIndex().row()])[0]


def test_a_roi_is_selected_in_the_picture_the_table_and_the_layer(window):
    dock, rois = window.rois_dock, window.layer("rois")
    session = scene_of(window.viewer).session
    window.click(*np.argwhere(rois.data == 6).mean(axis=0))
    assert (session.roi_id, current(dock)) == (5, 5)
    assert "ROI 5" in dock.traces.title.text()
    dock.view.selectRow(7)
    assert rois.selected_label == 8
    rois.selected_label = 3
    assert current(dock) == 2
    # A click beside all ROIs selects none.
    window.click(*(np.argwhere(rois.data == 0)[0] + 1))
    assert session.roi_id is None


def test_rows_stay_where_they_are_while_a_label_is_shown(window, qtbot):
    dock, session = window.rois_dock, scene_of(window.viewer).session
    bar = dock.view.verticalScrollBar()
    session.select(11)
    assert bar.value() > 0
    bar.setValue(0)
    session.set_labels(session.active.key, LabelTable((Label(11, "PV"),)))
    qtbot.waitUntil(lambda: "Label" in dock.table.titles)
    assert bar.value() == 0


def test_the_title_of_a_trace_says_that_its_type_is_unproven(window, predict):
    session = scene_of(window.viewer).session
    rows = np.tile([0.9, 0.1, 0.0, 0.0], (12, 1))
    rows[4] = [0.1, 0.8, 0.1, 0.0]
    predict(session, rows)
    tab = window.rois_dock.traces
    session.select(3)
    assert tab.title.text() == "ROI 3: PY 0.90"
    session.select(4)
    assert tab.title.text() == "ROI 4: PV 0.80, unproven"


def test_traces_that_are_not_raw_are_called_what_they_are(window):
    session, tab = scene_of(window.viewer).session, window.rois_dock.traces
    recording = replace(session.active.recording, neuropil=None, trace_kind="dF/F")
    session.open(OpenRecording("processed", recording))
    session.select(1)
    assert tab.kind.currentText() == "dF/F"
    assert tab.plot.getAxis("left").labelText == "dF/F"


def test_plot_and_movie_show_the_same_frame(window, qtbot):
    viewer, plot = window.viewer, window.rois_dock.plot
    scene_of(viewer).session.select(0)
    viewer.dims.set_current_step(0, 100)
    assert plot.cursor_line.value() == pytest.approx(100 / 12.5)
    view = plot.getViewBox()
    spot = plot.mapFromScene(view.mapViewToScene(pg_point(20.0, view)))
    qtbot.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    assert viewer.dims.current_step[0] == pytest.approx(250, abs=15)
    viewer.theme = "light"
    light = plot.backgroundBrush().color().lightness()
    viewer.theme = "dark"
    assert plot.backgroundBrush().color().lightness() < light


def test_several_rois_are_selected_in_the_table_and_stacked(window, qtbot, monkeypatch):
    session = scene_of(window.viewer).session
    dock = window.rois_dock
    view, plot = dock.view, dock.plot

    def press(row, modifier):
        spot = view.visualRect(dock.table.index(row, 0)).center()
        left = Qt.MouseButton.LeftButton
        qtbot.mouseClick(view.viewport(), left, modifier, spot)

    press(1, Qt.KeyboardModifier.NoModifier)
    press(3, Qt.KeyboardModifier.ControlModifier)
    assert session.roi_ids == (1, 3)
    assert (session.roi_id, plot.n_traces) == (3, 2)
    assert dock.traces.title.text() == "ROI 3; 2 ROIs"
    dock.traces.kind.setCurrentText("both")
    assert plot.n_traces == 4

    session.select_many([0, 2, 3, 7], current=2)
    rows = [index.row() for index in view.selectionModel().selectedRows()]
    assert sorted(rows) == [0, 2, 3, 7]
    assert view.currentIndex().row() == 2

    monkeypatch.setattr("napari_celltype.gui.look.trace_tab.MOST_STACKED", 5)
    view.selectAll()
    assert len(session.roi_ids) == 12
    assert plot.n_traces == 10
    assert "5 of 12 ROIs drawn" in dock.traces.title.text()


def test_the_largest_transient_fills_the_plot_and_the_whole_comes_back(window):
    session = scene_of(window.viewer).session
    dock = window.rois_dock
    session.select(0)
    dock.zoom_to_largest_transient()
    low, high = dock.plot.viewRange()[0]
    assert high - low == pytest.approx(20, abs=0.5)
    # It stays with the transients of the next ROI.
    session.select(1)
    trace = session.active.recording.raw_traces[1]
    smooth = np.convolve(trace, np.ones(4) / 4, mode="same")
    low, high = dock.plot.viewRange()[0]
    assert low < smooth.argmax() / 12.5 < high
    dock.zoom_to_largest_transient()
    low, high = dock.plot.viewRange()[0]
    assert (low, high) == pytest.approx((0, 70), abs=3)


def test_what_the_filter_hides_is_neither_drawn_nor_clicked(window, qtbot, predict):
    scene = scene_of(window.viewer)
    session, dock = scene.session, window.rois_dock
    rows = np.tile([0.9, 0.1, 0.0, 0.0], (12, 1))
    rows[4:7] = [0.1, 0.7, 0.1, 0.1]
    predict(session, rows)
    rois, colors = window.layer("rois").data, window.layer("colors").data
    assert (colors[rois == 1] > 0).all()

    dock.filters.more.setChecked(True)
    dock.filters.name.setCurrentText("IN")
    assert dock.filters.count.text() == "3 of 12 ROIs shown"
    assert dock.table.items(range(dock.table.rowCount())) == [4, 5, 6]
    assert session.shown(session.active).nonzero()[0].tolist() == [4, 5, 6]
    assert not colors[rois == 1].any()
    assert colors[rois == 5].any()
    window.click(*np.argwhere(rois == 1).mean(axis=0))
    assert session.roi_id is None
    window.click(*np.argwhere(rois == 5).mean(axis=0))
    assert session.roi_id == 4

    # Blind, a filter by type would give the type away.
    session.show_predictions(False)
    assert session.shown(session.active).all()
    qtbot.waitUntil(lambda: dock.filters.count.text() == "12 of 12 ROIs shown")
    assert "without what is about predictions" in dock.filters.count.toolTip()
    session.show_predictions(True)
    dock.filters.least.setValue(0.95)
    assert dock.filters.count.text() == "0 of 12 ROIs shown"
    qtbot.mouseClick(dock.filters.show_all, Qt.MouseButton.LeftButton)
    assert dock.filters.count.text() == "12 ROIs"
    assert dock.filters.name.currentText() == "any type"
    assert (colors[rois == 1] > 0).all()


def test_the_card_the_means_and_the_gallery_follow_what_may_be_seen(
    window, qtbot, predict
):
    session, dock = scene_of(window.viewer).session, window.rois_dock
    card = dock.traces.card
    session.select(4)
    assert "Not classified yet" in card.words.text()
    rows = np.tile([0.9, 0.1, 0.0, 0.0], (12, 1))
    rows[4:7] = [0.1, 0.45, 0.35, 0.1]
    predict(session, rows)
    assert card.bars.isVisible()
    assert "Assumed shares: PY 25 %" in card.words.text()

    dock.tabs.setCurrentWidget(dock.means)
    qtbot.waitUntil(lambda: bool(dock.means.means), timeout=10_000)
    assert [(m.name, m.n_rois) for m in dock.means.means] == [("PY", 9), ("PV", 3)]
    assert "not that it is right" in dock.means.note.text()
    assert "PY: 9 ROIs" in dock.means.note.text()

    dock.tabs.setCurrentWidget(dock.gallery)
    gallery = dock.gallery
    session.set_filter(RoiFilter(name="PV"))
    assert gallery.model.rowCount() == 3
    spot = gallery.view.visualRect(gallery.model.index(2, 0)).center()
    qtbot.mouseClick(gallery.view.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    assert session.roi_id == 6

    session.show_predictions(False)
    dock.tabs.setCurrentWidget(dock.means)
    qtbot.waitUntil(lambda: "hidden" in dock.means.job.notice.text, timeout=10_000)
    assert not dock.means.means
    dock.tabs.setCurrentWidget(dock.traces)
    assert card.words.text() == "Predictions are hidden; H shows them."
    assert not card.bars.isVisible()


def test_a_shape_tells_prediction_guess_and_label_apart(window):
    dock = window.rois_dock

    def picture(title, word):
        found = dock._mark(title, word)
        return None if found is None else found.toImage()

    named, unsure = picture("Type ⚠", "PV"), picture("Type ⚠", "unsure")
    label = picture("Label", "PV")
    middle = named.width() // 2
    assert named.pixelColor(middle, middle).alpha() == 255
    assert unsure.pixelColor(middle, middle).alpha() == 0
    assert label.pixelColor(middle, middle).alpha() == 0
    # A square has a corner where a ring has none.
    assert label.pixelColor(2, 2).alpha() > unsure.pixelColor(2, 2).alpha()
    assert picture("Type", "") is None
    assert picture("ROI", 3) is None


def pg_point(time, view):
    from qtpy.QtCore import QPointF

    (_, _), (low, high) = view.viewRange()
    return QPointF(time, (low + high) / 2)


class CountedTraces:
    """Noise that counts the traces that are read."""

    shape = (2_000, 1_000)

    def __init__(self):
        self.read = 0

    def __getitem__(self, key):
        rows = np.arange(self.shape[0])[key]
        self.read += rows.size
        random = np.random.default_rng(0)
        return random.normal(size=(*rows.shape, self.shape[1])).astype("f4")


def test_of_many_rois_only_what_is_looked_at_is_read_and_drawn(
    window, qtbot, monkeypatch
):
    draw = Mock(wraps=gallery.roi_picture)
    monkeypatch.setattr(gallery, "roi_picture", draw)
    traces = CountedTraces()
    n_rois, _ = traces.shape
    # One row of 7 x 7 squares below the other.
    inside = np.mgrid[:7, :7].reshape(2, 1, -1)
    corners = 10 * np.stack(np.divmod(np.arange(n_rois), 50))[:, :, None] + 2
    ypix, xpix = (inside + corners).reshape(2, -1)
    masks = RoiMasks(ypix, xpix, np.ones(ypix.size, "f4"), 49 * np.arange(n_rois + 1))
    recording = Recording(
        traces,
        masks,
        sampling_frequency=30.0,
        sampling_frequency_source=FROM_USER,
        frame_shape=(410, 510),
        images={"mean image": np.zeros((410, 510), "f4")},
    )
    session, dock = scene_of(window.viewer).session, window.rois_dock
    session.open(OpenRecording("many", recording))
    qtbot.wait(100)
    before = traces.read
    session.select_many(range(30, 50))
    dock.tabs.setCurrentWidget(dock.gallery)
    qtbot.waitUntil(lambda: dock.gallery.model.rowCount() == n_rois)
    session.select(77)
    qtbot.wait(100)
    # Nothing behind the gallery, and only the pictures that can be seen.
    assert traces.read - before == 20
    assert 0 < draw.call_count < 500
