"""The dock "Watch": colour the ROIs of the open recording while they are recorded."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyqtgraph as pg
from magicgui.widgets import LineEdit
from napari.viewer import Viewer
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QPushButton, QWidget

from napari_celltype.answers import ClassifyRequest
from napari_celltype.gui.forms import Form
from napari_celltype.gui.plot import SmallPlot
from napari_celltype.gui.scene import scene_of
from napari_celltype.gui.tasks import Cancelled, JobBar, Outcome
from napari_celltype.gui.widgets import (
    Notice,
    Words,
    lay_out_dock,
    listen,
    switch,
)
from napari_celltype.online import Update, WatchRequest, follow
from napari_celltype.progress import OnProgress, Progress, ShouldStop

_CURVE = "#3D8BEF"
_MOST_POINTS = 10_000


class CertaintyPlot(SmallPlot):
    """Median probability of the predicted types over the time of the recording."""

    def __init__(self) -> None:
        super().__init__(
            170, "Median probability of the predicted types at each new answer"
        )
        self._points: deque[tuple[float, float]] = deque(maxlen=_MOST_POINTS)
        self._curve = self.plot([], [], pen=pg.mkPen(_CURVE, width=2), symbol="o")
        self._curve.setSymbolSize(5)
        self._curve.setSymbolBrush(_CURVE)
        self.setLabel("bottom", "seconds of recording")
        self.setLabel("left", "median certainty")
        # Room for the feet of the label's letters, and for the highest number.
        self.getPlotItem().setContentsMargins(0, 0, 0, 6)
        self.setYRange(0, 1, padding=0.06)
        self.hide()

    @property
    def points(self) -> list[tuple[float, float]]:
        """Seconds and certainty of each new answer."""
        return list(self._points)

    def clear_points(self) -> None:
        """Begin a new curve; the plot is hidden until it has a point."""
        self.hide()
        self._points.clear()
        self._curve.setData([], [])

    def add(self, update: Update) -> None:
        """Draw one more answer."""
        if update.is_new and not math.isnan(update.certainty):
            self._points.append((update.seconds, update.certainty))
            self._curve.setData(*zip(*self._points, strict=True))
            self.show()


class WatchDock(QWidget):
    """Follows a source of frames, whose ROIs are those of the active recording."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        session = self.session = scene_of(napari_viewer).session
        source = LineEdit()
        source.native.setPlaceholderText("data.bin, live.npy or tcp://127.0.0.1:5000")
        self.form = Form(WatchRequest, ("source", "every"), widgets={"source": source})
        self.line = Words()
        self.plot = CertaintyPlot()
        self.plot.follow_theme(napari_viewer)
        self.findings = Notice()
        self.start = QPushButton("Start", clicked=self.follow)
        self.job = JobBar()
        self.job.cancel.setText("Stop")
        self._updates: deque[Update] = deque()
        self._key = ""
        parts = (self.form, self.line, self.plot, self.findings)
        lay_out_dock(self, parts, self.start, self.job)
        self.job.started.connect(self.start.hide)
        self.job.ended.connect(self.start.show)
        self.form.changed.connect(self._show_start)
        listen(self, self._show_start, session.activated, session.replaced)
        listen(self, self._on_gone, session.closed, session.replaced)
        self._show_start()

    def follow(self) -> None:
        """Follow the source in the background, for the active recording."""
        opened = self.session.active
        if opened is None:
            return
        self._key, recording = opened.key, opened.recording
        source = self.form.value("source")
        path = Path(source)
        is_raw = not (path.suffix in (".bin", ".npy") or path.is_dir())
        n_rois = recording.n_rois if is_raw else None
        request = self.form.request(source=source, n_rois=n_rois)
        classifying = ClassifyRequest(
            self.session.model,
            min_probability=self.session.min_probability,
            prior=self.session.prior,
        )
        updates = self._updates = deque()

        def work(*, on_progress: OnProgress, should_stop: ShouldStop) -> None:
            on_progress(Progress("Loading the model"))
            found = follow(
                request, classifying, recording=recording, should_stop=should_stop
            )
            for update in found:
                if update.predictions is not None:
                    seen = replace(update.predictions, recording=recording)
                    update = replace(update, predictions=seen)
                updates.append(update)
                on_progress(Progress("Watching"))

        self.plot.clear_points()
        self.line.setText("")
        self.findings.clear()
        self.job.start("Watching", work, self._on_end, lambda _: self._show())

    def _show(self) -> None:
        while self._updates:
            update = self._updates.popleft()
            self.line.setText(update.line)
            self.plot.add(update)
            if update.findings:
                self.findings.show_text("\n".join(map(str, update.findings)))
            # Of several answers the last one is coloured.
            newer = any(u.is_new for u in self._updates)
            if update.is_new and update.predictions is not None and not newer:
                self.session.set_predictions(self._key, update.predictions)

    def _on_end(self, outcome: Outcome[Any]) -> None:
        self._show()
        if isinstance(outcome, Cancelled):
            # The answer is kept, and nothing is waited for.
            self.job.notice.clear()
            self.findings.clear()

    def event(self, event: QEvent) -> bool:
        """Stop when napari takes the widget out of its dock."""
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.job.tasks.cancel()
        taken: bool = super().event(event)
        return taken

    def _on_gone(self, key: str) -> None:
        """Stop when the recording is closed or read again."""
        if key == self._key and self.job.running:
            self.job.tasks.cancel()
            # What the thread still adds goes nowhere.
            self._updates = deque()

    def _show_start(self, *_: Any) -> None:
        why_not = (
            "" if self.session.active else "Open a recording first: its ROIs count"
        )
        if not why_not and not self.form.value("source"):
            why_not = "Say what is followed"
        switch(self.start, "Classify the ROIs while they are recorded", why_not)
