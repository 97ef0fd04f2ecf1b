"""The tab "Trace": traces of the selected ROIs, and what is known about the last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from qtpy.QtCore import QRect, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_celltype.answers.decisions import UnsureReason
from napari_celltype.answers.shares import share_text
from napari_celltype.answers.transients import largest_transients
from napari_celltype.celltypes import UNSURE
from napari_celltype.errors import RecordingError
from napari_celltype.gui.look.trace_plot import ShownTrace, TracePlot
from napari_celltype.gui.opened import OpenRecording
from napari_celltype.gui.palette import color_of
from napari_celltype.gui.session import Session
from napari_celltype.gui.widgets import Beside, Column, LazyTab, Words

MOST_STACKED = 20
_NOTHING_OPEN = "Open a suite2p folder in the Classify dock"
_NOTHING_SELECTED = "Click on a ROI, or on a row of the table"
_BEFORE, _AFTER = 5.0, 15.0  # s around the largest transient
_UNITS = {"raw F": "raw F", "neuropil": "Fneu", "both": "F, Fneu"}
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

    def __init__(self, session: Session, parent: Any = None) -> None:
        super().__init__(parent)
        self._session = session
        self._main: ShownTrace | None = None
        self.plot = TracePlot()
        self.plot.setMinimumHeight(80)
        self.card = RoiCard()
        self.kind = QComboBox()
        self.kind.addItems(list(_UNITS))
        self.kind.setToolTip(_KIND_TIP)
        self.transient = QPushButton("Transient (T)")
        self.transient.setCheckable(True)
        self.transient.setToolTip(
            "Zoom to the largest transient of each ROI that is selected; press again "
            "for the whole trace"
        )
        self._title = Words()
        bar = QHBoxLayout()
        bar.addWidget(self.kind)
        bar.addWidget(self.transient)
        bar.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 2, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(bar)
        layout.addWidget(self._title)
        layout.addWidget(Beside(self.plot, Column(self.card), (5, 3)), 1)
        self.kind.currentIndexChanged.connect(self.refresh)
        self.transient.toggled.connect(self._zoom)

    @property
    def title(self) -> str:
        """What stands above the plot."""
        return str(self._title.text())

    def show_now(self) -> None:
        """Show the selected ROIs anew."""
        opened, roi_id = self._session.active, self._session.roi_id
        self._main = None
        has_neuropil = opened is not None and opened.recording.neuropil is not None
        self.kind.setEnabled(has_neuropil)
        self.kind.setToolTip(_KIND_TIP if has_neuropil else "There is no Fneu.npy here")
        if opened is None or roi_id is None:
            self._show_no_trace(_NOTHING_OPEN if opened is None else _NOTHING_SELECTED)
            self.card.clear()
            return
        self.card.show_roi(self._session, opened, roi_id)
        # The one that was selected last comes first and is never left out.
        all_rois = [roi_id, *(i for i in self._session.roi_ids if i != roi_id)]
        chosen = all_rois[:MOST_STACKED]
        kind = self.kind.currentText() if has_neuropil else "raw F"
        try:
            traces = self._traces(opened, chosen, kind)
        except RecordingError as error:
            self._show_no_trace("This trace could not be read")
            self._session.tell(str(error))
            return
        title, _, _ = describe_roi(self._session, opened, roi_id)
        n_all, n = len(all_rois), len(chosen)
        if n_all > 1:
            title += f"; {n} of {n_all} ROIs drawn" if n < n_all else f"; {n} ROIs"
        self._title.setText(title)
        recording = opened.recording
        self.plot.show_traces(
            traces,
            recording.sampling_frequency,
            recording.segments,
            unit=_UNITS[kind],
        )
        self._main = traces[0]
        if self.transient.isChecked():
            self._zoom(True)

    def set_theme(self, background: str, text: str) -> None:
        """Take over the colours of the window."""
        self.plot.set_theme(background, text)

    def _traces(
        self, opened: OpenRecording, chosen: list[int], kind: str
    ) -> list[ShownTrace]:
        recording, traces = opened.recording, []
        if kind != "neuropil":
            traces.append(recording.raw_traces[chosen])
        if kind != "raw F" and recording.neuropil is not None:
            traces.append(recording.neuropil[chosen])
        shown = []
        for row, number in enumerate(chosen):
            _, name, color = describe_roi(self._session, opened, number)
            name = f"{number} {name}".strip()
            shown.append(ShownTrace(name, color, *(trace[row] for trace in traces)))
        return shown

    def _show_no_trace(self, why: str) -> None:
        self._title.setText(why)
        self.plot.show_none()

    def _zoom(self, close: bool) -> None:
        opened = self._session.active
        if opened is None or self._main is None:
            return
        recording = opened.recording
        frequency = recording.sampling_frequency
        peaks = largest_transients(self._main.main, frequency, recording.segments)
        if close and len(peaks):
            second = frequency or 10.0
            peak = int(peaks[0])
            self.plot.show_frames(peak - _BEFORE * second, peak + _AFTER * second)
        else:
            self.plot.show_whole()


def describe_roi(
    session: Session, opened: OpenRecording, roi_id: int
) -> tuple[str, str, str]:
    """Return the title, the name and the colour of a ROI's trace."""
    row = session.features(opened).iloc[roi_id]
    title = f"ROI {roi_id}"
    predictions = session.predictions(opened)
    if predictions is None or np.isnan(row["probability"]):
        label, why = row["label"] or "", row["warnings"]
        color = color_of(label, session.tree)
        return f"{title}: {why}" if why else title, label, color
    tree = session.tree.including(predictions.classes)
    name, probability = row["predicted"], row["probability"]
    if name == UNSURE:
        return f"{title}: hidden, {probability:.2f}", "", color_of("", tree)
    # The legend has the whole sentence; the title has room for a word.
    doubt = ", unproven" if row["subtype"] else ""
    return f"{title}: {name} {probability:.2f}{doubt}", name, color_of(name, tree)


