"""The labelled recordings, as a table that Train and Evaluate share, and obstacles."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

from qtpy import QtWidgets
from qtpy.QtCore import QSignalBlocker, Qt, Signal

from napari_celltype.errors import CellTypeError
from napari_celltype.gui.label.autosave import labels_folder
from napari_celltype.gui.session import Session
from napari_celltype.gui.tasks import Finished, JobBar, Outcome
from napari_celltype.gui.train.public_data import PublicData
from napari_celltype.gui.widgets import (
    PathDrop,
    Words,
    ask_file,
    ask_folder,
    fill,
    fill_grid,
    for_window,
    listen,
    switch,
)
from napari_celltype.labels import LabelledRecording, LabelTable, find_labelled
from napari_celltype.labels.labelled_recording import of_open_recording
from napari_celltype.labels.notes import counted
from napari_celltype.labels.obstacles import Action, Obstacle
from napari_celltype.models import ModelCard
from napari_celltype.training.obstacles import find_obstacles

COLUMNS = {
    "Recording": "The session folder, and the plane where there are several",
    "Animal": "The animal, guessed from the path; double-click to change it",
    "Labels": "Labelled ROIs of each type; accepted predictions are not counted",
    "Session": "The session, guessed from the path; double-click to change it",
    "Line": "The mouse line, guessed from the path; double-click to change it",
    "Length": "Length of the recording",
    "Hz": "Frames per second of one plane; ⚠ is suite2p's default, which nobody "
    "confirmed",
}
_EDITED = {1: "subject", 3: "session", 4: "line"}
_Found = tuple[tuple[LabelledRecording, ...], tuple[str, ...]]
# So that animal and labels are seen in a narrow dock; the tooltip has the whole name.
_WIDEST_NAME = 110
_LISTS = "Lists and trace sets (*.csv *.npz);;All files (*)"
_ADD_OPEN = "Add the recordings that are open in this viewer"
_REMOVE = "Take the selected rows out; no file is touched"
_SAVE = (
    "Write this table as a recording list, which `napari-celltype train` and "
    "`evaluate` read"
)
# Buttons with no more letters share a line.
_SHORT = 16


class RecordingsTable(QtWidgets.QWidget):
    """Adds, edits and removes labelled recordings; says what stands in the way.

    It shows the collection of the session: two tables of one viewer show the same.
    """

    # The collection, or what stands in the way, changed.
    changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        # The model whose frame rate and window the recordings have to fit.
        self.base: ModelCard | None = None
        # What stands in the way, what blocks first.
        self.obstacles: tuple[Obstacle, ...] = ()
        self._held_out = "auto"
        self._waiting: list[Path] = []
        self.table = QtWidgets.QTableWidget(
            0,
            len(COLUMNS),
            selectionBehavior=QtWidgets.QTableWidget.SelectionBehavior.SelectRows,
            textElideMode=Qt.TextElideMode.ElideLeft,
            wordWrap=False,
            toolTip="Drop session folders here; a folder that holds many is searched",
            itemChanged=self._on_edited,
            itemSelectionChanged=self._show_buttons,
        )
        self.table.setHorizontalHeaderLabels(list(COLUMNS))
        for column, tip in enumerate(COLUMNS.values()):
            self.table.horizontalHeaderItem(column).setToolTip(tip)
        self.table.verticalHeader().hide()
        self.table.setFixedHeight(150)
        self.counts = QtWidgets.QLabel(wordWrap=True)
        self.obstacle_list = QtWidgets.QWidget()
        self._rows = fill(QtWidgets.QVBoxLayout(self.obstacle_list))
        self.add_open = QtWidgets.QPushButton(
            "Add open", clicked=self.add_open_recordings
        )
        self.add_folders = QtWidgets.QPushButton(
            "Add folders...",
            toolTip="A session folder, or one that holds many sessions",
            clicked=lambda: self.add_paths(
                [ask_folder(self, "Add recordings", "recordings")]
            ),
        )
        self.add_list = QtWidgets.QPushButton(
            "Add list...",
            toolTip="A recording list (CSV) or a trace set (.npz)",
            clicked=lambda: self.add_paths(
                [ask_file(self, "Add a list", "recording lists", _LISTS)]
            ),
        )
        self.add_public = QtWidgets.QPushButton(
            "Add public data...",
            toolTip="A trace set out of a public archive, or of a folder of NWB files",
            clicked=lambda: PublicData(self.add_paths, self).open(),
        )
        self.remove = QtWidgets.QPushButton("Remove", clicked=self._remove_selected)
        self.save_list = QtWidgets.QPushButton(
            "Save list...",
            clicked=lambda: self.save_to(
                ask_folder(self, "Folder of the list", "recording lists")
            ),
        )
        self.job = JobBar()
        fill_grid(
            QtWidgets.QGridLayout(self),
            (self.add_open, self.add_folders),
            (self.add_list, self.remove, self.save_list),
            self.add_public,
            *(self.table, self.job, self.counts, self.obstacle_list),
            spacing=4,
        )
        PathDrop(self, self.add_paths)
        listen(self, self._show, session.collected)
        listen(self, self._follow, session.labelled, session.replaced, session.opened)
        listen(self, self._show_buttons, session.activated)
        listen(self, self._on_closed, session.closed)
        self._show()

    @property
    def blocked_by(self) -> str:
        """Why nothing can be learned from this yet; empty where nothing blocks."""
        if self.job.running:
            return "Recordings are still being read."
        if not self.session.collection.recordings:
            return "Add labelled recordings first."
        return next((for_window(str(o)) for o in self.obstacles if o.blocks), "")

    def set_requirements(self, base: ModelCard | None, held_out: str = "auto") -> None:
        """Say from what on training starts, and what is held out of the recordings."""
        if (base, held_out) != (self.base, self._held_out):
            self.base, self._held_out = base, held_out
            self._find_obstacles()

    def add_paths(self, paths: Iterable[Path | None]) -> None:
        """Read recordings, folders that hold many, lists and trace sets, in turn."""
        self._waiting += filter(None, paths)
        if self._waiting and not self.job.running:
            self._read()

    def add_open_recordings(self) -> None:
        """Add what is open in the viewer, with its labels as they are now."""
        titles = self.session.titles
        found = [
            of_open_recording(opened.recording, opened.labels, titles[key])
            for key, opened in self.session.recordings.items()
        ]
        usable = [recording for recording in found if recording is not None]
        if len(usable) < len(found):
            self.job.notice.show_error(
                "Traces without a folder cannot be added; save them as a trace set."
            )
        self._add(usable)

    def save_to(self, folder: Path | None) -> None:
        """Write the recording list and say where it is."""
        if folder is None:
            return
        try:
            written = self.session.collection.write(folder)
        except CellTypeError as error:
            self.job.notice.show_error(str(error))
        else:
            self.job.notice.show_text(f"Wrote {written}")

    def _add(self, recordings: Iterable[LabelledRecording]) -> None:
        self.session.set_collection(self.session.collection.added(recordings))

    def _read(self) -> None:
        paths, self._waiting = self._waiting, []
        tree, labels_dir = self.session.tree, labels_folder()
        work = partial(find_labelled, paths, tree=tree, labels_dir=labels_dir)

        def done(outcome: Outcome[_Found]) -> None:
            if isinstance(outcome, Finished):
                recordings, failures = outcome.result
                if failures:
                    self.job.notice.show_error("\n".join(failures[:5]))
                self._add(recordings)
                for key in self.session.recordings:
                    self._follow(key)
            self._find_obstacles()
            if self._waiting:
                self._read()

        self.job.start("Reading", work, done)
        self.changed.emit()

    def _follow(self, key: str) -> None:
        """Take over the labels that a recording has in the window now."""
        mine, opened = self._find(key), self.session.recordings.get(key)
        if mine is None or opened is None:
            return
        labels = opened.labels or LabelTable()
        same = mine.table is labels and mine.recording is opened.recording
        # A list that names a label table means that table.
        if same or (mine.labels is not None and mine.labels.is_file()):
            return
        now = of_open_recording(opened.recording, labels, mine.name)
        if now is not None:
            self._add([now])

    def _on_closed(self, key: str) -> None:
        """Let go of a recording that was closed, and count its labels on disk."""
        mine = self._find(key)
        if mine is not None and mine.table is not None:
            self._add([replace(mine, table=None)])
            self.add_paths([mine.path])

    def _find(self, key: str) -> LabelledRecording | None:
        recordings = self.session.collection.recordings
        return next((r for r in recordings if r.key == key), None)

    def _on_edited(self, item: QtWidgets.QTableWidgetItem) -> None:
        collection, name = self.session.collection, _EDITED[item.column()]
        key = collection.recordings[item.row()].key
        self.session.set_collection(collection.edited(key, **{name: item.text()}))

    def _on_action(self, action: Action, checked: bool = False) -> None:
        self.session.set_collection(action.apply(self.session.collection))

    def _remove_selected(self) -> None:
        collection = self.session.collection
        rows = {index.row() for index in self.table.selectedIndexes()}
        keys = [collection.recordings[row].key for row in rows]
        self.session.set_collection(collection.removed(keys))

    def _show(self) -> None:
        collection = self.session.collection
        with QSignalBlocker(self.table):
            self.table.setRowCount(len(collection.recordings))
            for row, recording in enumerate(collection.recordings):
                size = f"{recording.n_rois} ROIs, {recording.n_frames} frames"
                for column, text in enumerate(_cells(recording)):
                    # An item that is being edited has to stay.
                    item = self.table.item(row, column)
                    if item is None:
                        item = QtWidgets.QTableWidgetItem()
                        self.table.setItem(row, column, item)
                    item.setText(text)
                    item.setToolTip(f"{text}\n{recording.path}\n{size}")
                    flags = Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled
                    if column in _EDITED and recording.trace_set is None:
                        flags |= Qt.ItemFlag.ItemIsEditable
                    item.setFlags(flags)
            self.table.resizeColumnsToContents()
            self.table.setColumnWidth(0, min(self.table.columnWidth(0), _WIDEST_NAME))
        self._show_counts()
        self._show_buttons()
        self._find_obstacles()

    def _show_counts(self) -> None:
        """Say how many cells of each type there are, and from how many animals."""
        by_subject = self.session.collection.counts_by_subject()
        types, animals = [], dict[str, list[str]]()
        for name, n in self.session.collection.counts().items():
            found = by_subject[name]
            known = f" from {counted(len(found), 'animal')}" if all(found) else ""
            types.append(f"{name} {n}{known}")
            for subject, of_subject in found.items():
                own = animals.setdefault(subject or "no animal given", [])
                own.append(f"{name} {of_subject}")
        self.counts.setText(f"Labelled ROIs: {', '.join(types)}" if types else "")
        self.counts.setToolTip(
            "\n".join(f"{animal}: {', '.join(own)}" for animal, own in animals.items())
        )

    def _show_buttons(self) -> None:
        collection, selected = self.session.collection, self.table.selectedIndexes()
        for button, tip, on, why in (
            (self.add_open, _ADD_OPEN, self.session.recordings, "No recording is open"),
            (self.remove, _REMOVE, selected, "Select rows first"),
            (self.save_list, _SAVE, collection.recordings, "The table is empty"),
        ):
            switch(button, tip, "" if on else f"{tip}\nOff: {why}")

    def _find_obstacles(self) -> None:
        self.show_obstacles(
            find_obstacles(
                self.session.collection, base=self.base, held_out=self._held_out
            )
        )
        self.changed.emit()

    def show_obstacles(self, obstacles: tuple[Obstacle, ...]) -> None:
        """Show other obstacles, each with its buttons below."""
        self.obstacles = obstacles
        while (item := self._rows.takeAt(0)) is not None:
            widget = item.widget()
            # Gone at once; deleted later, as one of its buttons may have been pressed.
            widget.setParent(None)
            widget.deleteLater()
        for obstacle in obstacles:
            self._rows.addWidget(self._row(obstacle))
        self.obstacle_list.setVisible(bool(obstacles))

    def _row(self, obstacle: Obstacle) -> QtWidgets.QWidget:
        row = QtWidgets.QWidget()
        # What blocks is marked by a sign and a word, not by colour alone.
        sign, tip = "ℹ", "To be known; nothing has to be done."
        if obstacle.blocks:
            sign, tip = "⚠", "Decide this first; nothing can be trained before."
        text = for_window(obstacle.sentence).replace("/", "/\u200b")
        sentence = Words(f"{sign} {text}", toolTip=tip)
        grid = fill_grid(QtWidgets.QGridLayout(row), spacing=2)
        grid.addWidget(sentence, 0, 0, 1, 2)
        short = all(len(action.text) <= _SHORT for action in obstacle.ways_out)
        for number, action in enumerate(obstacle.ways_out):
            button = QtWidgets.QPushButton(action.text, toolTip=action.tooltip)
            button.clicked.connect(partial(self._on_action, action))
            line, column = divmod(number, 2) if short else (number, 0)
            grid.addWidget(button, line + 1, column, 1, 1 if short else 2)
        return row


def _cells(recording: LabelledRecording) -> tuple[str, ...]:
    """Return the text of each of the `COLUMNS`."""
    rate, n = recording.sampling_frequency, recording.n_frames
    if rate is None:
        length = f"{n} frames"
    else:
        seconds = n / rate
        length = f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} min"
    labels = recording.tree.in_order(sorted(recording.counts))
    counts = ", ".join(f"{name} {recording.counts[name]}" for name in labels)
    doubt = "" if recording.frequency_confirmed else " ⚠"
    origin = "" if recording.trace_set is None else "in the file"
    return (
        recording.name,
        recording.subject or origin,
        counts or "none",
        recording.session or origin,
        recording.line or origin,
        length,
        "?" if rate is None else f"{rate:.4g}{doubt}",
    )
