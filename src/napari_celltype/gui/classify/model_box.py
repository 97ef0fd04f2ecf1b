"""The choice of a model, and its card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QTextBrowser, QToolButton, QWidget

from napari_celltype.classifiers import DEFAULT_MODEL, network_title
from napari_celltype.errors import CellTypeError

if TYPE_CHECKING:
    from napari_celltype.classifiers import ModelCard


class ModelBox(QWidget):
    """A list of models with a button that shows the card of the chosen one.

    Attributes
    ----------
    changed : Signal()
        Another model was chosen.
    card : QTextBrowser
        The card; put it where there is room. Hidden at first.
    """

    changed = Signal()

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.choice = QComboBox()
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
        """Fill the list: the bundled families first, then the user's own models.

        Raises
        ------
        ModelError
            If a model file is damaged.
        """
        from napari_celltype.classifiers import families_of, list_models

        cards = list_models()
        blocked = self.choice.blockSignals(True)
        self.choice.clear()
        for family in families_of(cards):
            self.choice.addItem(f"{network_title(family)} (bundled)", family)
        for card in cards:
            if card.origin == "user":
                self.choice.addItem(card.name, card.name)
        self.choice.blockSignals(blocked)
        self._on_choice()

    def list_again(self) -> None:
        """Fill the list anew and keep the choice."""
        chosen = self.model
        try:
            self.list_models()
        except CellTypeError:
            # What is there stays; Classify says what is wrong.
            return
        if self.choice.findData(chosen) >= 0:
            self.choose(chosen)

    @property
    def model(self) -> str:
        """Name of the chosen model, or family."""
        return self.choice.currentData() or DEFAULT_MODEL

    def choose(self, model: str) -> None:
        """Choose a model by family, name or file."""
        index = self.choice.findData(model)
        if index < 0:
            self.choice.addItem(model, model)
            index = self.choice.count() - 1
        self.choice.setCurrentIndex(index)

    def read_card(self) -> ModelCard | None:
        """Return the card of the chosen model, None where it cannot be read."""
        from napari_celltype.classifiers.models import find_model

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
            from napari_celltype.classifiers import describe
            from napari_celltype.classifiers.models import find_model

            try:
                found = find_model(self.model, self._frequency)
                self.card.setMarkdown(describe(found.card, found.sha256))
            except CellTypeError as error:
                self.card.setPlainText(str(error))