@dataclass(frozen=True)
class _Bar:
    """The probability of one class, its assumed share, and whether it is in the set."""

    name: str
    color: str
    probability: float
    share: float
    in_set: bool


class ProbabilityBars(QWidget):
    """One bar per class; a word marks the prediction set, a tick the assumed share."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._bars: tuple[_Bar, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip(
            "Probability of each class. “set” marks the prediction set, the tick marks "
            "the assumed share of the class."
        )

    def show_bars(self, bars: Sequence[_Bar]) -> None:
        """Draw other bars; none hide the widget."""
        self._bars = tuple(bars)
        self.setVisible(bool(bars))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Return one row per class."""
        return QSize(170, _ROW * len(self._bars))

    def minimumSizeHint(self) -> QSize:
        """Return the height of all rows."""
        return QSize(130, _ROW * len(self._bars))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the bars."""
        painter = QPainter(self)
        text = self.palette().windowText().color()
        middle = Qt.AlignmentFlag.AlignVCenter
        room = max(self.width() - _NAME - _NUMBER, 10)
        for row, bar in enumerate(self._bars):
            top = row * _ROW
            painter.setPen(QPen(text, 1.0))
            name = painter.fontMetrics().elidedText(
                bar.name, Qt.TextElideMode.ElideRight, _NAME - 4
            )
            painter.drawText(QRect(0, top, _NAME - 4, _ROW), middle, name)
            length = room * min(max(bar.probability, 0.0), 1.0)
            area = QRectF(_NAME, top + 3, length, _ROW - 6)
            painter.fillRect(area, QColor(bar.color))
            if bar.in_set:
                painter.drawRect(area)
            tick = round(_NAME + room * bar.share)
            painter.drawLine(tick, top + 1, tick, top + _ROW - 2)
            number = f"{bar.probability:.2f}{'  set' if bar.in_set else ''}"
            place = QRect(_NAME + room + 6, top, _NUMBER - 6, _ROW)
            painter.drawText(place, middle, number)
        painter.end()


class RoiCard(QWidget):
    """Bars and sentences about one ROI."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.bars = ProbabilityBars()
        self._label = Words()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 2, 4, 2)
        layout.setSpacing(4)
        layout.addWidget(self.bars)
        layout.addWidget(self._label)
        layout.addStretch(1)
        self.setMinimumWidth(130)

    @property
    def text(self) -> str:
        """The sentences below the bars."""
        return str(self._label.text())

    def clear(self) -> None:
        """Show nothing."""
        self.bars.show_bars(())
        self._label.clear()

    def show_roi(self, session: Session, opened: OpenRecording, roi_id: int) -> None:
        """Show what is known, and nothing of what is hidden."""
        row = session.features(opened).iloc[roi_id]
        self.bars.show_bars(_bars(session, opened, row))
        self._label.setText("\n".join(_sentences(session, opened, row)))


def _bars(session: Session, opened: OpenRecording, row: Any) -> list[_Bar]:
    """Return the bars of a ROI, none where nothing is known or may be seen."""
    predictions = session.predictions(opened)
    if predictions is None or np.isnan(row["probability"]):
        return []
    inside = (row.get("prediction_set") or "").split("|")
    tree = session.tree.including(predictions.classes)
    return [
        _Bar(
            name,
            color_of(name, tree),
            float(row[f"p_{name}"]),
            predictions.shares[name],
            name in inside,
        )
        for name in predictions.classes
    ]


def _sentences(session: Session, opened: OpenRecording, row: Any) -> list[str]:
    """Return what there is to say about a ROI besides its probabilities."""
    found = []
    if row["label"]:
        given = {} if opened.labels is None else opened.labels.by_roi()
        label = given.get(int(row["roi_id"]))
        accepted = label is not None and label.source == "prediction"
        what = "Accepted prediction (no ground truth)" if accepted else "Label"
        found.append(f"{what}: {row['label']}")
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
