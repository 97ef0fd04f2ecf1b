"""Long work of a dock: progress, Cancel, and the sentence that it ends with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QGridLayout, QProgressBar, QPushButton, QSizePolicy, QWidget

from napari_celltype.gui.notice import Notice
from napari_celltype.gui.tasks import Cancelled, Failed, Outcome, TaskRunner
from napari_celltype.progress import OnProgress, Progress, ShouldStop

T = TypeVar("T")


class JobBar(QWidget):
    """Runs one piece of work at a time off the main thread and shows how it goes.

    Attributes
    ----------
    started, ended : Signal()
        Work began; it ended, after `on_end` was called.
    tasks : TaskRunner
    notice : Notice
        What went wrong, or what the dock has to say.
    progress, cancel : QProgressBar, QPushButton
        Hidden while nothing runs.
    """

    started = Signal()
    ended = Signal()

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.tasks = TaskRunner(self)
        self.notice = Notice()
        self.progress = QProgressBar()
        self.progress.setSizePolicy(
            QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed
        )
        self.cancel = QPushButton("Cancel")
        self.cancel.setToolTip("Stop; what is finished is kept")
        self.cancel.clicked.connect(self.tasks.cancel)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setColumnStretch(0, 1)
        layout.addWidget(self.progress, 0, 0)
        layout.addWidget(self.cancel, 0, 1)
        layout.addWidget(self.notice, 1, 0, 1, 2)
        self._show_running(False)

    @property
    def running(self) -> bool:
        """Whether work is going on."""
        return self.tasks.running

    def start(
        self,
        message: str,
        work: Callable[[OnProgress, ShouldStop], T],
        on_end: Callable[[Outcome[T]], None],
        on_progress: Callable[[Progress], None] | None = None,
    ) -> None:
        """Run `work(on_progress, should_stop)`; what ran before is superseded.

        Failures are shown; `on_end` takes every outcome.

        Parameters
        ----------
        message : str
            What is being done, until the work says it better.
        work : callable
        on_end : callable
            Called on the main thread.
        on_progress : callable, optional
            Called on the main thread, after the bar has moved.
        """

        def end(outcome: Outcome[T]) -> None:
            self._show_running(False)
            if isinstance(outcome, Failed):
                self.notice.show_error(outcome.sentence)
            elif isinstance(outcome, Cancelled):
                self.notice.show_text("Cancelled.")
            on_end(outcome)
            self.ended.emit()

        def tell(progress: Progress) -> None:
            self._show_progress(progress)
            if on_progress is not None:
                on_progress(progress)

        self.tasks.start(work, on_end=end, on_progress=tell)
        self.notice.clear()
        self._show_progress(Progress(message))
        self._show_running(True)
        self.started.emit()

    def _show_running(self, running: bool) -> None:
        self.progress.setVisible(running)
        self.cancel.setVisible(running)

    def _show_progress(self, progress: Progress) -> None:
        # A bar without an end moves to and fro.
        self.progress.setRange(0, progress.total or 0)
        self.progress.setValue(progress.done)
        share = " %p%" if progress.total else ""
        metrics = self.progress.fontMetrics()
        room = self.progress.width() - metrics.horizontalAdvance(" 100% ")
        said = metrics.elidedText(progress.message, Qt.TextElideMode.ElideRight, room)
        self.progress.setFormat(f"{said}{share}")
        self.progress.setToolTip(progress.message)
