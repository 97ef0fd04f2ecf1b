"""What is evaluated, the table's recordings or a file, and how its run goes on."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import (
    QComboBox,
    QGridLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_celltype.gui.evaluate.chosen_data import ChosenData
from napari_celltype.gui.session import Session
from napari_celltype.gui.train.recordings_table import RecordingsTable
from napari_celltype.gui.widgets import ask_file, ask_folder, local_paths
from napari_celltype.progress import OnProgress, Progress, ShouldStop
from napari_celltype.protocol.evaluate import ExperimentRequest, run_experiment
from napari_celltype.protocol.report import Report
from napari_celltype.protocol.scores import SplitRow

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
        self.box = _DataBox()
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


_FILES = "Labelled data (*.npz *.csv);;All files (*)"


class _DataBox(QWidget):
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
        self._path_shown: str = ""

    @property
    def path(self) -> Path | None:
        """What was chosen; None before."""
        text = self.path_line.text().strip()
        return Path(text) if text else None

    def choose(self, path: Path) -> None:
        """Take a path, and tell it even if it is the same: its files may be new."""
        self._path_shown = str(path)
        self.path_line.setText(self._path_shown)
        self.changed.emit()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take what has a place on this machine."""
        if local_paths(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Choose the first of what was dropped."""
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        self.choose(local_paths(event)[0])

    def _on_edited(self) -> None:
        # Leaving the line without a change is no choice.
        if self.path_line.text() != self._path_shown:
            self._path_shown = self.path_line.text()
            self.changed.emit()

    def _ask_for_file(self) -> None:
        path = ask_file(self, "Labelled data", "labelled data", _FILES)
        if path is not None:
            self.choose(path)

    def _ask_for_folder(self) -> None:
        folder = ask_folder(self, "suite2p folder with labels", "recordings")
        if folder is not None:
            self.choose(folder)


class RunFeed:
    """Runs one experiment in a thread, and keeps what it tells until somebody looks.

    Attributes
    ----------
    request : ExperimentRequest or None
        What runs, once its folder and data are known.
    message : str
    n_seen : int
        Finished trainings, probes among them.
    """

    def __init__(self) -> None:
        self.request: ExperimentRequest | None = None
        self.message = ""
        self.n_seen = 0
        self._rows: deque[SplitRow] = deque()

    def run(
        self,
        request: ExperimentRequest,
        on_progress: OnProgress,
        should_stop: ShouldStop,
    ) -> Report:
        """Run an experiment, off the main thread."""
        self.request = request

        def tell(progress: Progress) -> None:
            self.message = progress.message
            on_progress(replace(progress, message="Evaluating"))

        return run_experiment(
            request, on_split=self._add, on_progress=tell, should_stop=should_stop
        )

    def take(self) -> list[SplitRow]:
        """Return the trainings that finished since the last call."""
        return [self._rows.popleft() for _ in range(len(self._rows))]

    def _add(self, row: SplitRow) -> None:
        self.n_seen += 1
        self._rows.append(row)
