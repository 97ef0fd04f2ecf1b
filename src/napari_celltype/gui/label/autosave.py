"""Labels that save themselves with each change, and the line that says how it went.

Each recording has a thread that writes its latest labels. It never touches Qt: it
leaves its state in a `_Saver`, where a timer looks while labels are being written.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from threading import Lock, Thread
from typing import Literal

from qtpy.QtCore import QObject, QTimer, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_celltype.errors import CellTypeError, LabelConflict
from napari_celltype.gui.label.labelling import Labelling
from napari_celltype.gui.opened import OpenRecording
from napari_celltype.gui.session import Session
from napari_celltype.gui.settings import Settings
from napari_celltype.gui.widgets import Notice, ask_folder, listen
from napari_celltype.labels import LabelFile, LabelTable
from napari_celltype.labels.table import changed_rows

_LABELS_FOLDER = "labels folder"
_LOOK_MS = 50
# Black on amber reads in either theme.
_AMBER = "background: #FFC247; color: #1A1A1A; padding: 3px; border-radius: 3px;"
_NO_FOLDER = (
    "These traces have no recording folder, so labels are not kept; export them."
)


@dataclass(frozen=True)
class SaveState:
    """Whether the labels of a recording are saved; what went wrong; last saved when."""

    kind: Literal["unchanged", "saving", "saved", "failed", "conflict"]
    sentence: str = ""
    when: datetime | None = None

    @property
    def troubled(self) -> bool:
        """Whether the labels on the screen are not those in the file."""
        return self.kind in ("failed", "conflict")


class _Saver:
    """Writes the latest labels of one recording, one write after another."""

    def __init__(self, file: LabelFile) -> None:
        self.file = file
        self.state = self.shown = SaveState("unchanged")
        self.busy = False
        self._lock = Lock()
        self._waiting: tuple[LabelTable, bool] | None = None

    def save(self, labels: LabelTable, overwrite: bool) -> None:
        """Write labels soon; what waits to be written is dropped for them."""
        self.state = replace(self.state, kind="saving", sentence="")
        with self._lock:
            self._waiting = (labels, overwrite)
            if self.busy:
                return
            self.busy = True
        # Not a daemon: the last labels are written also when the window closes.
        Thread(target=self._run, name="napari-celltype labels").start()

    def _run(self) -> None:
        while True:
            with self._lock:
                job, self._waiting = self._waiting, None
                if job is None:
                    self.busy = False
                    return
            state = self._write(*job)
            with self._lock:
                # With newer labels waiting, this is not how it stands.
                if self._waiting is None:
                    self.state = state

    def _write(self, labels: LabelTable, overwrite: bool) -> SaveState:
        kind: Literal["failed", "conflict"] = "failed"
        try:
            theirs = self.file.save(labels, overwrite=overwrite)
            note = f"The labels that were in the file are kept in {theirs}."
            return SaveState("saved", note if theirs else "", datetime.now())
        except CellTypeError as error:
            kind = "conflict" if isinstance(error, LabelConflict) else "failed"
            sentence = str(error)
        except Exception as error:
            logging.getLogger(__name__).exception("Saving labels failed")
            sentence = f"This should not have happened: {error}; please report it."
        try:
            copy = self.file.save_copy(labels, _rescue_folder())
        except (CellTypeError, OSError):
            kept = "Your labels are nowhere but in this window."
        else:
            kept = f"A copy of yours is kept in {copy}."
        return SaveState(kind, f"{sentence} {kept}", self.state.when)


class Autosave(QObject):
    """Saves what the user edits in all open recordings, and says how that went."""

    changed = Signal(str)

    def __init__(self, session: Session, labelling: Labelling) -> None:
        super().__init__()
        self._session, self._labelling = session, labelling
        self._savers: dict[str, _Saver] = {}
        # Recordings with changed labels and without a file.
        self._unkept: set[str] = set()
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self._look)
        session.opened.connect(self._on_opened)
        session.replaced.connect(self._on_opened)
        # Its saver goes once it has nothing to write.
        session.closed.connect(self._on_closed)
        labelling.edited.connect(self.save)

    def state(self, key: str) -> SaveState:
        """Return how it stands with the labels of a recording."""
        if key in self._savers:
            return self._savers[key].state
        if key in self._unkept:
            return SaveState("failed", _NO_FOLDER)
        return SaveState("unchanged")

    def save(self, key: str, *, overwrite: bool = False) -> None:
        """Save the labels of a recording, on request over those of somebody else."""
        if key in self._savers:
            saver = self._savers[key]
            saver.save(self._labels(key), overwrite)
            # What it ends with is news, also when it is the same as before.
            saver.shown = SaveState("saving")
            self._timer.start()
        else:
            self._unkept.add(key)
        self.changed.emit(key)

    def reload(self, key: str) -> None:
        """Take the labels in the file; undo brings those in the window back."""
        file = self._savers[key].file
        copy = file.copy
        labels = file.load(self._session.tree) or LabelTable()
        self._session.set_tree(self._session.tree.with_types_of(labels.tree))
        mine = replace(self._labels(key), set_aside=labels.set_aside)
        self._session.set_labels(key, mine)
        self._labelling.apply(key, labels)
        # Also where both are the same, and where labels have followed their ROIs.
        self.save(key)
        if copy is not None:
            self._session.tell(
                f"Undo brings your labels back; a copy of them is in {copy}."
            )

    def move(self, key: str, folder: Path) -> None:
        """Keep labels in a folder of the user's choice from now on."""
        Settings().set(_LABELS_FOLDER, str(folder))
        for other, saver in self._savers.items():
            saver.file.move_to(folder)
            if other == key or saver.state.troubled:
                self.save(other)

    def _labels(self, key: str) -> LabelTable:
        opened = self._session.recordings[key]
        return opened.labels or LabelTable(tree=self._session.tree)

    def _on_opened(self, key: str) -> None:
        file = self._session.recordings[key].label_file
        if file is None:
            return
        if key not in self._savers or self._savers[key].file is not file:
            self._savers[key] = _Saver(file)
        self.changed.emit(key)
        labels = self._labels(key)
        if changed_rows(file.saved, labels) or labels.set_aside != file.saved.set_aside:
            # Read again before they could be saved.
            self.save(key)

    def _on_closed(self, key: str) -> None:
        self._timer.start()

    def _look(self) -> None:
        """Show what the savers have come to; let those of closed recordings go."""
        # First, so that what a saver ends with in between is shown the next time.
        busy = any(saver.busy for saver in self._savers.values())
        for key, saver in list(self._savers.items()):
            if key not in self._session.recordings:
                if not saver.busy:
                    del self._savers[key]
                    self._show_unsaved(saver)
            elif saver.shown != saver.state:
                saver.shown = saver.state
                self.changed.emit(key)
        if not busy:
            self._timer.stop()

    def _show_unsaved(self, saver: _Saver) -> None:
        """Say what was not saved of a recording that was closed."""
        if saver.state.troubled:
            way = " Import... reads it." if saver.file.copy is not None else ""
            self._session.tell(
                "A recording was closed before its labels were saved: "
                f"{saver.state.sentence}{way}"
            )


