"""The dock "Classify": open a recording, run a model on it, read the colours."""

from __future__ import annotations

from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd
from napari.viewer import Viewer
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QWidget

from napari_celltype.answers import (
    Predictions,
    agreement_over_days,
    classify_recording,
)
from napari_celltype.answers.columns import COUNTED, roi_table
from napari_celltype.answers.summary import count_rois
from napari_celltype.errors import CellTypeError
from napari_celltype.gui.classify.classify_form import ClassifyForm
from napari_celltype.gui.classify.legend import Legend, heading_of, legend_rows
from napari_celltype.gui.exporting import exported, save_table
from napari_celltype.gui.label.autosave import labels_folder
from napari_celltype.gui.opened import OpenRecording
from napari_celltype.gui.opening import (
    import_torch_in_background,
    prepare_for_layers,
    read_recordings,
)
from napari_celltype.gui.scene import scene_of
from napari_celltype.gui.tasks import Finished, JobBar, Outcome, Superseded, TaskRunner
from napari_celltype.gui.widgets import (
    FolderDrop,
    Notice,
    WarningsLine,
    fill,
    lay_out_dock,
    listen,
    switch,
)
from napari_celltype.progress import Progress
from napari_celltype.recording import FROM_USER, RATE_DOUBTS, Recording, attach_movie

_WATCH_MS = 5000
_HIDDEN = "Predictions are hidden; key H or Predictions in the Label dock shows them"


class _RunBar(QWidget):
    """The two buttons."""

    def __init__(self) -> None:
        super().__init__()
        self.classify = QPushButton("Classify")
        self.export = QPushButton("Export table...")
        fill(QHBoxLayout(self), (self.classify, 3), (self.export, 2))


