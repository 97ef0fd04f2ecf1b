"""Labels that save themselves with each change, and the line that says how it went.

Each recording has a thread that writes its latest labels.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QGridLayout, QLabel, QPushButton, QWidget

from napari_celltype.errors import CellTypeError, LabelConflict
from napari_celltype.gui.label.labelling import Labelling
from napari_celltype.gui.opened import OpenRecording
from napari_celltype.gui.session import Session
from napari_celltype.gui.settings import Settings
from napari_celltype.gui.widgets import Notice, ask_folder, fill_grid, listen
from napari_celltype.labels import LabelFile, LabelTable
from napari_celltype.labels.table import changed_rows

_LABELS_FOLDER = "labels folder"
_UNKEPT = "These traces have no recording folder, so labels are not kept; export them."
# Black on amber reads in either theme.
_AMBER = "background: #FFC247; color: #1A1A1A; padding: 3px; border-radius: 3px;"


@dataclass(frozen=True)
class SaveState:
    """Whether the labels of a recording are saved; what went wrong; when it was."""

    kind: Literal["unchanged", "saving", "saved", "failed", "conflict"] = "unchanged"
    sentence: str = ""
    when: str = ""

    @property
    def troubled(self) -> bool:
        """Whether the labels on the screen are not those in the file."""
        return self.kind in ("failed", "conflict")


class _Saver:
    """Writes the latest labels of one recording, one write after another."""

    def __init__(self, file: LabelFile) -> None:
        self.file = file
        # Its thread is waited for when the window closes, with the last labels.
        self._pool = ThreadPoolExecutor(1, "napari-celltype labels")
        self._last: Future[SaveState] | None = None

    @property
    def state(self) -> SaveState:
        """What the last write has come to."""
        if self._last is None:
            return SaveState()
        return self._last.result() if self._last.done() else SaveState("saving")

    def save(
        self, labels: LabelTable, overwrite: bool, on_end: Callable[[object], None]
    ) -> None:
        """Write labels soon; what waits to be written is dropped for them."""
        before = self._last
        self._last = self._pool.submit(self._write, labels, overwrite)
        self._last.add_done_callback(on_end)
        if before is not None:
            before.cancel()

    def _write(self, labels: LabelTable, overwrite: bool) -> SaveState:
        try:
            theirs = self.file.save(labels, overwrite=overwrite)
            note = f"The labels that were in the file are kept in {theirs}."
            now = f"{datetime.now():%H:%M:%S}"
            return SaveState("saved", note if theirs else "", now)
        except CellTypeError as error:
            conflict, sentence = isinstance(error, LabelConflict), str(error)
        except Exception as error:
            logging.getLogger(__name__).exception("Saving labels failed")
            conflict = False
            sentence = f"This should not have happened: {error}; please report it."
        # Labels that cannot be saved in their place.
        rescue = Settings().path.parent / "rescued labels"
        try:
            kept = f"A copy of yours is kept in {self.file.save_copy(labels, rescue)}."
        except (CellTypeError, OSError):
            kept = "Your labels are nowhere but in this window."
        return SaveState("conflict" if conflict else "failed", f"{sentence} {kept}")


class Autosave(QObject):
    """Saves what the user edits in all open recordings, and says how that went."""

    changed = Signal(str)
    _written = Signal(str)

    def __init__(self, session: Session, labelling: Labelling) -> None:
        super().__init__()
        self._session, self._labelling = session, labelling
        self._savers: dict[str, _Saver] = {}
        # Recordings with changed labels and without a file.
        self._unkept: set[str] = set()
        self._written.connect(self._on_written)
        session.opened.connect(self._on_opened)
        session.replaced.connect(self._on_opened)
        session.closed.connect(self._on_written)
        labelling.edited.connect(self.save)

    def state(self, key: str) -> SaveState:
        """Return how it stands with the labels of a recording."""
        if key in self._savers:
            return self._savers[key].state
        return SaveState("failed", _UNKEPT) if key in self._unkept else SaveState()

    def save(self, key: str, *, overwrite: bool = False) -> None:
        """Save the labels of a recording, on request over those of somebody else."""
        if key in self._savers:
            # The signal goes from the thread that writes to that of the window.
            self._savers[key].save(
                self._labels(key), overwrite, lambda _: self._written.emit(key)
            )
        else:
            self._unkept.add(key)
        self.changed.emit(key)

    def reload(self, key: str) -> None:
        """Take the labels in the file; undo brings those in the window back."""
        file = self._savers[key].file
        copy = file.copy
        labels = file.load(self._session.tree) or LabelTable()
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

    def _on_written(self, key: str) -> None:
        """Show what a write has come to; let the saver of a closed recording go."""
        state = self.state(key)
        if key in self._session.recordings:
            self.changed.emit(key)
        elif key in self._savers and state.kind != "saving":
            saver = self._savers.pop(key)
            if state.troubled:
                way = "" if saver.file.copy is None else " Import... reads it."
                self._session.tell(
                    "A recording was closed before its labels were saved: "
                    f"{state.sentence}{way}"
                )


class SaveLine(QWidget):
    """A line such as "412 ROIs, 58 labelled, saved 14:02:11"; amber in trouble."""

    def __init__(self, session: Session, autosave: Autosave) -> None:
        super().__init__()
        self._session, self._autosave = session, autosave
        self._key = ""
        self.line = QLabel(
            wordWrap=True, toolTip="Labels save themselves with each change"
        )
        self.trouble = Notice()
        self.again = QPushButton(
            "Try again",
            toolTip="Save once more in the same place",
            clicked=lambda: autosave.save(self._key),
        )
        self.folder = QPushButton(
            "Choose folder...",
            toolTip="Keep labels in a folder of your choice, for recordings that are "
            "read-only",
            clicked=self._ask_for_folder,
        )
        self.theirs = QPushButton(
            "Reload",
            toolTip="Take the labels in the file; Undo brings yours back",
            clicked=self._reload,
        )
        self.mine = QPushButton(
            "Keep mine",
            toolTip="Write your labels over those in the file, of which a copy stays",
            clicked=lambda: autosave.save(self._key, overwrite=True),
        )
        buttons = ((self.again, self.folder), (self.theirs, self.mine))
        fill_grid(QGridLayout(self), self.line, self.trouble, *buttons, spacing=3)
        autosave.changed.connect(self._show_state)
        listen(self, self._show_state, session.activated, session.labelled)
        self._show_state()

    def _show_state(self, *_: object) -> None:
        """Show how it stands with the labels of the active recording."""
        active, state = self._session.active, SaveState()
        text, has_file = "No recording is open", False
        if active is not None:
            self._key, has_file = active.key, active.label_file is not None
            state = self._autosave.state(active.key)
            text = _status(active, state)
        for button in (self.again, self.folder):
            button.setVisible(state.kind == "failed" and has_file)
        for button in (self.theirs, self.mine):
            button.setVisible(state.kind == "conflict")
        self.line.setText(text)
        self.line.setStyleSheet(_AMBER if state.troubled else "")
        if state.sentence != self.trouble.text:
            self.trouble.show_text(state.sentence)

    def _ask_for_folder(self) -> None:
        folder = ask_folder(self, "Folder for labels", "labels")
        if folder is not None:
            self._autosave.move(self._key, folder)

    def _reload(self) -> None:
        try:
            self._autosave.reload(self._key)
        except CellTypeError as error:
            self._session.tell(str(error))


def _status(opened: OpenRecording, state: SaveState) -> str:
    """Return the line about the labels of a recording."""
    given = [row for row in opened.labels or () if row.label]
    accepted = sum(row.source == "prediction" for row in given)
    ends = {
        "failed": "⚠ not saved",
        "conflict": "⚠ not saved: changed by somebody else",
        "saving": "saving ...",
        "saved": f"saved {state.when}",
    }
    parts = (
        f"{opened.recording.n_rois} ROIs",
        f"{len(given) - accepted} labelled",
        f"{accepted} accepted" if accepted else "",
        ends.get(state.kind, ""),
    )
    return ", ".join(filter(None, parts))


def labels_folder() -> Path | None:
    """Return the labels folder of the user's choice, None for beside the recordings."""
    chosen = Settings().get(_LABELS_FOLDER)
    return Path(chosen) if isinstance(chosen, str) and chosen else None
