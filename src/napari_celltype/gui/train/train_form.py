"""What is trained, from what on, and what is held out: the form of the Train dock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QSpinBox,
    QWidget,
)

from napari_celltype.classifiers import NETWORKS
from napari_celltype.workflows.base_model import n_layers

if TYPE_CHECKING:
    from napari_celltype.classifiers import ModelCard

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
        self.about_start = QLabel()
        self.network = QComboBox()
        self.layers = QSpinBox()
        self.epochs = QSpinBox()
        self.held_out = QComboBox()
        self.about_held_out = QLabel()
        self.device = QComboBox()
        self.name = QLineEdit(_FIRST_NAME)
        self.about_name = QLabel()
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
    def wrong_name(self) -> str:
        """Why the model cannot have its name; empty where it can."""
        name = self.name.text().strip()
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
        chosen = self.start.currentData() if self.start.count() > 1 else "cnn"
        families = sorted({c.family for c in cards if c.origin == "simulation"})
        own = [card.name for card in cards if card.origin == "user"]
        blocked = self.start.blockSignals(True)
        self.start.clear()
        self.start.addItem("scratch (random weights)", SCRATCH)
        for family in families:
            self.start.addItem(f"{family.upper()} (bundled)", family)
        for name in own:
            self.start.addItem(name, name)
        self.start.setCurrentIndex(max(0, self.start.findData(chosen)))
        self.start.blockSignals(blocked)
        self._on_start()
        self._on_name()

    def show_base(self, card: ModelCard | None, trouble: str = "") -> None:
        """Show what the chosen start is, or why it cannot be used."""
        if trouble:
            self.about_start.setText(trouble)
        elif card is None:
            self.about_start.setText(
                "All weights are learned from these recordings; that takes hundreds of "
                "labelled cells of each type."
            )
        else:
            self.layers.setMaximum(n_layers(card))
            self.about_start.setText(
                f"{card.name}: windows of {card.window_frames} frames at "
                f"{card.sampling_frequency:g} Hz. Earlier layers stay as they are."
            )

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
        self.start.addItem("scratch (random weights)", SCRATCH)
        self.start.setToolTip(
            "Fine-tuning takes a model's first layers as they are and learns the last "
            "from your cells; always from the model as it was, with all your labels"
        )
        for name in NETWORKS:
            self.network.addItem(name.upper(), name)
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

    def _lay_out(self) -> None:
        for label in (self.about_start, self.about_held_out, self.about_name):
            label.setWordWrap(True)
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
        form.addRow(self.about_start)
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
        name = self.name.text().strip()
        own = {card.name for card in self._cards if card.origin == "user"}
        replaces = f"Replaces your model {name}." if name in own else ""
        self.about_name.setText(self.wrong_name or replaces)
        self.about_name.setVisible(bool(self.about_name.text()))
        self.changed.emit()
