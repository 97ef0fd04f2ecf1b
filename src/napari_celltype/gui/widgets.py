"""Small widgets and dialogs that the docks share, and their signals."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from math import lcm
from pathlib import Path
from typing import Any
from weakref import WeakMethod

from qtpy.QtCore import QEvent, QObject, QSize, Qt, Signal
from qtpy.QtGui import QResizeEvent, QShowEvent
from qtpy.QtWidgets import (
    QBoxLayout,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QGridLayout,
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

from napari_celltype.gui.placement import FirstPlace
from napari_celltype.gui.roi_filter import NAMES_OF
from napari_celltype.gui.settings import Settings
from napari_celltype.recording import FILE_SUFFIXES

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


def fill_grid(
    grid: QGridLayout,
    *rows: QWidget | tuple[QWidget, ...],
    margins: tuple[int, int, int, int] = (0, 0, 0, 0),
    spacing: int | None = None,
) -> QGridLayout:
    """Put rows of widgets into a grid; those of one row share its width equally."""
    grid.setContentsMargins(*margins)
    if spacing is not None:
        grid.setSpacing(spacing)
    cells = [row if isinstance(row, tuple) else (row,) for row in rows]
    n_columns = lcm(*map(len, cells))
    for number, row in enumerate(cells):
        span = n_columns // len(row)
        for at, widget in enumerate(row):
            grid.addWidget(widget, number, at * span, 1, span)
    return grid


def lay_out_dock(
    dock: QWidget,
    parts: Sequence[QWidget | QLayout | tuple[QWidget, int]],
    *foot: QWidget | QLayout,
) -> Column:
    """Let the parts of a dock on the right scroll above a foot always in sight."""
    FirstPlace(dock)
    inner = QWidget()
    rows = fill(QVBoxLayout(inner), *parts, margins=(6, 4, 6, 4), spacing=5)
    if not any(isinstance(part, tuple) for part in parts):
        rows.addStretch(1)
    column = Column(inner)
    below = fill(QVBoxLayout(), *foot, margins=(6, 0, 6, 4))
    fill(QVBoxLayout(dock), (column, 1), below)
    return column


class Words(QLabel):
    """Plain text that wraps and can be copied."""

    def __init__(self, text: str = "", **properties: Any) -> None:
        super().__init__(text, wordWrap=True, **properties)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)


def switch(control: QWidget, tip: str, why_not: str) -> None:
    """Switch a control on, or off, as it then says."""
    control.setEnabled(not why_not)
    control.setToolTip(why_not or tip)


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

    outdated = True

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


class PercentBox(QDoubleSpinBox):
    """A share to be typed, in percent."""

    def __init__(self, **properties: Any) -> None:
        super().__init__(maximum=100, decimals=1, suffix=" %", **properties)
        self.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)


def choice_of_names() -> QComboBox:
    """Return a box for whether ROIs are grouped by predicted type or by label."""
    box = QComboBox(toolTip="Group by predicted type, or by label")
    for name in NAMES_OF:
        box.addItem(f"by {name}", name)
    return box


class Details(QWidget):
    """A button, and sentences below it once it is pressed; hidden without any."""

    def __init__(self) -> None:
        super().__init__()
        self.words = Words(visible=False)
        self.button = QPushButton(
            "Details",
            checkable=True,
            toolTip="Show or hide all details",
            toggled=self.words.setVisible,
        )
        layout = fill(QVBoxLayout(self), self.button, self.words, spacing=3)
        layout.setAlignment(self.button, Qt.AlignmentFlag.AlignLeft)
        self.show_text("")

    def show_text(self, text: str) -> None:
        """Keep other sentences behind the button; none hide it."""
        self.words.setText(text)
        self.button.setChecked(self.button.isChecked() and bool(text))
        self.setVisible(bool(text))


class WarningsLine(QWidget):
    """The number of warnings and the first one; "more" shows them all."""

    def __init__(self) -> None:
        super().__init__()
        self._sentences: tuple[str, ...] = ()
        self.words = Words()
        policy = QSizePolicy.Policy
        self.words.setSizePolicy(policy.Ignored, policy.Preferred)
        self.more = QToolButton(
            checkable=True,
            toolTip="Show all warnings, or only the first",
            toggled=self._show,
        )
        layout = fill(QHBoxLayout(self), (self.words, 1), self.more)
        layout.setAlignment(self.more, Qt.AlignmentFlag.AlignTop)
        self.hide()

    @property
    def text(self) -> str:
        """All sentences, whether they are shown or not."""
        return "\n".join(f"⚠ {sentence}" for sentence in self._sentences)

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
        line = self.words.fontMetrics().elidedText(
            text, Qt.TextElideMode.ElideRight, self.words.width()
        )
        self.more.setText("less" if opened else "more")
        self.words.setWordWrap(opened)
        self.words.setToolTip("" if opened else self.text)
        self.words.setText(self.text if opened else line)


_ERROR = "color: #FF6B5E;"


class Notice(QWidget):
    """A sentence that can be read and copied; hidden while there is none."""

    acted = Signal()

    def __init__(self, action: str = "", tip: str = "") -> None:
        super().__init__()
        # The sentence, empty where there is none.
        self.text = ""
        self.is_error = False
        self._label = Words()
        layout = fill(QHBoxLayout(self), (self._label, 1))
        if action:
            layout.addWidget(QPushButton(action, toolTip=tip, clicked=self.acted))
        self.hide()

    def show_text(self, text: str) -> None:
        """Show a sentence; an empty one hides the notice."""
        self._show(text, is_error=False)

    def show_error(self, text: str) -> None:
        """Show what went wrong."""
        self._show(text, is_error=True)

    def add(self, text: str) -> None:
        """Show one more sentence below what is shown."""
        self._show("\n".join(filter(None, (self.text, text))), is_error=self.is_error)

    def clear(self) -> None:
        """Hide the notice."""
        self.show_text("")

    def _show(self, text: str, *, is_error: bool) -> None:
        self.text, self.is_error = text, is_error
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


_ENDINGS = " ".join(f"*{suffix}" for suffix in FILE_SUFFIXES)
_RECORDINGS = f"Recordings ({_ENDINGS});;All files (*)"


class FolderDrop(QPushButton):
    """The way in: a click asks for a suite2p folder; files can be dropped here, too."""

    chosen = Signal(list)

    def __init__(self) -> None:
        super().__init__(
            "Open suite2p folder...\nor drop it here",
            toolTip="A session folder, its suite2p folder, a plane folder, or a "
            "stat.npy or Fall.mat in it",
            clicked=self.ask,
        )
        self.file = QPushButton(
            "File...",
            toolTip="An NWB file, an .hdf5 file of CaImAn, cell traces (.csv) of "
            "Inscopix, or a .mat file of CRACK",
            clicked=self.ask_file,
        )
        PathDrop(self, self.chosen.emit)

    def ask(self) -> None:
        """Ask for a folder."""
        folder = ask_folder(self, "Open suite2p folder", "recordings")
        if folder is not None:
            self.chosen.emit([folder])

    def ask_file(self) -> None:
        """Ask for a recording that is a file."""
        file = ask_file(self, "Open recording", "recordings", _RECORDINGS)
        if file is not None:
            self.chosen.emit([file])


class PathDrop(QObject):
    """Takes the files and folders of this machine that are dropped on a widget."""

    def __init__(self, widget: QWidget, take: Callable[[list[Path]], None]) -> None:
        super().__init__(widget)
        self._take = take
        widget.setAcceptDrops(True)
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Copy what is dropped, never move it."""
        if event.type() not in (QEvent.Type.DragEnter, QEvent.Type.Drop):
            return False
        urls = event.mimeData().urls()
        paths = [Path(url.toLocalFile()) for url in urls if url.isLocalFile()]
        if event.type() == QEvent.Type.Drop:
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            self._take(paths)
        elif paths:
            event.acceptProposedAction()
        return True


# What Qt calls when a widget goes. Held here: a garbage collection that takes a window
# may clear such a function before Qt calls it, which ends the process.
_forgetting: set[Callable[..., None]] = set()


def listen(widget: QObject, slot: Callable[..., Any], *signals: Any) -> None:
    """Call a method of a widget at each signal, until Qt destroys the widget."""
    method = WeakMethod(slot)

    def forget(_: object = None) -> None:
        _forgetting.discard(forget)
        if (alive := method()) is not None:
            for signal in signals:
                signal.disconnect(alive)

    for signal in signals:
        signal.connect(slot)
    _forgetting.add(forget)
    widget.destroyed.connect(forget)
