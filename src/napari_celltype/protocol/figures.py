"""The figures of a report and of a paper; drawn without a display or global state."""

from __future__ import annotations

import io
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from napari_celltype.protocol.evaluation import Confusion, Evaluation
from napari_celltype.protocol.learning import BALANCED, MOST, TARGET
from napari_celltype.protocol.scores import Score, best
from napari_celltype.protocol.words import way_title

# Okabe and Ito's colours, which are told apart without colour vision.
_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
# Lighter to darker, so it reads without colour and on paper.
MAP = "Blues"
DARK = 0.7
_DASHES = ("-", "--", "-.", ":")
# One form for each way to split, so that colour is not the only sign.
_MARKERS = ("o", "D", "s")
# Printed at the width of two columns, 180 mm.
_WIDTH = 7.1
_DOTS_PER_INCH = 300


def confusion_figure(confusion: Confusion, title: str) -> Figure:
    """Draw a confusion matrix normalised by row, with counts (Figs. 2 and 4)."""
    side = 1.6 + 0.75 * len(confusion.classes)
    figure = Figure(figsize=(side, side - 0.2), layout="constrained")
    _draw_confusion(figure.add_subplot(), confusion, title)
    return _without_formulas(figure)


def _draw_confusion(
    axes: Axes, confusion: Confusion, title: str, *, fontsize: float = 9
) -> None:
    """Draw a confusion matrix normalised by row, with counts, into a panel."""
    n = len(confusion.classes)
    axes.imshow(confusion.normalised, cmap=MAP, vmin=0, vmax=1)
    for (row, column), share in np.ndenumerate(confusion.normalised):
        count = confusion.counts[row, column]
        known = np.isfinite(share)
        axes.text(
            column,
            row,
            f"{share:.2f}\n{count}" if known else "–",
            ha="center",
            va="center",
            fontsize=fontsize,
            color="white" if known and share > DARK else "black",
        )
    axes.set_xticks(range(n), confusion.classes, fontsize=fontsize)
    axes.set_yticks(range(n), confusion.classes, fontsize=fontsize)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("classified as", fontsize=fontsize + 1)
    axes.set_ylabel("true type", fontsize=fontsize + 1)
    axes.set_title(title, fontsize=fontsize + 1)


def _without_formulas(figure: Figure) -> Figure:
    """Let a dollar sign in a type's name be one."""
    for text in figure.findobj(Text):
        text.set_parse_math(False)
    return figure


def curve_figure(found: Evaluation) -> Figure | None:
    """Draw accuracy by epoch, mean line and deviation band (Fig. 3)."""
    curved = [s for s in found.shown if s.curve_mean]
    if not curved:
        return None
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.add_subplot()
    longest = max(len(s.curve_mean) for s in curved)
    tested = all(s.curve == "test" for s in curved)
    flat = [s for s in found.shown if not s.curve_mean] if tested else []
    for at, score in enumerate([*curved, *flat]):
        epochs = np.arange(1, len(score.curve_mean or range(longest)) + 1)
        mean = np.resize(score.curve_mean or score.accuracy.mean, len(epochs))
        sd = np.nan_to_num(np.resize(score.curve_sd or score.accuracy.sd, len(epochs)))
        color = _COLORS[at % len(_COLORS)]
        axes.plot(
            epochs,
            mean,
            color=color,
            linestyle=_DASHES[at % len(_DASHES)],
            marker="o" if longest == 1 else None,
            label=score.name,
        )
        axes.fill_between(epochs, mean - sd, mean + sd, color=color, alpha=0.18, lw=0)
    if tested:
        axes.axhline(
            curved[0].majority, color="0.5", linewidth=1, label="most frequent type"
        )
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel(f"accuracy on the {'test' if tested else 'training'} set")
    axes.set_xlim(1, max(longest, 2))
    axes.set_ylim(0, 1.02)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def learning_figure(found: Evaluation) -> Figure:
    """Draw scores by animals, cells and minutes trained on, and what is expected."""
    units = list(dict.fromkeys(curve.unit for curve in found.learning))
    rows = [(c, BALANCED, c.classifier, 0) for c in found.learning]
    rows += [(c, n, n, 1) for c in found.learning_of_top for n in c.shares]
    titles = (BALANCED, "precision")[: 1 + rows[-1][-1]]
    size = (len(titles), len(units))
    width, height = 3.1 * len(units) + 1.4, 2.8 * len(titles)
    figure = Figure(figsize=(width, height), layout="constrained")
    panels = figure.subplots(*size, sharey="row", sharex="col", squeeze=False)
    names = [
        list(dict.fromkeys(label for *_, label, at in rows if at == k)) for k in (0, 1)
    ]
    for curve, name, label, row in rows:
        axes, at = panels[row, units.index(curve.unit)], names[row].index(label)
        color = _COLORS[at % len(_COLORS)]
        sizes = np.geomspace(curve.sizes[0], MOST * curve.sizes[-1], 60)
        fit = curve.fit(name)
        expected = [float(fit.at(size)[0]) for size in sizes]
        scores = curve.scores[:, curve.names.index(name)]
        axes.plot(curve.sizes, scores, "o", color=color, markersize=4, label=label)
        axes.plot(sizes, expected, linestyle="--", color=color, linewidth=1)
    for column, unit in enumerate(units):
        panels[0, column].set_xscale("log")
        axis = panels[0, column].xaxis
        axis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=6))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(NullFormatter())
        panels[-1, column].set_xlabel(unit)
    for axes in panels.flat:
        axes.set_ylim(0, 1.02)
        axes.axhline(TARGET, color="0.6", linewidth=1)
        axes.spines[["top", "right"]].set_visible(False)
    for row, title in enumerate(titles):
        panels[row, 0].set_ylabel(title)
        panels[row, -1].legend(
            frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5)
        )
    return _without_formulas(figure)


