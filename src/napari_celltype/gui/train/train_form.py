"""What is trained, from what on, and what is held out: the form of the Train dock."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QGridLayout, QLabel, QLineEdit, QPushButton, QWidget

from napari_celltype.gui.forms import Form, models_offered
from napari_celltype.gui.widgets import Notice, fill_grid
from napari_celltype.models import DEFAULT_MODEL, ModelCard
from napari_celltype.training.course import Course
from napari_celltype.training.request import TrainRequest

_SCRATCH = ""
_NAMES = ("base", "architecture", "tuned_layers", "epochs", "validation", "device")
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

    def __init__(self) -> None:
        super().__init__(TrainRequest, _NAMES, choices={"base": {_SCRATCH: "scratch"}})
        self.native("tuned_layers").setMaximum(9)
        self._trouble, self.about_held_out = Notice(), Notice()
        self.about_name = Notice()
        self.name = QLineEdit(
            "my-model",
            toolTip="The name in the list of models",
            textChanged=self._on_name,
        )
        self._cards: tuple[ModelCard, ...] = ()
        self.add_below("base", self._trouble)
        self.add_below("validation", self.about_held_out)
        self.rows.addRow("Name", self.name)
        self.rows.addRow(self.about_name)

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
        if not re.fullmatch(r"[^\W_][\w.-]{0,99}", name):
            return (
                "A model's name has up to 100 letters, digits, '-', '_' and '.', and "
                "starts with a letter or digit."
            )
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
        self._on_name()

    def show_base(self, card: ModelCard | None, trouble: str) -> None:
        """Show what the chosen start is, or why it cannot be used."""
        self._trouble.show_text(trouble)
        tip = _FROM_SCRATCH
        if self.value("base") is None:
            self.release(["architecture"])
            layers = {"tuned_layers": self.value("tuned_layers")}
            self.fix(layers, "from scratch all layers are learned")
        else:
            self.release(["tuned_layers"])
            self.native("architecture").setEnabled(False)
        if card is not None:
            why = "the network is that of the model that training starts from"
            self.fix({"architecture": card.architecture}, why)
            tip = (
                f"{card.name}: windows of {card.window_frames} frames at "
                f"{card.sampling_frequency:g} Hz. {_TUNING}"
            )
        self.native("base").setToolTip(tip)

    def show_held_out(self, level: str) -> None:
        """Say what is held out of the recordings at hand; empty without any."""
        words = self._parameters["validation"].choices.get(level)
        self.about_held_out.show_text(f"Held out: {words}." if words else "")

    def _on_name(self) -> None:
        name = self.model_name
        own = {card.name for card in self._cards if card.origin == "user"}
        result = f"Saved as {name}." if name != self.name.text().strip() else ""
        if name in own:
            result = f"Replaces your model {name}."
        # What is wrong with a name stands beside the button that is off.
        self.about_name.show_text("" if self.wrong_name else result)
        self.changed.emit()


class KeepOrThrow(QWidget):
    """Asks; training goes on until there is an answer."""

    # Whether the best epoch is kept.
    chosen = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self._question = QLabel()
        self.keep = QPushButton(
            toolTip="Stop, and save the model as it is after that epoch",
            clicked=partial(self._answer, True),
        )
        self.throw = QPushButton(
            "Throw away",
            toolTip="Stop now and save nothing",
            clicked=partial(self._answer, False),
        )
        self.go_on = QPushButton("Go on", toolTip="Train all epochs", clicked=self.hide)
        rows = (self._question, self.keep, (self.throw, self.go_on))
        fill_grid(QGridLayout(self), *rows, spacing=4)
        self.hide()

    def ask(self, course: Course) -> None:
        """Show the question."""
        self._show_question("Training goes on until you choose:", asking=True)
        self.show_best(course)
        self.show()

    def show_best(self, course: Course) -> None:
        """Name the epoch that would be kept now."""
        # Without a score there is none to go back to.
        self.keep.setText(
            "Finish this epoch and keep it"
            if course.chance is None
            else f"Keep epoch {course.best_epoch} (best)"
        )

    def _answer(self, keep: bool, checked: bool = False) -> None:
        self._show_question("Stopping...", asking=False)
        self.chosen.emit(keep)

    def _show_question(self, text: str, *, asking: bool) -> None:
        self._question.setText(text)
        for button in (self.keep, self.throw, self.go_on):
            button.setVisible(asking)
