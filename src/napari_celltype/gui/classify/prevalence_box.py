"""The choice of how common the cell types are among the ROIs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QHBoxLayout, QWidget

from napari_celltype.workflows.prevalence import Prevalence


class PrevalenceBox(QWidget):
    """A list of assumptions, with a box for a share of interneurons in percent.

    Attributes
    ----------
    changed : Signal(object)
        The prior that is chosen: shares by type, or None for what the card assumes.
    """

    changed = Signal(object)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._choices: tuple[Prevalence, ...] = ()
        self.choice = QComboBox()
        self.choice.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.choice.setMinimumContentsLength(8)
        self.percent = QDoubleSpinBox()
        self.percent.setRange(0, 100)
        self.percent.setDecimals(1)
        self.percent.setSuffix(" % IN")
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

    def show_choices(self, choices: Sequence[Prevalence]) -> None:
        """List what can be assumed for a model.

        The choice stays where the new list has it; else the first one is taken.
        """
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
            blocked = self.choice.blockSignals(True)
            self.choice.setCurrentIndex(number)
            self.choice.blockSignals(blocked)
            self._show()
            return

    def _set_percent(self, value: float) -> None:
        blocked = self.percent.blockSignals(True)
        self.percent.setValue(value)
        self.percent.blockSignals(blocked)

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
