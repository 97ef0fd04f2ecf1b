"""From which probability on the ROIs are filled."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QSpinBox

_STEP = 5


class HideBelow(QSpinBox):
    """A probability in percent; 0 hides nothing.

    Attributes
    ----------
    changed : Signal(float)
        The probability, 0 to 1.
    """

    changed = Signal(float)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.setRange(0, 100)
        self.setSingleStep(_STEP)
        self.setSuffix(" %")
        self.setToolTip(
            "ROIs whose type is less probable keep a thin outline, and are “unsure” in "
            "tables"
        )
        self.valueChanged.connect(lambda percent: self.changed.emit(percent / 100))
