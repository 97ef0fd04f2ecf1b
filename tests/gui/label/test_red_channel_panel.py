"""Labels from the red channel, dragged and clicked in a real window."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt

from napari_celltype.gui.label.red_channel_panel import RedChannelPanel
from napari_celltype.gui.scene import scene_of
from napari_celltype.gui.widgets import Words
from napari_celltype.labels import Label, LabelTable

N_RED = 20


@pytest.fixture
def folder(red_folder):
    return red_folder(60, N_RED)


def text(panel):
    return "\n".join(words.text() for words in panel.findChildren(Words))


def _drag(qtbot, plot, line, to):
    """Drag a line of a plot with the mouse."""
    box = plot.getViewBox()
    y = np.mean(box.viewRange()[1])
    places = []
    for x in (line.value(), (line.value() + to) / 2, to):
        point = box.mapViewToScene(type(box.viewRect().center())(x, y))
        places.append(plot.mapFromScene(point))
    port, button = plot.viewport(), Qt.MouseButton.LeftButton
    qtbot.mousePress(port, button, pos=places[0])
    for place in [*places[1:], places[-1] + QPoint(1, 0)]:
        qtbot.mouseMove(port, place)
        qtbot.wait(20)
    qtbot.mouseRelease(port, button, pos=places[-1])


def test_two_lines_make_labels(window, qtbot):
    scene = scene_of(window.viewer)
    session = scene.session
    mine = LabelTable((Label(0, "SOM", 0, "histology"), Label(59, "!PV", 0, "manual")))
    session.set_labels(session.active.key, mine)
    panel = RedChannelPanel(scene)
    window.viewer.window._qt_window.resize(1366, 768)
    window.viewer.window.add_dock_widget(panel, name="Red channel", area="right")
    with qtbot.waitSignal(panel.job.ended, timeout=30_000):
        pass
    qtbot.waitUntil(lambda: not panel.histogram.visibleRegion().isEmpty())

    # What was measured is shown, and the proposal separates the groups.
    assert "R2 = 0." in text(panel)
    assert "Proposal: two groups" in text(panel)
    assert "▲ 20 surely red: PV" in text(panel)
    assert "Labels of yours that say something else: 1 (kept)." in text(panel)
    assert panel.rois.model().index(0).data().endswith("▲ red")

    # Dragging a line changes the counts at once, and never crosses the other.
    low, high = panel.histogram.lines
    _drag(qtbot, panel.histogram, panel.histogram.region.lines[1], high + 2)
    assert panel.histogram.lines[1] == pytest.approx(high + 2, abs=0.5)
    assert "▲ 20 surely red" not in text(panel)
    qtbot.mouseClick(panel.propose, Qt.MouseButton.LeftButton)
    assert panel.histogram.lines == (low, high)

    # The list and the points select ROIs; the selection marks both.
    index = panel.rois.model().index(3)
    panel.rois.scrollTo(index)
    spot = panel.rois.visualRect(index).center()
    qtbot.mouseClick(panel.rois.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    assert f"ROI {session.roi_id} " in index.data()
    session.select(30)
    assert panel.rois.currentIndex().data().startswith("ROI 30 ")

    def click_point():
        # Again until the plot has been painted in its final range.
        box = panel.scatter.getViewBox()
        spots = {spot.data(): spot.pos() for spot in panel.scatter.points.points()}
        point = box.mapViewToScene(spots[7])
        qtbot.mouseClick(
            panel.scatter.viewport(),
            Qt.MouseButton.LeftButton,
            pos=panel.scatter.mapFromScene(point),
        )
        assert session.roi_id == 7

    qtbot.waitUntil(click_point, timeout=5_000)

    # The red image takes the place of the other pictures, and they come back.
    pictures = [layer for layer in window.viewer.layers if "image" in layer.name]
    before = [layer.visible for layer in pictures]
    panel.show_image.click()
    shown = [layer for layer in pictures if layer.visible]
    assert [layer.colormap.name for layer in shown] == ["red"]
    panel.show_image.click()
    assert [layer.visible for layer in pictures] == before

    # Apply keeps mine; applied again with others lines it takes its own back.
    panel.apply_button.click()
    rows = session.active.labels.by_roi()
    assert rows[0] == mine.rows[0]
    assert rows[59] == mine.rows[1]
    assert [rows[i].label for i in range(1, N_RED)] == ["PV"] * (N_RED - 1)
    panel.histogram.region.setRegion((low, panel.histogram.lines[1] + 1e3))
    panel.apply_button.click()
    assert not any(row.label == "PV" for row in session.active.labels)

    # Without keeping, Apply says what it replaces, and does so.
    panel.propose.click()
    panel.keep.setChecked(False)
    assert panel.apply_button.text() == "Apply and replace 1"
    panel.apply_button.click()
    assert session.active.labels.by_roi()[0].label == "PV"

    # A user's own type can be the red one.
    session.set_tree(session.tree.with_type("NDNF", color="#5AD08A"))
    panel.positive.value = "NDNF"
    assert "surely red: NDNF" in text(panel)


def test_a_recording_without_red_says_so(window, qtbot, suite2p_folder, tmp_path):
    one = suite2p_folder(tmp_path / "one channel", data_bin=False, n_frames=100)
    window.open(one)
    panel = RedChannelPanel(scene_of(window.viewer))
    qtbot.addWidget(panel)
    with qtbot.waitSignal(panel.job.ended, timeout=30_000):
        pass
    assert "no second channel" in panel.job.notice.text
    assert not panel.apply_button.isEnabled()
    assert panel.apply_button.toolTip() == "There are no red values"
    assert "meanImg_chan2" in panel.show_image.toolTip()
