"""The dock "Train": labelled recordings become a model of the user's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache, partial
from threading import Event

from napari.viewer import Viewer
from qtpy import QtWidgets
from qtpy.QtCore import QTimer

from napari_celltype.errors import CellTypeError
from napari_celltype.gui.classify.classify_dock import ClassifyDock
from napari_celltype.gui.placement import open_once
from napari_celltype.gui.scene import scene_of
from napari_celltype.gui.tasks import Cancelled, Finished, JobBar, Outcome
from napari_celltype.gui.train.recordings_table import RecordingsTable
from napari_celltype.gui.train.train_form import KeepOrThrow, TrainForm
from napari_celltype.gui.train.validation_plot import ValidationPlot
from napari_celltype.gui.widgets import (
    Details,
    Notice,
    Words,
    fill,
    for_window,
    lay_out_dock,
    listen,
    switch,
)
from napari_celltype.models import ModelCard, list_models, network_title
from napari_celltype.progress import Progress
from napari_celltype.training.course import Course
from napari_celltype.training.held_out import held_out_for
from napari_celltype.training.request import TrainRequest, command_for, request_for
from napari_celltype.training.train import (
    Trained,
    checkpoint_of,
    find_base,
    train_model,
)


@dataclass
class _Running:
    """What the main thread and the thread that trains share."""

    request: TrainRequest
    course: Course | None = None
    finish: Event = field(default_factory=Event)
    thrown_away: bool = False

    def watch(self, course: Course) -> None:
        self.course = course


class TrainDock(QtWidgets.QWidget):
    """Collects labelled recordings, trains on them, and shows how well it goes."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        scene = scene_of(napari_viewer)
        self._viewer, self.session = scene.viewer, scene.session
        self._command = ""
        self.recordings = RecordingsTable(self.session)
        self.form = TrainForm()
        self.train = QtWidgets.QPushButton("Train", clicked=self.start)
        self.why_not = Notice()
        self.job = JobBar()
        self.choice = KeepOrThrow()
        self.plot = ValidationPlot()
        self.course = Notice()
        self.result = Words()
        self.details = Details()
        self.use = QtWidgets.QPushButton(
            "Use it in Classify",
            toolTip="Choose this model in the Classify dock",
            clicked=self._use,
        )
        self.copy = QtWidgets.QPushButton(
            "Copy command",
            toolTip="Copy the command that trains the same model in a terminal, from "
            "the recording list that was written",
            clicked=lambda: QtWidgets.QApplication.clipboard().setText(self._command),
        )
        self._running: _Running | None = None
        self._trained: Trained | None = None
        self._trouble = ""
        self._lay_out()
        self.form.changed.connect(self._update)
        self.recordings.changed.connect(self._update)
        # Cancel asks first what is to become of the epochs that are done.
        self.job.cancel.clicked.disconnect()
        self.job.cancel.clicked.connect(self._ask)
        self.job.cancel.setToolTip("Stop, and choose what becomes of the best epoch")
        self.choice.chosen.connect(self._on_choice)
        listen(self, self._list_models, self.session.models_changed)
        self.plot.follow_theme(scene.viewer)
        self._list_models()

    def start(self) -> None:
        """Train in the background."""
        if self._reason():
            return
        request = request_for(
            self.session.collection, self.form.model_name, **self.form.values
        )
        running = self._running = _Running(request)
        self._command = command_for(request)

        work = partial(
            train_model,
            request,
            on_course=running.watch,
            should_finish=running.finish.is_set,
        )
        self.plot.clear_course()
        self.course.clear()
        self._show_result(None)
        self.job.start("Training", work, self._on_end, self._on_progress)
        self._show_state()

    def _lay_out(self) -> None:
        ways_on = fill(QtWidgets.QHBoxLayout(), (self.use, 1), self.copy)
        parts = (
            *(QtWidgets.QLabel("<b>Labelled recordings</b>"), self.recordings),
            *(QtWidgets.QLabel("<b>Training</b>"), self.form, self.plot, self.course),
            *(ways_on, self.result, self.details),
        )
        foot = (self.train, self.why_not, self.job, self.choice)
        self._column = lay_out_dock(self, parts, *foot)
        self._show_result(None)

    def _list_models(self) -> None:
        notices: list[str] = []
        _base_card.cache_clear()
        try:
            self.form.list_models(list_models(on_notice=notices.append))
        except CellTypeError as error:
            notices.append(str(error))
        if notices:
            self.job.notice.show_error("\n".join(notices))

    def _update(self) -> None:
        """Show what the form and the recordings ask of each other."""
        collection = self.session.collection
        # The slowest recording decides which model of a family fits.
        card, self._trouble = _base_card(self.form.value("base"), collection.slowest)
        self.form.show_base(card, self._trouble)
        held_out = self.form.value("validation")
        self.recordings.set_requirements(card, held_out)
        level = held_out_for(collection, held_out) if collection.recordings else ""
        self.form.show_held_out(level)
        self._show_state()

    def _reason(self) -> str:
        """Return why nothing can be trained now; empty where it can."""
        if self.job.running:
            return "A training is running."
        reason = self.recordings.blocked_by or self._trouble or self.form.wrong_name
        base, name = self.recordings.base, self.form.model_name
        if not reason and base is not None and base.name == name:
            return f"{name} is what training starts from; choose another name."
        return reason

    def _show_state(self) -> None:
        reason = self._reason()
        switch(self.train, "Train a model on the labelled cells above", reason)
        # What is found above already is not found again.
        found = (self._trouble, *(o.sentence for o in self.recordings.obstacles))
        known = self.job.running or reason in found
        self.why_not.show_text("" if known else reason)
        self.form.setEnabled(not self.job.running)
        self.plot.setVisible(bool(self.plot.scores))

    def _on_progress(self, progress: Progress) -> None:
        if self._running is not None and self._running.course is not None:
            self._show_course(self._running.course)
            self.choice.show_best(self._running.course)

    def _show_course(self, course: Course) -> None:
        if not self.course.text:
            QTimer.singleShot(0, self.look_at_news)
        self.plot.show_course(course)
        self.course.show_text(course.sentence())
        self.plot.setVisible(course.chance is not None)

    def look_at_news(self) -> None:
        """Scroll to the result, or to how the training goes."""
        news = self.result if self._trained is not None else self.course
        self._column.ensureWidgetVisible(news, 0, 4)

    def _ask(self) -> None:
        """Ask what becomes of the best epoch; without any there is nothing to ask."""
        if self._running is not None and self._running.course is not None:
            self.choice.ask(self._running.course)
        else:
            # What an earlier training left beside the model stays, to go on from.
            self.job.tasks.cancel()

    def _on_choice(self, keep: bool) -> None:
        if self._running is None:
            return
        if keep:
            self._running.finish.set()
        else:
            self._running.thrown_away = True
            self.job.tasks.cancel()

    def _on_end(self, outcome: Outcome[Trained]) -> None:
        running, self._running = self._running, None
        self.choice.hide()
        if running is not None and running.course is not None:
            self._show_course(running.course)
        # The result says it better.
        self.course.clear()
        if isinstance(outcome, Finished):
            self._show_result(outcome.result)
            self.session.models_changed.emit()
            QTimer.singleShot(0, self.look_at_news)
        elif isinstance(outcome, Cancelled) and running is not None:
            self.plot.clear_course()
            how = "Stopped before an epoch"
            if running.thrown_away:
                how = "Thrown away"
                checkpoint_of(running.request.output).unlink(missing_ok=True)
            self.job.notice.show_text(f"{how}; no model was saved.")
        self._show_state()

    def _show_result(self, trained: Trained | None) -> None:
        self._trained = trained
        lines: list[str] = []
        if trained is not None:
            base = trained.card.training_data.get("base")
            origin = f"from {base['name']} on" if base else "from scratch"
            network = network_title(trained.card.architecture)
            lines = [f"Saved as {trained.card.name}: {network}, {origin}."]
            lines += [*trained.summary(), *trained.notes]
        self.result.setText("\n".join(lines[:2]))
        self.details.show_text("\n".join(lines[2:]))
        for widget in (self.result, self.use, self.copy):
            widget.setVisible(trained is not None)

    def _use(self) -> None:
        """Choose the model in the Classify dock, which is opened where it is not."""
        if self._trained is None:
            return
        classify = open_once(self._viewer, "Classify", ClassifyDock)
        assert isinstance(classify, ClassifyDock)
        classify.form.model.choose(self._trained.card.name)
        classify.parentWidget().raise_()


@lru_cache(maxsize=8)
def _base_card(base: str | None, slowest: float | None) -> tuple[ModelCard | None, str]:
    """Return the model that training starts from, or why it cannot; read once."""
    if base is None:
        return None, ""
    try:
        return find_base(base, slowest)[0].card, ""
    except CellTypeError as error:
        return None, for_window(str(error))
