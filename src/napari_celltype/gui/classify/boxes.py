"""The boxes of the Classify dock: frame rate, model and prevalence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QTextBrowser,
    QToolButton,
    QWidget,
)

from napari_celltype.answers.shares import Prevalence
from napari_celltype.errors import CellTypeError
from napari_celltype.gui.forms import choice_box, models_offered, narrow, offer
from napari_celltype.models import DEFAULT_MODEL
from napari_celltype.recording import RATE_DOUBTS, UNCONFIRMED, Recording

if TYPE_CHECKING:
    from napari_celltype.models import ModelCard


_HIGHEST = 10_000.0


class _HertzBox(QDoubleSpinBox):
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
    """A number in Hz that the user can correct, by typing, or confirm as it is."""

    confirmed = Signal(float)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.number = _HertzBox()
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
        with QSignalBlocker(self.number):
            self.number.setValue(rate or 0.0)
        self._shown = self.number.value()
        self._on_value()
        source, doubt = ("", "") if recording is None else _where_from(recording)
        self.number.setToolTip(f"Frames per second of one plane{source}")
        self.doubt.setText(doubt)
        warnings = () if recording is None else recording.warnings
        in_full = (str(w) for w in warnings if w.code in RATE_DOUBTS)
        self.doubt.setToolTip("\n".join(in_full))
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


class ModelBox(QWidget):
    """A list of models with a button that shows the card of the chosen one."""

    changed = Signal()

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._box = choice_box()
        self.choice = self._box.native
        self.choice.setToolTip("The network that classifies: bundled, or your own")
        self.button = QToolButton()
        self.button.setText("Card")
        self.button.setCheckable(True)
        self.button.setToolTip("What the model was trained on, its scores, its limits")
        self.card = QTextBrowser()
        self.card.setMinimumHeight(160)
        self.card.hide()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.choice, 1)
        layout.addWidget(self.button)
        self._frequency: float | None = None
        self.choice.currentIndexChanged.connect(self._on_choice)
        self.button.toggled.connect(self._show_card)

    def list_models(self) -> None:
        """Fill the list; a choice that is still there stays."""
        from napari_celltype.models import list_models

        offer(self._box, models_offered(list_models()))
        self._on_choice()

    def list_again(self) -> None:
        """Fill the list anew, where all models can be read."""
        # What is there stays; Classify says what is wrong.
        with suppress(CellTypeError):
            self.list_models()

    @property
    def model(self) -> str:
        """Name of the chosen model, or family."""
        return self.choice.currentData() or DEFAULT_MODEL

    @property
    def value(self) -> str:
        """The same, for forms."""
        return self.model

    @property
    def native(self) -> QWidget:
        """The widget that stands in a form."""
        return self

    def choose(self, model: str) -> None:
        """Choose a model by family, name or file."""
        if self.choice.findData(model) < 0:
            self.choice.addItem(model, model)
        self.choice.setCurrentIndex(self.choice.findData(model))

    def read_card(self) -> ModelCard | None:
        """Return the card of the chosen model, None where it cannot be read."""
        from napari_celltype.models.catalog import find_model

        try:
            return find_model(self.model, self._frequency).card
        except CellTypeError:
            # Classify says what is wrong with it, and so does the card.
            return None

    def set_frequency(self, hertz: float | None) -> None:
        """Show the card of the model that this frame rate, Hz, would take."""
        if hertz != self._frequency:
            self._frequency = hertz
            self._show_card(self.button.isChecked())

    def _on_choice(self) -> None:
        self._show_card(self.button.isChecked())
        self.changed.emit()

    def _show_card(self, shown: bool) -> None:
        self.card.setVisible(shown)
        if shown:
            from napari_celltype.models import describe
            from napari_celltype.models.catalog import find_model

            try:
                found = find_model(self.model, self._frequency)
                self.card.setMarkdown(describe(found.card, found.sha256))
            except CellTypeError as error:
                self.card.setPlainText(str(error))


class PrevalenceBox(QWidget):
    """A list of assumptions, with a box for a share of interneurons in percent."""

    # The prior: shares by type, or None for what the card assumes.
    changed = Signal(object)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._choices: tuple[Prevalence, ...] = ()
        self.choice = narrow(QComboBox())
        # Beside it there is room for the percentage.
        self.choice.setMinimumContentsLength(4)
        self.percent = QDoubleSpinBox()
        self.percent.setRange(0, 100)
        self.percent.setDecimals(1)
        self.percent.setSuffix(" %")
        self.percent.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
        self.percent.setToolTip("Interneurons among all ROIs, in percent")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.choice, 1)
        layout.addWidget(self.percent)
        self.choice.currentIndexChanged.connect(self._on_choice)
        self.percent.valueChanged.connect(self._tell)
        self._on_choice()

    @property
    def chosen(self) -> Prevalence | None:
        """What is chosen; None before a model is known."""
        index: int = self.choice.currentIndex()
        if not 0 <= index < len(self._choices):
            return None
        choice: Prevalence = self._choices[index]
        if choice.is_stated:
            return choice.stating(self.percent.value() / 100)
        return choice

    @property
    def value(self) -> Mapping[str, float] | None:
        """The prior that is chosen, for forms."""
        return None if self.chosen is None else self.chosen.prior

    @property
    def native(self) -> QWidget:
        """The widget that stands in a form."""
        return self

    def show_choices(self, choices: Sequence[Prevalence]) -> None:
        """List what can be assumed for a model; the choice stays where it can."""
        if tuple(choices) == self._choices:
            return
        before = self.choice.currentText()
        first = not self._choices
        self._choices = tuple(choices)
        blocked = self.choice.blockSignals(True)
        self.choice.clear()
        for number, choice in enumerate(self._choices):
            self.choice.addItem(choice.label)
            self.choice.setItemData(number, choice.note, Qt.ItemDataRole.ToolTipRole)
            if choice.is_stated and first and choice.prior:
                self._set_percent(100 * choice.prior["IN"])
        # The list is as wide as its words, the dock is not.
        view = self.choice.view()
        view.setMinimumWidth(view.sizeHintForColumn(0) + 20)
        kept = self.choice.findText(before)
        self.choice.setCurrentIndex(max(kept, 0))
        self.choice.blockSignals(blocked)
        if not first and kept < 0:
            self._on_choice()
        else:
            self._show()

    def show_prior(self, prior: Mapping[str, float] | None) -> None:
        """Show a prior that is in use, without telling of a change."""
        for number, choice in enumerate(self._choices):
            if choice.is_stated and set(prior or {}) == {"IN"}:
                self._set_percent(100 * (prior or {})["IN"])
            elif choice.prior != prior:
                continue
            with QSignalBlocker(self.choice):
                self.choice.setCurrentIndex(number)
            self._show()
            return

    def _set_percent(self, value: float) -> None:
        with QSignalBlocker(self.percent):
            self.percent.setValue(value)

    def _on_choice(self) -> None:
        self._show()
        self._tell()

    def _show(self) -> None:
        chosen = self.chosen
        self.percent.setVisible(chosen is not None and chosen.is_stated)
        self.choice.setToolTip("" if chosen is None else chosen.note)

    def _tell(self) -> None:
        if self.chosen is not None:
            self.changed.emit(self.chosen.prior)