class SaveLine(QWidget):
    """A line such as "412 ROIs, 58 labelled, saved 14:02:11"; amber in trouble."""

    def __init__(self, session: Session, autosave: Autosave) -> None:
        super().__init__()
        self._session, self._autosave = session, autosave
        self.line = QLabel()
        self.line.setWordWrap(True)
        self.line.setToolTip("Labels save themselves with each change")
        self.trouble = Notice()
        self.again = _button("Try again", "Save once more in the same place", self.save)
        self.folder = _button(
            "Choose folder...",
            "Keep labels in a folder of your choice, for recordings that are read-only",
            self.ask_for_folder,
        )
        self.theirs = _button(
            "Reload",
            "Take the labels in the file; Undo brings yours back",
            self._reload,
        )
        self.mine = _button(
            "Keep mine",
            "Write your labels over those in the file, of which a copy stays",
            self._keep_mine,
        )
        ways = QHBoxLayout()
        for button in (self.again, self.folder, self.theirs, self.mine):
            ways.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addWidget(self.line)
        layout.addWidget(self.trouble)
        layout.addLayout(ways)
        autosave.changed.connect(self.show_state)
        listen(self, session.activated, self.show_state)
        listen(self, session.labelled, self.show_state)
        self.show_state()

    def show_state(self, key: str = "") -> None:
        """Show how it stands with the labels of the active recording."""
        active = self._session.active
        kind, text, sentence, style = "", "No recording is open", "", ""
        if active is not None:
            state = self._autosave.state(active.key)
            kind, sentence = state.kind, state.sentence
            text, style = _status(active, state), _AMBER if state.troubled else ""
        has_file = active is not None and active.label_file is not None
        for button in (self.again, self.folder):
            button.setVisible(kind == "failed" and has_file)
        for button in (self.theirs, self.mine):
            button.setVisible(kind == "conflict")
        self.line.setText(text)
        self.line.setStyleSheet(style)
        if sentence != self.trouble.text:
            self.trouble.show_text(sentence)

    def save(self, *, overwrite: bool = False) -> None:
        """Save the labels of the active recording once more."""
        if self._session.active is not None:
            self._autosave.save(self._session.active.key, overwrite=overwrite)

    def ask_for_folder(self) -> None:
        """Ask where labels are to be kept from now on."""
        folder = ask_folder(self, "Folder for labels", "labels")
        if folder is not None and self._session.active is not None:
            self._autosave.move(self._session.active.key, folder)

    def _reload(self) -> None:
        active = self._session.active
        if active is not None:
            try:
                self._autosave.reload(active.key)
            except CellTypeError as error:
                self._session.tell(str(error))

    def _keep_mine(self) -> None:
        self.save(overwrite=True)


def _status(opened: OpenRecording, state: SaveState) -> str:
    """Return the line about the labels of a recording."""
    given = [row for row in opened.labels or () if row.label]
    accepted = sum(row.source == "prediction" for row in given)
    ends = {
        "failed": "⚠ not saved",
        "conflict": "⚠ not saved: changed by somebody else",
        "saving": "saving ...",
    }
    saved = "" if state.when is None else f"saved {state.when:%H:%M:%S}"
    parts = (
        f"{opened.recording.n_rois} ROIs",
        f"{len(given) - accepted} labelled",
        f"{accepted} accepted" if accepted else "",
        ends.get(state.kind, saved),
    )
    return ", ".join(filter(None, parts))


def _rescue_folder() -> Path:
    """Return the folder for labels that cannot be saved in their place."""
    return Settings().path.parent / "rescued labels"


def labels_folder() -> Path | None:
    """Return the labels folder of the user's choice, None for beside the recordings."""
    chosen = Settings().get(_LABELS_FOLDER)
    return Path(chosen) if isinstance(chosen, str) and chosen else None


def _button(text: str, tip: str, slot: Callable[[], None]) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.clicked.connect(lambda checked=False: slot())
    button.hide()
    return button
