"""The dock "Classify": open a recording, run a model on it, read the colours."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from napari.viewer import Viewer
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_celltype.answers import Predictions, classify_recording
from napari_celltype.answers.columns import COUNTED, roi_table
from napari_celltype.answers.summary import count_rois
from napari_celltype.errors import CellTypeError
from napari_celltype.gui.classify.classify_form import ClassifyForm, RunBar
from napari_celltype.gui.classify.legend import Legend, heading_of, legend_rows
from napari_celltype.gui.exporting import save_table
from napari_celltype.gui.label.autosave import labels_folder
from napari_celltype.gui.opened import OpenRecording
from napari_celltype.gui.opening import (
    import_torch_in_background,
    prepare_for_layers,
    read_recordings,
)
from napari_celltype.gui.placement import FirstPlace
from napari_celltype.gui.scene import scene_of
from napari_celltype.gui.tasks import (
    Finished,
    JobBar,
    Outcome,
    Superseded,
    TaskRunner,
)
from napari_celltype.gui.widgets import (
    Column,
    FolderDrop,
    Notice,
    WarningsLine,
    listen,
)
from napari_celltype.progress import Progress
from napari_celltype.recording import RATE_DOUBTS, Recording, attach_movie

_WIDTH = 310
_WATCH_MS = 5000


class ClassifyDock(QWidget):
    """Opens recordings, classifies the active one, shows what the colours mean."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        scene = scene_of(napari_viewer)
        self.session = scene.session
        self.folder = FolderDrop()
        self.form = ClassifyForm()
        self.legend = Legend()
        self.run = RunBar()
        self.job = JobBar()
        self.job.cancel.setToolTip("Stop; labels and predictions stay as they were")
        self.notice, self.tasks = self.job.notice, self.job.tasks
        self.warnings = WarningsLine()
        self.stale = Notice("Reload", "Read the folder again; your labels are kept")
        self.watch = TaskRunner(self)
        self._running = ""
        FirstPlace(self, Qt.DockWidgetArea.RightDockWidgetArea, _WIDTH)
        self._lay_out()
        self._connect()
        try:
            self.form.model.list_models()
        except CellTypeError as error:
            self.notice.show_error(str(error))
        # A dock that is opened again shows what is in use.
        session = self.session
        self.form.show_settings(session.model, session.prior, session.min_probability)
        self.form.model_changed.connect(self._on_model)
        self._show_recording()
        # Once the event loop turns, that is when the window is on the screen.
        QTimer.singleShot(0, import_torch_in_background)
        timer = QTimer(self)
        timer.timeout.connect(self.check_folder)
        timer.start(_WATCH_MS)

    def open_paths(
        self,
        paths: list[Path],
        *,
        plane: int | None = None,
        sampling_frequency: float | None = None,
        movie: Path | None = None,
    ) -> None:
        """Open recordings in the background, see `read_recordings`."""
        labels_dir = labels_folder()

        def read(on_progress: Any, should_stop: Any) -> list[OpenRecording]:
            prepare_for_layers()
            return [
                opened
                for path in paths
                for opened in read_recordings(
                    path,
                    plane=plane,
                    sampling_frequency=sampling_frequency,
                    movie=movie,
                    labels_dir=labels_dir,
                    on_progress=on_progress,
                    should_stop=should_stop,
                )
            ]

        names = ", ".join(path.name for path in paths)
        self._start(
            "Reading",
            read,
            self._on_read,
            name=f"Reading of {names}",
            because="another recording was opened",
        )

    def classify(self) -> None:
        """Classify the active recording in the background."""
        self.form.frame_rate.take_typed()
        opened = self.session.active
        if opened is None:
            self.notice.show_error("Open a suite2p folder first.")
            return
        request = self.form.request()

        def work(on_progress: Any, should_stop: Any) -> Predictions:
            on_progress(Progress("Loading the model"))
            return classify_recording(
                opened.recording,
                request,
                on_progress=on_progress,
                should_stop=should_stop,
            )

        self._start(
            "Classifying",
            work,
            partial(self._on_classified, opened),
            name=f"Classification of {opened.title}",
            because="another one was started",
        )

    def attach_movie(self, path: Path) -> None:
        """Add a movie of the user's choice to the active recording."""
        opened = self.session.active
        if opened is None:
            return

        def work(on_progress: Any, should_stop: Any) -> Recording:
            on_progress(Progress(f"Reading {path.name}"))
            return attach_movie(opened.recording, path)

        def done(outcome: Outcome[Recording]) -> None:
            now = self.session.recordings.get(opened.key)
            if not isinstance(outcome, Finished) or now is None:
                return
            if now.recording is not opened.recording:
                self.notice.show_text(
                    "The recording changed while its movie was read; choose the movie "
                    "again."
                )
                return
            self.session.set_movie(opened.key, outcome.result, path)

        self._start(
            "Reading the movie",
            work,
            done,
            name=f"Reading of {path.name}",
            because="a movie was chosen",
        )

    def check_folder(self) -> None:
        """Look, in the background, whether suite2p rewrote the active recording."""
        opened = self.session.active
        if opened is None or self.watch.running:
            return

        def look(on_progress: Any, should_stop: Any) -> str | None:
            return opened.recording.changed_on_disk()

        def done(outcome: Outcome[str | None]) -> None:
            active = self.session.active
            same = active is not None and active.recording is opened.recording
            if same and isinstance(outcome, Finished):
                self.stale.show_text(outcome.result or "")

        self.watch.start(look, on_end=done)

    def reload(self) -> None:
        """Read the active recording again."""
        opened = self.session.active
        if opened is not None and opened.recording.path is not None:
            self.open_paths(
                [opened.recording.path],
                sampling_frequency=opened.user_frequency,
                movie=opened.movie_path,
            )

    def _lay_out(self) -> None:
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(6, 4, 6, 4)
        column.setSpacing(5)
        for widget in (
            self.folder,
            self.stale,
            self.form,
            self.warnings,
            self.legend,
        ):
            column.addWidget(widget)
        column.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(Column(inner), 1)
        # Below what scrolls: always there, however low the window is.
        foot = QVBoxLayout()
        foot.setContentsMargins(6, 0, 6, 4)
        foot.addWidget(self.run)
        foot.addWidget(self.job)
        layout.addLayout(foot)

    def _connect(self) -> None:
        self.folder.chosen.connect(self.open_paths)
        self.stale.acted.connect(self.reload)
        self.form.activated.connect(self.session.activate)
        self.form.movie_chosen.connect(self.attach_movie)
        self.form.frequency_confirmed.connect(self._on_frequency)
        self.form.hide_below_changed.connect(self.session.set_min_probability)
        self.form.prior_changed.connect(self.session.set_prior)
        self.legend.by_group.connect(
            lambda on: self.session.set_color_by("group" if on else "type")
        )
        self.run.classify.clicked.connect(self.classify)
        # The bar of the job takes the place of the buttons.
        self.job.started.connect(self.run.hide)
        self.job.ended.connect(self.run.show)
        self.run.export.clicked.connect(self._on_export)
        session = self.session
        for signal in (session.opened, session.closed, session.replaced):
            listen(self, signal, self._on_recordings)
        listen(self, session.activated, self._show_recording)
        listen(self, session.predicted, self._on_predicted)
        listen(self, session.outdated, self._on_outdated)
        listen(self, session.recolored, self._show_counts)
        listen(self, session.types_changed, self._show_counts)
        listen(self, session.labelled, self._on_predicted)
        listen(self.notice, session.told, self.notice.show_error)
        listen(self.form.model, session.models_changed, self.form.model.list_again)

    def _start(
        self, message: str, work: Any, on_done: Any, *, name: str, because: str
    ) -> None:
        """Run work in the place of what runs, which is said to stop `because`."""
        stopped = f"{self._running} was stopped because {because}."
        stopped = stopped if self.job.running else ""
        self._running = name

        def end(outcome: Outcome[Any]) -> None:
            if not isinstance(outcome, Superseded):
                # Else the notice is that of the newer work.
                on_done(outcome)
                if stopped not in self.notice.text:
                    self.notice.add(stopped)

        self.job.start(message, work, end)
        self.notice.show_text(stopped)

    def _on_read(self, outcome: Outcome[list[OpenRecording]]) -> None:
        if not isinstance(outcome, Finished):
            return
        for opened in outcome.result:
            self.session.open(opened)
        if outcome.result:
            self.session.activate(outcome.result[0].key)
        self.stale.clear()

    def _on_classified(
        self, opened: OpenRecording, outcome: Outcome[Predictions]
    ) -> None:
        if not isinstance(outcome, Finished):
            return
        now = self.session.recordings.get(opened.key)
        if now is None:
            self.notice.show_text(f"{opened.title} was closed, so it has no result.")
            return
        if now.recording is not opened.recording:
            self.notice.show_text(
                "The recording changed while it was classified; press Classify again."
            )
            return
        self.session.set_predictions(opened.key, outcome.result)

    def _on_frequency(self, hertz: float) -> None:
        if self.session.active is not None:
            self.session.set_sampling_frequency(self.session.active.key, hertz)

    def _on_export(self) -> None:
        opened = self.session.active
        if opened is None or opened.predictions is None:
            return
        try:
            written = save_table(self, self.session, opened)
        except CellTypeError as error:
            self.notice.show_error(str(error))
            return
        if written is not None:
            self.notice.show_text(f"Wrote {written}")

    def _on_model(self, model: str) -> None:
        self.session.model = model

    def _on_recordings(self, key: str) -> None:
        self._show_recording()

    def _on_predicted(self, key: str) -> None:
        active = self.session.active
        if active is not None and active.key == key:
            self._show_counts()

    def _on_outdated(self, key: str) -> None:
        self.notice.add("The frame rate changed; classify again.")

    def _show_recording(self) -> None:
        active = self.session.active
        self.form.show_recordings(self.session.recordings, active)
        self.stale.clear()
        if active is not None:
            self.notice.clear()
        self._show_counts()

    def _show_counts(self) -> None:
        active = self.session.active
        predictions = None if active is None else active.predictions
        seen = None if active is None else self.session.predictions(active)
        self.run.allow(
            classify=active is not None,
            export=seen is not None,
            hidden=predictions is not None and seen is None,
        )
        self.legend.setVisible(active is not None)
        self._show_warnings()
        if active is None:
            return
        summary = None if seen is None else seen.summary()
        labels = self.session.labels_seen(active)
        counted = roi_table(active.recording, labels=labels, columns=COUNTED)
        rows = legend_rows(
            summary,
            count_rois(counted).labels,
            self.session.tree,
            self.session.color_by,
        )
        if predictions is None or summary is None:
            why = (
                "not classified yet"
                if seen is predictions
                else "predictions hidden (H)"
            )
            self.legend.show_result(f"{active.recording.n_rois} ROIs, {why}", rows)
            return
        self.legend.show_result(
            heading_of(predictions),
            rows,
            summary.expectation,
            summary.details(),
            by_group=self.session.color_by == "group",
        )

    def _show_warnings(self) -> None:
        """Show what is doubtful about the active recording, for as long as it is."""
        active = self.session.active
        if active is None:
            self.warnings.show_warnings(())
            return
        # What is doubtful about the rate stands below its box.
        others = (w for w in active.recording.warnings if w.code not in RATE_DOUBTS)
        made_of = active.predictions
        # What the model makes of the recording first: the line has room for one.
        of_model = map(str, () if made_of is None else made_of.findings)
        self.warnings.show_warnings((*of_model, *active.notes, *map(str, others)))
