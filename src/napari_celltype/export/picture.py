"""The colours of the ROIs: fills for names, outlines for doubts; and the background."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_celltype.celltypes import UNSURE, TypeTree
from napari_celltype.export.columns import class_columns
from napari_celltype.labels import NOT_A_SOMA
from napari_celltype.recording import Recording

if TYPE_CHECKING:
    import pandas as pd

UNCLASSIFIED_COLOR = "#B8B8B8"

_FAINTEST, _STRONGEST = 0.25, 0.9


def type_color(name: str, tree: TypeTree) -> str:
    """Return a type's colour; that of no type for a class outside the tree."""
    colors = {t.name: t.color for t in tree.types}
    return colors.get(name, UNCLASSIFIED_COLOR)


def label_color(label: str, tree: TypeTree) -> str:
    """Return the colour of a label's type, or of what is no cell body."""
    if label == NOT_A_SOMA:
        return UNCLASSIFIED_COLOR
    return type_color(label.removeprefix("!"), tree)


def roi_colors(
    n_rois: int, table: pd.DataFrame, by_group: bool, tree: TypeTree
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return fill and outline of each pixel value: (n_rois + 1, 4), red to alpha.

    Without predictions in the table all ROIs are unclassified.
    """
    fills = np.zeros((n_rois + 1, 4), dtype=np.float32)
    outlines = np.zeros((n_rois + 1, 4), dtype=np.float32)
    outlines[1:] = (*_rgb(UNCLASSIFIED_COLOR), 0.9)
    if "best_guess" not in table.columns:
        return fills, outlines
    chance = 1 / (2 if by_group else max(2, len(class_columns(table.columns))))
    said = table["group" if by_group else "predicted"].tolist()
    for roi_id, guess, name, p, p_in in zip(
        table["roi_id"].tolist(),
        table["best_guess"].tolist(),
        said,
        table["probability"].tolist(),
        table["p_IN"].tolist(),
        strict=True,
    ):
        if not guess:
            continue
        if by_group:
            p = max(p_in, 1 - p_in)
            guess = name if name != UNSURE else _likelier_group(guess, p_in, tree)
        color = _rgb(type_color(guess, tree))
        outlines[roi_id + 1] = (*color, 1)
        if name != UNSURE:
            strength = min(max((p - chance) / (1 - chance), 0), 1)
            alpha = _FAINTEST + strength * (_STRONGEST - _FAINTEST)
            fills[roi_id + 1] = (*color, alpha)
    return fills, outlines


def _likelier_group(guess: str, p_in: float, tree: TypeTree) -> str:
    """Return the group of an ROI whose group is unsure.

    Its best guess may be PY while the interneuron types together are likelier.
    """
    if p_in > 0.5:
        return "IN"
    in_tree = any(t.name == guess for t in tree.types)
    group = tree.group(guess) if in_tree else guess
    return "PY" if group == "IN" else group


def background(recording: Recording) -> NDArray[np.float32]:
    """Return the mean image between its 1st and 99.5th percentile, somewhat dark."""
    image = recording.images.get("mean image")
    if image is None or not np.isfinite(image).any():
        return np.zeros(recording.frame_shape, dtype=np.float32)
    low, high = np.nanpercentile(image, (1, 99.5))
    scaled = (np.nan_to_num(image, nan=low) - low) / max(high - low, 1e-9)
    # Colours have to stand out against the brightest cell.
    return np.asarray(0.55 * np.clip(scaled, 0, 1), dtype=np.float32)


def _rgb(color: str) -> tuple[float, float, float]:
    red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue
