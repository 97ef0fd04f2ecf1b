"""The layers of an open recording in a real window."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_celltype.gui.layers import tag_of
from napari_celltype.gui.scene import scene_of


def press_delete(window, qtbot):
    """Press the key that deletes the chosen layers, in the list of layers."""
    layers = window.viewer.window._qt_viewer.layers
    qtbot.keyClick(layers, Qt.Key.Key_Delete)


def test_the_rois_layer_is_hovered_over_and_not_painted_on(window):
    rois = window.layer("rois")
    assert window.viewer.layers.selection.active is rois
    assert not rois.editable
    y, x = np.argwhere(rois.data == 4)[0]
    assert "roi_id: 3" in rois.get_status((0, y, x), world=True)["value"]


def test_the_selected_roi_gets_a_ring(window):
    viewer = window.viewer
    colors = window.layer("colors")
    before = colors.data.copy()
    scene_of(viewer).session.select(4)
    assert (colors.data != before).any()
    scene_of(viewer).session.select(None)
    np.testing.assert_array_equal(colors.data, before)


def test_moving_through_time_uncovers_the_movie(window):
    viewer = window.viewer
    viewer.dims.set_current_step(0, 10)
    viewer.dims.set_current_step(0, 11)
    assert not window.layer("image").visible
    assert window.layer("movie").visible


def test_deleting_the_rois_by_key_closes_the_recording(window, qtbot, folder):
    viewer, dock = window.viewer, window.dock
    names = [layer.name for layer in viewer.layers]
    press_delete(window, qtbot)
    assert dock.session.active is None
    qtbot.waitUntil(lambda: len(viewer.layers) == 0)
    window.open(folder)
    assert [layer.name for layer in viewer.layers] == names


def test_deleting_the_rois_while_they_are_classified_says_what_became_of_it(
    window, qtbot
):
    dock = window.dock
    dock.form.model.choose("quick")
    with qtbot.waitSignal(dock.tasks.ended, timeout=60_000):
        qtbot.mouseClick(dock.run.classify, Qt.MouseButton.LeftButton)
        press_delete(window, qtbot)
    assert dock.notice.text == "mouse 1 ü plane 0 was closed, so it has no result."


def test_the_status_bar_says_what_a_click_does_to_rois(window, qtbot):
    viewer, rois = window.viewer, window.layer("rois")
    y, x = rois.data.shape
    window.click(y / 2, x / 2)
    qtbot.waitUntil(lambda: viewer.help.startswith("click a ROI"))
    # Not napari's brush and eraser: nothing is painted here, and keys give labels.
    for key in (Qt.Key.Key_2, Qt.Key.Key_1):
        qtbot.keyClick(viewer.window._qt_viewer.canvas.native, key)
        assert viewer.help.startswith("click a ROI")


@pytest.mark.parametrize("roles", [("rois", "colors"), ()])
def test_deleting_layers_in_any_order_closes_the_recording(window, roles):
    layers = window.viewer.layers
    for layer in [window.layer(role) for role in roles]:
        layers.remove(layer)
    layers.select_all()
    layers.remove_selected()
    QApplication.processEvents()
    assert window.dock.session.active is None
    assert not layers


def test_deleted_colours_come_back_with_the_next_colouring(window, predict):
    viewer, dock = window.viewer, window.dock
    dock.session.select(4)
    drawn = window.layer("colors").data.copy()
    viewer.layers.remove(window.layer("colors"))
    predict(dock.session, np.nan)
    np.testing.assert_array_equal(window.layer("colors").data, drawn)
    assert [tag_of(x).role for x in viewer.layers][-2:] == ["colors", "rois"]
    assert viewer.layers.selection.active is window.layer("rois")
    dock.legend.toggle.setChecked(True)
    assert [tag_of(x).role for x in viewer.layers].count("colors") == 1


def test_hiding_the_rois_hides_their_colours(window):
    window.layer("rois").visible = False
    assert not window.layer("colors").visible
