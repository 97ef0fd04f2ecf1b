"""Two widgets side by side where there is width, else one above the other."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QSplitter, QWidget


class Beside(QSplitter):
    """A splitter that turns with its own shape.

    Parameters
    ----------
    first, second : QWidget
    shares : pair of int
        How room is divided at first, and when there is more of it.
    """

    def __init__(
        self,
        first: QWidget,
        second: QWidget,
        shares: tuple[int, int],
        parent: Any = None,
    ) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        for number, widget in enumerate((first, second)):
            self.addWidget(widget)
            self.setStretchFactor(number, shares[number])
        self.setSizes([share * 100 for share in shares])
        self.setChildrenCollapsible(False)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Turn to the longer side."""
        super().resizeEvent(event)
        wide = self.width() > self.height()
        self.setOrientation(
            Qt.Orientation.Horizontal if wide else Qt.Orientation.Vertical
        )
