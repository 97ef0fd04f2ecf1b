"""A confusion matrix, drawn: shares and counts in every cell, in either theme."""

from __future__ import annotations

import math
from typing import Any

from qtpy.QtCore import QEvent, QPoint, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QSizePolicy, QToolTip, QWidget

from napari_celltype.protocol.evaluation import Confusion

# Of Okabe and Ito; mixed into the background by the share.
_FULL = QColor("#0072B2")
_TOP, _LEFT, _MOST = 38, 62, 74


class ConfusionView(QWidget):
    """Draws truth by guess: colour, share and count; right answers have a frame.

    The colour only repeats the share that is written in the cell.
    """

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._confusion: Confusion | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)

    @property
    def confusion(self) -> Confusion | None:
        """What is drawn."""
        return self._confusion

    def show_confusion(self, confusion: Confusion | None) -> None:
        """Draw another matrix; None draws nothing."""
        self._confusion = confusion
        self.setVisible(confusion is not None)
        lines = []
        if confusion is not None:
            self.setFixedHeight(_TOP + round(self._cell() * self._n) + 4)
            lines = [
                self.sentence(row, column)
                for row in range(self._n)
                for column in range(self._n)
            ]
        self.setAccessibleDescription(" ".join(lines))
        self.update()

    def sentence(self, row: int, column: int) -> str:
        """Say what a cell of the matrix holds."""
        assert self._confusion is not None
        names, counts = self._confusion.classes, self._confusion.counts
        return (
            f"{counts[row, column]} of {counts[row].sum()} answers for {names[row]} "
            f"named {names[column]}."
        )

    def sizeHint(self) -> QSize:
        """Return the size of cells that are easy to read."""
        return QSize(_LEFT + 52 * max(self._n, 2), self.height())

    def resizeEvent(self, event: Any) -> None:
        """Keep the cells square-ish."""
        super().resizeEvent(event)
        if self._confusion is not None:
            self.setFixedHeight(_TOP + round(self._cell() * self._n) + 4)

    def event(self, event: QEvent) -> bool:
        """Say in a tooltip what the cell under the mouse holds."""
        if event.type() == QEvent.Type.ToolTip and self._confusion is not None:
            at = self._at(event.pos())
            text = self.sentence(*at) if at else "Rows: true type. Columns: named type."
            QToolTip.showText(event.globalPos(), text, self)
            return True
        return bool(super().event(event))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the matrix."""
        if self._confusion is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ink = self.palette().windowText().color()
        back = self.palette().window().color()
        width, height = self._width(), self._cell()
        names = self._confusion.classes
        small = QFont(self.font())
        small.setPointSizeF(max(7.0, small.pointSizeF() - 1.5))
        painter.setPen(ink)
        painter.setFont(small)
        whole = QRectF(_LEFT, 0, width * self._n, _TOP / 2)
        painter.drawText(whole, Qt.AlignmentFlag.AlignCenter, "named")
        corner = QRectF(0, _TOP / 2, _LEFT - 6, _TOP / 2)
        painter.drawText(corner, Qt.AlignmentFlag.AlignRight, "true type")
        for at, name in enumerate(names):
            head = QRectF(_LEFT + at * width, _TOP / 2, width, _TOP / 2)
            painter.drawText(head, Qt.AlignmentFlag.AlignCenter, name)
            side = QRectF(0, _TOP + at * height, _LEFT - 6, height)
            flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(side, flags, name)
        for row in range(self._n):
            for column in range(self._n):
                self._draw_cell(painter, row, column, ink, back, small)
        painter.end()

    def _draw_cell(
        self,
        painter: QPainter,
        row: int,
        column: int,
        ink: QColor,
        back: QColor,
        small: QFont,
    ) -> None:
        assert self._confusion is not None
        share = float(self._confusion.normalised[row, column])
        width, height = self._width(), self._cell()
        cell = QRectF(_LEFT + column * width, _TOP + row * height, width, height)
        cell = cell.adjusted(1, 1, -1, -1)
        known = not math.isnan(share)
        color = _mixed(back, _FULL, share if known else 0.0)
        painter.fillRect(cell, color)
        if row == column:
            painter.setPen(QPen(ink, 2))
            painter.drawRect(cell.adjusted(1, 1, -1, -1))
        painter.setPen(_readable_on(color))
        upper = cell.adjusted(0, height * 0.1, 0, -height * 0.42)
        lower = cell.adjusted(0, height * 0.5, 0, -height * 0.08)
        bold = QFont(self.font())
        bold.setBold(True)
        painter.setFont(bold)
        text = f"{share:.2f}" if known else "–"
        painter.drawText(upper, Qt.AlignmentFlag.AlignCenter, text)
        painter.setFont(small)
        count = str(self._confusion.counts[row, column])
        painter.drawText(lower, Qt.AlignmentFlag.AlignCenter, count)

    @property
    def _n(self) -> int:
        return 0 if self._confusion is None else len(self._confusion.classes)

    def _width(self) -> float:
        room: int = self.width() - _LEFT - 4
        return min(float(_MOST), room / max(self._n, 1))

    def _cell(self) -> float:
        return max(34.0, min(48.0, self._width()))

    def _at(self, point: QPoint) -> tuple[int, int] | None:
        column = math.floor((point.x() - _LEFT) / self._width())
        row = math.floor((point.y() - _TOP) / self._cell())
        inside = 0 <= row < self._n and 0 <= column < self._n
        return (row, column) if inside else None


def _mixed(one: QColor, other: QColor, share: float) -> QColor:
    return QColor.fromRgbF(
        one.redF() + (other.redF() - one.redF()) * share,
        one.greenF() + (other.greenF() - one.greenF()) * share,
        one.blueF() + (other.blueF() - one.blueF()) * share,
    )


def _readable_on(color: QColor) -> QColor:
    """Return black or white, whichever stands out (WCAG's relative luminance)."""

    def linear(value: float) -> float:
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    luminance = (
        0.2126 * linear(color.redF())
        + 0.7152 * linear(color.greenF())
        + 0.0722 * linear(color.blueF())
    )
    return QColor("black" if luminance > 0.179 else "white")
