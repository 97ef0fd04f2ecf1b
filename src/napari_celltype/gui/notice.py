"""Sentences in a dock: an error, a result, or a question with one button."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QWidget

from napari_celltype.gui.words import Words

_ERROR = "color: #FF6B5E;"


class Notice(QWidget):
    """A sentence that can be read and copied; hidden while there is none.

    Parameters
    ----------
    action, tip : str, optional
        Text of a button beside the sentence, and what it does.

    Attributes
    ----------
    acted : Signal()
        The button was pressed.
    is_error : bool
        Whether the sentence says what went wrong.
    """

    acted = Signal()

    def __init__(self, action: str = "", tip: str = "", parent: Any = None) -> None:
        super().__init__(parent)
        self._text = ""
        self.is_error = False
        self._label = Words()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._label, 1)
        if action:
            button = QPushButton(action)
            button.setToolTip(tip)
            button.clicked.connect(self.acted)
            layout.addWidget(button)
        self.hide()

    @property
    def text(self) -> str:
        """The sentence, empty where there is none."""
        return self._text

    def show_text(self, text: str) -> None:
        """Show a sentence; an empty one hides the notice."""
        self._show(text, is_error=False)

    def show_error(self, text: str) -> None:
        """Show what went wrong."""
        self._show(text, is_error=True)

    def add(self, text: str) -> None:
        """Show one more sentence below what is shown."""
        self._show("\n".join(filter(None, (self._text, text))), is_error=self.is_error)

    def clear(self) -> None:
        """Hide the notice."""
        self._show("", is_error=False)

    def _show(self, text: str, *, is_error: bool) -> None:
        self._text, self.is_error = text, is_error
        self._label.setStyleSheet(_ERROR if is_error else "")
        # A long path has no space to wrap at; let it break after each separator.
        self._label.setText(text.replace("/", "/\u200b"))
        self.setVisible(bool(text))
