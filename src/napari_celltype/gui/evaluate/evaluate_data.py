"""What is evaluated: the recordings of the window's table, or a file."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QVBoxLayout, QWidget

from napari_celltype.gui.evaluate.data_box import DataBox
from napari_celltype.gui.session import Session
from napari_celltype.gui.train.recordings_table import RecordingsTable
from napari_celltype.workflows.chosen_data import ChosenData

_TABLE, _FILE = "table", "file"


class EvaluateData(QWidget):
    """The table that Train shares, or a path.

    Parameters
    ----------
    session : Session

    Attributes
    ----------
    changed : Signal()
        Other data were chosen, or the same ones may have changed.
    """

    changed = Signal()

    def __init__(self, session: Session, parent: Any = None) -> None:
        super().__init__(parent)
        self.source = QComboBox()
        self.source.addItem("Labelled recordings (table)", _TABLE)
        self.source.addItem("A file or a folder", _FILE)
        self.source.setToolTip(
            "The table of labelled recordings, which the Train dock shares, or one "
            "trace set, recording list or suite2p folder"
        )
        self.table = RecordingsTable(session)
        # The dock counts what is evaluated, also of files.
        self.table.counts.hide()
        self.box = DataBox()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for widget in (self.source, self.table, self.box):
            layout.addWidget(widget)
        self.source.currentIndexChanged.connect(self._show)
        self.table.changed.connect(self.changed)
        self.box.changed.connect(self.changed)
        self._show()

    @property
    def chosen(self) -> ChosenData:
        """The data that are chosen."""
        if self.source.currentData() == _FILE:
            return ChosenData(path=self.box.path)
        return ChosenData(collection=self.table.collection)

    @property
    def blocked_by(self) -> str:
        """Why these data cannot be evaluated yet; empty where nothing is known."""
        if self.source.currentData() == _TABLE:
            return self.table.blocked_by
        path = self.box.path
        if path is None:
            return "Choose labelled data first."
        return "" if path.exists() else f"{path} is not there; choose other data."

    def choose_file(self) -> None:
        """Show the box for a path."""
        self.source.setCurrentIndex(self.source.findData(_FILE))

    def _show(self) -> None:
        of_table = self.source.currentData() == _TABLE
        self.table.setVisible(of_table)
        self.box.setVisible(not of_table)
        self.changed.emit()
