"""The figure for a paper: mean image, outlines by type, key, scale bar; no display.

A prediction is a fill with a small solid mark; ground truth a thick outline with an
open mark. Each type has a colour and a shape of its own, so the figure reads in grey.
"""

from __future__ import annotations

import io
from dataclasses import replace
from itertools import cycle
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_celltype.answers.columns import class_columns
from napari_celltype.answers.summary import count_rois
from napari_celltype.celltypes import DEFAULT_TYPES, UNSURE, UNSURE_COLOR, TypeTree
from napari_celltype.errors import OutputError
from napari_celltype.export.content import Content, FigureOptions, Format, Preview
from napari_celltype.export.picture import (
    UNCLASSIFIED_COLOR,
    background,
    label_color,
    roi_fills,
)
from napari_celltype.labels import NOT_A_SOMA
from napari_celltype.recording import Recording, Roi

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

_MM_PER_INCH, _POINTS_PER_INCH = 25.4, 72.0
_ROW_MM, _MARGIN_MM = 3.6, 1.5
# Of the key: its font in points, the sample, and a letter.
_FONT, _SAMPLE_MM, _LETTER_MM = 6, 5.0, 1.15
_PREDICTED, _LABELLED = 0.75, 1.5  # Widths of outlines in points.
# Dots per inch of a figure that is only looked at.
_COARSE = 150
_BARS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)
# Markers of matplotlib. Pyramidal cells get the pyramid.
_MARKS = {"PY": "^", "IN": "o", "PV": "s", "SOM": "D", "VIP": "v", NOT_A_SOMA: "x"}
_OWN_MARKS = ("P", "X", "*", "h", "<", ">", "p", "d")


def figure_bytes(
    recording: Recording,
    table: pd.DataFrame,
    format: str,
    *,
    options: FigureOptions | None = None,
    tree: TypeTree = DEFAULT_TYPES,
    subtypes_proven: bool = False,
) -> bytes:
    """Return a figure of the table's ROIs as the content of a PNG, SVG or PDF."""
    from matplotlib import rc_context

    options = options or FigureOptions()
    _require_possible(recording, options)
    content = io.BytesIO()
    # Text as text: editors of SVG and PDF can then change it.
    looks: Any = {"svg.fonttype": "none", "pdf.fonttype": 42, "font.size": 7}
    with rc_context({**looks, "font.family": "sans-serif"}):
        figure = _figure(recording, table, options, tree, subtypes_proven)
        figure.savefig(content, format=format, dpi=options.dots_per_inch)
    return content.getvalue()


def _require_possible(recording: Recording, options: FigureOptions) -> None:
    if not len(recording.rois) or 0 in recording.frame_shape:
        raise OutputError(
            "The recording has no ROI masks, so there is nothing to draw; open a "
            "suite2p folder with its stat.npy."
        )
    if not 20 <= options.width <= 1000:
        raise OutputError(
            f"A figure of {options.width:g} mm cannot be drawn; give a width between "
            "20 and 1000 mm."
        )
    size = options.pixel_size
    if size is not None and not (np.isfinite(size) and size > 0):
        raise OutputError(
            f"A pixel of {size:g} micrometres is impossible; give its width, such as "
            "1.2, or none."
        )


