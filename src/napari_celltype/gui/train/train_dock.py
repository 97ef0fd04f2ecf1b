"""The dock "Train": labelled recordings become a model of the user's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING, Any

from napari.utils.theme import get_theme
from napari.viewer import Viewer
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_celltype.errors import CellTypeError
from napari_celltype.gui.classify.classify_dock import ClassifyDock
from napari_celltype.gui.placement import FirstPlace, open_once
from napari_celltype.gui.scene import scene_of
from napari_celltype.gui.tasks import Cancelled, Failed, Finished, JobBar, Outcome
from napari_celltype.gui.train.recordings_table import RecordingsTable
from napari_celltype.gui.train.train_form import KeepOrThrow, TrainForm
from napari_celltype.gui.train.validation_plot import ValidationPlot
from napari_celltype.gui.widgets import Column, Details, Words, for_window, listen
from napari_celltype.models import network_title
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

if TYPE_CHECKING:
    from napari_celltype.models import ModelCard

_WIDTH = 310


@dataclass
class _Running:
    """What the main thread and the thread that trains share."""

    request: TrainRequest
    course: Course | None = None
    finish: Event = field(default_factory=Event)
    thrown_away: bool = False

    def tell(self, course: Course) -> None:
        self.course = course


class TrainDock(QWidget):
    """Collects labelled recordings, trains on them, and shows how well it goes."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self._viewer = getattr(napari_viewer, "__wrapped__", napari_viewer)
        self.session = scene_of(napari_viewer).session
        self.recordings = RecordingsTable(self.session)
        self.form = TrainForm()
        self.train = QPushButton("Train")
        self.why_not = Words()
        self.job = JobBar()
        self.choice = KeepOrThrow()
        self.plot = ValidationPlot()
        self.course = Words()
        self.result = Words()
        self.details = Details()
        self.use = QPushButton("Use it in Classify")
        self.copy = QPushButton("Copy command")
        self._scroll = QTimer(self)
        self._scroll.setSingleShot(True)
        self._target: QWidget = self.train
        self._running: _Running | None = None
        self._trained: Trained | None = None
        self._command = ""
        self._trouble = ""
        # Files of models are read once; another list of models makes them old.
        self._bases: dict[tuple[str, float | None], tuple[ModelCard | None, str]] = {}
        FirstPlace(self, Qt.DockWidgetArea.RightDockWidgetArea, _WIDTH)
        self._lay_out()
        self._connect()
        self._list_models()
        self._on_theme()

    def start(self) -> None:
        """Train in the background."""
        if self._reason():
            return
        request = request_for(
            self.recordings.collection, self.form.model_name, **self.form.values
        )
        running = self._running = _Running(request)
        self._command = command_for(request)

        def work(on_progress: Any, should_stop: Any) -> Trained:
            return train_model(
                request,
                on_progress=on_progress,
                should_stop=should_stop,
                on_course=running.tell,
                should_finish=running.finish.is_set,
            )

        self.plot.clear_course()
        self.course.clear()
        self._show_result(None)
        self.job.start("Training", work, self._on_end, self._on_progress)
        self._show_state()

    def _lay_out(self) -> None:
        self.use.setToolTip("Choose this model in the Classify dock")
        self.copy.setToolTip(
            "Copy the command that trains the same model in a terminal, from the "
            "recording list that was written"
        )
        after = QWidget()
        ends = QHBoxLayout(after)
        ends.setContentsMargins(0, 0, 0, 0)
        ends.addWidget(self.use, 1)
        ends.addWidget(self.copy)
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(6, 4, 6, 4)
        column.setSpacing(5)
        for widget in (
            QLabel("<b>Labelled recordings</b>"),
            self.recordings,
            QLabel("<b>Training</b>"),
            self.form,
            self.plot,
            self.course,
            after,
            self.result,
            self.details,
        ):
            column.addWidget(widget)
        column.addStretch(1)
        self._column = Column(inner)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._column, 1)
        # Below what scrolls: always there, however low the window is.
        foot = QVBoxLayout()
        foot.setContentsMargins(6, 0, 6, 4)
        for widget in (self.train, self.why_not, self.job, self.choice):
            foot.addWidget(widget)
        layout.addLayout(foot)
        self._show_result(None)

    def _connect(self) -> None:
        self.train.clicked.connect(self.start)
        self._scroll.timeout.connect(self._on_scroll)
        self.form.changed.connect(self._on_requirements)
        self.recordings.changed.connect(self._on_recordings)
        # Cancel asks first what is to become of the epochs that are done.
        self.job.cancel.clicked.disconnect()
        self.job.cancel.clicked.connect(self._ask)
        self.job.cancel.setToolTip("Stop, and choose what becomes of the best epoch")
        self.choice.kept.connect(self._keep)
        self.choice.thrown_away.connect(self._throw_away)
        self.use.clicked.connect(self._use)
        self.copy.clicked.connect(self._copy)
        listen(self, self.session.models_changed, self._list_models)
        listen(self, self._viewer.events.theme, self._on_theme)

    def _list_models(self) -> None:
        from napari_celltype.models import list_models

        notices: list[str] = []
        self._bases.clear()
        try:
            self.form.list_models(list_models(on_notice=notices.append))
        except CellTypeError as error:
            notices.append(str(error))
        if notices:
            self.job.notice.show_error("\n".join(notices))

    def _on_requirements(self) -> None:
        """Find the model to start from, whose rate and window the data have to fit."""
        card, self._trouble = self._base_card()
        self.form.show_base(card, self._trouble)
        self.recordings.set_requirements(card, self.form.value("validation"))

    def _base_card(self) -> tuple[ModelCard | None, str]:
        base, slowest = self.form.base, self.recordings.collection.slowest
        if base is None:
            return None, ""
        if (base, slowest) not in self._bases:
            try:
                file, _ = find_base(base, slowest)
            except CellTypeError as error:
                self._bases[base, slowest] = (None, for_window(str(error)))
            else:
                self._bases[base, slowest] = (file.card, "")
        return self._bases[base, slowest]

    def _on_recordings(self) -> None:
        card, trouble = self._base_card()
        if (card, trouble) != (self.recordings.base, self._trouble):
            # The slowest recording decides which model of a family fits.
            self._on_requirements()
        collection = self.recordings.collection
        level = held_out_for(collection, self.form.value("validation"))
        self.form.show_held_out(level if collection.recordings else "")
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
        self.train.setEnabled(not reason)
        self.train.setToolTip(reason or "Train a model on the labelled cells above")
        # What is found above already is not found again.
        found = (self._trouble, *(o.sentence for o in self.recordings.obstacles))
        self.why_not.setText("" if reason in found else reason)
        self.why_not.setVisible(bool(self.why_not.text()) and not self.job.running)
        self.form.setEnabled(not self.job.running)
        self.plot.setVisible(bool(self.plot.scores))
        self.course.setVisible(bool(self.course.text()))

    def _on_progress(self, progress: Progress) -> None:
        running = self._running
        if running is None or running.course is None:
            return
        self._show_course(running.course)
        self.choice.show_best(running.course)

    def _show_course(self, course: Course) -> None:
        first = not self.course.text()
        self.plot.show_course(course)
        self.course.setText(course.sentence())
        self.plot.setVisible(course.chance is not None)
        self.course.show()
        if first:
            self._look_at(self.course)

    def _look_at(self, widget: QWidget) -> None:
        """Scroll to a widget, once it has its place."""
        self._target = widget
        self._scroll.start()

    def _on_scroll(self) -> None:
        self._column.ensureWidgetVisible(self._target, 0, 4)

    def _ask(self) -> None:
        """Ask what becomes of the best epoch; without any there is nothing to ask."""
        running = self._running
        if running is None:
            return
        if running.course is None:
            # What an earlier training left beside the model stays, to go on from.
            self.job.tasks.cancel()
        else:
            self.choice.ask(running.course)

    def _keep(self) -> None:
        if self._running is not None:
            self._running.finish.set()

    def _throw_away(self) -> None:
        if self._running is not None:
            self._running.thrown_away = True
            self.job.tasks.cancel()

    def _on_end(self, outcome: Outcome[Trained]) -> None:
        running, self._running = self._running, None
        self.choice.hide()
        if running is not None and running.course is not None:
            self._show_course(running.course)
        if isinstance(outcome, Finished):
            # The result says it better, and nothing is left to wait for.
            self.course.clear()
            self._show_result(outcome.result)
            self.session.models_changed.emit()
            self._look_at(self.result)
        elif isinstance(outcome, Cancelled) and running is not None:
            if running.thrown_away:
                checkpoint_of(running.request.output).unlink(missing_ok=True)
            self.plot.clear_course()
            self.course.clear()
            how = "Thrown away" if running.thrown_away else "Stopped before an epoch"
            self.job.notice.show_text(f"{how}; no model was saved.")
        elif isinstance(outcome, Failed):
            self.course.clear()
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

    def _copy(self) -> None:
        QApplication.clipboard().setText(self._command)

    def _on_theme(self, event: Any = None) -> None:
        theme = get_theme(self._viewer.theme)
        self.plot.set_theme(theme.background.as_hex(), theme.text.as_hex())
