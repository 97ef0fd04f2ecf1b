"""Balanced accuracies as bars: classifiers, best single number, chance; by each way."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_celltype.protocol.comparison import best
from napari_celltype.protocol.report import Report
from napari_celltype.protocol.scores import Score
from napari_celltype.protocol.words import in_words, short

# Of Okabe and Ito.
_CLASSIFIER, _PROBE = QColor("#0072B2"), QColor("#7F7F7F")
_ROW, _NAME, _VALUE, _GAP = 18, 112, 36, 6

Bars = list[tuple[str, list[tuple[str, Score]]]]


class ScoreBars(QWidget):
    """Draws the scores of a report with their intervals, the strictest way first."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.bars: Bars = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip(
            "Balanced accuracy, the mean share of right answers over the types; thin "
            "lines: 95 % intervals, where there are enough animals or cells; dashed: "
            "chance; grey: the best single number of a trace"
        )

    def show_report(self, report: Report) -> None:
        """Draw the scores of a report."""
        self.bars = _bars(report)
        rows = sum(1 + len(bars) for _, bars in self.bars)
        self.setFixedHeight(rows * _ROW + _GAP * len(self.bars))
        self.setAccessibleDescription(self.sentences)
        self.update()

    @property
    def sentences(self) -> str:
        """What is drawn, in words."""
        return " ".join(
            f"{way}: "
            + ", ".join(f"{name} {short(score.interval)}" for name, score in bars)
            + f", chance {bars[0][1].chance:.2f}."
            for way, bars in self.bars
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the bars."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        top = 0
        for way, bars in self.bars:
            self._draw_way(painter, top, way, bars)
            top += (1 + len(bars)) * _ROW + _GAP
        painter.end()

    def _draw_way(
        self, painter: QPainter, top: int, way: str, bars: list[tuple[str, Score]]
    ) -> None:
        ink = self.palette().windowText().color()
        chance = bars[0][1].chance
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.setPen(ink)
        head = QRectF(0, top, self.width(), _ROW)
        painter.drawText(head, left, way)
        painter.drawText(head, right, f"chance {chance:.2f}")
        for at, (name, score) in enumerate(bars, start=1):
            y = top + at * _ROW
            color = _PROBE if score.role == "probe" else _CLASSIFIER
            end = self._x(score.interval.value)
            bar = QRectF(_NAME, y + 3, end - _NAME, _ROW - 6)
            painter.fillRect(bar, color)
            if not score.interval.too_few:
                painter.setPen(QPen(ink, 1.5))
                low, high = self._x(score.interval.low), self._x(score.interval.high)
                middle = y + _ROW / 2
                painter.drawLine(QPointF(low, middle), QPointF(high, middle))
            painter.setPen(ink)
            elide = Qt.TextElideMode.ElideRight
            words = self.fontMetrics().elidedText(name, elide, _NAME - 6)
            painter.drawText(QRectF(0, y, _NAME - 6, _ROW), right, words)
            value = QRectF(self.width() - _VALUE, y, _VALUE, _ROW)
            painter.drawText(value, right, f"{score.interval.value:.2f}")
        painter.setPen(QPen(ink, 1, Qt.PenStyle.DashLine))
        x = self._x(chance)
        bottom = top + (1 + len(bars)) * _ROW
        painter.drawLine(QPointF(x, top + _ROW), QPointF(x, bottom))

    def _x(self, score: float) -> float:
        room: int = self.width() - _NAME - _VALUE
        return _NAME + score * room


def _bars(report: Report) -> Bars:
    """Return what is drawn: the heading of each way, and its scores with names."""
    first = [score.way for score in report.top]
    shown = []
    for way in dict.fromkeys([*first, *(s.way for s in report.of("classifier"))]):
        bars = [(s.name, s) for s in report.of("classifier", way)]
        probe = best(report.of("probe", way))
        if probe is not None:
            bars.append((f"{probe.bare_name} alone", probe))
        words = in_words(way)
        shown.append((f"{words[0].upper()}{words[1:]}", bars))
    return shown
