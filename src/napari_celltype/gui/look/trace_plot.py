"""Traces of the selected ROIs over time, with the movie's current frame as a cursor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import Qt, Signal

from napari_celltype.gui.plot import Plot
from napari_celltype.recording import Segment

_MOST_JOINS = 50
_FAINT = 110
# How much of the axis its words may fill, by their number; the latter is pyqtgraph's.
_FULL = [(0, 1.0)]
_SPARSE = [(0, 0.8), (2, 0.6), (4, 0.4), (6, 0.2)]


@dataclass(frozen=True, eq=False)
class ShownTrace:
    """A ROI's line in the plot."""

    name: str
    color: str
    main: NDArray[np.float32]
    neuropil: NDArray[np.float32] | None = None


class TracePlot(Plot):
    """Fluorescence over time: one ROI in its own units, or several stacked."""

    frame_asked = Signal(int)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._frequency: float | None = None
        self._n_frames = 0
        self._height = (0.0, 1.0)
        self._curves: list[pg.PlotDataItem] = []
        self._used = 0
        self._joins: list[pg.InfiniteLine] = []
        self._cursor = pg.InfiniteLine(angle=90, movable=False)
        self._cursor.setZValue(10)
        self._cursor.hide()
        self.addItem(self._cursor, ignoreBounds=True)
        self.setToolTip(
            "Click: the movie goes to that frame. Wheel: zoom in time. Drag: pan.\n"
            "Double click: the whole recording. Dotted lines: joins of recordings; "
            "bad frames are gaps."
        )
        self.scene().sigMouseClicked.connect(self._on_click)

    def show_traces(
        self,
        traces: Sequence[ShownTrace],
        sampling_frequency: float | None,
        segments: Sequence[Segment],
        *,
        unit: str,
    ) -> None:
        """Draw one trace in its own units, or several one above another."""
        n_frames = traces[0].main.size
        same_time = (sampling_frequency, n_frames) == (self._frequency, self._n_frames)
        self._frequency, self._n_frames = sampling_frequency, n_frames
        self._clear()
        order, time = self._broken_time(segments)
        ticks = []
        several = len(traces) > 1
        for row, shown in enumerate(reversed(traces)):
            low, high = _range_of(shown)
            offset, scale = (row, 0.9 / (high - low)) if several else (0.0, 1.0)
            base = low if several else 0.0
            ticks.append((row + 0.3, shown.name))
            if shown.neuropil is not None:
                faint = pg.mkColor(self.text_color)
                faint.setAlpha(_FAINT)
                self._draw(time, _at(shown.neuropil, order), base, scale, offset, faint)
            self._draw(time, _at(shown.main, order), base, scale, offset, shown.color)
            self._height = (low, high)
        if several:
            self._height = (0.0, float(len(traces)))
        self._draw_joins(segments)
        # From the top; where there is no room, only every second or fourth name.
        names = ticks[::-1]
        levels = [names[::4], names[2::4], names[1::2]]
        left = self.getAxis("left")
        left.setTicks(levels if several else None)
        left.setStyle(textFillLimits=_FULL if several else _SPARSE)
        self.setLabel("left", "each scaled" if several else unit)
        self.setLabel("bottom", "time (s)" if sampling_frequency else "frame")
        self.show_axes(True)
        self._cursor.show()
        if not same_time:
            self.show_whole()
        self.setYRange(*self._height, padding=0.05)

    def show_none(self) -> None:
        """Show no trace."""
        self._clear()
        self._cursor.hide()
        self.show_axes(False)
        self._frequency, self._n_frames = None, 0

    def show_whole(self) -> None:
        """Zoom out to the whole recording."""
        if self._n_frames:
            last = max(self._n_frames - 1, 1)
            self.setXRange(0.0, self.time_of(last), padding=0.01)
            self.setYRange(*self._height, padding=0.05)

    def show_frames(self, start: float, stop: float) -> None:
        """Zoom in on some frames."""
        self.setXRange(self.time_of(start), self.time_of(stop), padding=0)

    def time_of(self, frame: float) -> float:
        """Return where a frame is, in the units of the axis."""
        return frame / (self._frequency or 1.0)

    @property
    def n_traces(self) -> int:
        """Number of lines that are drawn, neuropil included."""
        return self._used

    @property
    def cursor_time(self) -> float:
        """Where the cursor stands, in the units of the axis."""
        return float(self._cursor.value())

    def set_frame(self, frame: int) -> None:
        """Move the cursor to a frame."""
        self._cursor.setValue(self.time_of(frame))

    def set_theme(self, background: str, text: str) -> None:
        """Take over the colours of the window."""
        super().set_theme(background, text)
        self._cursor.setPen(pg.mkPen(text, width=1.5))

    def _draw(
        self,
        time: NDArray[np.float64],
        values: NDArray[np.float32],
        base: float,
        scale: float,
        offset: float,
        color: Any,
    ) -> None:
        if self._used == len(self._curves):
            curve = self.plot([], [])
            curve.setDownsampling(auto=True, method="peak")
            curve.setClipToView(True)
            self._curves.append(curve)
        curve = self._curves[self._used]
        self._used += 1
        curve.setPen(pg.mkPen(color))
        # Gaps, not an error, where suite2p left no number.
        curve.setData(time, (values - base) * scale + offset, connect="finite")

    def _broken_time(
        self, segments: Sequence[Segment]
    ) -> tuple[NDArray[np.intp] | None, NDArray[np.float64]]:
        """Return which frame each sample is, -1 for a gap, and when; None for all."""
        frames = np.arange(self._n_frames)
        if len(segments) > 1:
            good = [frames[s.start : s.stop] for s in segments]
            gap = np.array([-1])
            order = np.concatenate([part for g in good for part in (g, gap)])
            # A gap lies between its neighbours in time.
            when = np.where(order < 0, np.roll(order, 1) + 0.5, order)
            return order, when / (self._frequency or 1.0)
        return None, frames / (self._frequency or 1.0)

    def _draw_joins(self, segments: Sequence[Segment]) -> None:
        stops = {s.stop for s in segments}
        joins = [s.start for s in segments if s.start in stops][:_MOST_JOINS]
        pen = pg.mkPen(self.text_color, style=Qt.PenStyle.DotLine)
        for frame in joins:
            line = pg.InfiniteLine(self.time_of(frame - 0.5), angle=90, pen=pen)
            self.addItem(line, ignoreBounds=True)
            self._joins.append(line)

    def _clear(self) -> None:
        # Lines are kept for the next traces: those that come and go cost more.
        for curve in self._curves[: self._used]:
            curve.setData([], [])
        self._used = 0
        for line in self._joins:
            self.removeItem(line)
        self._joins = []

    def _on_click(self, event: Any) -> None:
        if self._n_frames == 0 or event.button() != Qt.MouseButton.LeftButton:
            return
        if event.double():
            self.show_whole()
            return
        time = self.getViewBox().mapSceneToView(event.scenePos()).x()
        frame = round(time * (self._frequency or 1.0))
        self.frame_asked.emit(min(max(frame, 0), self._n_frames - 1))


def _at(
    values: NDArray[np.float32], order: NDArray[np.intp] | None
) -> NDArray[np.float32]:
    """Return the samples in the order of `_broken_time`, NaN for a gap."""
    if order is None:
        return values
    return np.where(order < 0, np.float32(np.nan), values[order])


def _range_of(shown: ShownTrace) -> tuple[float, float]:
    """Return the least and the largest number of a trace, never equal."""
    parts = [shown.main] if shown.neuropil is None else [shown.main, shown.neuropil]
    finite = [part[np.isfinite(part)] for part in parts]
    values = [v for v in finite if v.size]
    if not values:
        return 0.0, 1.0
    low = min(float(v.min()) for v in values)
    high = max(float(v.max()) for v in values)
    return (low, high) if high > low else (low - 0.5, high + 0.5)