class ClassifyDock(QWidget):
    """Opens recordings, classifies the active one, shows what the colours mean."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        session = self.session = scene_of(napari_viewer).session
        self.folder = FolderDrop()
        self.form = ClassifyForm()
        self.legend = Legend()
        self.run = _RunBar()
        self.job = JobBar()
        self.job.cancel.setToolTip("Stop; labels and predictions stay as they were")
        self.notice, self.tasks = self.job.notice, self.job.tasks
        self.warnings = WarningsLine()
        self.stale = Notice("Reload", "Read the folder again; your labels are kept")
        self.watch = TaskRunner(self)
        self._running = ""
        self._days, self._days_basis = list[str](), list[Any]()
        self._lay_out()
        self._connect()
        self._list_models()
        # A dock that is opened again shows what is in use.
        self.form.show_settings(session.model, session.prior, session.min_probability)
        self.form.model.changed.connect(self._on_model)
        self._show_recording()
        # Once the event loop turns, that is when the window is on the screen.
        QTimer.singleShot(0, import_torch_in_background)
        QTimer(self, interval=_WATCH_MS, timeout=self.check_folder).start()

    def open_paths(self, paths: list[Path], **options: Any) -> None:
        """Open recordings in the background; see `read_recordings` for the options."""
        options["labels_dir"] = labels_folder()

        def read(**hooks: Any) -> list[OpenRecording]:
            prepare_for_layers()
            found = [read_recordings(path, **options, **hooks) for path in paths]
            return list(chain.from_iterable(found))

        def done(found: list[OpenRecording]) -> None:
            for opened in found:
                self.session.open(opened)
            if found:
                self.session.activate(found[0].key)
            self.stale.clear()

        name = f"Reading of {', '.join(path.name for path in paths)}"
        self._start("Reading", read, done, name, "another recording was opened")

    def classify(self) -> None:
        """Classify the active recording in the background."""
        self.form.frame_rate.take_typed()
        opened = self.session.active
        if opened is None:
            return
        request = self.form.request()

        def work(**hooks: Any) -> Predictions:
            hooks["on_progress"](Progress("Loading the model"))
            return classify_recording(opened.recording, request, **hooks)

        title = self.session.titles[opened.key]
        done = partial(self._on_classified, opened, title)
        name = f"Classification of {title}"
        self._start("Classifying", work, done, name, "another one was started")

    def attach_movie(self, path: Path) -> None:
        """Add a movie of the user's choice to the active recording."""
        opened = self.session.active
        if opened is None:
            return

        def work(**_: Any) -> Recording:
            return attach_movie(opened.recording, path)

        def done(found: Recording) -> None:
            now = self.session.recordings.get(opened.key)
            if now is not None and now.recording is opened.recording:
                self.session.set_movie(opened.key, found, path)
            elif now is not None:
                self.notice.show_text(
                    "The recording changed while its movie was read; choose the movie "
                    "again."
                )

        name = f"Reading of {path.name}"
        self._start(f"Reading {path.name}", work, done, name, "a movie was chosen")

    def check_folder(self) -> None:
        """Look, in the background, whether suite2p rewrote the active recording."""
        opened = self.session.active
        if opened is None or self.watch.running:
            return

        def look(**_: Any) -> str | None:
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
        if opened is not None and (path := opened.recording.path) is not None:
            given = opened.recording.sampling_frequency_source == FROM_USER
            rate = opened.recording.sampling_frequency if given else None
            movie = opened.movie_path
            self.open_paths([path], sampling_frequency=rate, movie=movie)

    def _lay_out(self) -> None:
        ways_in = fill(QHBoxLayout(), (self.folder, 1), self.folder.file)
        parts = (ways_in, self.stale, self.form, self.warnings, self.legend)
        lay_out_dock(self, parts, self.run, self.job)

    def _connect(self) -> None:
        form, session = self.form, self.session
        self.folder.chosen.connect(self.open_paths)
        self.stale.acted.connect(self.reload)
        form.activated.connect(session.activate)
        form.movie_chosen.connect(self.attach_movie)
        form.frame_rate.confirmed.connect(self._on_frequency)
        form.hide_below.valueChanged.connect(session.set_min_probability)
        form.prevalence.changed.connect(session.set_prior)
        self.legend.toggle.toggled.connect(session.color_by_group)
        self.run.classify.clicked.connect(self.classify)
        # The bar of the job takes the place of the buttons.
        self.job.started.connect(self.run.hide)
        self.job.ended.connect(self.run.show)
        self.run.export.clicked.connect(self._on_export)
        listen(
            *(self, self._show_recording, session.opened, session.closed),
            *(session.replaced, session.activated),
        )
        listen(
            *(self, self._show_counts, session.predicted, session.labelled),
            *(session.recolored, session.types_changed),
        )
        listen(self, self._on_outdated, session.outdated)
        listen(self.notice, self.notice.show_error, session.notice)
        listen(self, self._list_models, session.models_changed)

    def _start(
        self, message: str, work: Any, on_result: Any, name: str, because: str
    ) -> None:
        """Run work in the place of what runs, which stops `because`, as is shown."""
        stopped = f"{self._running} was stopped because {because}."
        stopped = stopped if self.job.running else ""
        self._running = name

        def end(outcome: Outcome[Any]) -> None:
            if isinstance(outcome, Superseded):
                # The notice is that of the newer work.
                return
            if isinstance(outcome, Finished):
                on_result(outcome.result)
            if stopped not in self.notice.text:
                self.notice.add(stopped)

        self.job.start(message, work, end)
        self.notice.show_text(stopped)

    def _list_models(self) -> None:
        try:
            self.form.model.list_models()
        except CellTypeError as error:
            self.notice.show_error(str(error))

    def _on_classified(
        self, opened: OpenRecording, title: str, predictions: Predictions
    ) -> None:
        now = self.session.recordings.get(opened.key)
        if now is None:
            self.notice.show_text(f"{title} was closed, so it has no result.")
        elif now.recording is not opened.recording:
            self.notice.show_text(
                "The recording changed while it was classified; press Classify again."
            )
        else:
            self.session.set_predictions(opened.key, predictions)

    def _on_frequency(self, hertz: float) -> None:
        if self.session.active is not None:
            self.session.set_sampling_frequency(self.session.active.key, hertz)

    def _on_export(self) -> None:
        opened = self.session.active
        if opened is None:
            return
        try:
            written = save_table(self, self.session, opened)
        except CellTypeError as error:
            self.notice.show_error(str(error))
            return
        if written is not None:
            self.notice.show_text(f"Wrote {written}")

    def _on_model(self) -> None:
        self.session.model = self.form.model.value

    def _on_outdated(self) -> None:
        self.notice.add("The frame rate changed; classify again.")

    def _show_recording(self) -> None:
        active = self.session.active
        self.form.show_recordings(self.session.titles, active)
        self.stale.clear()
        if active is not None:
            self.notice.clear()
        self._show_counts()

    def _show_counts(self) -> None:
        session, active = self.session, self.session.active
        made = None if active is None else active.predictions
        seen = None if active is None else session.predictions(active)
        switch(
            self.run.classify,
            "Run the model on every ROI of the recording",
            "" if active else "Open a suite2p folder first",
        )
        why_not = "" if seen else _HIDDEN if made else "Classify first"
        switch(self.run.export, "Write the table of predictions to a file", why_not)
        self.legend.setVisible(active is not None)
        self._show_warnings()
        if active is None:
            return
        labels = session.labels_seen(active)
        counted = roi_table(active.recording, labels=labels, columns=COUNTED)
        summary = None if seen is None else seen.summary()
        rows = legend_rows(
            summary, count_rois(counted).labels, session.tree, session.by_group
        )
        if made is None or summary is None:
            why = "predictions hidden (H)" if made else "not classified yet"
            self.legend.show_result(f"{active.recording.n_rois} ROIs, {why}", rows)
            return
        self.legend.show_result(
            heading_of(made),
            rows,
            summary.expectation,
            [*summary.details(), *self._over_days()],
            by_group=session.by_group,
        )

    def _over_days(self) -> list[str]:
        """Say how often cells of several open recordings keep their type."""
        chosen = [
            opened
            for opened in self.session.recordings.values()
            if self.session.predictions(opened) and opened.labels
        ]
        basis = [
            (of.predictions, {row.roi_id: row.cell_id for row in of.labels or ()})
            for of in chosen
        ]
        if basis != self._days_basis:
            tables = [one.table() for one in exported(self.session, chosen)]
            days = agreement_over_days(pd.concat(tables)) if len(tables) > 1 else None
            text = str(days)
            self._days = [] if days is None else [f"{text[0].upper()}{text[1:]}."]
            self._days_basis = basis
        return self._days

    def _show_warnings(self) -> None:
        """Show what is doubtful about the active recording, for as long as it is."""
        active = self.session.active
        sentences: list[str] = []
        if active is not None:
            # What the model makes of the recording first: the line has room for one.
            made, recording = active.predictions, active.recording
            sentences = [] if made is None else [str(f) for f in made.findings]
            sentences += active.notes
            # What is doubtful about the rate stands below its box.
            seen = recording if made is None else made.recording
            others = (w for w in seen.warnings if w.code not in RATE_DOUBTS)
            sentences += map(str, others)
        self.warnings.show_warnings(sentences)
