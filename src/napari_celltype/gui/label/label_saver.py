"""Saves the labels of one recording as they change, in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from threading import Lock, Thread
from typing import Literal

from napari_celltype.errors import CellTypeError, LabelConflict, LabelError
from napari_celltype.labels import LabelKeeper, LabelTable, save_labels

Kind = Literal["unchanged", "saving", "saved", "failed", "conflict"]


@dataclass(frozen=True)
class SaveState:
    """How it stands with the labels of a recording.

    Attributes
    ----------
    kind : {"unchanged", "saving", "saved", "failed", "conflict"}
    sentence : str
        What went wrong and what to do.
    when : datetime or None
        When labels were last saved.
    copy : str
        Where labels that could not be saved are, in a sentence.
    """

    kind: Kind
    sentence: str = ""
    when: datetime | None = None
    copy: str = ""

    @property
    def troubled(self) -> bool:
        """Whether the labels on the screen are not those in the file."""
        return self.kind in ("failed", "conflict")


class LabelSaver:
    """Writes the latest labels, one write after another; never Qt, never two at once.

    The thread is no daemon: the last labels are written also when the window closes.

    Parameters
    ----------
    keeper : LabelKeeper
    rescue : Path
        Labels folder for a copy of labels that cannot be saved in their place.
    """

    def __init__(self, keeper: LabelKeeper, rescue: Path) -> None:
        self.keeper = keeper
        self.state = SaveState("unchanged")
        self._rescue = rescue
        self._lock = Lock()
        self._job: Callable[[], SaveState] | None = None
        self._running = False

    @property
    def busy(self) -> bool:
        """Whether something is being written or looked up."""
        return self._running

    def save(self, labels: LabelTable, *, ask: bool = True) -> None:
        """Write labels soon; what waits to be written is dropped for them.

        Parameters
        ----------
        labels : LabelTable
        ask : bool
            Write nothing when somebody else has saved since; the state then says so.
        """
        self.state = replace(self.state, kind="saving", sentence="", copy="")
        self._start(lambda: self._save(labels, ask))

    def check(self) -> None:
        """Look whether somebody else has saved, unless there is other work."""
        if not self._running and not self.state.troubled:
            self._start(self._look)

    def _start(self, job: Callable[[], SaveState]) -> None:
        with self._lock:
            self._job = job
            if self._running:
                return
            self._running = True
        Thread(target=self._run, name="napari-celltype labels").start()

    def _run(self) -> None:
        while True:
            with self._lock:
                job, self._job = self._job, None
                if job is None:
                    self._running = False
                    return
            state = job()
            with self._lock:
                # With newer labels waiting, this is not how it stands.
                if self._job is None:
                    self.state = state

    def _save(self, labels: LabelTable, ask: bool) -> SaveState:
        try:
            if ask:
                self.keeper.save(labels)
            else:
                self.keeper.overwrite(labels)
        except CellTypeError as error:
            kind: Kind = "conflict" if isinstance(error, LabelConflict) else "failed"
            return replace(
                self.state, kind=kind, sentence=str(error), copy=self._keep_copy(labels)
            )
        return SaveState("saved", when=datetime.now())

    def _look(self) -> SaveState:
        try:
            changed = self.keeper.changed()
        except LabelError as error:
            return replace(self.state, kind="failed", sentence=str(error))
        if changed is None:
            return self.state
        return replace(self.state, kind="conflict", sentence=changed)

    def _keep_copy(self, labels: LabelTable) -> str:
        try:
            copy = save_labels(self.keeper.recording, labels, self._rescue)
        except CellTypeError:
            return "Your labels are nowhere but in this window."
        return f"A copy of yours is kept in {copy}."
