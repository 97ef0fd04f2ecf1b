"""What an evaluation found: the sentence, the bars, the matrix, and the copies."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from qtpy.QtCore import QPointF, QRectF, Qt, QUrl
from qtpy.QtGui import (
    QColor,
    QDesktopServices,
    QGuiApplication,
    QImage,
    QPainter,
    QPaintEvent,
    QPen,
)
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QGridLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_celltype.files import write_atomically
from napari_celltype.gui.evaluate.confusion_view import ConfusionView
from napari_celltype.gui.evaluate.evaluate_tables import PrevalenceShares
from napari_celltype.gui.forms import narrow
from napari_celltype.gui.tasks import Failed, Finished, Outcome, TaskRunner
from napari_celltype.gui.widgets import Details, Notice, Words
from napari_celltype.progress import OnProgress, ShouldStop
from napari_celltype.protocol.evaluation import INSEPARABLE, Confusion
from napari_celltype.protocol.report import Report
from napari_celltype.protocol.scores import (
    Score,
    above_chance,
    best,
    comes_near,
    leaks,
)
from napari_celltype.protocol.words import (
    SESSION,
    caption,
    from_groups,
    short,
    tested_text,
    way_title,
)

_MOST_DOUBTS = 2
_FIGURES = "PNG (*.png);;SVG (*.svg);;PDF (*.pdf)"


class EvaluateResults(QWidget):
    """Shows a report, and hands out what a paper needs of it."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._report: Report | None = None
        self._folder: Path | None = None
        self.tasks = TaskRunner(self)
        self.sentence = Words()
        self.sentence.setStyleSheet("font-weight: bold;")
        self.doubts = Words()
        self.bars = _ScoreBars()
        self.which = narrow(QComboBox())
        self.which.setToolTip("The classifier and the way to split that are shown")
        self.matrix = ConfusionView()
        self.prevalence = PrevalenceShares()
        self.details = Details()
        self.notice = Notice()
        self._buttons = QGridLayout()
        self._buttons.setSpacing(4)
        self.open_report = self._button(
            "Open report.html", "The whole report, in the browser", self._open
        )
        self.copy_figure = self._button(
            "Copy figure",
            "Scores with intervals, and confusion matrices, as PNG",
            self._copy_figure,
        )
        self.save_figure = self._button(
            "Save figure...",
            "The same figure as PNG, SVG or PDF",
            self._save_figure,
        )
        self.copy_caption = self._button(
            "Copy caption",
            "What the figure shows: scores, intervals, chance, n",
            lambda: self._copy_text("caption", caption),
        )
        self.copy_methods = self._button(
            "Copy methods paragraph",
            "What was done, from the settings of this run",
            lambda: self._copy_text("methods paragraph", Report.methods),
        )
        self._lay_out()
        self.which.currentIndexChanged.connect(self._show_classifier)
        self.hide()

    @property
    def report(self) -> Report | None:
        """What is shown."""
        return self._report

    def show_report(self, report: Report, folder: Path | None) -> None:
        """Show a report."""
        self._report, self._folder = report, folder
        self.notice.clear()
        self.sentence.setText(_plain_sentence(report))
        doubts = _short_doubts(report)[:_MOST_DOUBTS]
        self.doubts.setText("\n".join(f"⚠ {doubt}" for doubt in doubts))
        self.doubts.setVisible(bool(doubts))
        self.bars.show_report(report)
        self.details.show_text(_details_of(report))
        self._list_classifiers(report)
        page = None if folder is None else folder / "report.html"
        there = page is not None and page.is_file()
        self.open_report.setEnabled(there)
        self.open_report.setToolTip(
            str(page) if there else "This run kept no report on disk"
        )
        self.show()

    def clear(self) -> None:
        """Show nothing."""
        self._report = None
        self.hide()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(5)
        for widget in (
            self.sentence,
            self.doubts,
            self.details,
            self.bars,
            self.which,
            self.matrix,
        ):
            column.addWidget(widget)
        column.addLayout(self._buttons)
        column.addWidget(self.notice)
        column.addWidget(QLabel("<b>Precision in your tissue</b>"))
        column.addWidget(self.prevalence)

    def _button(self, text: str, tip: str, slot: Callable[[], None]) -> QPushButton:
        """Return a button in its place: the first above pairs of others."""
        button = QPushButton(text)
        button.setToolTip(tip)
        button.clicked.connect(lambda: slot())
        at = self._buttons.count() + 1
        first = at == 1
        self._buttons.addWidget(
            button, at // 2, 0 if first else at % 2, 1, 2 if first else 1
        )
        return button

    def _list_classifiers(self, report: Report) -> None:
        """List the strictest way first: it is what a new animal would meet."""
        others = (s for s in report.of("classifier") if s not in report.top)
        blocked = self.which.blockSignals(True)
        self.which.clear()
        for score in (*report.top, *others):
            self.which.addItem(f"{score.name}, {way_title(score.way)}", score)
        self.which.blockSignals(blocked)
        self._show_classifier()

    def _show_classifier(self) -> None:
        score: Score | None = self.which.currentData()
        report = self._report
        if score is None or report is None:
            return
        self.matrix.show_confusion(Confusion.of(report.classes, score.counts))
        self.prevalence.show_score(score)

    def _open(self) -> None:
        if self._folder is not None:
            page = self._folder / "report.html"
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(page.resolve())))

    def _copy_text(self, what: str, text: Callable[[Report], str]) -> None:
        if self._report is not None:
            QGuiApplication.clipboard().setText(text(self._report))
            self.notice.show_text(f"The {what} is on the clipboard.")

    def _copy_figure(self) -> None:
        if self._report is not None:
            self.notice.show_text("Drawing the figure...")
            self.tasks.start(
                partial(_draw, self._report, "png"), on_end=self._on_figure
            )

    def _on_figure(self, outcome: Outcome[bytes]) -> None:
        if isinstance(outcome, Finished):
            image = QImage.fromData(outcome.result)
            QGuiApplication.clipboard().setImage(image)
            self.notice.show_text("The figure is on the clipboard.")
        elif isinstance(outcome, Failed):
            self.notice.show_error(outcome.sentence)

    def _save_figure(self) -> None:
        start = str((self._folder or Path()) / "figure.png")
        path, _ = QFileDialog.getSaveFileName(self, "Save figure", start, _FIGURES)
        if path and self._report is not None:
            self.save_figure_as(Path(path))

    def save_figure_as(self, path: Path) -> None:
        """Draw the figure into a file, in the background."""
        report = self._report
        if report is None:
            return
        kind = path.suffix.lower().removeprefix(".")
        if kind not in ("png", "svg", "pdf"):
            path, kind = path.with_name(f"{path.name}.png"), "png"

        def work(on_progress: OnProgress, should_stop: ShouldStop) -> Path:
            content = _draw(report, kind, on_progress, should_stop)
            return write_atomically(path, lambda file: file.write(content))

        def done(outcome: Outcome[Path]) -> None:
            if isinstance(outcome, Finished):
                self.notice.show_text(f"Wrote {outcome.result}")
            elif isinstance(outcome, Failed):
                self.notice.show_error(outcome.sentence)

        self.notice.show_text("Drawing the figure...")
        self.tasks.start(work, on_end=done)


