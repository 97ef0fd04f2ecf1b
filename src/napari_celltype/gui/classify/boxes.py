"""The boxes of the Classify dock: frame rate, model and prevalence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qtpy import QtWidgets
from qtpy.QtCore import QSignalBlocker, Qt, Signal

from napari_celltype.answers.shares import Prevalence
from napari_celltype.errors import CellTypeError
from napari_celltype.gui.forms import choice_box, models_offered, narrow, offer
from napari_celltype.gui.widgets import PercentBox, fill
from napari_celltype.models import DEFAULT_MODEL, ModelCard, describe, list_models
from napari_celltype.models.catalog import find_model
from napari_celltype.recording import (
    RATE_DOUBTS,
    RATE_UNCONFIRMED,
    UNCONFIRMED,
    Recording,
)

_DECIMALS = 3


class _HertzBox(QtWidgets.QDoubleSpinBox):
    """A number in Hz to be typed, 0 for one that nobody knows."""

    def __init__(self) -> None:
        super().__init__(
            maximum=10_000.0,
            decimals=_DECIMALS,
            suffix=" Hz",
            specialValueText="not known",
            buttonSymbols=QtWidgets.QDoubleSpinBox.ButtonSymbols.NoButtons,
            minimumWidth=70,
        )

    def textFromValue(self, value: float) -> str:
        """Write 10.000 as 10."""
        return f"{value:.{_DECIMALS}f}".rstrip("0").rstrip(".")

    def stepBy(self, steps: int) -> None:
        """Leave the number to the keyboard: a wheel that passes changes no rate."""


class FrameRateBox(QtWidgets.QWidget):
    """A number in Hz that the user can correct, by typing, or confirm as it is."""

    confirmed = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self.number = _HertzBox()
        self.button = QtWidgets.QPushButton(
            "Confirm",
            toolTip="Nobody may have set this rate: say that it is right",
            clicked=self.confirm,
        )
        self.doubt = QtWidgets.QLabel(wordWrap=True)
        fill(QtWidgets.QHBoxLayout(self), (self.number, 1), self.button)
        self._recording: Recording | None = None
        self._typed = False
        self.number.lineEdit().textEdited.connect(self._on_typing)
        self.number.editingFinished.connect(self.take_typed)
        self.show_recording(None)

    def show_recording(self, recording: Recording | None) -> None:
        """Show the rate of a recording, and what is doubtful about it."""
        self._recording, self._typed = recording, False
        self.setEnabled(recording is not None)
        source = doubt = in_full = ""
        rate = None if recording is None else recording.sampling_frequency
        confirmed = recording is None or recording.sampling_frequency_confirmed
        codes = [] if recording is None else [w.code for w in recording.warnings]
        is_default = RATE_UNCONFIRMED in codes
        self.number.setValue(rate or 0.0)
        self.button.setEnabled(rate is not None and (not confirmed or is_default))
        if recording is not None:
            if rate is None:
                doubt = "⚠ Not in the files: type it."
            elif recording.sampling_frequency_source == UNCONFIRMED:
                doubt = "⚠ suite2p's default: confirm or correct it."
            else:
                source = f", from {recording.sampling_frequency_source}"
            warnings = recording.warnings
            in_full = "\n".join(str(w) for w in warnings if w.code in RATE_DOUBTS)
            if is_default and not doubt:
                doubt = "⚠ A program's default: confirm or correct it."
            if in_full and not doubt:
                doubt = "⚠ The TIFF says another: correct it if wrong."
        self.number.setToolTip(f"Frames per second of one plane{source}")
        self.doubt.setText(doubt)
        self.doubt.setToolTip(in_full)
        self.doubt.setVisible(bool(doubt))

    def confirm(self) -> None:
        """Take the number that is shown; the recording's own with all its digits."""
        shown = self.number.value()
        own = None if self._recording is None else self._recording.sampling_frequency
        same = own is not None and round(own, _DECIMALS) == shown
        self._typed = False
        if same or not shown:
            self.show_recording(self._recording)
        if shown:
            self.confirmed.emit(own if same else shown)

    def take_typed(self) -> None:
        """Take a number that was typed for the frame rate."""
        if self._typed:
            self.number.interpretText()
            self.confirm()

    def _on_typing(self) -> None:
        self._typed = True
        self.button.setEnabled(True)


class ModelBox(QtWidgets.QWidget):
    """A list of models with a button that shows the card of the chosen one."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._box = choice_box()
        self.choice = self._box.native
        self.choice.setToolTip("The network that classifies: bundled, or your own")
        self.button = QtWidgets.QToolButton(
            text="Card",
            checkable=True,
            toolTip="What the model was trained on, its scores, its limits",
            toggled=self._show_card,
        )
        self.card = QtWidgets.QTextBrowser(minimumHeight=160, visible=False)
        fill(QtWidgets.QHBoxLayout(self), (self.choice, 1), self.button)
        # What stands in a form.
        self.native = self
        self._frequency: float | None = None
        self.choice.currentIndexChanged.connect(self._on_choice)

    def list_models(self) -> None:
        """Fill the list; a choice that is still there stays."""
        offer(self._box, models_offered(list_models()))
        self._on_choice()

    @property
    def value(self) -> str:
        """Name of the chosen model, or family."""
        return self.choice.currentData() or DEFAULT_MODEL

    def choose(self, model: str) -> None:
        """Choose a model by family, name or file."""
        if self.choice.findData(model) < 0:
            self.choice.addItem(model, model)
        self.choice.setCurrentIndex(self.choice.findData(model))

    def read_card(self) -> ModelCard | None:
        """Return the card of the chosen model, None where it cannot be read."""
        try:
            return find_model(self.value, self._frequency).card
        except CellTypeError:
            # Classify says what is wrong with it, and so does the card.
            return None

    def set_frequency(self, hertz: float | None) -> None:
        """Show the card of the model that this frame rate, Hz, would take."""
        if hertz != self._frequency:
            self._frequency = hertz
            self._show_card()

    def _on_choice(self) -> None:
        self._show_card()
        self.changed.emit()

    def _show_card(self) -> None:
        shown = self.button.isChecked()
        self.card.setVisible(shown)
        if shown:
            try:
                found = find_model(self.value, self._frequency)
                self.card.setMarkdown(describe(found.card, found.sha256))
            except CellTypeError as error:
                self.card.setPlainText(str(error))


class PrevalenceBox(QtWidgets.QWidget):
    """A list of assumptions, with a box for a share of interneurons in percent."""

    # The prior: shares by type, or None for what the card assumes.
    changed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.choice = narrow(QtWidgets.QComboBox())
        # Beside it there is room for the percentage.
        self.choice.setMinimumContentsLength(4)
        self.percent = PercentBox(
            toolTip="Interneurons among all ROIs, in percent",
            valueChanged=self._on_choice,
        )
        fill(QtWidgets.QHBoxLayout(self), (self.choice, 1), self.percent)
        # What stands in a form.
        self.native = self
        self.choice.currentIndexChanged.connect(self._on_choice)
        self._show()

    @property
    def value(self) -> Mapping[str, float] | None:
        """The prior that is chosen."""
        choice: Prevalence | None = self.choice.currentData()
        if choice is None:
            return None
        if choice.is_stated:
            choice = choice.stating(self.percent.value() / 100)
        return choice.prior

    def show_choices(self, choices: Sequence[Prevalence]) -> None:
        """List what can be assumed for a model; the choice stays where it can."""
        count = self.choice.count()
        if [self.choice.itemData(i) for i in range(count)] == list(choices):
            return
        name, prior = self.choice.currentText(), self.value
        with QSignalBlocker(self.choice), QSignalBlocker(self.percent):
            self.choice.clear()
            for at, choice in enumerate(choices):
                self.choice.addItem(choice.label, choice)
                self.choice.setItemData(at, choice.note, Qt.ItemDataRole.ToolTipRole)
                if choice.is_stated and choice.prior and not count:
                    self.percent.setValue(100 * choice.prior["IN"])
            self.choice.setCurrentIndex(max(self.choice.findText(name), 0))
        # The list is as wide as its words, the dock is not.
        view = self.choice.view()
        view.setMinimumWidth(view.sizeHintForColumn(0) + 20)
        self._show()
        if self.value != prior:
            self.changed.emit(self.value)

    def show_prior(self, prior: Mapping[str, float] | None) -> None:
        """Show a prior that is in use, without telling of a change."""
        for at in range(self.choice.count()):
            choice: Prevalence = self.choice.itemData(at)
            stated = choice.is_stated and set(prior or {}) == {"IN"}
            if stated or choice.prior == prior:
                with QSignalBlocker(self.choice), QSignalBlocker(self.percent):
                    self.choice.setCurrentIndex(at)
                    if prior and stated:
                        self.percent.setValue(100 * prior["IN"])
                self._show()
                return

    def _on_choice(self) -> None:
        self._show()
        self.changed.emit(self.value)

    def _show(self) -> None:
        choice: Prevalence | None = self.choice.currentData()
        self.percent.setVisible(choice is not None and choice.is_stated)
        self.choice.setToolTip("" if choice is None else choice.note)
