"""Sentences that are there for whoever asks."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_celltype.gui.words import Words


class Details(QWidget):
    """A button, and sentences below it once it is pressed; hidden without any.

    Attributes
    ----------
    button : QPushButton
    words : Words
    """

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.button = QPushButton("Details")
        self.button.setCheckable(True)
        self.button.setToolTip("Show or hide all that is to be said about this")
        self.words = Words()
        self.words.hide()
        self.button.toggled.connect(self.words.setVisible)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addWidget(self.button, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self.words)
        self.show_text("")

    def show_text(self, text: str) -> None:
        """Keep other sentences behind the button; none hide it."""
        self.words.setText(text)
        self.button.setChecked(self.button.isChecked() and bool(text))
        self.setVisible(bool(text))
