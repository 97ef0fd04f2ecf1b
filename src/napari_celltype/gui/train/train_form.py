"""What is trained, from what on, and what is held out: the form of the Train dock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QGridLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QWidget,
)

from napari_celltype.gui.widgets import Words
from napari_celltype.models import DEFAULT_MODEL, NETWORKS, network_title
from napari_celltype.training.course import Course
from napari_celltype.training.train import n_layers

if TYPE_CHECKING:
    from napari_celltype.models import ModelCard


SCRATCH = ""
_HELD_OUT = (
    ("the strictest possible", "auto"),
    ("whole animals", "subject"),
    ("whole sessions", "session"),
    ("single cells", "cell"),
    ("nothing (no score)", "none"),
)
_SAID = {
    "subject": "Whole animals will be held out.",
    "session": "Whole sessions will be held out.",
    "cell": "Cells will be held out, of animals that are trained on.",
    "none": "Nothing is held out, so there will be no score.",
}
_DEVICES = ("auto", "cpu", "cuda", "mps")
_FIRST_NAME = "my-model"
_FROM_SCRATCH = (
    "All weights are learned from these recordings; that takes hundreds of labelled "
    "cells of each type"
)
_TUNING = (
    "Its first layers stay as they are and the last are learned from your cells; "
    "always from the model as it was, with all your labels"
)


class TrainForm(QWidget):
    """Start, network, layers, epochs, what is held out, device, name.

    Attributes
    ----------
    changed : Signal()
        Something that decides whether training is possible was changed.
    """

    changed = Signal()

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.start = QComboBox()
        self.trouble = Words()
        self.network = QComboBox()
        self.layers = QSpinBox()
        self.epochs = QSpinBox()
        self.held_out = QComboBox()
        self.about_held_out = Words()
        self.device = QComboBox()
        self.name = QLineEdit(_FIRST_NAME)
        self.about_name = Words()
        self._cards: tuple[ModelCard, ...] = ()
        self._fill()
        self._lay_out()
        self.start.currentIndexChanged.connect(self._on_start)
        self.held_out.currentIndexChanged.connect(self.changed)
        self.name.textChanged.connect(self._on_name)
        self._on_start()

    @property
    def base(self) -> str | None:
        """The model that training starts from, None for none."""
        return self.start.currentData() or None

    @property
    def model_name(self) -> str:
        """The name that the model gets."""
        return "-".join(self.name.text().split())

    @property
    def wrong_name(self) -> str:
        """Why the model cannot have its name; empty where it can."""
        name = self.model_name
        if not name:
            return "Give the model a name."
        if not name[0].isalnum() or not all(c.isalnum() or c in "-_." for c in name):
            return (
                "A model's name has letters, digits, '-', '_' and '.' only, and "
                "starts with a letter or digit."
            )
        if len(name) > 100:
            return "A model's name has at most 100 letters."
        bundled = [card for card in self._cards if card.origin == "simulation"]
        if name in {n for card in bundled for n in (card.name, card.family)}:
            return f"{name} is the name of a bundled model; choose another."
        return ""

    def list_models(self, cards: Sequence[ModelCard]) -> None:
        """Offer models to start from: the bundled families, then the user's own."""
        self._cards = tuple(cards)
        from napari_celltype.models import families_of

        many = self.start.count() > 1
        chosen = self.start.currentData() if many else DEFAULT_MODEL
        own = [card.name for card in cards if card.origin == "user"]
        blocked = self.start.blockSignals(True)
        self.start.clear()
        self.start.addItem("scratch", SCRATCH)
        for family in families_of(cards):
            self.start.addItem(f"{network_title(family)} (bundled)", family)
        for name in own:
            self.start.addItem(name, name)
        self.start.setCurrentIndex(max(0, self.start.findData(chosen)))
        self.start.blockSignals(blocked)
        self._on_start()
        self._on_name()

    def show_base(self, card: ModelCard | None, trouble: str = "") -> None:
        """Show what the chosen start is, or why it cannot be used."""
        self.trouble.setText(trouble)
        self.trouble.setVisible(bool(trouble))
        tip = _FROM_SCRATCH
        if card is not None:
            self.layers.setMaximum(n_layers(card))
            self._offer_networks([card.architecture])
            self.network.setCurrentIndex(self.network.findData(card.architecture))
            tip = (
                f"{card.name}: windows of {card.window_frames} frames at "
                f"{card.sampling_frequency:g} Hz. {_TUNING}"
            )
        self.start.setToolTip(tip)

    def show_held_out(self, level: str) -> None:
        """Say what the choice comes to with the recordings at hand.

        Parameters
        ----------
        level : str
            ``subject``, ``session``, ``cell``, ``none``, or empty without recordings.
        """
        self.about_held_out.setText(_SAID.get(level, ""))
        self.about_held_out.setVisible(bool(level))

    def _fill(self) -> None:
        self.start.addItem("scratch", SCRATCH)
        self._offer_networks(NETWORKS)
        self.layers.setRange(1, 3)
        self.layers.setToolTip(
            "How many layers are learned, counted from the output; 1 needs the fewest "
            "cells"
        )
        self.epochs.setRange(1, 10_000)
        self.epochs.setValue(20)
        self.epochs.setToolTip(
            "Times that all training cells are gone through; the best epoch is kept"
        )
        for text, name in _HELD_OUT:
            self.held_out.addItem(text, name)
        self.held_out.setToolTip(
            "A fifth of the cells or more, in whole groups, is scored and not trained "
            "on: whole animals where several hold each type, else whole sessions, else "
            "cells. Never single traces of a cell that is trained on"
        )
        for device in _DEVICES:
            self.device.addItem(device, device)
        self.device.setToolTip("auto takes a CUDA or Apple GPU where there is one")
        self.name.setToolTip("The name in the list of models")

    def _offer_networks(self, names: Iterable[str]) -> None:
        for name in names:
            if self.network.findData(name) < 0:
                self.network.addItem(network_title(name), name)

    def _lay_out(self) -> None:
        for combo in (self.start, self.held_out):
            # A long name does not widen the dock.
            combo.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            combo.setMinimumContentsLength(8)
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(4)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Start from", self.start)
        form.addRow(self.trouble)
        form.addRow("Network", self.network)
        form.addRow("Layers learned", self.layers)
        form.addRow("Epochs", self.epochs)
        form.addRow("Hold out", self.held_out)
        form.addRow(self.about_held_out)
        form.addRow("Device", self.device)
        form.addRow("Name", self.name)
        form.addRow(self.about_name)

    def _on_start(self) -> None:
        tuned = self.base is not None
        self.network.setEnabled(not tuned)
        self.network.setToolTip(
            "Off: the network is that of the model that training starts from"
            if tuned
            else "The network that is trained"
        )
        self.layers.setEnabled(tuned)
        tip = self.layers.toolTip().split("\nOff: ")[0]
        off = "\nOff: from scratch all layers are learned"
        self.layers.setToolTip(tip if tuned else tip + off)
        self.changed.emit()

    def _on_name(self) -> None:
        name = self.model_name
        own = {card.name for card in self._cards if card.origin == "user"}
        said = f"Saved as {name}." if name != self.name.text().strip() else ""
        if name in own:
            said = f"Replaces your model {name}."
        # What is wrong with a name stands beside the button that is off.
        self.about_name.setText("" if self.wrong_name else said)
        self.about_name.setVisible(bool(self.about_name.text()))
        self.changed.emit()


