"""The labelled recordings, as a table that Train and Evaluate share, and obstacles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from qtpy.QtWidgets import (
    QAbstractItemView,
    QGridLayout,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_celltype.errors import CellTypeError
from napari_celltype.gui.label.autosave import labels_folder
from napari_celltype.gui.session import Session
from napari_celltype.gui.tasks import Finished, JobBar, Outcome
from napari_celltype.gui.widgets import (
    ask_file,
    ask_folder,
    for_window,
    listen,
    local_paths,
)
from napari_celltype.labels import (
    DataSet,
    LabelledRecording,
    LabelTable,
    find_labelled,
)
from napari_celltype.labels.labelled_recording import of_open_recording
from napari_celltype.labels.obstacles import Action, Obstacle
from napari_celltype.training.obstacles import find_obstacles

if TYPE_CHECKING:
    from napari_celltype.models import ModelCard


_EDITED = {1: "subject", 3: "session", 4: "line"}
_LABELS = 2
_Found = tuple[tuple[LabelledRecording, ...], tuple[str, ...]]
# So that animal and labels are seen in a narrow dock; the tooltip has the whole name.
_WIDEST_NAME = 110
_LISTS = "Lists and trace sets (*.csv *.npz);;All files (*)"


class RecordingsTable(QWidget):
    """Adds, edits and removes labelled recordings; says what stands in the way.

    It shows the collection of the session: two tables of one viewer show the same.

    Parameters
    ----------
    session : Session

    Attributes
    ----------
    changed : Signal()
        The collection, or what stands in the way, changed.
    """

    changed = Signal()

    def __init__(self, session: Session, parent: Any = None) -> None:
        super().__init__(parent)
        self.session = session
        self.table = QTableWidget(0, len(COLUMNS))
        self.counts = QLabel()
        self.obstacle_list = _ObstacleList()
        self.add_open = QPushButton("Add open")
        self.add_folders = QPushButton("Add folders...")
        self.add_list = QPushButton("Add list...")
        self.remove = QPushButton("Remove")
        self.save_list = QPushButton("Save list...")
        self.job = JobBar()
        self._base: ModelCard | None = None
        self._held_out = "auto"
        self._waiting: list[Path] = []
        self.setAcceptDrops(True)
        self._lay_out()
        self._connect()
        self._show()

    @property
    def collection(self) -> DataSet:
        """The labelled recordings with the choices about them."""
        return self.session.collection

    @property
    def obstacles(self) -> tuple[Obstacle, ...]:
        """What stands in the way, what blocks first."""
        return self.obstacle_list.shown

    @property
    def base(self) -> ModelCard | None:
        """The model whose frame rate and window the recordings have to fit."""
        return self._base

    @property
    def blocked_by(self) -> str:
        """Why nothing can be learned from this yet; empty where nothing blocks."""
        if self.job.running:
            return "Recordings are still being read."
        if not self.collection.recordings:
            return "Add labelled recordings first."
        return next((for_window(str(o)) for o in self.obstacles if o.blocks), "")

    def set_requirements(
        self, base: ModelCard | None = None, held_out: str = "auto"
    ) -> None:
        """Say what the recordings are for, as other things then stand in the way.

        Parameters
        ----------
        base : ModelCard, optional
            The model that training starts from.
        held_out : str
            ``auto``, ``subject``, ``session``, ``cell`` or ``none``.
        """
        self._base, self._held_out = base, held_out
        self._show_obstacles()

    def add_paths(self, paths: Iterable[Path]) -> None:
        """Read recordings, folders that hold many, lists and trace sets.

        In the background; what comes while others are read waits for its turn.
        """
        self._waiting += list(paths)
        if self._waiting and not self.job.running:
            self._read()

    def add_open_recordings(self) -> None:
        """Add what is open in the viewer, with its labels as they are now."""
        found = [
            of_open_recording(opened.recording, opened.labels, opened.title)
            for opened in self.session.recordings.values()
        ]
        usable = [recording for recording in found if recording is not None]
        if len(usable) < len(found):
            self.job.notice.show_error(
                "Traces without a folder cannot be added; save them as a trace set."
            )
        self.session.set_collection(self.collection.added(usable))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take folders and files of this machine."""
        if local_paths(event):
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Take them anywhere."""
        event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Add what was dropped, many at once."""
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        self.add_paths(local_paths(event))

    def _lay_out(self) -> None:
        self.table.setHorizontalHeaderLabels(COLUMNS)
        for column, text in enumerate(_TOOLTIPS):
            self.table.horizontalHeaderItem(column).setToolTip(text)
        self.table.verticalHeader().hide()
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setTextElideMode(Qt.TextElideMode.ElideLeft)
        self.table.setWordWrap(False)
        self.table.setFixedHeight(150)
        self.table.setToolTip(
            "Drop session folders here; a folder that holds many is searched"
        )
        self.counts.setWordWrap(True)
        for button, tip in (
            (self.add_open, "Add the recordings that are open in this viewer"),
            (self.add_folders, "A session folder, or one that holds many sessions"),
            (self.add_list, "A recording list (CSV) or a trace set (.npz)"),
            (self.remove, "Take the selected rows out; no file is touched"),
            (
                self.save_list,
                "Write this table as a recording list, which `napari-celltype train` "
                "and `evaluate` read",
            ),
        ):
            button.setToolTip(tip)
        buttons = QGridLayout()
        buttons.setContentsMargins(0, 0, 0, 0)
        buttons.setSpacing(4)
        for number, button in enumerate((self.add_open, self.add_folders)):
            buttons.addWidget(button, 0, 3 * number, 1, 3)
        for number, button in enumerate((self.add_list, self.remove, self.save_list)):
            buttons.addWidget(button, 1, 2 * number, 1, 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(buttons)
        layout.addWidget(self.table)
        layout.addWidget(self.job)
        layout.addWidget(self.counts)
        layout.addWidget(self.obstacle_list)

    def _connect(self) -> None:
        self.add_open.clicked.connect(self.add_open_recordings)
        self.add_folders.clicked.connect(self._ask_for_folder)
        self.add_list.clicked.connect(self._ask_for_list)
        self.remove.clicked.connect(self._remove_selected)
        self.save_list.clicked.connect(self._ask_where_to_save)
        self.table.itemChanged.connect(self._on_edited)
        self.table.itemSelectionChanged.connect(self._show_buttons)
        self.obstacle_list.chosen.connect(self._on_chosen)
        session = self.session
        for signal, slot in (
            (session.collected, self._show),
            (session.labelled, self._follow),
            (session.replaced, self._follow),
            (session.closed, self._on_closed),
            (session.opened, self._on_open_recordings),
            (session.closed, self._on_open_recordings),
        ):
            listen(self, signal, slot)

    def _read(self) -> None:
        paths, self._waiting = self._waiting, []
        tree, labels_dir = self.session.tree, labels_folder()

        def work(on_progress: Any, should_stop: Any) -> _Found:
            return find_labelled(
                paths,
                tree=tree,
                labels_dir=labels_dir,
                on_progress=on_progress,
                should_stop=should_stop,
            )

        def done(outcome: Outcome[_Found]) -> None:
            if isinstance(outcome, Finished):
                recordings, failures = outcome.result
                if failures:
                    self.job.notice.show_error("\n".join(failures[:5]))
                self.session.set_collection(self.collection.added(recordings))
                for key in self.session.recordings:
                    self._follow(key)
            self._show_obstacles()
            if self._waiting:
                self._read()

        self.job.start("Reading", work, done)
        self.changed.emit()

    def _follow(self, key: str) -> None:
        """Take over the labels that a recording has in the window now."""
        mine = self._find(key)
        opened = self.session.recordings.get(key)
        if mine is None or opened is None:
            return
        labels = opened.labels or LabelTable()
        if mine.table is labels and mine.recording is opened.recording:
            return
        # A list that names a label table means that table.
        if mine.labels is not None and mine.labels.is_file():
            return
        now = of_open_recording(opened.recording, labels, mine.name)
        if now is not None:
            self.session.set_collection(self.collection.added([now]))

    def _on_closed(self, key: str) -> None:
        """Let go of a recording that was closed, and count its labels on disk."""
        mine = self._find(key)
        if mine is not None and mine.table is not None:
            kept = replace(mine, table=None)
            self.session.set_collection(self.collection.added([kept]))
            self.add_paths([mine.path])

    def _on_open_recordings(self, key: str) -> None:
        self._follow(key)
        self._show_buttons()

    def _find(self, key: str) -> LabelledRecording | None:
        return next((r for r in self.collection.recordings if r.key == key), None)

    def _on_edited(self, item: QTableWidgetItem) -> None:
        name = _EDITED[item.column()]
        key = self.collection.recordings[item.row()].key
        edited = self.collection.edited(key, **{name: item.text()})
        self.session.set_collection(edited)

    def _on_chosen(self, action: Action) -> None:
        self.session.set_collection(action.apply(self.collection))

    def _remove_selected(self) -> None:
        rows = {index.row() for index in self.table.selectedIndexes()}
        keys = [self.collection.recordings[row].key for row in rows]
        self.session.set_collection(self.collection.removed(keys))

    def _ask_for_folder(self) -> None:
        folder = ask_folder(self, "Add recordings", "recordings")
        if folder is not None:
            self.add_paths([folder])

    def _ask_for_list(self) -> None:
        file = ask_file(self, "Add a list", "recording lists", _LISTS)
        if file is not None:
            self.add_paths([file])

    def _ask_where_to_save(self) -> None:
        folder = ask_folder(self, "Folder of the list", "recording lists")
        if folder is not None:
            self.save_to(folder)

    def save_to(self, folder: Path) -> None:
        """Write the recording list and say where it is."""
        try:
            written = self.collection.write(folder)
        except CellTypeError as error:
            self.job.notice.show_error(str(error))
        else:
            self.job.notice.show_text(f"Wrote {written}")

    def _show(self) -> None:
        recordings = self.collection.recordings
        blocked = self.table.blockSignals(True)
        self.table.setRowCount(len(recordings))
        for row, recording in enumerate(recordings):
            for column, text in enumerate(cells_of(recording)):
                item = self.table.item(row, column)
                if item is None:
                    item = QTableWidgetItem()
                    self.table.setItem(row, column, item)
                item.setText(text)
                editable = column in _EDITED and recording.trace_set is None
                flags = Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled
                if editable:
                    flags |= Qt.ItemFlag.ItemIsEditable
                item.setFlags(flags)
                item.setToolTip(
                    _tooltip_of(recording) if column in (0, _LABELS) else text
                )
        self.table.resizeColumnsToContents()
        name_width = min(self.table.columnWidth(0), _WIDEST_NAME)
        self.table.setColumnWidth(0, name_width)
        self.table.blockSignals(blocked)
        self.counts.setText(summary_of(self.collection))
        self.counts.setToolTip(by_subject(self.collection))
        self._show_buttons()
        self._show_obstacles()

    def _show_buttons(self) -> None:
        for button, on, why in (
            (self.add_open, bool(self.session.recordings), "No recording is open"),
            (self.remove, bool(self.table.selectedIndexes()), "Select rows first"),
            (self.save_list, bool(self.collection.recordings), "The table is empty"),
        ):
            tip = button.toolTip().split("\nOff: ")[0]
            button.setEnabled(on)
            button.setToolTip(tip if on else f"{tip}\nOff: {why}")

    def _show_obstacles(self) -> None:
        self.obstacle_list.show_obstacles(
            find_obstacles(self.collection, base=self._base, held_out=self._held_out)
        )
        self.changed.emit()


COLUMNS = ("Recording", "Animal", "Labels", "Session", "Line", "Length", "Hz")
_TOOLTIPS = (
    "The session folder, and the plane where there are several",
    "The animal, guessed from the path; double-click to change it",
    "Labelled ROIs of each type; what a model said is not counted",
    "The session, guessed from the path; double-click to change it",
    "The mouse line, guessed from the path; double-click to change it",
    "Length of the recording",
    "Frames per second of one plane; ⚠ is suite2p's default, which nobody confirmed",
)


def cells_of(recording: LabelledRecording) -> tuple[str, ...]:
    """Return the text of each of the `COLUMNS`."""
    rate, n = recording.sampling_frequency, recording.n_frames
    length = f"{n} frames" if rate is None else _duration(n / rate)
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


def _tooltip_of(recording: LabelledRecording) -> str:
    """Return where a recording is and what it holds, in lines."""
    lines = [
        str(recording.path),
        f"{recording.n_rois} ROIs, {recording.n_frames} frames",
        f"{sum(recording.counts.values())} labels that count",
    ]
    if recording.n_predictions:
        lines.append(f"{recording.n_predictions} labels of a model, not counted")
    return "\n".join(lines)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def summary_of(collection: DataSet) -> str:
    """Say how many cells of each type there are, and from how many animals."""
    of_subjects = collection.counts_by_subject()
    parts = []
    for name, n in collection.counts().items():
        animals = [s for s in of_subjects[name] if s]
        known = len(animals) == len(of_subjects[name])
        where = f" from {len(animals)} animal{'s' * (len(animals) != 1)}"
        parts.append(f"{name} {n}{where if known else ''}")
    return "Labelled ROIs: " + ", ".join(parts) if parts else ""


def by_subject(collection: DataSet) -> str:
    """Return the labelled ROIs of each animal, one line for each."""
    lines: dict[str, list[str]] = {}
    found = collection.counts_by_subject()
    for name in collection.counts():
        for subject, n in found[name].items():
            lines.setdefault(subject or "no animal given", []).append(f"{name} {n}")
    return "\n".join(f"{subject}: {', '.join(of)}" for subject, of in lines.items())


# What blocks is marked by a sign and a word, not by colour alone.
_BLOCKS, _TOLD = "⚠", "ℹ"
# Buttons with no more letters share a line.
_SHORT = 16


class _ObstacleList(QWidget):
    """Sentences, those that block first, each with its buttons below.

    Attributes
    ----------
    chosen : Signal(object)
        The `Action` of the button that was pressed.
    """

    chosen = Signal(object)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(4)
        self._shown: tuple[Obstacle, ...] = ()

    @property
    def shown(self) -> tuple[Obstacle, ...]:
        """The obstacles, in their order."""
        return self._shown

    def button(self, text: str) -> QPushButton | None:
        """Return the first button with a text."""
        buttons = self.findChildren(QPushButton)
        return next((b for b in buttons if b.text() == text), None)

    def show_obstacles(self, obstacles: Sequence[Obstacle]) -> None:
        """Show obstacles in the place of those before."""
        self._shown = tuple(obstacles)
        while (item := self._layout.takeAt(0)) is not None:
            widget = item.widget()
            # Gone at once; deleted later, as one of its buttons may have been pressed.
            widget.setParent(None)
            widget.deleteLater()
        for obstacle in obstacles:
            self._layout.addWidget(self._row(obstacle))
        self.setVisible(bool(obstacles))

    def _row(self, obstacle: Obstacle) -> QWidget:
        row = QWidget()
        grid = QGridLayout(row)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(4)
        grid.setVerticalSpacing(2)
        sign = QLabel(_BLOCKS if obstacle.blocks else _TOLD)
        sign.setToolTip(
            "Decide this first; nothing can be trained before."
            if obstacle.blocks
            else "To be known; nothing has to be done."
        )
        sentence = QLabel(for_window(obstacle.sentence).replace("/", "/\u200b"))
        sentence.setWordWrap(True)
        sentence.setAlignment(Qt.AlignmentFlag.AlignTop)
        sentence.setTextFormat(Qt.TextFormat.PlainText)
        grid.addWidget(sign, 0, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(sentence, 0, 1, 1, 2)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(2, 1)
        line, column = 1, 1
        for action in obstacle.ways_out:
            button = QPushButton(action.text)
            button.setToolTip(action.tooltip)
            button.clicked.connect(partial(self.chosen.emit, action))
            short = len(action.text) <= _SHORT
            if not short and column == 2:
                line, column = line + 1, 1
            grid.addWidget(button, line, column, 1, 1 if short else 2)
            line, column = (line, 2) if short and column == 1 else (line + 1, 1)
        return row
