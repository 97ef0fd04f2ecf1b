"""A button that asks for a suite2p folder, and takes one that is dropped on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QPushButton

from napari_celltype.gui.asking import ask_folder


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
