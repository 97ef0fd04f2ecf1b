"""The dock "Evaluate": how well cell types are told apart on these recordings."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari.viewer import Viewer
from qtpy.QtCore import Qt, QTimer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_celltype.gui.evaluate.chosen_data import ChosenData
from napari_celltype.gui.evaluate.evaluate_data import EvaluateData, RunFeed
from napari_celltype.gui.evaluate.evaluate_form import EvaluateForm
from napari_celltype.gui.evaluate.evaluate_results import EvaluateResults
from napari_celltype.gui.evaluate.evaluate_tables import SplitsTable
from napari_celltype.gui.placement import FirstPlace
from napari_celltype.gui.scene import scene_of
from napari_celltype.gui.tasks import (
    Cancelled,
    Failed,
    Finished,
    JobBar,
    Outcome,
    TaskRunner,
)
from napari_celltype.gui.widgets import Column, Notice, WarningsLine, ask_folder
from napari_celltype.parameters import command_line
from napari_celltype.progress import OnProgress, ShouldStop
from napari_celltype.protocol.evaluate import (
    ExperimentRequest,
    new_run_folder,
    read_request,
)
from napari_celltype.protocol.forecast import Forecast, Forecaster
from napari_celltype.protocol.report import Report

_WIDTH = 330
_PAUSE_MS, _FEED_MS = 400, 150


class EvaluateDock(QWidget):
    """Says what the data can tell, runs the protocol on them, shows what came out."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.data = EvaluateData(scene_of(napari_viewer).session)
        self.design = Notice()
        self.notes = WarningsLine()
        self.form = EvaluateForm()
        self.expected = Notice()
        self.run = QPushButton("Run")
        self.resume = QPushButton("Resume a run...")
        self.resume.setToolTip(
            "Open the folder of a run: it goes on where it stopped, and shows its "
            "report when all is done"
        )
        self.job = JobBar()
        self.doing = Notice()
        self.splits = SplitsTable()
        self.results = EvaluateResults()
        self.look = TaskRunner(self)
        self._forecaster = Forecaster()
        self._scratch = Path(tempfile.mkdtemp(prefix="napari-celltype-"))
        weakref.finalize(self, shutil.rmtree, self._scratch, ignore_errors=True)
        self._listed: tuple[ChosenData, ExperimentRequest] | None = None
        self._feed = RunFeed()
        # What runs or ran last: its data as chosen here, and the whole request.
        self._last: tuple[ChosenData, ExperimentRequest] | None = None
        self._problem = ""
        self._looked_at: tuple[Any, ...] = ()
        FirstPlace(self, Qt.DockWidgetArea.RightDockWidgetArea, _WIDTH)
        self._pause = _timer(self, _PAUSE_MS, self._forecast, once=True)
        self._drain = _timer(self, _FEED_MS, self._show_feed)
        self._scroll = _timer(self, _FEED_MS, self._scroll_to_results, once=True)
        self._lay_out()
        self._connect()
        self._show_buttons()

    def choose(self, path: Path) -> None:
        """Choose a trace set, a recording list or a suite2p folder."""
        self.data.choose_file()
        self.data.box.choose(path)

    def evaluate(self) -> None:
        """Run what the form asks for; the same as before goes on where it stopped."""
        chosen = self.data.chosen
        place = chosen.place
        if place is None or self.data.blocked_by:
            self._show_buttons()
            return
        request = self.form.request(Path())
        again = self._same_again(chosen, request)
        feed = self._feed = RunFeed()

        def work(on_progress: OnProgress, should_stop: ShouldStop) -> Report:
            asked = again
            if asked is None:
                folder = request.folder or new_run_folder(place)
                asked = chosen.asked(replace(request, folder=folder), folder)
                asked = replace(asked, command=command_line("evaluate", asked))
            return feed.run(asked, on_progress, should_stop)

        self._start(work, chosen)

    def resume_run(self, folder: Path) -> None:
        """Go on with the run of a folder; a finished one shows its report."""
        chosen = self.data.chosen
        feed = self._feed = RunFeed()

        def work(on_progress: OnProgress, should_stop: ShouldStop) -> Report:
            request = read_request(folder, chosen.path)
            return feed.run(request, on_progress, should_stop)

        self._start(work, None)

    def showEvent(self, event: QShowEvent) -> None:
        """Look at data that came while the dock was hidden."""
        super().showEvent(event)
        self._pause.start()

    def _lay_out(self) -> None:
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(6, 4, 6, 4)
        column.setSpacing(6)
        buttons = QHBoxLayout()
        buttons.addWidget(self.run, 1)
        buttons.addWidget(self.resume, 1)
        column.addWidget(self.design)
        column.addWidget(self.notes)
        for widget in (self.data, self.form, self.splits, self.results):
            column.addWidget(widget)
        column.addStretch(1)
        self.splits.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._column = Column(inner)
        layout.addWidget(self._column, 1)
        # Below what scrolls: always there, however low the window is.
        foot = QVBoxLayout()
        foot.setContentsMargins(6, 0, 6, 4)
        foot.addWidget(self.expected)
        foot.addLayout(buttons)
        foot.addWidget(self.job)
        foot.addWidget(self.doing)
        layout.addLayout(foot)

    def _connect(self) -> None:
        self.data.changed.connect(self._on_data)
        self.form.changed.connect(self._on_form)
        self.run.clicked.connect(self.evaluate)
        self.resume.clicked.connect(self._ask_for_run)
        self.job.started.connect(self._show_buttons)
        self.job.ended.connect(self._show_buttons)

    def _on_data(self) -> None:
        self.form.forget_request()
        if self.data.chosen.path is not None:
            # The same path may hold other data now.
            self._last = None
            self._forecaster.forget()
            self._looked_at = ()
        self._on_form()

    def _on_form(self) -> None:
        self._pause.start()
        self._show_buttons()

    def _forecast(self) -> None:
        """Look at the data and time short trainings, in the background."""
        chosen = self.data.chosen
        if self.job.running or not self.isVisible():
            return
        if self.data.blocked_by:
            self.look.cancel()
            self._clear_design()
            self.expected.clear()
            self._show_buttons()
            return
        request = self.form.request(Path())
        settings = (request.classifiers, request.protocol, request.training)
        same = (chosen.path, chosen.collection, settings, request.folder)
        if same == self._looked_at:
            return
        again = self._same_again(chosen, request)
        listed = self._listed
        if listed is not None and not listed[0].is_same(chosen):
            self._clear_design()
        scratch, forecaster = self._scratch, self._forecaster

        def work(
            on_progress: OnProgress, should_stop: ShouldStop
        ) -> tuple[ExperimentRequest, Forecast]:
            if again is not None:
                asked = again
            elif listed is not None and listed[0].is_same(chosen):
                asked = replace(request, data=listed[1].data, reading=listed[1].reading)
            else:
                # The list of another collection lies in the same place.
                forecaster.forget()
                asked = chosen.asked(request, scratch)
            found = forecaster.forecast(
                asked, on_progress=on_progress, should_stop=should_stop
            )
            return asked, found

        self._looked_at = same
        self._problem = ""
        self.look.start(
            work,
            on_end=lambda outcome: self._on_forecast(chosen, outcome),
            on_progress=lambda progress: self.expected.show_text(
                f"{progress.message}..."
            ),
        )
        self._show_buttons()

    def _on_forecast(
        self, chosen: ChosenData, outcome: Outcome[tuple[ExperimentRequest, Forecast]]
    ) -> None:
        if isinstance(outcome, Finished):
            asked, forecast = outcome.result
            self._listed = (chosen, asked)
            self.design.show_text("\n".join(forecast.design_lines))
            self.notes.show_warnings(forecast.notes)
            self.expected.show_text(forecast.sentence)
            self.form.show_quick_time(forecast.quick_seconds)
        elif isinstance(outcome, Failed):
            self._problem = outcome.sentence
            self._clear_design()
            self.expected.show_error(outcome.sentence)
        elif isinstance(outcome, Cancelled):
            self._looked_at = ()
        self._show_buttons()

    def _clear_design(self) -> None:
        self.design.clear()
        self.notes.show_warnings(())

    def _same_again(
        self, chosen: ChosenData, request: ExperimentRequest
    ) -> ExperimentRequest | None:
        """Return the last run, if it is what the form asks for; it may have grown."""
        if self._last is None:
            return None
        source, last = self._last
        same = (
            last.experiment == "evaluate"
            and source.is_same(chosen)
            and request.folder in (None, last.folder)
            and request.protocol == last.protocol
            and request.training == last.training
            and set(last.classifiers) <= set(request.classifiers)
        )
        if not same or last.classifiers == request.classifiers:
            return last if same else None
        grown = replace(last, classifiers=request.classifiers)
        return replace(grown, command=command_line("evaluate", grown))

    def _start(self, work: Any, chosen: ChosenData | None) -> None:
        self._pause.stop()
        self.look.cancel()
        self.splits.clear()
        self.splits.show()
        self.results.clear()
        self.expected.clear()

        def end(outcome: Outcome[Report]) -> None:
            self._on_end(chosen, outcome)

        self.job.start("Starting", work, end)
        self._drain.start()

    def _on_end(self, chosen: ChosenData | None, outcome: Outcome[Report]) -> None:
        self._drain.stop()
        self._show_feed()
        self.doing.clear()
        request = self._feed.request
        if request is not None:
            if chosen is None:
                # A run that was resumed: its data and its settings are shown.
                chosen = ChosenData(path=Path(str(request.data)))
                self.choose(Path(str(request.data)))
                if request.experiment == "evaluate":
                    self.form.show_request(request)
            self._last = (chosen, request)
        folder = None if request is None else request.folder
        if isinstance(outcome, Finished):
            self.results.show_report(outcome.result, folder)
            self.job.notice.show_text(f"Done. The run is kept in {folder}")
            # Once they are laid out.
            self._scroll.start()
        elif isinstance(outcome, Cancelled) and self._feed.n_seen:
            self.job.notice.show_text(
                f"Cancelled. The {self._feed.n_seen} finished trainings are kept in "
                f"{folder}; Run goes on from there."
            )
        self._looked_at = ()
        self._pause.start()

    def _scroll_to_results(self) -> None:
        self._column.verticalScrollBar().setValue(self.results.y())

    def _show_feed(self) -> None:
        """Show what the running work has told since the last look."""
        self.splits.add(self._feed.take())
        if self._feed.message and self.job.running:
            self.doing.show_text(self._feed.message)

    def _show_buttons(self) -> None:
        reason = self._why_not()
        again = None
        if not reason:
            again = self._same_again(self.data.chosen, self.form.request(Path()))
        self.run.setEnabled(not reason)
        self.run.setText("Run" if again is None else "Run (goes on)")
        self.run.setToolTip(reason or "Train and test, in the background")
        self.resume.setEnabled(not self.job.running)
        self.data.setEnabled(not self.job.running)
        self.form.setEnabled(not self.job.running)

    def _why_not(self) -> str:
        """Return why Run is off; empty where it is on."""
        if self.job.running:
            return "An evaluation is running."
        if self.data.blocked_by:
            return self.data.blocked_by
        if not self.form.request(Path()).classifiers:
            return "Tick at least one classifier."
        if self._problem:
            return self._problem
        if self.look.running or self._pause.isActive():
            return "The data are being looked at, to say how long it will take."
        return ""

    def _ask_for_run(self) -> None:
        folder = ask_folder(self, "Folder of a run", "runs")
        if folder is not None:
            self.resume_run(folder)


def _timer(parent: QWidget, interval: int, slot: Any, *, once: bool = False) -> QTimer:
    timer = QTimer(parent)
    timer.setInterval(interval)
    timer.setSingleShot(once)
    timer.timeout.connect(slot)
    return timer
