"""What is evaluated: the labelled recordings of the table, or a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from qtpy import QtWidgets
from qtpy.QtCore import Signal

from napari_celltype.files import claim_folder
from napari_celltype.gui.session import Session
from napari_celltype.gui.train.recordings_table import RecordingsTable
from napari_celltype.gui.widgets import PathDrop, ask_file, ask_folder, fill, fill_grid
from napari_celltype.labels import Reading
from napari_celltype.labels.data_set import LIST_NAME, DataSet
from napari_celltype.protocol.evaluate import ExperimentRequest
from napari_celltype.recording import session_folder

_TABLE, _FILE = 0, 1
_FILES = "Labelled data (*.npz *.csv);;All files (*)"


class EvaluateData(QtWidgets.QWidget):
    """The table that Train shares, or a path; files and folders can be dropped."""

    # Other data were chosen, or the same ones may have changed.
    changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        PathDrop(self, lambda paths: self.choose(paths[0]))
        self.source = QtWidgets.QComboBox(
            toolTip="The table of labelled recordings, which the Train dock shares, or "
            "one trace set, recording list or suite2p folder"
        )
        self.source.addItems(["Labelled recordings (table)", "A file or a folder"])
        self.table = RecordingsTable(session)
        # The dock counts what is evaluated, also of files.
        self.table.counts.hide()
        self.path_line = QtWidgets.QLineEdit(
            placeholderText="or drop labelled data here",
            # The line alone would take the address, file://..., as a text.
            acceptDrops=False,
            toolTip="A trace set (.npz), a recording list (.csv) or a suite2p folder "
            "that has labels",
            editingFinished=self._on_edited,
        )
        file = QtWidgets.QPushButton(
            "File...",
            toolTip="Choose a trace set (.npz) or a recording list (.csv)",
            clicked=lambda: self.choose(
                ask_file(self, "Labelled data", "labelled data", _FILES)
            ),
        )
        folder = QtWidgets.QPushButton(
            "Folder...",
            toolTip="Choose a suite2p folder that has a label file",
            clicked=lambda: self.choose(
                ask_folder(self, "suite2p folder with labels", "recordings")
            ),
        )
        self._box = QtWidgets.QWidget()
        fill_grid(QtWidgets.QGridLayout(self._box), self.path_line, (file, folder))
        fill(QtWidgets.QVBoxLayout(self), self.source, self.table, self._box, spacing=4)
        self.source.currentIndexChanged.connect(self._show)
        self.table.changed.connect(self.changed)
        self._show()

    @property
    def chosen(self) -> Path | DataSet:
        """The data that are chosen, to be used unless they are `blocked_by` something.

        Recordings are the same as before as long as they are the same object.
        """
        if self.source.currentIndex() == _TABLE:
            return self.table.session.collection
        return Path(self.path_line.text().strip())

    @property
    def blocked_by(self) -> str:
        """Why these data cannot be evaluated yet; empty where nothing is known."""
        if self.source.currentIndex() == _TABLE:
            return self.table.blocked_by
        path = self.path_line.text().strip()
        if not path:
            return "Choose labelled data first."
        return "" if Path(path).exists() else f"{path} is not there; choose other data."

    def choose(self, path: Path | None) -> None:
        """Take a path, and tell it even if it is the same: its files may be new."""
        if path is None:
            return
        self.path_line.setText(str(path))
        self.source.setCurrentIndex(_FILE)
        self.changed.emit()

    def _show(self) -> None:
        of_table = self.source.currentIndex() == _TABLE
        self.table.setVisible(of_table)
        self._box.setVisible(not of_table)
        self.changed.emit()

    def _on_edited(self) -> None:
        # Leaving the line without a change is no choice.
        if self.path_line.isModified():
            self.path_line.setModified(False)
            self.changed.emit()


def place_of(data: Path | DataSet) -> Path:
    """Return the path beside which a run folder goes; nothing need be there."""
    if isinstance(data, Path):
        return data
    first = data.recordings[0].path
    return first if first.suffix else session_folder(first).with_name(LIST_NAME)


def request_on(
    data: Path | DataSet, request: ExperimentRequest, folder: Path
) -> ExperimentRequest:
    """Return a request about data; the list of recordings is written into a folder."""
    if isinstance(data, Path):
        return replace(request, data=data)
    claim_folder(folder)
    return replace(request, data=data.write(folder), reading=Reading.of(data))
