"""Red against green of each ROI, and the redness of all with two lines to drag."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import Signal

from napari_celltype.gui.layers import tag_of
from napari_celltype.gui.opened import OpenRecording
from napari_celltype.gui.scene import Scene
from napari_celltype.labels.red_channel import RedChannel, RedGroups
from napari_celltype.recording import RED_IMAGE

if TYPE_CHECKING:
    from napari.layers import Layer


# Symbol, colour and words of each group: the shape tells them apart without colour.
RED, LEFT_OUT, NOT_RED = ("t1", "#E0524D"), ("o", "#9E9E9E"), ("s", "#4C8DD6")
_LINE = "#C9A227"
_N_BINS = 60


class _Plot(pg.PlotWidget):
    """A small plot that looks like the window and cannot be lost by zooming."""

    def __init__(self, height: int, parent: Any = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(height)
        self.setMouseEnabled(x=False, y=False)
        self.setMenuEnabled(False)
        self.getPlotItem().hideButtons()
        self.getAxis("left").setWidth(44)
        for side in ("left", "bottom"):
            self.getAxis(side).enableAutoSIPrefix(False)

    def set_theme(self, background: str, text: str) -> None:
        """Take over the colours of the window."""
        self.setBackground(background)
        for side in ("left", "bottom"):
            self.getAxis(side).setPen(text)
            self.getAxis(side).setTextPen(text)


class RedScatter(_Plot):
    """One point per ROI: green across, red up, and the line between.

    Attributes
    ----------
    roi_clicked : Signal(int)
    """

    roi_clicked = Signal(int)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(170, parent)
        self._points = {}
        for name, (symbol, color) in (
            ("not_red", NOT_RED),
            ("left_out", LEFT_OUT),
            ("red", RED),
        ):
            item = pg.ScatterPlotItem(
                size=7, symbol=symbol, pen=None, brush=pg.mkBrush(color)
            )
            item.sigClicked.connect(self._on_clicked)
            self.addItem(item)
            self._points[name] = item
        self._fit = self.plot([], [], pen=pg.mkPen(_LINE, width=2))
        self._ring = pg.ScatterPlotItem(
            size=13, symbol="o", brush=None, pen=pg.mkPen("#FFFFFF", width=2)
        )
        self.addItem(self._ring)
        self._red: RedChannel | None = None

    def show_points(self, red: RedChannel | None, groups: RedGroups | None) -> None:
        """Draw the ROIs in their groups; nothing without values."""
        self._red = red
        self._ring.setData([], [])
        for name, item in self._points.items():
            if red is None or groups is None:
                item.setData([], [])
                continue
            ids = np.flatnonzero(getattr(groups, name) & np.isfinite(red.red))
            x, y = self._places(red, ids)
            item.setData(x, y, data=ids)
        if red is None or red.slope is None or red.green is None:
            self._fit.setData([], [])
        else:
            span = red.green[red.cells]
            ends = np.array([span.min(), span.max()])
            self._fit.setData(ends, red.slope * ends + (red.intercept or 0.0))
        no_green = red is not None and red.green is None
        self.setLabel("bottom", "ROI" if no_green else "green")
        self.setLabel("left", "red")

    def mark(self, roi_id: int | None) -> None:
        """Draw a ring around one ROI."""
        if self._red is None or roi_id is None or roi_id >= self._red.red.size:
            self._ring.setData([], [])
            return
        x, y = self._places(self._red, np.array([roi_id]))
        known = np.isfinite(x).all() and np.isfinite(y).all()
        self._ring.setData(x if known else [], y if known else [])

    def set_theme(self, background: str, text: str) -> None:
        """Take over the colours of the window."""
        super().set_theme(background, text)
        self._ring.setPen(pg.mkPen(text, width=2))

    def spot(self, roi_id: int) -> tuple[float, float]:
        """Return where a ROI is drawn, in the units of the axes."""
        assert self._red is not None
        x, y = self._places(self._red, np.array([roi_id]))
        return float(x[0]), float(y[0])

    @staticmethod
    def _places(
        red: RedChannel, ids: NDArray[np.intp]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        x = ids.astype(np.float64) if red.green is None else red.green[ids]
        return x, red.red[ids]

    def _on_clicked(self, item: Any, points: Any, event: Any) -> None:
        """Take the nearest of the points below the mouse."""

        def distance(point: Any) -> float:
            away = point.pos() - event.pos()
            return float(np.hypot(*(np.array([away.x(), away.y()]) / pixel)))

        pixel = np.array(self.getViewBox().viewPixelSize())
        if len(points):
            self.roi_clicked.emit(int(min(points, key=distance).data()))


class RednessHistogram(_Plot):
    """How many cells have which redness, and two lines to drag.

    Attributes
    ----------
    moved : Signal()
        A line is being dragged.
    rested : Signal()
        A line was let go.
    low, high : pg.InfiniteLine
        Up to the first an ROI is surely not red, from the second on surely red.
    """

    moved = Signal()
    rested = Signal()

    def __init__(self, parent: Any = None) -> None:
        super().__init__(150, parent)
        self._placing = False
        self._bars = pg.PlotCurveItem(
            [0, 1], [0], stepMode="center", fillLevel=0, brush="#8886", pen="#888"
        )
        self.addItem(self._bars)
        self.low, self.high = (
            pg.InfiniteLine(
                angle=90,
                movable=True,
                pen=pg.mkPen(color, width=3),
                hoverPen=pg.mkPen(color, width=6),
                label=words,
                # Each name stands on the side of its line that it is about.
                labelOpts={
                    "position": 0.9,
                    "color": color,
                    "anchors": [(side, 0.5), (side, 0.5)],
                },
            )
            for words, color, side in (
                ("not red", NOT_RED[1], 1.1),
                ("red", RED[1], -0.1),
            )
        )
        for line in (self.low, self.high):
            self.addItem(line)
            line.sigPositionChanged.connect(self._on_moved)
            line.sigPositionChangeFinished.connect(self.rested)
        self.setLabel("left", "cells")

    @property
    def lines(self) -> tuple[float, float]:
        """The redness at the two lines, the lower one first."""
        first, second = float(self.low.value()), float(self.high.value())
        return min(first, second), max(first, second)

    def set_lines(self, low: float, high: float) -> None:
        """Put the lines somewhere."""
        self._placing = True
        self.low.setValue(low)
        self.high.setValue(high)
        self._placing = False
        self.rested.emit()

    def show_redness(self, red: RedChannel | None) -> None:
        """Draw the distribution over the cells; nothing without values."""
        values = np.empty(0) if red is None else red.redness[red.cells]
        for line in (self.low, self.high):
            line.setVisible(values.size > 0)
        if not values.size:
            self._bars.setData([0, 1], [0])
            return
        # A few extremely red cells would squeeze all others into one bar.
        start, stop = float(values.min()), float(np.quantile(values, 0.99))
        stop = max(stop + 0.2 * (stop - start), start + 1e-9)
        edges = np.linspace(start, stop, _N_BINS + 1)
        counts, _ = np.histogram(np.minimum(values, stop), edges)
        self._bars.setData(edges, counts)
        margin = 0.05 * (stop - start)
        self.setXRange(start - margin, stop + margin, padding=0)
        self.setYRange(0, float(counts.max()) * 1.05, padding=0)
        for line in (self.low, self.high):
            line.setBounds((start - margin, stop + margin))
        unit = "redness (spreads of the cells)" if red and red.slope else "red"
        self.setLabel("bottom", unit)

    def _on_moved(self) -> None:
        if self._placing:
            return
        low, high = self.low.value(), self.high.value()
        # The line that is dragged pushes the other along: they never cross.
        if low > high and self.low.moving:
            self.high.setValue(low)
        elif low > high:
            self.low.setValue(high)
        else:
            self.moved.emit()


class RedImage:
    """Shows the red image of a recording, and puts back what was shown before.

    Parameters
    ----------
    scene : Scene
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._before: dict[str, bool] = {}
        self._shown: OpenRecording | None = None

    def has_one(self, opened: OpenRecording | None) -> bool:
        """Tell whether there is a red image to show."""
        return opened is not None and RED_IMAGE in opened.recording.images

    def show(self, opened: OpenRecording) -> None:
        """Show the red image of a recording in place of its other pictures."""
        self.hide()
        image = opened.recording.images[RED_IMAGE]
        layers = self._pictures(opened)
        if not any(layer.data is image for layer in layers):
            return
        self._shown = opened
        for layer in layers:
            self._before[layer.name] = layer.visible
            layer.visible = layer.data is image
            if layer.data is image:
                layer.colormap = "red"

    def hide(self) -> None:
        """Show what was shown before."""
        if self._shown is None:
            return
        for layer in self._pictures(self._shown):
            layer.visible = self._before.get(layer.name, layer.visible)
        self._before, self._shown = {}, None

    def _pictures(self, opened: OpenRecording) -> list[Layer]:
        """Return the images and the movie of a recording."""
        tagged = [(layer, tag_of(layer)) for layer in self._scene.viewer.layers]
        return [
            layer
            for layer, tag in tagged
            if tag and tag.key == opened.key and tag.role in ("image", "movie")
        ]
