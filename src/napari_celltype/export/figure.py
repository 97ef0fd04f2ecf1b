"""The figure for a paper: mean image, outlines by type, key, scale bar; no display.

A prediction is a fill with a small solid mark; ground truth a thick outline with an
open mark. Each type has a colour and a shape of its own, so the figure reads in grey.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_celltype.celltypes import DEFAULT_TYPES, TypeTree
from napari_celltype.errors import OutputError
from napari_celltype.export.content import Content, FigureOptions, Format, Preview
from napari_celltype.export.figure_key import (
    draw_key,
    key_entries,
    key_rows,
    type_marks,
    wrapped,
)
from napari_celltype.export.picture import (
    background,
    label_color,
    roi_colors,
    roi_outline,
)
from napari_celltype.labels import NOT_A_SOMA
from napari_celltype.recording import Recording, Roi

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MM_PER_INCH, _POINTS_PER_INCH = 25.4, 72.0
_ROW_MM, _MARGIN_MM = 3.6, 1.5
_PREDICTED, _LABELLED = 0.75, 1.5  # Widths of outlines in points.
# Dots per inch of a figure that is only looked at.
_COARSE = 150
_BARS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)


def figure_bytes(
    recording: Recording,
    table: pd.DataFrame,
    format: str,
    *,
    options: FigureOptions | None = None,
    tree: TypeTree = DEFAULT_TYPES,
    subtypes_proven: bool = False,
) -> bytes:
    """Return the figure as the content of a PNG, SVG or PDF file.

    ROIs that the table leaves out are not drawn. Unless the model's types were proven
    on real cells, the key says so.
    """
    from matplotlib import rc_context

    options = options or FigureOptions()
    _require_possible(recording, options)
    content = io.BytesIO()
    # Text as text: editors of SVG and PDF can then change it.
    with rc_context(
        {
            "svg.fonttype": "none",
            "pdf.fonttype": 42,
            "font.family": "sans-serif",
            "font.size": 7,
        }
    ):
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
    entries = key_entries(
        table, tree, by_group=options.by_group, subtypes_proven=subtypes_proven
    )
    entries = wrapped(entries, options.width - 2 * _MARGIN_MM)
    # All in millimetres, from the top: title, picture, key.
    title = _ROW_MM + _MARGIN_MM if options.title else 0.0
    picture = options.width * ly / lx
    key = key_rows(entries, options.width) * _ROW_MM + 2 * _MARGIN_MM
    height = title + picture + key
    figure = Figure(figsize=(options.width / _MM_PER_INCH, height / _MM_PER_INCH))
    if options.title:
        # A dollar sign in a folder's name is no formula.
        figure.text(
            _MARGIN_MM / options.width,
            1 - _MARGIN_MM / height,
            options.title,
            va="top",
            weight="bold",
            parse_math=False,
        )
    axes = figure.add_axes((0, key / height, 1, picture / height))
    axes.imshow(background(recording), cmap="gray", vmin=0, vmax=1)
    axes.set_axis_off()
    _draw_rois(axes, recording, table, options, tree)
    _draw_scale_bar(axes, recording, options)
    # The picture's edges, which outlines on them may have pushed away.
    axes.set_xlim(-0.5, lx - 0.5)
    axes.set_ylim(ly - 0.5, -0.5)
    below = figure.add_axes((0, 0, 1, key / height))
    draw_key(below, entries, (options.width, key), _ROW_MM, _MARGIN_MM, options.fill)
    return figure


def _draw_rois(
    axes: Axes,
    recording: Recording,
    table: pd.DataFrame,
    options: FigureOptions,
    tree: TypeTree,
) -> None:
    from matplotlib.collections import PathCollection

    shown = _shown(recording, table)
    fills, edges = roi_colors(recording.n_rois, table, options.by_group, tree)
    paths = {i: _path(recording, i) for i in shown}
    # Named ones last, above the grey outlines of the others.
    order = sorted(shown, key=lambda i: bool(fills[i + 1, 3]))
    axes.add_collection(
        PathCollection(
            [paths[i] for i in order],
            facecolors=[
                tuple(fills[i + 1]) if options.fill else (0, 0, 0, 0) for i in order
            ],
            edgecolors=[tuple(edges[i + 1]) for i in order],
            linewidths=_PREDICTED,
        )
    )
    truth = _ground_truth(table, set(shown))
    axes.add_collection(
        PathCollection(
            [paths[i] for i in truth],
            facecolors="none",
            edgecolors=[label_color(label, tree) for label in truth.values()],
            linewidths=_LABELLED,
            linestyles=[
                "--" if text.startswith("!") else "-" for text in truth.values()
            ],
        )
    )
    if options.marks:
        _draw_marks(axes, recording, table, shown, truth, options, tree)


def _shown(recording: Recording, table: pd.DataFrame) -> list[int]:
    """Return the ROIs that are drawn: those of the table, no parts of merged ones."""
    merged = recording.merged_into
    whole = merged < 0 if len(merged) else np.ones(recording.n_rois, dtype=bool)
    return [
        i for i in table["roi_id"].tolist() if whole[i] and recording.rois[i].ypix.size
    ]


def _path(recording: Recording, roi_id: int) -> Any:
    from matplotlib.path import Path as Line

    lines = roi_outline(recording.rois[roi_id])
    closed = [Line(np.vstack([line, line[:1]]), closed=True) for line in lines]
    return Line.make_compound_path(*closed)


def _ground_truth(table: pd.DataFrame, shown: set[int]) -> dict[int, str]:
    """Return the labels of ROIs that somebody gave, by roi_id."""
    rows = zip(table["roi_id"], table["label"], table["label_source"], strict=True)
    return {
        int(i): str(label)
        for i, label, source in rows
        if label and source != "prediction" and int(i) in shown
    }


def _draw_marks(
    axes: Axes,
    recording: Recording,
    table: pd.DataFrame,
    shown: list[int],
    truth: Mapping[int, str],
    options: FigureOptions,
    tree: TypeTree,
) -> None:
    marks = type_marks(tree)
    places = {i: _middle(recording.rois[i]) for i in shown}
    points_per_pixel = options.width / _MM_PER_INCH * _POINTS_PER_INCH
    points_per_pixel /= recording.frame_shape[1]
    n_pixels = np.median([recording.rois[i].ypix.size for i in shown] or [1])
    side = float(
        np.clip(0.4 * 2 * np.sqrt(n_pixels / np.pi) * points_per_pixel, 1.5, 6)
    )
    named: dict[str, list[int]] = {}
    column = "group" if options.by_group else "predicted"
    if column in table.columns:
        for roi_id, name in zip(table["roi_id"], table[column], strict=True):
            if name in marks and int(roi_id) in places:
                named.setdefault(str(name), []).append(int(roi_id))
    labelled: dict[str, list[int]] = {}
    for roi_id, label in truth.items():
        name = "x" if label == NOT_A_SOMA else marks.get(label.removeprefix("!"), "")
        labelled.setdefault(name, []).append(roi_id)
    solid: dict[str, Any] = {
        "facecolors": "black",
        "edgecolors": "white",
        "linewidths": 0.3,
    }
    open_: dict[str, Any] = {**solid, "facecolors": "none", "linewidths": 0.6}
    cross: dict[str, Any] = {"c": "white", "linewidths": 0.6}
    for name, rois in named.items():
        y, x = np.array([places[i] for i in rois]).T
        axes.scatter(x, y, s=side**2, marker=marks[name], zorder=3, **solid)
    for mark, rois in labelled.items():
        y, x = np.array([places[i] for i in rois]).T
        looks = cross if mark == "x" else open_
        if mark:
            axes.scatter(x, y, s=(1.8 * side) ** 2, marker=mark, zorder=3, **looks)


def _middle(roi: Roi) -> tuple[float, float]:
    """Return the pixel that is nearest to the centroid, which may lie outside."""
    y, x = roi.centroid
    nearest = int(np.argmin((roi.ypix - y) ** 2 + (roi.xpix - x) ** 2))
    return float(roi.ypix[nearest]), float(roi.xpix[nearest])


def _draw_scale_bar(axes: Axes, recording: Recording, options: FigureOptions) -> None:
    """Draw a bar of a round length, where the size of a pixel is known."""
    from matplotlib.patheffects import withStroke

    size = options.pixel_size
    if size is None and recording.pixel_size is not None:
        size = recording.pixel_size[1]
    if size is None:
        return
    ly, lx = recording.frame_shape
    fitting = [length for length in _BARS if length <= 0.3 * lx * size]
    length = fitting[-1] if fitting else _BARS[0]
    right, bottom = 0.96 * lx, ly - 0.04 * lx
    outline = [withStroke(linewidth=3, foreground="black")]
    axes.plot(
        [right - length / size, right],
        [bottom, bottom],
        color="white",
        linewidth=2,
        solid_capstyle="butt",
        path_effects=outline,
        zorder=4,
    )
    axes.text(
        right - length / size / 2,
        bottom - 0.02 * lx,
        f"{length} µm",
        color="white",
        ha="center",
        va="bottom",
        # A stroke around letters would turn them into shapes.
        bbox={"facecolor": "black", "alpha": 0.6, "edgecolor": "none", "pad": 1},
        zorder=4,
    )


def _of_content(content: Content, format: str, options: FigureOptions) -> bytes:
    (one,) = content.recordings
    return figure_bytes(
        one.recording,
        content.table,
        format,
        options=options,
        tree=one.tree,
        subtypes_proven=one.subtypes_proven,
    )


def _preview(content: Content) -> Preview:
    options = content.request.figure
    if not content.in_full:
        options = replace(options, dots_per_inch=_COARSE)
    return Preview(picture=_of_content(content, "png", options))


def _write(format: str, content: Content, path: Path) -> None:
    path.write_bytes(_of_content(content, format, content.request.figure))


def _figure_format(key: str, description: str) -> Format:
    return Format(
        key,
        f"Figure: {key.upper()}",
        f".{key}",
        description,
        _preview,
        partial(_write, key),
        options=("only_iscell", "figure"),
        one_recording=True,
    )


PNG = _figure_format("png", "For slides.")
SVG = _figure_format("svg", "For drawing programs.")
PDF = _figure_format("pdf", "For papers.")
