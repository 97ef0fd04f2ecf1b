"""The choice of labelled data: a trace set, a recording list, or a suite2p folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QGridLayout, QLineEdit, QPushButton, QWidget

from napari_celltype.gui.asking import ask_file, ask_folder

_FILES = "Labelled data (*.npz *.csv);;All files (*)"


class DataBox(QWidget):
    """A path with two buttons that ask for it; files and folders can be dropped.

    Attributes
    ----------
    changed : Signal()
        Another path was chosen, or the same one again.
    """

    changed = Signal()

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.setAcceptDrops(True)
        self.path_line = QLineEdit()
        self.path_line.setPlaceholderText("or drop labelled data here")
        self.path_line.setToolTip(
            "A trace set (.npz), a recording list (.csv) or a suite2p folder that has "
            "labels"
        )
        self.file = QPushButton("File...")
        self.file.setToolTip("Choose a trace set (.npz) or a recording list (.csv)")
        self.folder = QPushButton("Folder...")
        self.folder.setToolTip("Choose a suite2p folder that has a label file")
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.path_line, 0, 0, 1, 2)
        layout.addWidget(self.file, 1, 0)
        layout.addWidget(self.folder, 1, 1)
        self.file.clicked.connect(self._ask_for_file)
        self.folder.clicked.connect(self._ask_for_folder)
        self.path_line.editingFinished.connect(self._on_edited)
        self._told: str = ""

    @property
    def path(self) -> Path | None:
        """What was chosen; None before."""
        text = self.path_line.text().strip()
        return Path(text) if text else None

    def choose(self, path: Path) -> None:
        """Take a path, and tell it even if it is the same: its files may be new."""
        self._told = str(path)
        self.path_line.setText(self._told)
        self.changed.emit()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take what has a place on this machine."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Choose the first of what was dropped."""
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        local = [url for url in event.mimeData().urls() if url.isLocalFile()]
        self.choose(Path(local[0].toLocalFile()))

    def _on_edited(self) -> None:
        # Leaving the line without a change is no choice.
        if self.path_line.text() != self._told:
            self._told = self.path_line.text()
            self.changed.emit()

    def _ask_for_file(self) -> None:
        path = ask_file(self, "Labelled data", "labelled data", _FILES)
        if path is not None:
            self.choose(path)

    def _ask_for_folder(self) -> None:
        folder = ask_folder(self, "suite2p folder with labels", "recordings")
        if folder is not None:
            self.choose(folder)
