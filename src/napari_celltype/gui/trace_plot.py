"""The raw trace of one ROI, with the movie's current frame as a cursor."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import Qt, Signal


class TracePlot(pg.PlotWidget):
    """A plot of raw fluorescence over time.

    Attributes
    ----------
    frame_asked : Signal(int)
        The user clicked at a frame.
    """

    frame_asked = Signal(int)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._frequency: float | None = None
        self._n_frames = 0
        self._curve = self.plot([], [], pen=pg.mkPen("#888888"))
        self._curve.setDownsampling(auto=True, method="peak")
        self._curve.setClipToView(True)
        self._cursor = pg.InfiniteLine(angle=90, movable=False)
        self._cursor.hide()
        self.addItem(self._cursor, ignoreBounds=True)
        self.setMouseEnabled(x=True, y=False)
        self.setMenuEnabled(False)
        self.getPlotItem().hideButtons()
        self.getAxis("left").setWidth(66)
        self.getAxis("left").enableAutoSIPrefix(False)
        self.scene().sigMouseClicked.connect(self._on_click)

    def show_trace(
        self,
        trace: NDArray[np.float32],
        sampling_frequency: float | None,
        *,
        title: str,
        color: str,
    ) -> None:
        """Draw a trace.

        Parameters
        ----------
        trace : ndarray, shape (n_frames,)
            Raw fluorescence.
        sampling_frequency : float or None
            Frames per second, Hz; None labels the axis in frames.
        title : str
        color : str
            ``#RRGGBB``.
        """
        same_time = (sampling_frequency, trace.size) == (
            self._frequency,
            self._n_frames,
        )
        self._frequency, self._n_frames = sampling_frequency, trace.size
        time = np.arange(trace.size) / (sampling_frequency or 1.0)
        # Gaps, not an error, where suite2p left no number.
        self._curve.setData(time, trace, connect="finite")
        self._curve.setPen(pg.mkPen(color))
        self._cursor.show()
        self._show_axes(True)
        self.setTitle(title, size="9pt")
        if sampling_frequency:
            self.setLabel("bottom", "time (s)")
        else:
            self.setLabel("bottom", "frame")
        self.setLabel("left", "raw F")
        if not same_time and time.size:
            self.setXRange(0.0, float(time[-1]), padding=0.01)
        finite = trace[np.isfinite(trace)]
        if finite.size:
            self.setYRange(float(finite.min()), float(finite.max()), padding=0.05)

    def clear_trace(self, title: str) -> None:
        """Show no trace, and say why."""
        self._curve.setData([], [])
        self._cursor.hide()
        self._show_axes(False)
        self._frequency, self._n_frames = None, 0
        self.setTitle(title, size="9pt")

    @property
    def cursor_time(self) -> float:
        """Where the cursor stands, in the units of the axis."""
        return float(self._cursor.value())

    def set_frame(self, frame: int) -> None:
        """Move the cursor to a frame."""
        self._cursor.setValue(frame / (self._frequency or 1.0))

    def set_theme(self, background: str, text: str, cursor: str) -> None:
        """Take over the colours of the window."""
        self.setBackground(background)
        for side in ("left", "bottom"):
            self.getAxis(side).setPen(text)
            self.getAxis(side).setTextPen(text)
        self.getPlotItem().titleLabel.setAttr("color", text)
        self.getPlotItem().titleLabel.setText(self.getPlotItem().titleLabel.text)
        self._cursor.setPen(pg.mkPen(cursor, width=1.5))

    def _show_axes(self, shown: bool) -> None:
        for side in ("left", "bottom"):
            self.getPlotItem().showAxis(side, shown)

    def _on_click(self, event: Any) -> None:
        if self._n_frames == 0 or event.button() != Qt.MouseButton.LeftButton:
            return
        time = self.getViewBox().mapSceneToView(event.scenePos()).x()
        frame = round(time * (self._frequency or 1.0))
        self.frame_asked.emit(min(max(frame, 0), self._n_frames - 1))
