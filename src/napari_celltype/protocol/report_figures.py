"""The figures of a report; drawn without a display and without global state."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from napari_celltype.protocol.report import Confusion, Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, which are told apart without colour vision.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
# Lighter to darker, so it reads without colour and on paper.
MAP = "Blues"
DARK = 0.7
DASHES = ("-", "--", "-.", ":")


def confusion_figure(confusion: Confusion, title: str) -> Figure:
    """Draw a confusion matrix normalised by row, with counts (Figs. 2 and 4)."""
    from matplotlib.figure import Figure

    side = 1.6 + 0.75 * len(confusion.classes)
    figure = Figure(figsize=(side, side - 0.2), layout="constrained")
    draw_confusion(figure.add_subplot(), confusion, title)
    return figure


def draw_confusion(
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
    axes.set_title(_plain(title), fontsize=fontsize + 1)


def curve_figure(report: Report) -> Figure | None:
    """Draw accuracy by epoch, mean line and deviation band (Fig. 3).

    What is not trained in epochs is a line with a band. None if nothing was trained in
    epochs.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    curved = [s for s in report.shown if s.curve_mean]
    if not curved:
        return None
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.add_subplot()
    longest = max(len(s.curve_mean) for s in curved)
    tested = all(s.curve == "test" for s in curved)
    flat = [s for s in report.shown if not s.curve_mean] if tested else []
    for at, score in enumerate([*curved, *flat]):
        if score.curve_mean:
            epochs = np.arange(1, len(score.curve_mean) + 1)
            mean, sd = np.array(score.curve_mean), np.array(score.curve_sd)
        else:
            epochs = np.array([1, longest])
            mean = np.full(2, score.accuracy.mean)
            sd = np.full(2, score.accuracy.sd)
        _band(axes, epochs, mean, np.nan_to_num(sd), at, _plain(score.name))
    if tested:
        axes.axhline(
            curved[0].majority, color="0.5", linewidth=1, label="most frequent type"
        )
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    where = "test set" if tested else "training set"
    axes.set_ylabel(f"accuracy on the {where}")
    axes.set_xlim(1, max(longest, 2))
    axes.set_ylim(0, 1.02)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def _band(
    axes: Axes,
    epochs: np.ndarray,
    mean: np.ndarray,
    sd: np.ndarray,
    at: int,
    label: str,
) -> None:
    color = COLORS[at % len(COLORS)]
    axes.plot(
        epochs,
        mean,
        color=color,
        linestyle=DASHES[at % len(DASHES)],
        marker="o" if len(epochs) == 1 else None,
        label=label,
    )
    axes.fill_between(epochs, mean - sd, mean + sd, color=color, alpha=0.18, lw=0)


def svg(figure: Figure) -> str:
    """Return a figure as an SVG element, to stand inside an HTML page.

    Text is drawn as shapes: it looks the same wherever it is opened.
    """
    image = io.BytesIO()
    figure.savefig(image, format="svg", metadata={"Date": None})
    text = image.getvalue().decode()
    return text[text.index("<svg") :]


def _plain(name: str) -> str:
    """Keep matplotlib from reading a dollar sign in a name as mathematics."""
    return name.replace("$", r"\$")
