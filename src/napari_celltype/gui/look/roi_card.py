"""What is known about the selected ROI: probabilities, their set, why unsure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QRect, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from napari_celltype.answers import share_text
from napari_celltype.answers.decisions import UnsureReason
from napari_celltype.celltypes import TypeTree
from napari_celltype.gui.opened import OpenRecording
from napari_celltype.gui.palette import color_of
from napari_celltype.gui.widgets import Words

if TYPE_CHECKING:
    from napari_celltype.gui.session import Session

HIDDEN = "Predictions are hidden; H shows them."
_UNCLASSIFIED = "Not classified yet: press Classify in the Classify dock."
_WHY = {
    UnsureReason.NO_TRACE: "its trace is constant or not finite, so that no model can "
    "look at it",
    UnsureReason.MERGED: "it is part of a merged ROI, which carries the type",
    UnsureReason.BELOW: "its type is less probable than what is hidden",
}
_ROW = 17
_NAME, _NUMBER = 34, 60


@dataclass(frozen=True)
class Bar:
    """The probability of one class.

    Attributes
    ----------
    name, color : str
    probability, share : float
        Of this ROI, and assumed among all ROIs.
    in_set : bool
        Whether the class belongs to the prediction set.
    """

    name: str
    color: str
    probability: float
    share: float
    in_set: bool


class ProbabilityBars(QWidget):
    """One bar per class; a word marks the prediction set, a tick the assumed share."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._bars: tuple[Bar, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip(
            "Probability of each class. “set” marks the prediction set, "
            "the tick the share that is assumed of the class."
        )

    def show_bars(self, bars: Sequence[Bar]) -> None:
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
        room = max(self.width() - _NAME - _NUMBER, 10)
        for row, bar in enumerate(self._bars):
            top = row * _ROW
            painter.setPen(text)
            left = QRect(0, top, _NAME - 4, _ROW)
            name = painter.fontMetrics().elidedText(
                bar.name, Qt.TextElideMode.ElideRight, left.width()
            )
            painter.drawText(left, Qt.AlignmentFlag.AlignVCenter, name)
            length = room * min(max(bar.probability, 0.0), 1.0)
            area = QRectF(_NAME, top + 3, length, _ROW - 6)
            painter.fillRect(area, QColor(bar.color))
            painter.setPen(QPen(text, 1.0))
            if bar.in_set:
                painter.drawRect(area)
            tick = round(_NAME + room * bar.share)
            painter.drawLine(tick, top + 1, tick, top + _ROW - 2)
            painter.drawText(
                QRect(_NAME + room + 6, top, _NUMBER - 6, _ROW),
                Qt.AlignmentFlag.AlignVCenter,
                f"{bar.probability:.2f}{'  set' if bar.in_set else ''}",
            )
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
        self.bars.show_bars(roi_bars(session, opened, roi_id))
        self._label.setText("\n".join(roi_sentences(session, opened, row)))


def roi_bars(session: Session, opened: OpenRecording, roi_id: int) -> list[Bar]:
    """Return the bars of a ROI, none where nothing is known or may be seen."""
    predictions = session.predictions(opened)
    row = session.features(opened).iloc[roi_id]
    if predictions is None or np.isnan(row["probability"]):
        return []
    inside = (row.get("prediction_set") or "").split("|")
    tree: TypeTree = session.tree.including(predictions.classes)
    return [
        Bar(
            name,
            color_of(name, tree),
            float(row[f"p_{name}"]),
            predictions.shares[name],
            name in inside,
        )
        for name in predictions.classes
    ]


def roi_sentences(session: Session, opened: OpenRecording, row: Any) -> list[str]:
    """Return what there is to say about a ROI besides its probabilities.

    Parameters
    ----------
    session : Session
    opened : OpenRecording
    row : pandas.Series
        Of the ROI, see `layer_features`.
    """
    said = []
    if row["label"]:
        given = {} if opened.labels is None else opened.labels.by_roi()
        label = given.get(int(row["roi_id"]))
        accepted = label is not None and label.source == "prediction"
        what = "Accepted prediction (no ground truth)" if accepted else "Label"
        said.append(f"{what}: {row['label']}")
    predictions = session.predictions(opened)
    if predictions is None:
        return [*said, _UNCLASSIFIED if opened.predictions is None else HIDDEN]
    if inside := row.get("prediction_set"):
        said.append(f"Prediction set: {' or '.join(inside.split('|'))}")
    if why := row["why_unsure"]:
        said.append(f"Unsure: {_WHY[UnsureReason(why)]}.")
    if row.get("subtype"):
        said.append(f"⚠ The type is {row['subtype']}.")
    # Why there is no name stands in the title, and above.
    if row["warnings"] and not np.isnan(row["probability"]):
        said.append(f"⚠ {row['warnings']}")
    said.append(f"Assumed shares: {share_text(predictions.shares)}")
    return said