def _figure(
    recording: Recording,
    table: pd.DataFrame,
    options: FigureOptions,
    tree: TypeTree,
    subtypes_proven: bool,
) -> Figure:
    from matplotlib.figure import Figure

    ly, lx = recording.frame_shape
    width = options.width
    samples, notes = _key(table, options, tree, subtypes_proven)
    longest = max((len(str(s.get_label())) for s in samples), default=0)
    columns = max(1, int(width // (_SAMPLE_MM + longest * _LETTER_MM)))
    # All in millimetres, from the top: title, picture, samples and notes of the key.
    title = _ROW_MM + _MARGIN_MM if options.title else 0.0
    picture = width * ly / lx
    below = len(notes) * _ROW_MM + _MARGIN_MM
    key = -(-len(samples) // columns) * _ROW_MM + _MARGIN_MM + below
    height = title + picture + key
    figure = Figure(figsize=(width / _MM_PER_INCH, height / _MM_PER_INCH))
    # A dollar sign in a folder's name is no formula.
    text: Any = {"va": "top", "parse_math": False}
    left = _MARGIN_MM / width
    figure.text(left, 1 - _MARGIN_MM / height, options.title, weight="bold", **text)
    axes = figure.add_axes((0, key / height, 1, picture / height))
    axes.imshow(background(recording), cmap="gray", vmin=0, vmax=1)
    axes.set_axis_off()
    _draw_rois(axes, recording, table, options, tree)
    _draw_scale_bar(axes, recording, options)
    # The picture's edges, which outlines on them may have pushed away.
    axes.set_xlim(-0.5, lx - 0.5)
    axes.set_ylim(ly - 0.5, -0.5)
    legend = figure.legend(
        handles=samples,
        loc="upper left",
        bbox_to_anchor=(left, (key - _MARGIN_MM) / height),
        ncols=columns,
        fontsize=_FONT,
        frameon=False,
        borderpad=0,
        borderaxespad=0,
        handlelength=1.5,
        handletextpad=0.5,
        columnspacing=1,
    )
    for one in legend.get_texts():
        one.set_parse_math(False)
    for number, note in enumerate(notes):
        y = (below - number * _ROW_MM) / height
        figure.text(left, y, note, fontsize=_FONT, **text)
    return figure


def _marks(tree: TypeTree) -> dict[str, str]:
    """Return matplotlib's marker for each type, by its name."""
    own = [t.name for t in tree.types if t.name not in _MARKS]
    return _MARKS | dict(zip(own, cycle(_OWN_MARKS), strict=False))


def _key(
    table: pd.DataFrame, options: FigureOptions, tree: TypeTree, subtypes_proven: bool
) -> tuple[list[Line2D], list[str]]:
    """Return the samples of the key, types in tree order, and the lines below them."""
    from matplotlib.lines import Line2D

    counts, marks = count_rois(table), _marks(tree)
    predicted = counts.groups if options.by_group else counts.types
    classes: list[str] = []
    if "predicted" in table.columns:
        classes = [name.removeprefix("p_") for name in class_columns(table.columns)]
    whole = tree.including(classes)
    finer = not options.by_group and any(whole.group(c) != c for c in classes)
    if options.by_group:
        classes = list(dict.fromkeys(whole.group(c) for c in classes))

    samples: list[Line2D] = []

    def add(name: str, text: str, color: str = "", **looks: Any) -> None:
        kind = name.removeprefix("!")
        looks = {"linestyle": "none", "marker": marks.get(kind, "o"), **looks}
        color = color or label_color(name, tree)
        samples.append(Line2D([], [], color=color, markersize=4.5, label=text, **looks))

    hollow: Any = {"markerfacecolor": "none", "markeredgewidth": _LABELLED}
    types = {*classes, *predicted, *counts.labels} - {UNSURE, NOT_A_SOMA}
    for name in tree.in_order(n for n in types if not n.startswith("!")):
        if name in classes:
            add(name, f"{name}: {predicted[name]} predicted")
        if number := counts.labels[name]:
            add(name, f"{name}: {number} labelled", **hollow)
    dashed = {**hollow, "linestyle": "--", "linewidth": _LABELLED}
    for name in sorted(n for n in counts.labels if n.startswith("!")):
        add(name, f"not {name[1:]}: {counts.labels[name]} labelled", **dashed)
    if number := counts.labels[NOT_A_SOMA]:
        add(NOT_A_SOMA, f"{NOT_A_SOMA}: {number} labelled")
    if number := predicted[UNSURE]:
        thin = {**hollow, "markeredgewidth": _PREDICTED}
        add(UNSURE, f"{UNSURE}: {number}", UNSURE_COLOR, **thin)
    notes = [f"{counts.n_rois} ROIs."]
    if finer:
        groups = ", ".join(f"{n} {name}" for name, n in sorted(counts.groups.items()))
        notes[0] += f" Predicted: {groups}."
    if classes:
        notes.append("Fill, solid mark: predicted, fainter = less probable.")
    if counts.labels:
        notes.append("Thick outline, open mark: ground truth.")
    if finer and not subtypes_proven:
        notes.append("Predicted interneuron types: unproven on real cells.")
    letters = max(10, int((options.width - 2 * _MARGIN_MM) / _LETTER_MM))
    return samples, [line for note in notes for line in wrap(note, letters)]


def _draw_rois(
    axes: Axes,
    recording: Recording,
    table: pd.DataFrame,
    options: FigureOptions,
    tree: TypeTree,
) -> None:
    from matplotlib.collections import PathCollection
    from matplotlib.colors import to_rgba

    # Parts of merged ROIs are not drawn.
    whole = recording.merged_into < 0
    shown = table[
        [whole[i] and recording.rois[i].ypix.size > 0 for i in table["roi_id"]]
    ]
    fills = roi_fills(shown, options.by_group, tree)
    paths = {i: _border(recording.rois[i]) for i in shown["roi_id"].tolist()}
    # Named ones last, above the grey outlines of the others.
    order = sorted(paths, key=lambda i: i in fills)
    looks = [fills.get(i, (UNCLASSIFIED_COLOR, 0.0)) for i in order]
    axes.add_collection(
        PathCollection(
            [paths[i] for i in order],
            facecolors=[to_rgba(c, a * options.fill) for c, a in looks],
            edgecolors=[to_rgba(c, 1.0 if a else 0.9) for c, a in looks],
            linewidths=_PREDICTED,
        )
    )
    truth = shown[(shown["label"] != "") & (shown["label_source"] != "prediction")]
    labels = dict(zip(truth["roi_id"].tolist(), truth["label"], strict=True))
    axes.add_collection(
        PathCollection(
            [paths[i] for i in labels],
            facecolors="none",
            edgecolors=[label_color(label, tree) for label in labels.values()],
            linewidths=_LABELLED,
            linestyles=["--" if t.startswith("!") else "-" for t in labels.values()],
        )
    )
    if options.marks and paths:
        column = "group" if options.by_group else "predicted"
        named = dict(zip(shown["roi_id"].tolist(), shown.get(column, ()), strict=False))
        sizes = [recording.rois[i].ypix.size for i in paths]
        points = options.width / _MM_PER_INCH * _POINTS_PER_INCH
        points *= 0.8 * np.sqrt(np.median(sizes) / np.pi) / recording.frame_shape[1]
        side = float(np.clip(points, 1.5, 6))
        solid = {"facecolors": "black", "edgecolors": "white", "linewidths": 0.3}
        hollow = {**solid, "facecolors": "none", "linewidths": 0.6}
        _draw_marks(axes, recording, named, tree, side, solid)
        _draw_marks(axes, recording, labels, tree, 1.8 * side, hollow)


def _border(roi: Roi) -> Any:
    """Return the border, half way between pixels inside and outside, holes as well."""
    from contourpy import contour_generator
    from matplotlib.path import Path as Line

    top, left = roi.ypix.min() - 1, roi.xpix.min() - 1
    mask = np.zeros((roi.ypix.max() - top + 2, roi.xpix.max() - left + 2))
    mask[roi.ypix - top, roi.xpix - left] = 1
    origin, lines = np.array([left, top]), contour_generator(z=mask).lines(0.5)
    closed = [Line(np.asarray(line) + origin, closed=True) for line in lines]
    return Line.make_compound_path(*closed)


def _draw_marks(
    axes: Axes,
    recording: Recording,
    names: dict[int, str],
    tree: TypeTree,
    side: float,
    looks: dict[str, Any],
) -> None:
    """Draw the shape of its type on each ROI."""
    marks = _marks(tree)
    places: dict[str, list[tuple[int, int]]] = {}
    for roi_id, name in names.items():
        if mark := marks.get(name.removeprefix("!"), ""):
            # The pixel nearest to the centroid, which may lie outside.
            roi = recording.rois[roi_id]
            y, x = roi.centroid
            nearest = np.argmin((roi.ypix - y) ** 2 + (roi.xpix - x) ** 2)
            middle = (roi.xpix[nearest], roi.ypix[nearest])
            places.setdefault(mark, []).append(middle)
    for mark, middles in places.items():
        cross: Any = {"c": "white", "linewidths": 0.6}
        look = cross if mark == _MARKS[NOT_A_SOMA] else looks
        x, y = np.array(middles).T
        axes.scatter(x, y, s=side**2, marker=mark, zorder=3, **look)


def _draw_scale_bar(axes: Axes, recording: Recording, options: FigureOptions) -> None:
    """Draw a bar of a round length, where the size of a pixel is known."""
    from mpl_toolkits.axes_grid1.anchored_artists import AnchoredSizeBar

    size = options.pixel_size
    if size is None and recording.pixel_size is not None:
        size = recording.pixel_size[1]
    if size is None:
        return
    lx = recording.frame_shape[1]
    fitting = [length for length in _BARS if length <= 0.3 * lx * size]
    length = fitting[-1] if fitting else _BARS[0]
    bar = AnchoredSizeBar(
        axes.transData,
        length / size,
        f"{length} µm",
        "lower right",
        color="white",
        label_top=True,
        size_vertical=lx / 150,
        sep=2,
        borderpad=0.5,
    )
    bar.patch.set(facecolor="black", alpha=0.6, edgecolor="none")
    bar.set_zorder(4)
    axes.add_artist(bar)


def _of_content(content: Content, format: str, options: FigureOptions) -> bytes:
    (one,) = content.recordings
    made = one.predictions
    return figure_bytes(
        one.recording,
        content.table,
        format,
        options=options,
        tree=one.tree,
        subtypes_proven=made is None or made.card.subtypes_proven,
    )


def _preview(content: Content) -> Preview:
    options = content.request.figure
    if not content.in_full:
        options = replace(options, dots_per_inch=_COARSE)
    return Preview(picture=_of_content(content, "png", options))


def _figure_format(key: str, description: str) -> Format:
    return Format(
        key,
        f"Figure: {key.upper()}",
        f".{key}",
        description,
        _preview,
        lambda content, path: path.write_bytes(
            _of_content(content, key, content.request.figure)
        ),
        options=("only_iscell", "figure"),
        one_recording=True,
    )


FIGURES = (
    _figure_format("png", "For slides."),
    _figure_format("svg", "For drawing programs."),
    _figure_format("pdf", "For papers."),
)