def _draw(
    report: Report, kind: Any, on_progress: OnProgress, should_stop: ShouldStop
) -> bytes:
    from napari_celltype.protocol.figures import figure_bytes

    return figure_bytes(report, kind)


_NEW = {
    "by-subject": "new animals",
    "by-session": "new sessions",
    "by-cell": "new cells",
}


def _plain_sentence(report: Report) -> str:
    """Return how the best classifier does where it was tested most strictly."""
    if not report.top:
        return report.sentence
    top = report.top[0]
    how = "better than chance" if above_chance(top) else "no better than chance"
    return (
        f"On {_NEW.get(top.way, 'random splits')} {how}: {top.interval.value:.2f}, "
        f"chance {top.chance:.2f}."
    )


def _short_doubts(report: Report) -> list[str]:
    """Return each reason not to believe the scores in few words, the gravest first."""
    if not report.top:
        return []
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
    lines += [_side(score) for score in report.top]
    lines += [f"⚠ {s}" for s in (*report.cautions, *report.doubts)]
    return "\n".join(filter(None, lines))


def _side(score: Score) -> str:
    """Return one way of splitting with all that its score needs beside it."""
    spread = ""
    if score.n_splits > 1:
        spread = f", SD over splits {score.balanced_accuracy.sd:.2f}"
    return (
        f"{way_title(score.way).capitalize()}: {score.name} {short(score.interval)}"
        f"{spread}, chance {score.chance:.2f}; {tested_text(score)}"
        f"{from_groups(score, 'of')}"
    )


# Of Okabe and Ito.
_CLASSIFIER, _PROBE = QColor("#0072B2"), QColor("#7F7F7F")
_ROW, _NAME, _VALUE, _GAP = 18, 112, 36, 6

Bars = list[tuple[str, list[tuple[str, Score]]]]


class _ScoreBars(QWidget):
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
        words = way_title(way)
        shown.append((f"{words[0].upper()}{words[1:]}", bars))
    return shown
