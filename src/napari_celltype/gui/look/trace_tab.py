"""The tab "Trace": traces of the selected ROIs, and what is known about the last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from qtpy import QtWidgets
from qtpy.QtCore import QRect, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen

from napari_celltype.answers.columns import ACCEPTED
from napari_celltype.answers.decisions import UnsureReason
from napari_celltype.answers.shares import share_text
from napari_celltype.answers.transients import largest_transients
from napari_celltype.celltypes import UNSURE
from napari_celltype.errors import RecordingError
from napari_celltype.gui.look.trace_plot import ShownTrace, TracePlot
from napari_celltype.gui.opened import OpenRecording
from napari_celltype.gui.palette import color_of
from napari_celltype.gui.session import Session
from napari_celltype.gui.widgets import Beside, Column, LazyTab, Words, fill, switch
from napari_celltype.recording import Recording, Segment

MOST_STACKED = 20
_NOTHING_OPEN = "Open a suite2p folder in the Classify dock"
_NOTHING_SELECTED = "Click on a ROI, or on a row of the table"
_BEFORE, _AFTER = 5.0, 15.0  # s around the largest transient
_RAW = "raw F"
_UNITS = {_RAW: _RAW, "neuropil": "Fneu", "both": "F, Fneu"}
_KIND_TIP = "suite2p's F, its neuropil Fneu, or both (Fneu in grey on the same scale)"
HIDDEN = "Predictions are hidden; H shows them."
_UNCLASSIFIED = "Not classified yet: press Classify in the Classify dock."
_WHY = {
    UnsureReason.NO_TRACE: "its trace is constant or not finite: no model can use it",
    UnsureReason.MERGED: "it is part of a merged ROI, which carries the type",
    UnsureReason.BELOW: "its type is less probable than Hide below",
}
_ROW = 17
_NAME, _NUMBER = 34, 60


class TraceTab(LazyTab):
    """Plot and card of the selected ROIs."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._traces: list[ShownTrace] = []
        self.plot = TracePlot()
        self.plot.setMinimumHeight(80)
        self.card = RoiCard()
        self.kind = QtWidgets.QComboBox(toolTip=_KIND_TIP)
        self.kind.addItems(list(_UNITS))
        self.kind.currentIndexChanged.connect(self.refresh)
        self.transient = QtWidgets.QPushButton(
            "Transient (T)",
            checkable=True,
            toolTip="Zoom to the largest transient of each ROI that is selected; press "
            "again for the whole trace",
            toggled=self._zoom,
        )
        self.title = Words()
        bar = fill(QtWidgets.QHBoxLayout(), self.kind, self.transient)
        bar.addStretch(1)
        both = Beside(self.plot, Column(self.card), (5, 3))
        parts = (bar, self.title, (both, 1))
        fill(QtWidgets.QVBoxLayout(self), *parts, margins=(0, 2, 0, 0), spacing=2)

    def show_now(self) -> None:
        """Show the selected ROIs anew."""
        session, roi_id = self._session, self._session.roi_id
        opened = session.active
        has_neuropil = opened is not None and opened.recording.neuropil is not None
        why_not = "" if has_neuropil else "There is no Fneu.npy here"
        switch(self.kind, _KIND_TIP, why_not)
        main = _RAW
        if opened and opened.recording.trace_kind != Recording.trace_kind:
            main = opened.recording.trace_kind
        self.kind.setItemText(0, main)
        kind = list(_UNITS)[self.kind.currentIndex() if has_neuropil else 0]
        self._traces, frequency, segments = [], None, tuple[Segment, ...]()
        title = _NOTHING_OPEN if opened is None else _NOTHING_SELECTED
        if opened is None or roi_id is None:
            self.card.show_card((), ())
        else:
            frequency = opened.recording.sampling_frequency
            segments = opened.recording.segments
            row = session.features(opened).iloc[roi_id]
            self.card.show_card(
                _bars(session, opened, row), _sentences(session, opened, row)
            )
            # The one that was selected last comes first and is never left out.
            roi_ids = [roi_id, *(i for i in session.roi_ids if i != roi_id)]
            title, _, _ = _describe(session, opened, roi_id)
            n_all, n = len(roi_ids), min(len(roi_ids), MOST_STACKED)
            if n_all > 1:
                title += f"; {n} of {n_all} ROIs drawn" if n < n_all else f"; {n} ROIs"
            try:
                self._traces = _read(session, opened, roi_ids[:n], kind)
            except RecordingError as error:
                title = "This trace could not be read"
                session.tell(str(error))
        self.title.setText(title)
        unit = main if kind == _RAW else _UNITS[kind]
        self.plot.show_traces(self._traces, frequency, segments, unit=unit)
        if self.transient.isChecked():
            self._zoom(True)

    def _zoom(self, close: bool) -> None:
        opened = self._session.active
        if opened is None or not self._traces:
            return
        recording, trace = opened.recording, self._traces[0].main
        frequency = recording.sampling_frequency
        peaks = largest_transients(trace, frequency, recording.segments)
        if close and len(peaks):
            frames = int(peaks[0]) + np.array([-_BEFORE, _AFTER]) * (frequency or 10.0)
            self.plot.setXRange(*self.plot.time_of(frames), padding=0)
        else:
            self.plot.show_whole()


