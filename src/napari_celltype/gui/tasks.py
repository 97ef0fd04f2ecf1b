"""Long work off the main thread, with four outcomes that are never confused.

The thread never touches Qt: it leaves its progress and its outcome in a `_Work`, and a
timer of the widget that owns the runner looks there. So a widget that is closed while
its work runs leaves nothing behind that could call it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any, Generic, TypeVar

from qtpy.QtCore import QCoreApplication, QObject, QTimer, Signal
from qtpy.QtWidgets import QGridLayout, QProgressBar, QPushButton, QSizePolicy, QWidget

from napari_celltype.errors import CellTypeError, Stopped
from napari_celltype.gui.widgets import Notice, Words, fill_grid, for_window
from napari_celltype.progress import Progress

T = TypeVar("T")

_POLL_MS = 40


@dataclass(frozen=True)
class Finished(Generic[T]):
    """The work is done; `result` is what it returned."""

    result: T


@dataclass(frozen=True)
class Failed:
    """The work could not be done; `sentence` says why and what to do."""

    sentence: str


@dataclass(frozen=True)
class Cancelled:
    """The user stopped the work."""


@dataclass(frozen=True)
class Superseded:
    """Newer work of the same runner took its place; its result is dropped."""


Outcome = Finished[T] | Failed | Cancelled | Superseded


class TaskRunner(QObject):
    """Runs one piece of work at a time for the widget that is its parent."""

    ended = Signal(object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._work: _Work | None = None
        self._timer = QTimer(self, interval=_POLL_MS, timeout=self._look)

    @property
    def running(self) -> bool:
        """Whether there is work that has not ended."""
        return self._work is not None

    def start(
        self,
        work: Callable[..., T],
        *,
        on_end: Callable[[Outcome[T]], None],
        on_progress: Callable[[Progress], None] | None = None,
    ) -> None:
        """Run `work(on_progress=..., should_stop=...)` in a thread."""
        self._end(Superseded())
        self._work = _Work(work, on_end, on_progress)
        for signal in self._farewells():
            signal.connect(self._work.stop.set)
        # Not a daemon: a thread killed inside torch can take the process down.
        Thread(target=self._work.run, name="napari-celltype work").start()
        self._timer.start()

    def cancel(self) -> None:
        """Tell the work to stop; it ends as `Cancelled` once it has noticed."""
        if self._work is not None:
            self._work.stop.set()

    def _farewells(self) -> tuple[Any, Any]:
        """Return the signals after which nobody looks at the work any more."""
        return self.destroyed, QCoreApplication.instance().aboutToQuit

    def _look(self) -> None:
        work = self._work
        if work is None:
            return
        progress, work.progress = work.progress, None
        if work.outcome is not None:
            self._end(work.outcome)
        elif progress is not None and work.on_progress is not None:
            work.on_progress(progress)

    def _end(self, outcome: Outcome[Any]) -> None:
        work, self._work = self._work, None
        self._timer.stop()
        if work is not None:
            for signal in self._farewells():
                signal.disconnect(work.stop.set)
            work.stop.set()
            work.on_end(outcome)
            self.ended.emit(outcome)


@dataclass
class _Work:
    """What the thread and the timer share."""

    work: Callable[..., Any]
    on_end: Callable[[Outcome[Any]], None]
    on_progress: Callable[[Progress], None] | None
    stop: Event = field(default_factory=Event)
    progress: Progress | None = None
    outcome: Outcome[Any] | None = None

    def run(self) -> None:
        try:
            result = self.work(on_progress=self._report, should_stop=self.stop.is_set)
        except Stopped:
            self.outcome = Cancelled()
        except CellTypeError as error:
            self.outcome = Failed(for_window(str(error)))
        except Exception as error:
            logging.getLogger(__name__).exception("Work in the background failed")
            self.outcome = Failed(
                f"This should not have happened ({type(error).__name__}: {error}); "
                "please report it with the text in the terminal."
            )
        else:
            # Stopped too late to notice is still what the user asked for.
            self.outcome = Cancelled() if self.stop.is_set() else Finished(result)

    def _report(self, progress: Progress) -> None:
        self.progress = progress


class JobBar(QWidget):
    """Runs one piece of work at a time off the main thread and shows how it goes."""

    started = Signal()
    ended = Signal()  # after `on_end` was called

    def __init__(self) -> None:
        super().__init__()
        self.tasks = TaskRunner(self)
        # What went wrong, or what the dock has to say.
        self.notice = Notice()
        self.message = Words()
        self.progress = QProgressBar()
        self.progress.setSizePolicy(
            QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed
        )
        self.cancel = QPushButton(
            "Cancel",
            toolTip="Stop; what is finished is kept",
            clicked=self.tasks.cancel,
        )
        rows = (self.message, (self.progress, self.cancel), self.notice)
        fill_grid(QGridLayout(self), *rows).setColumnStretch(0, 1)
        self._show_running(False)

    @property
    def running(self) -> bool:
        """Whether work is going on."""
        return self.tasks.running

    def start(
        self,
        message: str,
        work: Callable[..., T],
        on_end: Callable[[Outcome[T]], None],
        on_progress: Callable[[Progress], None] | None = None,
    ) -> None:
        """Run work as a `TaskRunner` does; what ran before is superseded.

        `message` is shown until the work tells more. Failures are shown; `on_end` takes
        every outcome, on the main thread, and `on_progress` after the bar has moved.
        """

        def end(outcome: Outcome[T]) -> None:
            self._show_running(False)
            if isinstance(outcome, Failed):
                self.notice.show_error(outcome.sentence)
            elif isinstance(outcome, Cancelled):
                self.notice.show_text("Cancelled.")
            on_end(outcome)
            self.ended.emit()

        def show(progress: Progress) -> None:
            self._show_progress(progress)
            if on_progress is not None:
                on_progress(progress)

        self.tasks.start(work, on_end=end, on_progress=show)
        self.notice.clear()
        self._show_progress(Progress(message))
        self._show_running(True)
        self.started.emit()

    def _show_running(self, running: bool) -> None:
        for widget in (self.message, self.progress, self.cancel):
            widget.setVisible(running)

    def _show_progress(self, progress: Progress) -> None:
        self.message.setText(progress.message)
        # A bar without an end moves to and fro.
        self.progress.setRange(0, progress.total or 0)
        self.progress.setValue(progress.done)
