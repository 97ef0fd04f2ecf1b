"""What is trained, from what on, and what is held out: the form of the Train dock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QGridLayout, QLabel, QLineEdit, QPushButton, QWidget

from napari_celltype.gui.forms import Form, models_offered
from napari_celltype.gui.widgets import Words
from napari_celltype.models import DEFAULT_MODEL
from napari_celltype.training.course import Course
from napari_celltype.training.request import TrainRequest

if TYPE_CHECKING:
    from napari_celltype.models import ModelCard


_SCRATCH = ""
_HELD_OUT = {
    "subject": "Whole animals will be held out.",
    "session": "Whole sessions will be held out.",
    "cell": "Cells will be held out, of animals that are trained on.",
    "none": "Nothing is held out, so there will be no score.",
}
_FIRST_NAME = "my-model"
_FROM_SCRATCH = (
    "All weights are learned from these recordings; that takes hundreds of labelled "
    "cells of each type"
)
_TUNING = (
    "Its first layers stay as they are and the last are learned from your cells; "
    "always from the model as it was, with all your labels"
)


class TrainForm(Form):
    """Start, network, layers, epochs, what is held out, device, name."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(
            TrainRequest,
            (
                *("base", "architecture", "tuned_layers", "epochs", "validation"),
                "device",
            ),
            choices={"base": {_SCRATCH: "scratch"}},
            parent=parent,
        )
        self.start = self.native("base")
        self.network = self.native("architecture")
        self.layers = self.native("tuned_layers")
        self.layers.setMaximum(9)
        self.epochs = self.native("epochs")
        self.held_out = self.native("validation")
        self.trouble, self.about_held_out = Words(), Words()
        self.name = QLineEdit(_FIRST_NAME)
        self.name.setToolTip("The name in the list of models")
        self.about_name = Words()
        self._cards: tuple[ModelCard, ...] = ()
        self.add_below("base", self.trouble)
        self.add_below("validation", self.about_held_out)
        self.rows.addRow("Name", self.name)
        self.rows.addRow(self.about_name)
        self.start.currentIndexChanged.connect(self._on_start)
        self.name.textChanged.connect(self._on_name)
        self._on_start()

    @property
    def base(self) -> str | None:
        """The model that training starts from, None for none."""
        chosen: str | None = self.value("base")
        return chosen

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
        first = not self._cards
        self._cards = tuple(cards)
        offered = models_offered(cards)
        self.offer("base", {_SCRATCH: "scratch", **offered})
        if first and DEFAULT_MODEL in offered:
            self.show_values({"base": DEFAULT_MODEL})
        self._on_start()
        self._on_name()

    def show_base(self, card: ModelCard | None, trouble: str = "") -> None:
        """Show what the chosen start is, or why it cannot be used."""
        self.trouble.setText(trouble)
        self.trouble.setVisible(bool(trouble))
        tip = _FROM_SCRATCH
        if card is not None:
            why = "the network is that of the model that training starts from"
            self.fix({"architecture": card.architecture}, why)
            tip = (
                f"{card.name}: windows of {card.window_frames} frames at "
                f"{card.sampling_frequency:g} Hz. {_TUNING}"
            )
        self.start.setToolTip(tip)

    def show_held_out(self, level: str) -> None:
        """Say what is held out of the recordings at hand; empty without any."""
        self.about_held_out.setText(_HELD_OUT.get(level, ""))
        self.about_held_out.setVisible(bool(level))

    def _on_start(self) -> None:
        if self.base is None:
            self.release(["architecture"])
            layers = {"tuned_layers": self.value("tuned_layers")}
            self.fix(layers, "from scratch all layers are learned")
        else:
            self.network.setEnabled(False)
            self.release(["tuned_layers"])
        self.changed.emit()

    def _on_name(self) -> None:
        name = self.model_name
        own = {card.name for card in self._cards if card.origin == "user"}
        result = f"Saved as {name}." if name != self.name.text().strip() else ""
        if name in own:
            result = f"Replaces your model {name}."
        # What is wrong with a name stands beside the button that is off.
        self.about_name.setText("" if self.wrong_name else result)
        self.about_name.setVisible(bool(self.about_name.text()))
        self.changed.emit()


_QUESTION = "Training goes on until you choose:"


class KeepOrThrow(QWidget):
    """Asks; training goes on until there is an answer."""

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