def _read(
    session: Session, opened: OpenRecording, roi_ids: list[int], kind: str
) -> list[ShownTrace]:
    recording, traces = opened.recording, []
    if kind != "neuropil":
        traces.append(recording.raw_traces[roi_ids])
    if kind != _RAW and recording.neuropil is not None:
        traces.append(recording.neuropil[roi_ids])
    shown = []
    for row, roi_id in enumerate(roi_ids):
        _, name, color = _describe(session, opened, roi_id)
        name = f"{roi_id} {name}".strip()
        shown.append(ShownTrace(name, color, *(trace[row] for trace in traces)))
    return shown


def _describe(
    session: Session, opened: OpenRecording, roi_id: int
) -> tuple[str, str, str]:
    """Return the title, the name and the colour of a ROI's trace."""
    row = session.features(opened).iloc[roi_id]
    title, name, probability = f"ROI {roi_id}", row["predicted"], row["probability"]
    if session.predictions(opened) is None or np.isnan(probability):
        name, why = row["label"] or "", row["warnings"]
        title += f": {why}" if why else ""
    elif name == UNSURE:
        name = ""
        title += f": hidden, {probability:.2f}"
    else:
        # The legend has the whole sentence; the title has room for a word.
        doubt = ", unproven" if row["subtype"] else ""
        title += f": {name} {probability:.2f}{doubt}"
    return title, name, color_of(name, session.tree)


class _Bar(NamedTuple):
    """The probability of one class, its assumed share, and whether it is in the set."""

    name: str
    color: str
    probability: float
    share: float
    in_set: bool


class RoiCard(QtWidgets.QWidget):
    """Bars and sentences about one ROI."""

    def __init__(self) -> None:
        super().__init__()
        self.bars = _ProbabilityBars()
        self.words = Words()
        parts = (self.bars, self.words)
        layout = fill(
            QtWidgets.QVBoxLayout(self), *parts, margins=(4, 2, 4, 2), spacing=4
        )
        layout.addStretch(1)
        self.setMinimumWidth(130)

    def show_card(self, bars: Sequence[_Bar], sentences: Sequence[str]) -> None:
        """Show bars, where there are some, above sentences."""
        self.bars.bars = bars
        self.bars.setVisible(bool(bars))
        self.bars.updateGeometry()
        self.bars.update()
        self.words.setText("\n".join(sentences))


class _ProbabilityBars(QtWidgets.QWidget):
    """One bar per class; a word marks the prediction set, a tick the assumed share."""

    def __init__(self) -> None:
        super().__init__()
        self.bars: Sequence[_Bar] = ()
        self.setSizePolicy(
            QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed
        )
        self.setToolTip(
            "Probability of each class. “set” marks the prediction set, the tick marks "
            "the assumed share of the class."
        )

    def sizeHint(self) -> QSize:
        """Return one row per class."""
        return QSize(170, _ROW * len(self.bars))

    def minimumSizeHint(self) -> QSize:
        """Return the height of all rows."""
        return QSize(130, _ROW * len(self.bars))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the bars."""
        painter = QPainter(self)
        painter.setPen(QPen(self.palette().windowText().color(), 1.0))
        middle = Qt.AlignmentFlag.AlignVCenter
        room = max(self.width() - _NAME - _NUMBER, 10)
        for row, bar in enumerate(self.bars):
            top = row * _ROW
            name = painter.fontMetrics().elidedText(
                bar.name, Qt.TextElideMode.ElideRight, _NAME - 4
            )
            painter.drawText(QRect(0, top, _NAME - 4, _ROW), middle, name)
            area = QRectF(_NAME, top + 3, room * bar.probability, _ROW - 6)
            painter.fillRect(area, QColor(bar.color))
            if bar.in_set:
                painter.drawRect(area)
            tick = round(_NAME + room * bar.share)
            painter.drawLine(tick, top + 1, tick, top + _ROW - 2)
            number = f"{bar.probability:.2f}{'  set' if bar.in_set else ''}"
            place = QRect(_NAME + room + 6, top, _NUMBER - 6, _ROW)
            painter.drawText(place, middle, number)
        painter.end()


def _bars(session: Session, opened: OpenRecording, row: Any) -> list[_Bar]:
    """Return the bars of a ROI, none where nothing is known or may be seen."""
    predictions = session.predictions(opened)
    if predictions is None or np.isnan(row["probability"]):
        return []
    inside = (row.get("prediction_set") or "").split("|")
    tree, shares = session.tree, predictions.shares
    return [
        _Bar(n, color_of(n, tree), float(row[f"p_{n}"]), shares[n], n in inside)
        for n in predictions.classes
    ]


def _sentences(session: Session, opened: OpenRecording, row: Any) -> list[str]:
    """Return what there is to say about a ROI besides its probabilities."""
    found = []
    if row["label"]:
        accepted = row["label"].endswith(ACCEPTED)
        what = "Accepted prediction (no ground truth)" if accepted else "Label"
        found.append(f"{what}: {row['label'].removesuffix(ACCEPTED)}")
    predictions = session.predictions(opened)
    if predictions is None:
        return [*found, _UNCLASSIFIED if opened.predictions is None else HIDDEN]
    if inside := row.get("prediction_set"):
        found.append(f"Prediction set: {' or '.join(inside.split('|'))}")
    if why := row["why_unsure"]:
        found.append(f"Unsure: {_WHY[UnsureReason(why)]}.")
    if row.get("subtype"):
        found.append(f"⚠ The type is {row['subtype']}.")
    # Why there is no name stands in the title, and above.
    if row["warnings"] and not np.isnan(row["probability"]):
        found.append(f"⚠ {row['warnings']}")
    found.append(f"Assumed shares: {share_text(predictions.shares)}")
    return found
