"""What an evaluation found: the sentence, the bars, the matrix, and the copies."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pyqtgraph as pg
from qtpy import QtWidgets
from qtpy.QtCore import Qt, QUrl
from qtpy.QtGui import QDesktopServices, QGuiApplication, QImage

from napari_celltype.files import write_atomically
from napari_celltype.gui.evaluate.evaluate_tables import ConfusionTable, PrevalenceTable
from napari_celltype.gui.forms import narrow
from napari_celltype.gui.plot import Plot
from napari_celltype.gui.tasks import Finished, JobBar, Outcome
from napari_celltype.gui.widgets import Details, Words, fill, fill_grid
from napari_celltype.protocol.evaluation import INSEPARABLE, Confusion
from napari_celltype.protocol.groups import COLUMNS
from napari_celltype.protocol.report import Report
from napari_celltype.protocol.scores import Score, above_chance, best, comes_near, leaks
from napari_celltype.protocol.words import (
    SESSION,
    SHORT_WAYS,
    caption,
    from_groups,
    short,
    tested_text,
    way_title,
)

_MOST_DOUBTS = 2
_FIGURES = "PNG (*.png);;SVG (*.svg);;PDF (*.pdf)"


class EvaluateResults(QtWidgets.QWidget):
    """Shows a report, and hands out what a paper needs of it; hidden before."""

    report: Report
    _folder: Path

    def __init__(self) -> None:
        super().__init__()
        self.sentence = Words(styleSheet="font-weight: bold;")
        self.doubts, self.details, self.bars = Words(), Details(), ScoreBars()
        tip = "The classifier and the way to split that are shown"
        self.which = narrow(QtWidgets.QComboBox(toolTip=tip))
        self.matrix = ConfusionTable()
        self.open_report = QtWidgets.QPushButton(
            "Open report.html",
            toolTip="The whole report, in the browser",
            clicked=self._open,
        )
        self.copy_figure = QtWidgets.QPushButton(
            "Copy figure",
            toolTip="Scores with intervals, and confusion matrices, as PNG",
            clicked=self._copy_figure,
        )
        self.save_figure = QtWidgets.QPushButton(
            "Save figure...",
            toolTip="The same figure as PNG, SVG or PDF",
            clicked=self._save_figure,
        )
        self.copy_caption = QtWidgets.QPushButton(
            "Copy caption",
            toolTip="What the figure shows: scores, intervals, chance, n",
            clicked=lambda: self._copy("caption", caption(self.report)),
        )
        self.copy_methods = QtWidgets.QPushButton(
            "Copy methods paragraph",
            toolTip="What was done, from the settings of this run",
            clicked=lambda: self._copy("methods paragraph", self.report.methods()),
        )
        self.job = JobBar()
        self.prevalence = PrevalenceTable()
        buttons = fill_grid(
            QtWidgets.QGridLayout(),
            self.open_report,
            (self.copy_figure, self.save_figure),
            (self.copy_caption, self.copy_methods),
            spacing=4,
        )
        fill(
            QtWidgets.QVBoxLayout(self),
            *(self.sentence, self.doubts, self.details),
            *(self.bars, self.which, self.matrix, buttons, self.job),
            *(QtWidgets.QLabel("<b>Precision in your tissue</b>"), self.prevalence),
            spacing=5,
        )
        self.which.currentIndexChanged.connect(self._show_score)
        self.hide()

    def show_report(self, report: Report, folder: Path) -> None:
        """Show the report of a run folder."""
        self.report, self._folder = report, folder
        self.job.notice.clear()
        self.sentence.setText(_plain_sentence(report))
        doubts = _short_doubts(report)[:_MOST_DOUBTS]
        self.doubts.setText("\n".join(f"⚠ {doubt}" for doubt in doubts))
        self.doubts.setVisible(bool(doubts))
        self.bars.show_report(report)
        self.details.show_text(_details_of(report))
        self.which.clear()
        # The strictest way first: it is what a new animal would meet.
        others = (s for s in report.of("classifier") if s not in report.top)
        for score in (*report.top, *others):
            self.which.addItem(f"{score.name}, {way_title(score.way)}", score)
        self.show()

    def save_figure_as(self, path: Path) -> None:
        """Draw the figure into a file, in the background."""
        kind = path.suffix.lower().removeprefix(".")
        if kind not in ("png", "svg", "pdf"):
            path, kind = path.with_name(f"{path.name}.png"), "png"
        report = self.report

        def work(**_: Any) -> Path:
            content = _draw(report, kind)
            return write_atomically(path, lambda file: file.write(content))

        def done(outcome: Outcome[Path]) -> None:
            if isinstance(outcome, Finished):
                self.job.notice.show_text(f"Wrote {outcome.result}")

        self.job.start("Drawing the figure", work, done)

    def _show_score(self) -> None:
        score: Score | None = self.which.currentData()
        if score is not None:
            found = Confusion(self.report.classes, score.counts)
            self.matrix.show_confusion(found)
            learning = (c for c in self.report.learning if c.classifier == score.name)
            curves = [curve for curve in learning if curve.way == score.way]
            self.prevalence.show_score(score, curves)

    def _open(self) -> None:
        page = self._folder.resolve() / "report.html"
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(page)))

    def _copy(self, what: str, text: str) -> None:
        QGuiApplication.clipboard().setText(text)
        self.job.notice.show_text(f"The {what} is on the clipboard.")

    def _copy_figure(self) -> None:
        def done(outcome: Outcome[bytes]) -> None:
            if isinstance(outcome, Finished):
                image = QImage.fromData(outcome.result)
                QGuiApplication.clipboard().setImage(image)
                self.job.notice.show_text("The figure is on the clipboard.")

        self.job.start("Drawing the figure", partial(_draw, self.report, "png"), done)

    def _save_figure(self) -> None:
        start = str(self._folder / "figure.png")
        path, _ = QtWidgets.QFileDialog.getSaveFileName(
            self, "Save figure", start, _FIGURES
        )
        if path:
            self.save_figure_as(Path(path))


def _draw(report: Report, kind: Any, **_: Any) -> bytes:
    # Imports matplotlib, which takes a second.
    from napari_celltype.protocol.figures import figure_bytes

    return figure_bytes(report, kind)


def _plain_sentence(report: Report) -> str:
    """Return how the best classifier does where it was tested most strictly."""
    top = report.top[0]
    how = "better than chance" if above_chance(top) else "no better than chance"
    where = f"new {COLUMNS[top.way][1]}s" if top.way in COLUMNS else "random splits"
    return f"On {where} {how}: {top.interval.value:.2f}, chance {top.chance:.2f}."


def _short_doubts(report: Report) -> list[str]:
    """Return each reason not to believe the scores in few words, the gravest first."""
    top = report.top[0]
    doubts = []
    if any(leaks(s) for s in report.of("shuffled")):
        doubts.append("Right on shuffled labels, too: test labels may leak.")
    if report.design.separable is False:
        doubts.append(INSEPARABLE)
    elif top.way != "by-subject":
        doubts.append("New animals were not tested.")
    rival = best(s for s in report.of("probe", top.way) if comes_near(s, top))
    if rival is not None:
        name = rival.bare_name
        what = "The session" if name == SESSION else f"One number ({name})"
        doubts.append(f"{what} alone reaches {rival.interval.value:.2f}.")
    if any(caution.code == "quick" for caution in report.cautions):
        doubts.append("A quick look: less certain.")
    return doubts


def _details_of(report: Report) -> str:
    """Return how the scores came about and all doubts, in lines."""
    lines = [f"{report.title}, {report.name}", report.basis]
    for score in report.top:
        spread = ""
        if score.n_splits > 1:
            spread = f", SD over splits {score.balanced_accuracy.sd:.2f}"
        lines.append(
            f"{way_title(score.way).capitalize()}: {score.name} "
            f"{short(score.interval)}{spread}, chance {score.chance:.2f}; "
            f"{tested_text(score)}{from_groups(score, 'of')}"
        )
    lines += [f"⚠ {s}" for s in (*report.cautions, *report.doubts)]
    return "\n".join(filter(None, lines))


_ROW = 18  # pixels
# Of Okabe and Ito.
_CLASSIFIER, _PROBE = "#0072B2", "#7F7F7F"


class ScoreBars(Plot):
    """The scores of a report with their intervals, the strictest way first."""

    def __init__(self) -> None:
        super().__init__()
        self._report: Report | None = None
        self.setMouseEnabled(x=False, y=False)
        self.getAxis("left").setWidth(None)
        self.getAxis("left").setStyle(tickLength=0)
        self.getPlotItem().invertY()
        self.getPlotItem().hideAxis("bottom")
        self.setXRange(0, 1.28, padding=0)
        self.setToolTip(
            "Balanced accuracy, the mean share of right answers over the types; thin "
            "lines: 95 % intervals, where there are enough animals or cells; dashed: "
            "chance; grey: the best single number of a trace"
        )

    def set_theme(self, background: str, text: str) -> None:
        """Take over the colours of the window, also for what is drawn."""
        super().set_theme(background, text)
        if self._report is not None:
            self.show_report(self._report)

    def show_report(self, report: Report) -> None:
        """Draw the scores of a report."""
        self._report = report
        self.clear()
        names: list[tuple[int, str]] = []
        sentences, row = [], 0
        ways = [s.way for s in (*report.top, *report.of("classifier"))]
        for way in dict.fromkeys(ways):
            bars = {s.name: s for s in report.of("classifier", way)}
            probe = best(report.of("probe", way))
            if probe is not None:
                bars[f"{probe.bare_name} alone"] = probe
            chance = next(iter(bars.values())).chance
            title = f"{SHORT_WAYS[way].capitalize()}, chance {chance:.2f}"
            self._write(title, 0, row)
            line = pg.mkPen(self.text_color, style=Qt.PenStyle.DashLine)
            ends = (row + 0.5, row + len(bars) + 0.5)
            self.plot([chance, chance], ends, pen=line).setZValue(1)
            for name, score in bars.items():
                row += 1
                self._draw(score, row)
                names.append((row, name))
            row += 1
            texts = ", ".join(f"{n} {short(s.interval)}" for n, s in bars.items())
            sentences.append(f"{title}: {texts}.")
        self.getAxis("left").setTicks([names])
        self.setYRange(-0.5, row - 0.5, padding=0)
        self.setFixedHeight(row * _ROW)
        self.setAccessibleDescription(" ".join(sentences))

    def _draw(self, score: Score, row: int) -> None:
        found = score.interval
        color = _PROBE if score.role == "probe" else _CLASSIFIER
        bar = {"x0": 0, "width": found.value, "y": row, "height": 0.7}
        self.addItem(pg.BarGraphItem(**bar, pen=None, brush=color))
        if not found.too_few:
            pen = pg.mkPen(self.text_color, width=2)
            self.plot([found.low, found.high], [row, row], pen=pen)
        self._write(f"{found.value:.2f}", 1.01, row)

    def _write(self, text: str, x: float, row: int) -> None:
        words = pg.TextItem(text, color=self.text_color, anchor=(0, 0.5))
        words.setPos(x, row)
        self.addItem(words)