_QUESTION = "Training goes on until you choose:"


class KeepOrThrow(QWidget):
    """Asks; training goes on until there is an answer.

    Attributes
    ----------
    kept, thrown_away : Signal()
        The answer.
    """

    kept = Signal()
    thrown_away = Signal()

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.question = QLabel(_QUESTION)
        self.keep = QPushButton()
        self.throw = QPushButton("Throw away")
        self.go_on = QPushButton("Go on")
        self.keep.setToolTip("Stop, and save the model as it is after that epoch")
        self.throw.setToolTip("Stop now and save nothing")
        self.go_on.setToolTip("Train all epochs")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(4)
        grid.addWidget(self.question, 0, 0, 1, 2)
        grid.addWidget(self.keep, 1, 0, 1, 2)
        grid.addWidget(self.throw, 2, 0)
        grid.addWidget(self.go_on, 2, 1)
        self.keep.clicked.connect(self._on_keep)
        self.throw.clicked.connect(self._on_throw)
        self.go_on.clicked.connect(self.hide)
        self.hide()

    def ask(self, course: Course) -> None:
        """Show the question."""
        self.question.setText(_QUESTION)
        self._show_buttons(True)
        self.show_best(course)
        self.show()

    def show_best(self, course: Course) -> None:
        """Name the epoch that would be kept now."""
        if course.chance is None:
            # Without a score there is none to go back to.
            self.keep.setText("Finish this epoch and keep it")
        else:
            self.keep.setText(f"Keep epoch {course.best_epoch} (best)")

    def _on_keep(self) -> None:
        self._answered()
        self.kept.emit()

    def _on_throw(self) -> None:
        self._answered()
        self.thrown_away.emit()

    def _answered(self) -> None:
        self.question.setText("Stopping...")
        self._show_buttons(False)

    def _show_buttons(self, shown: bool) -> None:
        for button in (self.keep, self.throw, self.go_on):
            button.setVisible(shown)
