"""The threshold of `unsure`: what the model's card says, or one of the user's own."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QDoubleSpinBox

_STEP = 0.05


class ThresholdBox(QDoubleSpinBox):
    """A probability from 0 to 1; one step below 0 stands for the model's card.

    Attributes
    ----------
    changed : Signal(object)
        The user's own threshold, or None for what the card says.
    """

    changed = Signal(object)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.setRange(-_STEP, 1.0)
        self.setSingleStep(_STEP)
        self.setSpecialValueText("as the card says")
        self.setValue(-_STEP)
        self.setToolTip(
            "Below this probability a ROI is unsure. As the card says: one for each "
            "name where the model was calibrated, else a single one; what it promises "
            "stands below the counts."
        )
        self.valueChanged.connect(lambda: self.changed.emit(self.threshold))

    @property
    def threshold(self) -> float | None:
        """The user's own threshold, None where the card's holds."""
        return None if self.value() < 0 else self.value()
