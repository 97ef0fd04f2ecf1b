"""Table, plot and picture follow one another in a real window."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_celltype.gui.scene import scene_of


def test_a_click_on_a_roi_selects_its_row_and_shows_its_trace(window, qtbot):
    viewer = window.viewer
    dock = window.rois_dock
    rois = window.layer("rois")
    y, x = np.argwhere(rois.data == 6).mean(axis=0)
    window.click(y, x)
    assert scene_of(viewer).session.roi_id == 5
    assert dock.table.roi_id(dock.view.currentIndex().row()) == 5
    assert "ROI 5" in dock.traces.title


def test_the_title_of_a_trace_says_that_its_type_is_unproven(window, make_predictions):
    session = scene_of(window.viewer).session
    rows = np.tile([0.9, 0.1, 0.0, 0.0], (12, 1))
    rows[4] = [0.1, 0.8, 0.1, 0.0]
    opened = session.active
    session.set_predictions(opened.key, make_predictions(opened.recording, rows))
    tab = window.rois_dock.traces
    session.select(3)
    assert tab.title == "ROI 3: PY 0.90"
    session.select(4)
    assert tab.title == "ROI 4: PV 0.80, unproven"


def test_a_click_beside_all_rois_selects_none(window, qtbot):
    viewer = window.viewer
    session = scene_of(viewer).session
    session.select(3)
    y, x = np.argwhere(window.layer("rois").data == 0)[0] + 1
    window.click(y, x)
    assert session.roi_id is None


def test_a_row_selects_the_roi_in_the_layer(window):
    dock = window.rois_dock
    dock.view.selectRow(7)
    assert window.layer("rois").selected_label == 8


def test_the_label_spin_box_of_the_layer_selects_the_row(window):
    dock = window.rois_dock
    window.layer("rois").selected_label = 3
    assert dock.table.roi_id(dock.view.currentIndex().row()) == 2


def test_the_frame_moves_the_cursor_of_the_plot(window):
    viewer = window.viewer
    dock = window.rois_dock
    scene_of(viewer).session.select(0)
    viewer.dims.set_current_step(0, 250)
    assert dock.plot.cursor_time == pytest.approx(250 / 12.5)


def test_a_click_in_the_plot_moves_the_movie(window, qtbot):
    viewer = window.viewer
    dock = window.rois_dock
    scene_of(viewer).session.select(0)
    view = dock.plot.getViewBox()
    spot = dock.plot.mapFromScene(view.mapViewToScene(pg_point(20.0, view)))
    qtbot.mouseClick(dock.plot.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    assert viewer.dims.current_step[0] == pytest.approx(250, abs=15)


def test_the_plot_follows_the_theme(window):
    viewer = window.viewer
    dock = window.rois_dock
    viewer.theme = "light"
    light = dock.plot.backgroundBrush().color().lightness()
    viewer.theme = "dark"
    assert dock.plot.backgroundBrush().color().lightness() < light


def pg_point(time, view):
    from qtpy.QtCore import QPointF

    (_, _), (low, high) = view.viewRange()
    return QPointF(time, (low + high) / 2)