def paper_figure(found: Evaluation) -> Figure:
    """Draw scores of both ways of splitting beside the confusion matrices."""
    lines = _lines(found)
    n = len(found.classes)
    height = max(1.0 + 0.24 * len(lines), 1.5 + 0.32 * n)
    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    ratios = [1.25, *[1.0] * len(found.top)]
    panels = figure.subplots(1, len(ratios), width_ratios=ratios, squeeze=False)[0]
    _draw_scores(panels[0], lines)
    for axes, s in zip(panels[1:], found.top, strict=True):
        confusion = Confusion(found.classes, s.counts)
        _draw_confusion(axes, confusion, f"{s.name}, {way_title(s.way)}", fontsize=6)
    for axes, letter in zip(panels, "ABC", strict=False):
        axes.set_title(letter, loc="left", fontsize=10, fontweight="bold")
    return _without_formulas(figure)


def figure_bytes(found: Evaluation, kind: Literal["png", "svg", "pdf"]) -> bytes:
    """Return `paper_figure` as the content of a file."""
    content = io.BytesIO()
    paper_figure(found).savefig(content, format=kind, dpi=_DOTS_PER_INCH)
    return content.getvalue()


def _lines(found: Evaluation) -> list[tuple[str, Score]]:
    """Return what panel A shows, from top to bottom, with its words."""
    classifiers = found.of("classifier")
    lines = [(s.name, s) for s in classifiers]
    for way in dict.fromkeys(s.way for s in classifiers):
        probe = best(found.of("probe", way))
        if probe is not None:
            lines.append((f"one number ({probe.bare_name})", probe))
    shuffled = best(found.of("shuffled"))
    if shuffled is not None:
        lines.append((f"{shuffled.bare_name}, shuffled", shuffled))
    return lines


def _draw_scores(axes: Axes, lines: list[tuple[str, Score]]) -> None:
    ways = list(dict.fromkeys(score.way for _, score in lines))
    signs: list[dict[str, Any]] = [
        {"marker": marker, "color": color, "linestyle": "none", "markersize": 5}
        for marker, color in zip(_MARKERS, _COLORS, strict=False)
    ]
    for row, (_, score) in enumerate(lines):
        sign = signs[ways.index(score.way)]
        if score.role != "classifier":
            sign = {**sign, "color": "0.45", "markerfacecolor": "white"}
        interval = score.interval
        if not interval.too_few:
            axes.hlines(row, interval.low, interval.high, color=sign["color"])
        axes.plot(interval.value, row, **sign)
    for way, sign in zip(ways, signs, strict=False):
        axes.plot(np.nan, np.nan, label=way_title(way), **sign)
    # It differs where a type is never tested under one of the ways.
    chances = dict.fromkeys(score.chance for _, score in lines)
    for chance in chances:
        label = "chance" if len(chances) == 1 else f"chance ({chance:.2f})"
        axes.axvline(chance, color="0.6", linewidth=1, linestyle="--", label=label)
    axes.set_yticks(range(len(lines)), [text for text, _ in lines], fontsize=7)
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.set_xlim(0, 1)
    axes.tick_params(axis="x", labelsize=7)
    axes.set_xlabel("balanced accuracy", fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(
        frameon=False, fontsize=6.5, loc="upper center", bbox_to_anchor=(0.4, -0.2)
    )
