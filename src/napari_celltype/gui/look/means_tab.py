"""The tab "Means": the mean transient of each type, with its spread."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout

from napari_celltype.answers.columns import ACCEPTED
from napari_celltype.answers.transients import TITLE, MeanTrace, mean_traces
from napari_celltype.celltypes import UNSURE
from napari_celltype.gui.look.trace_tab import HIDDEN
from napari_celltype.gui.opened import OpenRecording
from napari_celltype.gui.palette import color_of
from napari_celltype.gui.plot import Plot
from napari_celltype.gui.roi_filter import NameOf
from napari_celltype.gui.session import Session
from napari_celltype.gui.tasks import Finished, JobBar, Outcome
from napari_celltype.gui.widgets import (
    Beside,
    Column,
    LazyTab,
    Words,
    choice_of_names,
    fill,
)
from napari_celltype.labels import NOT_A_SOMA

_REST_MS = 300
_CIRCULAR = (
    "The types were predicted from these traces: the means show what the model went "
    "by, not that it is right."
)
_NOISE = "Peaks of pure noise also average to a peak."


class MeansTab(LazyTab):
    """Averages in the background whenever what is averaged has changed."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._why_not = ""
        self.means: tuple[MeanTrace, ...] = ()
        self.name_of = choice_of_names()
        self.plot = Plot()
        self.plot.setLabel("bottom", "time from the peak (s)")
        self.plot.setLabel("left", "deviations")
        self.plot.setMinimumHeight(80)
        self.job = JobBar()
        self._title = QLabel(wordWrap=True)
        self.note = Words(
            alignment=Qt.AlignmentFlag.AlignTop,
            minimumWidth=130,
            toolTip="ROIs of each type, and in brackets their transients",
        )
        self._rest = QTimer(
            self, singleShot=True, interval=_REST_MS, timeout=self._start
        )
        self.name_of.currentIndexChanged.connect(self.refresh)
        bar = fill(QHBoxLayout(), self.name_of, (self.job, 1))
        both = Beside(self.plot, Column(self.note), (5, 3))
        parts = (bar, self._title, (both, 1))
        fill(QVBoxLayout(self), *parts, margins=(0, 2, 0, 0), spacing=2)

    def refresh(self) -> None:
        """Average anew, once the tab can be seen and nothing changes for a moment."""
        super().refresh()
        if self._why_none():
            # What is hidden goes at once, not when the tab is looked at again.
            self._start()

    def show_now(self) -> None:
        """Average once nothing has changed for a moment."""
        self.outdated = True
        self._rest.start()

    def _start(self) -> None:
        self.outdated = False
        self.means = ()
        self._draw()
        opened, name_of = self._session.active, self.name_of.currentData()
        self._why_not = self._why_none()
        if opened is None or self._why_not:
            self.job.tasks.cancel()
            self.job.notice.show_text(self._why_not)
            return
        members = members_of(self._session, opened, name_of)
        work = partial(mean_traces, opened.recording, members)
        self.job.start("Averaging transients", work, self._on_end)

    def _why_none(self) -> str:
        """Return why there is nothing to average; empty where there is."""
        opened, name_of = self._session.active, self.name_of.currentData()
        if opened is None:
            return "No recording is open."
        if name_of != "label" and self._session.predictions(opened) is None:
            return HIDDEN if opened.predictions is not None else "Classify first."
        if not members_of(self._session, opened, name_of):
            return "No ROI that is shown has a type."
        return ""

    def _on_end(self, outcome: Outcome[tuple[MeanTrace, ...]]) -> None:
        if self._why_not:
            # Instead of "Cancelled.".
            self.job.notice.show_text(self._why_not)
        elif isinstance(outcome, Finished) and not self.outdated:
            self.means = outcome.result
            self._draw()

    def _draw(self) -> None:
        self.plot.getPlotItem().clear()
        self.plot.show_axes(bool(self.means))
        self._title.setText(TITLE if self.means else "")
        self.note.setText("")
        if not self.means:
            return
        notes = []
        for mean in self.means:
            of = f" of {mean.n_all}" if mean.n_all != mean.n_rois else ""
            notes.append(f"{mean.name}: {mean.n_rois}{of} ROIs ({mean.n_transients})")
            self._draw_one(mean)
        if self.name_of.currentData() != "label":
            notes.append(_CIRCULAR)
        self.note.setText("\n".join([*notes, _NOISE]))
        time = self.means[0].time
        self.plot.setXRange(time[0], time[-1], padding=0.02)
        self.plot.getPlotItem().enableAutoRange(axis="y")

    def _draw_one(self, mean: MeanTrace) -> None:
        color = color_of(mean.name, self._session.tree)
        faint = pg.mkColor(color)
        faint.setAlpha(50)
        if np.isfinite(mean.deviation).all():
            edges = [
                pg.PlotCurveItem(mean.time, mean.mean + sign * mean.deviation, pen=None)
                for sign in (-1, 1)
            ]
            for item in (*edges, pg.FillBetweenItem(*edges, brush=pg.mkBrush(faint))):
                self.plot.addItem(item)
        self.plot.plot(mean.time, mean.mean, pen=pg.mkPen(color, width=2))
        # Letters at the line itself, for whoever cannot tell the colours apart.
        letters = pg.TextItem(mean.name, color=color, anchor=(0, 1))
        at = int(len(mean.time) * 0.3) + 12 * self.means.index(mean)
        at = min(at, len(mean.time) - 1)
        letters.setPos(mean.time[at], mean.mean[at])
        self.plot.addItem(letters, ignoreBounds=True)


def members_of(
    session: Session, opened: OpenRecording, name_of: NameOf
) -> Mapping[str, NDArray[np.intp]]:
    """Return the ROIs of each type that pass the filter, by name in tree order."""
    names = session.features(opened)[name_of].fillna("").to_numpy()
    shown = session.shown(opened)
    # An accepted prediction is no ground truth: it was given by the trace. Its mean
    # would show what the model reacts to, under the name of a label.
    found = {name for name in set(names[shown]) if not name.endswith(ACCEPTED)}
    return {
        name: np.flatnonzero(shown & (names == name))
        for name in session.tree.in_order(sorted(found - {"", UNSURE, NOT_A_SOMA}))
    }
