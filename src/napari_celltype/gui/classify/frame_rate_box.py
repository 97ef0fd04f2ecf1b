"""The frame rate of a recording, where it came from, and the user's word for it."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QDoubleSpinBox, QHBoxLayout, QLabel, QPushButton, QWidget

from napari_celltype.recording import UNCONFIRMED, Recording

_HIGHEST = 10_000.0


class HertzBox(QDoubleSpinBox):
    """A number in Hz, 0 for one that nobody knows, without trailing zeros."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.setRange(0.0, _HIGHEST)
        self.setDecimals(3)
        self.setSuffix(" Hz")
        self.setSpecialValueText("not known")
        self.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)

    def textFromValue(self, value: float) -> str:
        """Write 10.000 as 10."""
        return f"{value:.3f}".rstrip("0").rstrip(".")


class FrameRateBox(QWidget):
    """A number in Hz that the user can correct or confirm.

    Attributes
    ----------
    confirmed : Signal(float)
        The user gave a rate, Hz, or confirmed the one that is shown.
    source : QLabel
        Where the rate came from; put it where there is room.
    """

    confirmed = Signal(float)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.number = HertzBox()
        self.number.setMinimumWidth(70)
        self.number.setToolTip("Frames per second of one plane")
        self.button = QPushButton("Confirm")
        self.button.setToolTip("Take this number for the frame rate of the recording")
        self.source = QLabel()
        self.source.setWordWrap(True)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.number, 1)
        layout.addWidget(self.button)
        self._recording: Recording | None = None
        self._shown = 0.0
        self.number.valueChanged.connect(self._on_value)
        self.button.clicked.connect(self.confirm)
        self.show_recording(None)

    def show_recording(self, recording: Recording | None) -> None:
        """Show the rate of a recording."""
        self._recording = recording
        self.setEnabled(recording is not None)
        rate = None if recording is None else recording.sampling_frequency
        blocked = self.number.blockSignals(True)
        self.number.setValue(rate or 0.0)
        self._shown = self.number.value()
        self.number.blockSignals(blocked)
        self._on_value()
        self.source.setText("" if recording is None else _where_from(recording))
        self.source.setVisible(recording is not None)

    def confirm(self) -> None:
        """Take the number that is shown for the frame rate."""
        if self.number.value() > 0:
            self.confirmed.emit(self._rate)

    @property
    def _rate(self) -> float:
        """What is shown; the recording's own rate, unrounded, if it was not edited."""
        shown = self.number.value()
        own = None if self._recording is None else self._recording.sampling_frequency
        return own if own is not None and shown == self._shown else shown

    def _on_value(self) -> None:
        recording = self._recording
        known = recording is not None and recording.sampling_frequency_confirmed
        same = recording is not None and recording.sampling_frequency == self._rate
        self.button.setEnabled(self.number.value() > 0 and not (known and same))


def _where_from(recording: Recording) -> str:
    if recording.sampling_frequency is None:
        return "⚠ The files do not say it. Give the frames per second of one plane."
    if recording.sampling_frequency_source == UNCONFIRMED:
        return "⚠ suite2p's default, which nobody may have set. Confirm or correct it."
    return f"per plane, from {recording.sampling_frequency_source}"
