"""What becomes of a training that is cancelled: its best epoch, or nothing."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QGridLayout, QLabel, QPushButton, QWidget

from napari_celltype.workflows.course import Course

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
