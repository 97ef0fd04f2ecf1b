"""The dock "Evaluate": how well cell types are told apart on these recordings."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from napari.viewer import Viewer
from qtpy.QtCore import QTimer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QWidget

from napari_celltype.gui.evaluate.evaluate_data import (
    EvaluateData,
    place_of,
    request_on,
)
from napari_celltype.gui.evaluate.evaluate_form import EvaluateForm
from napari_celltype.gui.evaluate.evaluate_results import EvaluateResults
from napari_celltype.gui.evaluate.evaluate_tables import SplitsTable
from napari_celltype.gui.scene import scene_of
from napari_celltype.gui.tasks import (
    Cancelled,
    Failed,
    Finished,
    JobBar,
    Outcome,
    TaskRunner,
)
from napari_celltype.gui.widgets import (
    Notice,
    WarningsLine,
    ask_folder,
    fill,
    lay_out_dock,
    switch,
)
from napari_celltype.labels.data_set import DataSet
from napari_celltype.parameters import command_line
from napari_celltype.progress import Progress
from napari_celltype.protocol.evaluate import (
    ExperimentRequest,
    new_run_folder,
    read_request,
    run_experiment,
)
from napari_celltype.protocol.forecast import Forecast, Forecaster
from napari_celltype.protocol.report import Report
from napari_celltype.protocol.scores import SplitRow

_PAUSE_MS, _LAYOUT_MS = 400, 150


@dataclass
class _Run:
    """What the window and the thread that evaluates share."""

    # Known once its folder and its data are.
    request: ExperimentRequest | None = None
    # Of the finished trainings, probes among them; and those that are shown.
    rows: list[SplitRow] = field(default_factory=list)
    n_shown: int = 0


class EvaluateDock(QWidget):
    """Says what the data can tell, runs the protocol on them, shows what came out."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        scene = scene_of(napari_viewer)
        self.data = EvaluateData(scene.session)
        self.design = Notice()
        self.notes = WarningsLine()
        self.form = EvaluateForm()
        self.expected = Notice()
        self.run = QPushButton("Run", clicked=self.evaluate)
        self.resume = QPushButton(
            "Resume a run...",
            toolTip="Open the folder of a run: it goes on where it stopped, and shows "
            "its report when all is done",
            clicked=lambda: self.resume_run(
                ask_folder(self, "Folder of a run", "runs")
            ),
        )
        self.job = JobBar()
        self.splits = SplitsTable()
        self.results = EvaluateResults()
        self.look = TaskRunner(self)
        self._forecaster = Forecaster()
        self._scratch = Path(tempfile.mkdtemp(prefix="napari-celltype-"))
        weakref.finalize(self, shutil.rmtree, self._scratch, ignore_errors=True)
        # What was looked at last, and whether it is what the form asks for.
        self._looked_at = self.data.chosen
        self._up_to_date = False
        # What runs or ran last, and what it was asked for.
        self._running = _Run()
        self._last: ExperimentRequest | None = None
        once = partial(QTimer, self, singleShot=True)
        self._pause = once(interval=_PAUSE_MS, timeout=self._forecast)
        self._scroll = once(interval=_LAYOUT_MS, timeout=self._scroll_to_target)
        self._target: QWidget = self.splits
        self._lay_out()
        self.data.changed.connect(self._on_data)
        self.form.changed.connect(self._on_form)
        self.job.started.connect(self._show_buttons)
        self.job.ended.connect(self._on_form)
        self.results.bars.follow_theme(scene.viewer)
        self._show_buttons()

    def evaluate(self) -> None:
        """Run what the form asks for; the same as before goes on where it stopped."""
        if self._why_not():
            return
        data, request = self.data.chosen, self.form.request()
        again = self._same_again(request)

        def prepare() -> ExperimentRequest:
            if again is not None:
                return again
            folder = request.folder or new_run_folder(place_of(data))
            asked = request_on(data, replace(request, folder=folder), folder)
            return replace(asked, command=command_line("evaluate", asked))

        self._start(prepare)

    def resume_run(self, folder: Path | None) -> None:
        """Go on with the run of a folder; a finished one shows its report."""
        if folder is None:
            return
        data = self.data.chosen
        known = data if isinstance(data, Path) and not self.data.blocked_by else None
        self._start(partial(read_request, folder, known), resumed=True)

    def showEvent(self, event: QShowEvent) -> None:
        """Look at data that came while the dock was hidden."""
        super().showEvent(event)
        if not self._up_to_date:
            self._pause.start()

    def _lay_out(self) -> None:
        parts = (self.design, self.notes, self.data, self.form)
        self.splits.hide()
        buttons = fill(QHBoxLayout(), (self.run, 1), (self.resume, 1))
        self._column = lay_out_dock(
            self,
            (*parts, self.splits, self.results),
            *(self.expected, buttons, self.job),
        )

    def _on_data(self) -> None:
        data = self.data.chosen
        if isinstance(data, Path) or data is not self._looked_at:
            # The same path may hold other data now.
            self._looked_at, self._last = data, None
            self._forecaster = Forecaster()
            self._clear_design()
            self.form.forget_request()
        self._on_form()

    def _on_form(self) -> None:
        self._up_to_date = False
        self._pause.start()
        self._show_buttons()

    def _forecast(self) -> None:
        """Look at the data and time short trainings, in the background."""
        if self._up_to_date or self.job.running or not self.isVisible():
            return
        self._up_to_date = True
        self.expected.clear()
        if self.data.blocked_by:
            self.look.cancel()
            self._clear_design()
            self._show_buttons()
            return
        data, request = self.data.chosen, self.form.request()
        forecaster, again = self._forecaster, self._same_again(request)
        if again is not None:
            request = replace(request, folder=again.folder)

        def work(**hooks: Any) -> Forecast:
            asked = request_on(data, request, self._scratch)
            return forecaster.forecast(asked, **hooks)

        def show(progress: Progress) -> None:
            self.expected.show_text(f"{progress.message}...")

        self.look.start(work, on_end=self._on_forecast, on_progress=show)
        self._show_buttons()

    def _on_forecast(self, outcome: Outcome[Forecast]) -> None:
        if isinstance(outcome, Finished):
            forecast = outcome.result
            self.design.show_text("\n".join(forecast.design_lines))
            self.notes.show_warnings(forecast.notes)
            self.expected.show_text(forecast.sentence)
            self.form.show_quick_time(forecast.quick_seconds)
        elif isinstance(outcome, Failed):
            self._clear_design()
            self.expected.show_error(outcome.sentence)
        self._show_buttons()

    def _clear_design(self) -> None:
        self.design.clear()
        self.notes.show_warnings(())

    def _same_again(self, request: ExperimentRequest) -> ExperimentRequest | None:
        """Return the last run, if it is what the form asks for; it may have grown."""
        last = self._last
        if (
            last is None
            or last.experiment != "evaluate"
            or request.folder not in (None, last.folder)
            or (request.protocol, request.training) != (last.protocol, last.training)
            or not set(last.classifiers) <= set(request.classifiers)
        ):
            return None
        grown = replace(
            last,
            classifiers=request.classifiers,
            learning_curve=request.learning_curve,
        )
        return replace(grown, command=command_line("evaluate", grown))

    def _start(
        self, prepare: Callable[[], ExperimentRequest], *, resumed: bool = False
    ) -> None:
        run = self._running = _Run()

        def work(**hooks: Any) -> Report:
            run.request = prepare()
            return run_experiment(run.request, on_split=run.rows.append, **hooks)

        self._pause.stop()
        self.look.cancel()
        self.splits.setRowCount(0)
        self.splits.show()
        self.results.hide()
        self.expected.clear()
        self._look_at(self.splits)
        end = partial(self._on_end, resumed, self._looked_at)
        self.job.start("Starting", work, end, on_progress=self._show_rows)

    def _on_end(
        self, resumed: bool, data: Path | DataSet, outcome: Outcome[Report]
    ) -> None:
        self._show_rows()
        run, request = self._running, self._running.request
        if request is None:
            return
        if resumed:
            # Its data and its settings are shown.
            self.data.choose(Path(str(request.data)))
            if request.experiment == "evaluate":
                self.form.show_request(request)
        if resumed or data is self._looked_at:
            self._last = request
        if isinstance(outcome, Finished):
            self.results.show_report(outcome.result, request.folder or Path())
            self.job.notice.show_text(f"Done. The run is kept in {request.folder}")
            self._look_at(self.results)
        elif isinstance(outcome, Cancelled) and run.rows:
            self.job.notice.show_text(
                f"Cancelled. The {len(run.rows)} finished trainings are kept in "
                f"{request.folder}; Run goes on from there."
            )

    def _look_at(self, widget: QWidget) -> None:
        """Scroll to a widget, once it has its place."""
        self._target = widget
        self._scroll.start()

    def _scroll_to_target(self) -> None:
        self._column.verticalScrollBar().setValue(self._target.y())

    def _show_rows(self, _: Progress | None = None) -> None:
        """Show the trainings that finished since the last look."""
        run = self._running
        new = run.rows[run.n_shown :]
        run.n_shown += len(new)
        self.splits.add(new)

    def _show_buttons(self) -> None:
        reason = self._why_not()
        again = not reason and self._same_again(self.form.request())
        self.run.setText("Run (goes on)" if again else "Run")
        switch(self.run, "Train and test, in the background", reason)
        for widget in (self.resume, self.data, self.form):
            widget.setEnabled(not self.job.running)

    def _why_not(self) -> str:
        """Return why Run is off; empty where it is on."""
        if self.job.running:
            return "An evaluation is running."
        if self.data.blocked_by:
            return self.data.blocked_by
        if not self.form.request().classifiers:
            return "Tick at least one classifier."
        if self.look.running or self._pause.isActive():
            return "The data are being looked at, to say how long it will take."
        return self.expected.text if self.expected.is_error else ""
