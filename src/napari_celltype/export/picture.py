"""The ROIs painted over the mean image: fills for labels, outlines for doubts."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_celltype.celltypes import DEFAULT_TYPES, UNSURE, TypeTree
from napari_celltype.export.columns import class_columns
from napari_celltype.recording import Recording, label_image

if TYPE_CHECKING:
    import pandas as pd

UNCLASSIFIED_COLOR = "#B8B8B8"

# Pixels along the longer side of the picture, so that outlines are thin lines.
_DRAWN_SIDE = 1400
_FAINTEST, _STRONGEST = 0.25, 0.9

_Pixel = TypeVar("_Pixel", bound=np.generic)


def paint_rois(
    recording: Recording,
    table: pd.DataFrame,
    *,
    by_group: bool = False,
    tree: TypeTree = DEFAULT_TYPES,
) -> NDArray[np.float32]:
    """Paint the ROIs over the mean image (black where there is none).

    Classified ROIs are filled in the colour of their type, the fainter the less
    probable; `unsure` ones keep an outline in the colour of their best guess,
    unclassified ones and those that the table leaves out a grey outline.

    Parameters
    ----------
    recording : Recording
        With masks.
    table : pandas.DataFrame
        The output table; rows are found by `roi_id`.
    by_group : bool
        Colour by PY and IN instead of by type.
    tree : TypeTree
        Colours.

    Returns
    -------
    ndarray of float32, shape (k * Ly, k * Lx, 3)
        Red, green and blue, 0 to 1, enlarged by a whole number k.
    """
    zoom = max(1, _DRAWN_SIDE // max(recording.frame_shape))
    drawn = _enlarged(label_image(recording), zoom)
    fills, outlines = roi_colors(recording.n_rois, table, by_group, tree)
    picture = np.repeat(_enlarged(background(recording), zoom)[..., None], 3, axis=2)
    edges = np.where(_is_edge(drawn), drawn, 0)
    for colors, roi in ((fills, drawn), (outlines, edges)):
        inside = roi > 0
        paint = colors[roi[inside]]
        alpha = paint[:, 3:]
        picture[inside] = picture[inside] * (1 - alpha) + paint[:, :3] * alpha
    return picture


def type_color(name: str, tree: TypeTree) -> str:
    """Return a type's colour; that of no type for a class outside the tree."""
    colors = {t.name: t.color for t in tree.types}
    return colors.get(name, UNCLASSIFIED_COLOR)


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


def _is_edge(labels: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Tell which pixels have a neighbour of another ROI, or none."""
    padded = np.pad(labels, 2)
    edge = np.zeros(labels.shape, dtype=bool)
    height, width = labels.shape
    for dy, dx in ((0, 2), (4, 2), (2, 0), (2, 4), (1, 2), (3, 2), (2, 1), (2, 3)):
        edge |= padded[dy : dy + height, dx : dx + width] != labels
    return edge


def _enlarged(image: NDArray[_Pixel], zoom: int) -> NDArray[_Pixel]:
    return image.repeat(zoom, axis=0).repeat(zoom, axis=1)


def _rgb(color: str) -> tuple[float, float, float]:
    red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue
