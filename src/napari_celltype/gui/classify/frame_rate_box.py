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
    """A number in Hz that the user can correct, by typing, or confirm as it is.

    Attributes
    ----------
    confirmed : Signal(float)
        The user gave a rate, Hz, or confirmed the one that is shown.
    doubt : QLabel
        What is not sure about the rate; put it where there is room.
    """

    confirmed = Signal(float)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.number = HertzBox()
        self.number.setMinimumWidth(70)
        self.button = QPushButton("Confirm")
        self.button.setToolTip("Nobody may have set this rate: say that it is right")
        self.doubt = QLabel()
        self.doubt.setWordWrap(True)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.number, 1)
        layout.addWidget(self.button)
        self._recording: Recording | None = None
        self._shown = 0.0
        self._typed = False
        self.number.valueChanged.connect(self._on_value)
        self.number.lineEdit().textEdited.connect(self._on_typing)
        self.number.editingFinished.connect(self.take_typed)
        self.button.clicked.connect(self.confirm)
        self.show_recording(None)

    def show_recording(self, recording: Recording | None) -> None:
        """Show the rate of a recording."""
        self._recording = recording
        self._typed = False
        self.setEnabled(recording is not None)
        rate = None if recording is None else recording.sampling_frequency
        blocked = self.number.blockSignals(True)
        self.number.setValue(rate or 0.0)
        self._shown = self.number.value()
        self.number.blockSignals(blocked)
        self._on_value()
        source, doubt = ("", "") if recording is None else _where_from(recording)
        self.number.setToolTip(f"Frames per second of one plane{source}")
        self.doubt.setText(doubt)
        self.doubt.setVisible(bool(doubt))

    def confirm(self) -> None:
        """Take the number that is shown for the frame rate."""
        self._typed = False
        if self.number.value() > 0:
            self.confirmed.emit(self._rate)

    def take_typed(self) -> None:
        """Take a number that was typed for the frame rate."""
        if self._typed:
            self.number.interpretText()
            self.confirm()

    def _on_typing(self) -> None:
        self._typed = True

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


def _where_from(recording: Recording) -> tuple[str, str]:
    """Return where the rate came from, and what is doubtful about it."""
    if recording.sampling_frequency is None:
        return "", "⚠ Not in the files: type it."
    if recording.sampling_frequency_source == UNCONFIRMED:
        return "", "⚠ suite2p's default: confirm or correct it."
    return f", from {recording.sampling_frequency_source}", ""
