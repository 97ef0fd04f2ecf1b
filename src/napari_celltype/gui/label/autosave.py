"""Labels that save themselves with each change, and the line that says how it went.

Each recording has a thread that writes its latest labels. It never touches Qt: it
leaves its state in a `LabelSaver`, where a timer looks while labels are being written.
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

LABELS_FOLDER = "labels folder"
_LOOK_MS = 50
# Black on amber reads in either theme.
_AMBER = "background: #FFC247; color: #1A1A1A; padding: 3px; border-radius: 3px;"

_NO_FOLDER = (
    "These traces have no recording folder, so labels are not kept; export them."
)


@dataclass(frozen=True)
class SaveState:
    """How it stands with the labels of a recording.

    Attributes
    ----------
    kind : {"unchanged", "saving", "saved", "failed", "conflict"}
    sentence : str
        What went wrong, and where a copy of the labels is.
    when : datetime or None
        When labels were last saved.
    """

    kind: Literal["unchanged", "saving", "saved", "failed", "conflict"]
    sentence: str = ""
    when: datetime | None = None

    @property
    def troubled(self) -> bool:
        """Whether the labels on the screen are not those in the file."""
        return self.kind in ("failed", "conflict")


class LabelSaver:
    """Writes the latest labels of one recording, one write after another.

    The thread is no daemon: the last labels are written also when the window closes.
    """

    def __init__(self, file: LabelFile, rescue: Path) -> None:
        self.file = file
        self.state = SaveState("unchanged")
        self._rescue = rescue
        self._lock = Lock()
        self._next: Callable[[], SaveState] | None = None
        self.busy = False

    def save(self, labels: LabelTable, *, overwrite: bool = False) -> None:
        """Write labels soon; what waits to be written is dropped for them."""
        self.state = replace(self.state, kind="saving", sentence="")
        with self._lock:
            self._next = lambda: self._save(labels, overwrite)
            if self.busy:
                return
            self.busy = True
        Thread(target=self._run, name="napari-celltype labels").start()

    def _run(self) -> None:
        while True:
            with self._lock:
                job, self._next = self._next, None
                if job is None:
                    self.busy = False
                    return
            state = job()
            with self._lock:
                # With newer labels waiting, this is not how it stands.
                if self._next is None:
                    self.state = state

    def _save(self, labels: LabelTable, overwrite: bool) -> SaveState:
        try:
            if not overwrite:
                self.file.save(labels)
                return SaveState("saved", when=datetime.now())
            theirs = self.file.overwrite(labels)
            note = f"The labels that were in the file are kept in {theirs}."
            return SaveState("saved", note if theirs else "", datetime.now())
        except LabelConflict as error:
            return self._not_saved("conflict", str(error), labels)
        except CellTypeError as error:
            return self._not_saved("failed", str(error), labels)
        except Exception as error:
            logging.getLogger(__name__).exception("Saving labels failed")
            sentence = f"This should not have happened: {error}; please report it."
            return self._not_saved("failed", sentence, labels)

    def _not_saved(
        self, kind: Literal["failed", "conflict"], sentence: str, labels: LabelTable
    ) -> SaveState:
        try:
            copy = self.file.save_copy(labels, self._rescue)
        except (CellTypeError, OSError):
            kept = "Your labels are nowhere but in this window."
        else:
            kept = f"A copy of yours is kept in {copy}."
        return SaveState(kind, f"{sentence} {kept}", self.state.when)


class Autosave(QObject):
    """Saves what the user edits in all open recordings, and says how that went.

    Parameters
    ----------
    session : Session
    labelling : Labelling

    Attributes
    ----------
    changed : Signal(str)
        It stands otherwise with the labels of a recording; with its key.
    """

    changed = Signal(str)

    def __init__(self, session: Session, labelling: Labelling) -> None:
        super().__init__()
        self._session, self._labelling = session, labelling
        self._savers: dict[str, LabelSaver] = {}
        self._shown: dict[str, SaveState] = {}
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self._look)
        for signal in (session.opened, session.replaced):
            signal.connect(self._on_opened)
        session.closed.connect(self._on_closed)
        labelling.edited.connect(self.save)

    def state(self, key: str) -> SaveState:
        """Return how it stands with the labels of a recording."""
        saver = self._savers.get(key)
        if saver is not None:
            return saver.state
        return self._shown.get(key, SaveState("unchanged"))

    def save(self, key: str, *, overwrite: bool = False) -> None:
        """Save the labels of a recording, on request over those of somebody else."""
        saver = self._savers.get(key)
        if saver is None:
            self._show(key, SaveState("failed", _NO_FOLDER))
            return
        saver.save(self._labels(key), overwrite=overwrite)
        self._show(key, saver.state)
        self._timer.start()

    def reload(self, key: str) -> None:
        """Take the labels in the file; undo brings those in the window back.

        Raises
        ------
        LabelError
            If the file cannot be read.
        """
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
        Settings().set(LABELS_FOLDER, str(folder))
        for other, saver in self._savers.items():
            saver.file.move_to(folder)
            if other == key or saver.state.troubled:
                self.save(other)

    def _labels(self, key: str) -> LabelTable:
        opened = self._session.recordings[key]
        return opened.labels or LabelTable(tree=self._session.tree)

    def _on_opened(self, key: str) -> None:
        file = self._session.recordings[key].label_file
        if file is not None and (
            key not in self._savers or self._savers[key].file is not file
        ):
            self._savers[key] = LabelSaver(file, rescue_folder())
        self._show(key, self.state(key))
        labels = self._labels(key)
        if file is not None and (
            changed_rows(file.saved, labels) or labels.set_aside != file.saved.set_aside
        ):
            # Read again before they could be saved.
            self.save(key)

    def _on_closed(self, key: str) -> None:
        self._shown.pop(key, None)
        self._timer.start()

    def _drop_closed(self) -> None:
        """Let the savers of closed recordings go, and say what they did not save."""
        closed = self._savers.keys() - self._session.recordings.keys()
        for key in [key for key in closed if not self._savers[key].busy]:
            saver = self._savers.pop(key)
            if saver.state.troubled:
                way = " Import... reads it." if saver.file.copy is not None else ""
                self._session.tell(
                    f"A recording was closed before its labels were saved: "
                    f"{saver.state.sentence}{way}"
                )

    def _look(self) -> None:
        """Show what the savers have come to."""
        self._drop_closed()
        # First, so that what a saver ends with in between is shown the next time.
        busy = any(saver.busy for saver in self._savers.values())
        for key, saver in self._savers.items():
            if self._shown.get(key) != saver.state:
                self._show(key, saver.state)
        if not busy:
            self._timer.stop()

    def _show(self, key: str, state: SaveState) -> None:
        self._shown[key] = state
        self.changed.emit(key)


class SaveLine(QWidget):
    """A line such as "412 ROIs, 58 labelled, saved 14:02:11"; amber in trouble.

    Parameters
    ----------
    session : Session
    autosave : Autosave
    """

    def __init__(self, session: Session, autosave: Autosave) -> None:
        super().__init__()
        self._session, self._autosave = session, autosave
        self.line = QLabel()
        self.line.setWordWrap(True)
        self.line.setToolTip("Labels save themselves with each change")
        self.trouble = Notice()
        self.folder = _button(
            "Choose folder...",
            "Keep labels in a folder of your choice, for recordings that are read-only",
            self.ask_for_folder,
        )
        self.again = _button("Try again", "Save once more in the same place", self.save)
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
        ways.setContentsMargins(0, 0, 0, 0)
        for button in (self.again, self.folder, self.theirs, self.mine):
            ways.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addWidget(self.line)
        layout.addWidget(self.trouble)
        layout.addLayout(ways)
        autosave.changed.connect(self._on_changed)
        listen(self, session.activated, self.show_state)
        listen(self, session.labelled, self._on_labelled)
        self.show_state()

    def show_state(self) -> None:
        """Show how it stands with the labels of the active recording."""
        active = self._session.active
        state = None if active is None else self._autosave.state(active.key)
        has_file = active is not None and active.label_file is not None
        for button in (self.again, self.folder):
            button.setVisible(state is not None and state.kind == "failed" and has_file)
        for button in (self.theirs, self.mine):
            button.setVisible(state is not None and state.kind == "conflict")
        if active is None or state is None:
            self.line.setText("No recording is open")
            self.line.setStyleSheet("")
            self.trouble.clear()
            return
        self.line.setText(status_text(active, state))
        self.line.setStyleSheet(_AMBER if state.troubled else "")
        if state.sentence != self.trouble.text:
            self.trouble.show_text(state.sentence)

    def save(self) -> None:
        """Save the labels of the active recording once more."""
        if self._session.active is not None:
            self._autosave.save(self._session.active.key)

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
        if self._session.active is not None:
            self._autosave.save(self._session.active.key, overwrite=True)

    def _on_changed(self, key: str) -> None:
        self.show_state()

    def _on_labelled(self, key: str) -> None:
        if self._session.active is not None and key == self._session.active.key:
            self.show_state()


def status_text(opened: OpenRecording, state: SaveState) -> str:
    """Return the line about the labels of a recording."""
    given = [row for row in opened.labels or () if row.label]
    accepted = sum(row.source == "prediction" for row in given)
    parts = [f"{opened.recording.n_rois} ROIs", f"{len(given) - accepted} labelled"]
    if accepted:
        parts.append(f"{accepted} accepted")
    if state.kind == "failed":
        parts.append("⚠ not saved")
    elif state.kind == "conflict":
        parts.append("⚠ not saved: changed by somebody else")
    elif state.kind == "saving":
        parts.append("saving ...")
    elif state.when is not None:
        parts.append(f"saved {state.when:%H:%M:%S}")
    return ", ".join(parts)


def rescue_folder() -> Path:
    """Return the folder for labels that cannot be saved in their place."""
    return Settings().path.parent / "rescued labels"


def labels_folder() -> Path | None:
    """Return the labels folder of the user's choice, None for beside the recordings."""
    chosen = Settings().get(LABELS_FOLDER)
    return Path(chosen) if isinstance(chosen, str) and chosen else None


def _button(text: str, tip: str, slot: Callable[[], None]) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.clicked.connect(slot)
    button.hide()
    return button
