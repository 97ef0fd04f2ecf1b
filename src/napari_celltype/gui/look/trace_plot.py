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

    def __init__(self) -> None:
        super().__init__()
        self._frequency: float | None = None
        self._n_frames = 0
        self._height = (0.0, 1.0)
        self._curves: list[pg.PlotDataItem] = []
        self.n_traces = 0  # of the curves that are drawn, neuropil included
        self._joins: list[pg.InfiniteLine] = []
        self.cursor_line = pg.InfiniteLine(angle=90, movable=False)
        self.cursor_line.setZValue(10)
        self.addItem(self.cursor_line, ignoreBounds=True)
        self.setToolTip(
            "Click: the movie goes to that frame. Wheel: zoom in time. Drag: pan.\n"
            "Double click: the whole recording. Dotted lines: joins of recordings; "
            "bad frames are gaps."
        )
        self.scene().sigMouseClicked.connect(self._on_click)
        self.cursor_line.hide()

    def show_traces(
        self,
        traces: Sequence[ShownTrace],
        sampling_frequency: float | None,
        segments: Sequence[Segment],
        *,
        unit: str,
    ) -> None:
        """Draw one trace in its own units, or several one above another, or none."""
        n_frames = traces[0].main.size if traces else 0
        frames, ends = np.arange(n_frames), np.empty(0, dtype=int)
        if traces and segments:
            frames = np.concatenate([frames[s.start : s.stop] for s in segments])
            ends = np.cumsum([s.stop - s.start for s in segments])
        same_time = (sampling_frequency, n_frames) == (self._frequency, self._n_frames)
        self._frequency, self._n_frames = sampling_frequency, n_frames
        # Curves are kept for the next traces: those that come and go cost more.
        for curve in self._curves[: self.n_traces]:
            curve.setData([], [])
        self.n_traces = 0
        several = len(traces) > 1
        for row, shown in enumerate(reversed(traces)):
            faint = pg.mkColor(self.text_color)
            faint.setAlpha(_FAINT)
            lines = [(shown.main, shown.color)]
            if shown.neuropil is not None:
                lines.insert(0, (shown.neuropil, faint))
            low, high = _range_of([values[frames] for values, _ in lines])
            self._height = (0.0, float(len(traces))) if several else (low, high)
            for values, color in lines:
                if several:
                    values = row + (values - low) * (0.9 / (high - low))
                self._draw(values, frames, ends, color)
        self._draw_joins(segments if traces else ())
        # From the top; where there is no room, only every second or fourth name.
        names = [(row + 0.3, shown.name) for row, shown in enumerate(reversed(traces))]
        names = names[::-1]
        left = self.getAxis("left")
        left.setTicks([names[::4], names[2::4], names[1::2]] if several else None)
        left.setStyle(textFillLimits=_FULL if several else _SPARSE)
        self.setLabel("left", "each scaled" if several else unit)
        self.setLabel("bottom", "time (s)" if sampling_frequency else "frame")
        self.show_axes(bool(traces))
        self.cursor_line.setVisible(bool(traces))
        if not same_time:
            self.show_whole()
        self.setYRange(*self._height, padding=0.05)

    def show_whole(self) -> None:
        """Zoom out to the whole recording."""
        if self._n_frames:
            last = max(self._n_frames - 1, 1)
            self.setXRange(0.0, self.time_of(last), padding=0.01)
            self.setYRange(*self._height, padding=0.05)

    def time_of(self, frame: Any) -> Any:
        """Return where frames are, in the units of the axis."""
        return frame / (self._frequency or 1.0)

    def set_frame(self, frame: int) -> None:
        """Move the cursor to a frame."""
        self.cursor_line.setValue(self.time_of(frame))

    def set_theme(self, background: str, text: str) -> None:
        """Take over the colours of the window."""
        super().set_theme(background, text)
        self.cursor_line.setPen(pg.mkPen(text, width=1.5))

    def _draw(
        self,
        values: NDArray[np.float32],
        frames: NDArray[np.intp],
        ends: NDArray[np.intp],
        color: Any,
    ) -> None:
        """Draw some frames of one line, with gaps before those that follow an end."""
        # A gap lies between its neighbours in time.
        time = self.time_of(np.insert(frames * 1.0, ends, frames[ends - 1] + 0.5))
        if self.n_traces == len(self._curves):
            curve = self.plot([], [])
            curve.setDownsampling(auto=True, method="peak")
            curve.setClipToView(True)
            self._curves.append(curve)
        curve = self._curves[self.n_traces]
        self.n_traces += 1
        curve.setPen(pg.mkPen(color))
        # Gaps, not an error, where suite2p left no number.
        curve.setData(time, np.insert(values[frames], ends, np.nan), connect="finite")

    def _draw_joins(self, segments: Sequence[Segment]) -> None:
        for line in self._joins:
            self.removeItem(line)
        stops = {s.stop for s in segments}
        starts = [s.start for s in segments if s.start in stops][:_MOST_JOINS]
        pen = pg.mkPen(self.text_color, style=Qt.PenStyle.DotLine)
        self._joins = [
            pg.InfiniteLine(self.time_of(start - 0.5), angle=90, pen=pen)
            for start in starts
        ]
        for line in self._joins:
            self.addItem(line, ignoreBounds=True)

    def _on_click(self, event: Any) -> None:
        if self._n_frames == 0 or event.button() != Qt.MouseButton.LeftButton:
            return
        if event.double():
            self.show_whole()
            return
        time = self.getViewBox().mapSceneToView(event.scenePos()).x()
        frame = round(time * (self._frequency or 1.0))
        self.frame_asked.emit(min(max(frame, 0), self._n_frames - 1))


def _range_of(traces: Sequence[NDArray[np.float32]]) -> tuple[float, float]:
    """Return the least and the largest number, never equal."""
    values = np.concatenate(traces)
    values = values[np.isfinite(values)]
    if not values.size:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)
