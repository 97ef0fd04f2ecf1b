"""What is doubtful about a recording, in one line that opens to all sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget


class WarningsLine(QWidget):
    """The number of warnings and the first one; "more" shows them all."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._sentences: tuple[str, ...] = ()
        self._label = QLabel()
        self._label.setTextFormat(Qt.TextFormat.PlainText)
        self._label.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
        )
        self._label.setSizePolicy(
            QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred
        )
        self.more = QToolButton()
        self.more.setToolTip("Show all warnings, or only the first")
        self.more.setCheckable(True)
        self.more.toggled.connect(self._show)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._label, 1)
        layout.addWidget(self.more, 0, Qt.AlignmentFlag.AlignTop)
        self.hide()

    @property
    def text(self) -> str:
        """All sentences, whether they are shown or not."""
        return "\n".join(f"⚠ {sentence}" for sentence in self._sentences)

    @property
    def shown(self) -> str:
        """The words that are on the screen."""
        return str(self._label.text())

    def show_warnings(self, sentences: Sequence[str]) -> None:
        """Show other warnings, in one line at first; none hide it."""
        if tuple(sentences) != self._sentences:
            self._sentences = tuple(sentences)
            self.more.setChecked(False)
            self._show()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the line into the new width."""
        super().resizeEvent(event)
        self._show()

    def _show(self) -> None:
        self.setVisible(bool(self._sentences))
        if not self._sentences:
            return
        opened = self.more.isChecked()
        self.more.setText("less" if opened else "more")
        self._label.setWordWrap(opened)
        self._label.setToolTip("" if opened else self.text)
        self._label.setText(self.text if opened else self._line())

    def _line(self) -> str:
        count = len(self._sentences)
        start = f"⚠ {count} warnings: " if count > 1 else "⚠ "
        line = self._label.fontMetrics().elidedText(
            start + self._sentences[0],
            Qt.TextElideMode.ElideRight,
            self._label.width(),
        )
        return str(line)
