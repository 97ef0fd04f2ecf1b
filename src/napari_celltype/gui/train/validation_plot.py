"""The curve of a training on held-out cells, against chance and the best number."""

from __future__ import annotations

import pyqtgraph as pg
from qtpy.QtCore import Qt

from napari_celltype.gui.plot import SmallPlot
from napari_celltype.protocol.words import way_title
from napari_celltype.training.course import Course
from napari_celltype.training.validation import SCORE

_MOST_POINTS = 50
_CURVE, _BEST = "#3D8BEF", "#F2952E"


class ValidationPlot(SmallPlot):
    """Balanced accuracy after each epoch; the best epoch is a star."""

    def __init__(self) -> None:
        super().__init__(
            170,
            "After each epoch: balanced accuracy on cells that are not trained on. "
            "Star: the epoch that is kept. Dashed: guesses that know nothing. Dotted: "
            "the best single number of a trace on the same cells.",
        )
        pen = pg.mkPen(_CURVE, width=2)
        self._curve = self.plot([], [], pen=pen, symbol="o", symbolBrush=_CURVE)
        self._best = self.plot(
            [], [], pen=None, symbol="star", symbolSize=15, symbolBrush=_BEST
        )
        self._best.setZValue(10)
        self._chance = self._level(Qt.PenStyle.DashLine)
        self._probe = self._level(Qt.PenStyle.DotLine)
        self.setLabel("bottom", "epoch")
        self.setLabel("left", "balanced accuracy")
        self.setYRange(0, 1, padding=0.02)

    @property
    def scores(self) -> list[float]:
        """The drawn curve."""
        _, values = self._curve.getData()
        return [] if values is None else [float(value) for value in values]

    def show_course(self, course: Course) -> None:
        """Draw a training as far as it is."""
        if course.chance is None:
            return
        epochs = [row["epoch"] for row in course.history]
        scores = [row[SCORE] for row in course.history]
        self._curve.setData(epochs, scores)
        # Many points would become a band.
        self._curve.setSymbolSize(5 if len(epochs) <= _MOST_POINTS else 0)
        best = course.best_epoch - 1
        self._best.setData([epochs[best]], [scores[best]])
        self.setXRange(1, max(2, course.epochs), padding=0.06)
        lines = [f"- - chance {course.chance:.2f}"]
        self._chance.setValue(course.chance)
        self._chance.show()
        if course.probe is not None:
            name, score = course.probe
            self._probe.setValue(score)
            self._probe.show()
            lines.append(f"··· {name} alone {score:.2f}")
        # Above the curve, which captions on the lines would cover.
        held = course.held_out
        way = way_title(held.way) if held.way else ""
        self.setTitle(
            f"{len(held.test)} cells held out {way}<br>{', '.join(lines)}", size="8pt"
        )

    def clear_course(self) -> None:
        """Draw nothing."""
        self._curve.setData([], [])
        self._best.setData([], [])
        self._chance.hide()
        self._probe.hide()
        self.setTitle("", size="9pt")

    def set_theme(self, background: str, text: str) -> None:
        """Take over the colours of the window."""
        super().set_theme(background, text)
        title = self.getPlotItem().titleLabel
        title.setText(title.text, color=text)
        for line in (self._chance, self._probe):
            line.setPen(pg.mkPen(text, width=1, style=line.pen.style()))

    def _level(self, style: Qt.PenStyle) -> pg.InfiniteLine:
        line = pg.InfiniteLine(angle=0, pen=pg.mkPen("#888888", style=style))
        self.addItem(line, ignoreBounds=True)
        line.hide()
        return line
