"""The figure of an evaluation for a paper: scores with rivals, confusion matrices."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Literal

import numpy as np

from napari_celltype.protocol.caption import matrices
from napari_celltype.protocol.report_figures import COLORS, draw_confusion
from napari_celltype.protocol.words import bare, best, in_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from napari_celltype.protocol.report import Confusion, Report
    from napari_celltype.protocol.scores import Score

FigureFormat = Literal["png", "svg", "pdf"]
# Printed at the width of two columns, 180 mm.
WIDTH = 7.1
DOTS_PER_INCH = 300
# One form for each way to split, so that colour is not the only sign.
MARKERS = ("o", "D", "s")


def paper_figure(report: Report) -> Figure:
    """Draw scores of both ways of splitting beside the confusion matrices.

    Panel A: balanced accuracy with its 95 % interval, where there are enough groups for
    one, of every classifier, of the best single number of each way, and after training
    on shuffled labels; a line at chance
    of each way. Panels B and C: see `caption.matrices`.

    Parameters
    ----------
    report : Report
    """
    from matplotlib.figure import Figure

    shown = matrices(report)
    lines = _lines(report)
    n = len(report.classes)
    height = max(1.0 + 0.24 * len(lines), 1.5 + 0.32 * n)
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    ratios = [1.25, *[1.0] * len(shown)]
    panels = figure.subplots(1, len(ratios), width_ratios=ratios, squeeze=False)[0]
    _draw_scores(panels[0], lines)
    for axes, score in zip(panels[1:], shown, strict=True):
        confusion = _confusion(report, score)
        draw_confusion(
            axes, confusion, f"{score.name}, {in_words(score.way)}", fontsize=6
        )
    for axes, letter in zip(panels, "ABC", strict=False):
        axes.set_title(letter, loc="left", fontsize=10, fontweight="bold")
    return figure


def figure_bytes(report: Report, kind: FigureFormat) -> bytes:
    """Return `paper_figure` as the content of a file.

    Parameters
    ----------
    report : Report
    kind : {"png", "svg", "pdf"}
    """
    content = io.BytesIO()
    paper_figure(report).savefig(content, format=kind, dpi=DOTS_PER_INCH)
    return content.getvalue()


def _confusion(report: Report, score: Score) -> Confusion:
    return report.confusion(score.name, score.way)


def _lines(report: Report) -> list[tuple[str, Score]]:
    """Return what panel A shows, from top to bottom, with its words."""
    classifiers = report.of("classifier")
    lines = [(s.name, s) for s in classifiers]
    for way in dict.fromkeys(s.way for s in classifiers):
        probe = best(report.of("probe", way))
        if probe is not None:
            lines.append((f"one number ({bare(probe)})", probe))
    shuffled = best(report.of("shuffled"))
    if shuffled is not None:
        lines.append(
            (shuffled.name.replace(", shuffled labels", ", shuffled"), shuffled)
        )
    return lines


def _draw_scores(axes: Axes, lines: list[tuple[str, Score]]) -> None:
    ways = list(dict.fromkeys(score.way for _, score in lines))
    for row, (_, score) in enumerate(lines):
        at = ways.index(score.way)
        interval = score.interval
        color = COLORS[at % len(COLORS)] if score.role == "classifier" else "0.45"
        if not interval.too_few:
            axes.plot(
                [interval.low, interval.high], [row, row], color=color, linewidth=1.5
            )
        axes.plot(
            interval.value,
            row,
            marker=MARKERS[at % len(MARKERS)],
            color=color,
            markersize=5,
            markerfacecolor=color if score.role == "classifier" else "white",
            linestyle="none",
        )
    for at, way in enumerate(ways):
        axes.plot(
            np.nan,
            np.nan,
            marker=MARKERS[at % len(MARKERS)],
            color=COLORS[at % len(COLORS)],
            linestyle="none",
            markersize=5,
            label=in_words(way),
        )
    # It differs where a type is never tested under one of the ways.
    chances = dict.fromkeys(score.chance for _, score in lines)
    for chance in chances:
        label = "chance" if len(chances) == 1 else f"chance ({chance:.2f})"
        axes.axvline(chance, color="0.6", linewidth=1, linestyle="--", label=label)
    names = [text.replace("$", r"\$") for text, _ in lines]
    axes.set_yticks(range(len(lines)), names, fontsize=7)
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.set_xlim(0, 1)
    axes.tick_params(axis="x", labelsize=7)
    axes.set_xlabel("balanced accuracy", fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(
        frameon=False, fontsize=6.5, loc="upper center", bbox_to_anchor=(0.4, -0.2)
    )
