"""Small widgets and dialogs that the docks share, and their signals."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from weakref import WeakMethod

from qtpy.QtCore import QObject, QSize, Qt, Signal
from qtpy.QtGui import QDragEnterEvent, QDropEvent, QResizeEvent, QShowEvent
from qtpy.QtWidgets import (
    QBoxLayout,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSplitter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_celltype.gui.roi_filter import NAMES_OF
from napari_celltype.gui.settings import Settings

# What a sentence says to whoever works in a terminal, and to whoever works here.
_ELSEWHERE = re.compile(r" \(terminal: [^;)]*(?:; napari: ([^)]*))?\)")


def fill(
    layout: QBoxLayout,
    *parts: QWidget | QLayout | tuple[QWidget, int],
    margins: tuple[int, int, int, int] = (0, 0, 0, 0),
    spacing: int | None = None,
) -> QBoxLayout:
    """Put widgets, some with a stretch factor, and layouts into a layout."""
    layout.setContentsMargins(*margins)
    if spacing is not None:
        layout.setSpacing(spacing)
    for part in parts:
        if isinstance(part, QLayout):
            layout.addLayout(part)
        else:
            layout.addWidget(*part if isinstance(part, tuple) else (part,))
    return layout


def lay_out_dock(dock: QWidget, content: QWidget, *foot: QWidget | QLayout) -> Column:
    """Let the content of a dock scroll above a foot that is always in sight."""
    column = Column(content)
    below = fill(QVBoxLayout(), *foot, margins=(6, 0, 6, 4))
    fill(QVBoxLayout(dock), (column, 1), below)
    return column


class Words(QLabel):
    """Plain text that wraps and can be copied."""

    def __init__(self) -> None:
        super().__init__()
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)


def for_window(sentence: str) -> str:
    """Return a sentence without the options of the terminal."""
    return _ELSEWHERE.sub(lambda m: f" ({m[1]})" if m[1] else "", sentence)


class Column(QScrollArea):
    """Shows a widget at its full width, with a scroll bar for its height."""

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


class Beside(QSplitter):
    """Two widgets beside one another, or below where there is more room for that."""

    def __init__(
        self, first: QWidget, second: QWidget, shares: tuple[int, int]
    ) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        for number, widget in enumerate((first, second)):
            self.addWidget(widget)
            self.setStretchFactor(number, shares[number])
        self.setSizes([share * 100 for share in shares])
        self.setChildrenCollapsible(False)

    def minimumSizeHint(self) -> QSize:
        """Return the size of the larger of the two."""
        first, second = (self.widget(i).minimumSizeHint() for i in range(2))
        size: QSize = first.expandedTo(second)
        return size

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Turn to the longer side, unless that is too short for both."""
        super().resizeEvent(event)
        widths = [self.widget(i).minimumSizeHint().width() for i in range(2)]
        wide = self.width() > max(self.height(), sum(widths) + self.handleWidth())
        self.setOrientation(
            Qt.Orientation.Horizontal if wide else Qt.Orientation.Vertical
        )


class LazyTab(QWidget):
    """A tab that shows what has changed once it can be seen."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.outdated = True

    def refresh(self) -> None:
        """Show what has changed, now or when the tab is looked at."""
        self.outdated = not self.isVisible()
        if not self.outdated:
            self.show_now()

    def show_now(self) -> None:
        """Show what there is; the tab can be seen."""
        raise NotImplementedError

    def showEvent(self, event: QShowEvent) -> None:
        """Show what changed meanwhile."""
        super().showEvent(event)
        if self.outdated:
            self.refresh()


def choice_of_names() -> QComboBox:
    """Return a box for whether ROIs are grouped by predicted type or by label."""
    box = QComboBox()
    for name in NAMES_OF:
        box.addItem(f"by {name}", name)
    box.setToolTip("Group by predicted type, or by label")
    return box


class Details(QWidget):
    """A button, and sentences below it once it is pressed; hidden without any."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.button = QPushButton("Details")
        self.button.setCheckable(True)
        self.button.setToolTip("Show or hide all details")
        self.words = Words()
        self.words.hide()
        self.button.toggled.connect(self.words.setVisible)
        layout = fill(QVBoxLayout(self), spacing=3)
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
        self._label = Words()
        self._label.setSizePolicy(
            QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred
        )
        self.more = QToolButton()
        self.more.setToolTip("Show all warnings, or only the first")
        self.more.setCheckable(True)
        self.more.toggled.connect(self._show)
        layout = fill(QHBoxLayout(self), (self._label, 1))
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
        opened, text, count = self.more.isChecked(), self.text, len(self._sentences)
        if count > 1:
            text = f"⚠ {count} warnings: {self._sentences[0]}"
        line = self._label.fontMetrics().elidedText(
            text, Qt.TextElideMode.ElideRight, self._label.width()
        )
        self.more.setText("less" if opened else "more")
        self._label.setWordWrap(opened)
        self._label.setToolTip("" if opened else self.text)
        self._label.setText(self.text if opened else line)


_ERROR = "color: #FF6B5E;"


class Notice(QWidget):
    """A sentence that can be read and copied; hidden while there is none."""

    acted = Signal()

    def __init__(self, action: str = "", tip: str = "", parent: Any = None) -> None:
        super().__init__(parent)
        self._text = ""
        self.is_error = False
        self._label = Words()
        layout = fill(QHBoxLayout(self), (self._label, 1))
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
        self.show_text("")

    def _show(self, text: str, *, is_error: bool) -> None:
        self._text, self.is_error = text, is_error
        self._label.setStyleSheet(_ERROR if is_error else "")
        # A long path has no space to wrap at; let it break after each separator.
        self._label.setText(text.replace("/", "/\u200b"))
        self.setVisible(bool(text))


def ask_folder(parent: QWidget, title: str, kind: str) -> Path | None:
    """Ask for a folder that is there; None where the user thinks better of it."""
    start = Settings().folder(kind)
    return _remember(QFileDialog.getExistingDirectory(parent, title, start), kind)


def ask_file(parent: QWidget, title: str, kind: str, files: str) -> Path | None:
    """Ask for a file that is there; None where the user thinks better of it."""
    start = Settings().folder(kind)
    chosen, _ = QFileDialog.getOpenFileName(parent, title, start, files)
    return _remember(chosen, kind)


def _remember(chosen: str, kind: str) -> Path | None:
    """Remember the folder beside which the next choice is likely to be."""
    if chosen:
        Settings().set_folder(kind, Path(chosen).parent)
    return Path(chosen) if chosen else None


class FolderDrop(QPushButton):
    """The way in: a click asks for a suite2p folder, and one can be dropped here."""

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
    """Call a method of a widget at each signal, until Qt destroys the widget."""
    method = WeakMethod(slot)

    def forget(_: object = None) -> None:
        if (alive := method()) is not None:
            signal.disconnect(alive)

    signal.connect(slot)
    widget.destroyed.connect(forget)
