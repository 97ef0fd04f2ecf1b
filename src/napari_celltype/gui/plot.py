"""What all plots have in common: the window's theme, and axes in plain numbers."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg

LEFT_WIDTH = 66


class Plot(pg.PlotWidget):
    """A plot that zooms and pans along its time axis."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.text_color = "#888888"
        self.setMouseEnabled(x=True, y=False)
        self.setMenuEnabled(False)
        self.getPlotItem().hideButtons()
        self.getAxis("left").setWidth(LEFT_WIDTH)
        self.getAxis("left").enableAutoSIPrefix(False)

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
