"""Small widgets and dialogs that the docks share, and their signals."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from weakref import WeakMethod

from qtpy.QtCore import QObject, QSize, Qt, Signal
from qtpy.QtGui import QDragEnterEvent, QDropEvent, QResizeEvent
from qtpy.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_celltype.gui.settings import Settings

# What a sentence says to whoever works in a terminal, and to whoever works here.
_ELSEWHERE = re.compile(r" \(terminal: [^;)]*(?:; napari: ([^)]*))?\)")


class Words(QLabel):
    """Plain text that wraps and can be copied."""

    def __init__(self) -> None:
        super().__init__()
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)


def for_window(sentence: str) -> str:
    """Return a sentence without the options of the terminal.

    Parameters
    ----------
    sentence : str
        Such as "give its rate (terminal: --fs 30; napari: the box of Classify)".
    """
    return _ELSEWHERE.sub(lambda m: f" ({m[1]})" if m[1] else "", sentence)


class Column(QScrollArea):
    """Shows a widget at its full width, with a scroll bar for its height.

    Parameters
    ----------
    widget : QWidget
    """

    def __init__(self, widget: QWidget) -> None:
        super().__init__()
        self.setWidget(widget)
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def minimumSizeHint(self) -> QSize:
        """Return the width of the widget and of the scroll bar beside it."""
        bar = self.verticalScrollBar().sizeHint().width()
        return QSize(self.widget().minimumSizeHint().width() + bar, 100)


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


_ERROR = "color: #FF6B5E;"


class Notice(QWidget):
    """A sentence that can be read and copied, with a button; hidden without any."""

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


def ask_folder(parent: QWidget, title: str, kind: str) -> Path | None:
    """Ask for a folder that is there; None where the user thinks better of it.

    Parameters
    ----------
    parent : QWidget
    title : str
    kind : str
        What is looked for, such as "recordings": each kind has its own last place.
    """
    start = Settings().folder(kind)
    return _remembered(QFileDialog.getExistingDirectory(parent, title, start), kind)


def ask_file(parent: QWidget, title: str, kind: str, files: str) -> Path | None:
    """Ask for a file that is there; None where the user thinks better of it.

    Parameters
    ----------
    parent : QWidget
    title : str
    kind : str
        As for `ask_folder`.
    files : str
        Which files are shown, such as ``"Tables (*.csv)"``.
    """
    start = Settings().folder(kind)
    return _remembered(
        QFileDialog.getOpenFileName(parent, title, start, files)[0], kind
    )


def _remembered(chosen: str, kind: str) -> Path | None:
    if not chosen:
        return None
    path = Path(chosen)
    # The folder beside which the next one is likely to be.
    Settings().set_folder(kind, path.parent)
    return path


class FolderDrop(QPushButton):
    """The way in: a click asks for a suite2p folder, and one can be dropped here.

    Attributes
    ----------
    chosen : Signal(list)
        The paths that were chosen or dropped.
    """

    chosen = Signal(list)

    def __init__(self, parent: Any = None) -> None:
        super().__init__("Open suite2p folder...\nor drop it here", parent)
        self.setAcceptDrops(True)
        self.setToolTip(
            "A session folder, its suite2p folder, a plane folder, or a stat.npy"
        )
        self.clicked.connect(self.ask)

    def ask(self) -> None:
        """Ask for a folder."""
        folder = ask_folder(self, "Open suite2p folder", "recordings")
        if folder is not None:
            self.chosen.emit([folder])

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take what has a place on this machine."""
        if local_paths(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        self.chosen.emit(local_paths(event))


def local_paths(event: QDragEnterEvent | QDropEvent) -> list[Path]:
    """Return the files and folders of this machine that are dragged."""
    return [
        Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()
    ]


def listen(widget: QObject, signal: Any, slot: Callable[..., Any]) -> None:
    """Call a method of a widget at each signal, until Qt destroys the widget.

    A dock that is closed is destroyed at once, while Python may keep its object for as
    long as it likes; a signal would then reach widgets that are gone.

    Parameters
    ----------
    widget : QObject
    signal : object
        With `connect` and `disconnect`, such as those of psygnal and of napari.
    slot : callable
        A method of the widget.
    """
    signal.connect(slot)
    widget.destroyed.connect(partial(_forget, signal, WeakMethod(slot)))


def _forget(signal: Any, slot: WeakMethod[Any], _: object = None) -> None:
    method = slot()
    if method is not None:
        signal.disconnect(method)
