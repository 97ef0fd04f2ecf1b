"""What stands in the way of training, with the ways out as buttons."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_celltype.workflows.ways_out import Obstacle

# What blocks is marked by a sign and a word, not by colour alone.
_BLOCKS, _TOLD = "⚠", "ℹ"
# Buttons with no more letters share a line.
_SHORT = 16


class ObstacleList(QWidget):
    """Sentences, those that block first, each with its buttons below.

    Attributes
    ----------
    chosen : Signal(object)
        The `Action` of the button that was pressed.
    """

    chosen = Signal(object)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(4)
        self._shown: tuple[Obstacle, ...] = ()

    @property
    def shown(self) -> tuple[Obstacle, ...]:
        """The obstacles, in their order."""
        return self._shown

    def button(self, text: str) -> QPushButton | None:
        """Return the first button with a text."""
        buttons = self.findChildren(QPushButton)
        return next((b for b in buttons if b.text() == text), None)

    def show_obstacles(self, obstacles: Sequence[Obstacle]) -> None:
        """Show obstacles in the place of those before."""
        self._shown = tuple(obstacles)
        while (item := self._layout.takeAt(0)) is not None:
            widget = item.widget()
            # Gone at once; deleted later, as one of its buttons may have been pressed.
            widget.setParent(None)
            widget.deleteLater()
        for obstacle in obstacles:
            self._layout.addWidget(self._row(obstacle))
        self.setVisible(bool(obstacles))

    def _row(self, obstacle: Obstacle) -> QWidget:
        row = QWidget()
        grid = QGridLayout(row)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(4)
        grid.setVerticalSpacing(2)
        sign = QLabel(_BLOCKS if obstacle.blocks else _TOLD)
        sign.setToolTip(
            "Decide this first; nothing can be trained before."
            if obstacle.blocks
            else "To be known; nothing has to be done."
        )
        sentence = QLabel(obstacle.sentence.replace("/", "/\u200b"))
        sentence.setWordWrap(True)
        sentence.setAlignment(Qt.AlignmentFlag.AlignTop)
        sentence.setTextFormat(Qt.TextFormat.PlainText)
        grid.addWidget(sign, 0, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(sentence, 0, 1, 1, 2)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(2, 1)
        line, column = 1, 1
        for action in obstacle.actions:
            button = QPushButton(action.text)
            button.setToolTip(action.tooltip)
            button.clicked.connect(partial(self.chosen.emit, action))
            short = len(action.text) <= _SHORT
            if not short and column == 2:
                line, column = line + 1, 1
            grid.addWidget(button, line, column, 1, 1 if short else 2)
            line, column = (line, 2) if short and column == 1 else (line + 1, 1)
        return row
