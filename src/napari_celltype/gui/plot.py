"""What all plots have in common: the window's theme, and axes in plain numbers."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from napari import Viewer
from napari.utils.theme import get_theme

from napari_celltype.gui.widgets import listen


class Plot(pg.PlotWidget):
    """A plot that zooms and pans along its time axis."""

    def __init__(self) -> None:
        super().__init__()
        self.text_color = "#888888"
        self.setMouseEnabled(x=True, y=False)
        self.setMenuEnabled(False)
        self.getPlotItem().hideButtons()
        self.getAxis("left").setWidth(66)
        self.getAxis("left").enableAutoSIPrefix(False)

    def follow_theme(self, viewer: Viewer) -> None:
        """Have the colours of the window, also when they change."""
        self._viewer = viewer
        listen(self, self._on_theme, viewer.events.theme)
        self._on_theme()

    def _on_theme(self, event: Any = None) -> None:
        theme = get_theme(self._viewer.theme)
        self.set_theme(theme.background.as_hex(), theme.text.as_hex())

    def set_theme(self, background: str, text: str) -> None:
        """Take over the colours of the window, ``#RRGGBB``."""
        self.text_color = text
        self.setBackground(background)
        for side in ("left", "bottom"):
            self.getAxis(side).setPen(text)
            self.getAxis(side).setTextPen(text)

    def show_axes(self, shown: bool) -> None:
        """Show or hide both axes."""
        for side in ("left", "bottom"):
            self.getPlotItem().showAxis(side, shown)


class SmallPlot(Plot):
    """A plot that cannot be lost by zooming, `height` pixels high."""

    def __init__(self, height: int, tip: str) -> None:
        super().__init__()
        self.setToolTip(tip)
        self.setFixedHeight(height)
        self.setMouseEnabled(x=False, y=False)
        self.getAxis("left").setWidth(44)
        self.getAxis("bottom").enableAutoSIPrefix(False)
