"""The picture of the ROIs: colours, fainter the less probable, outlines, background."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_celltype.answers.columns import class_columns
from napari_celltype.celltypes import UNSURE, TypeTree
from napari_celltype.recording import Recording, Roi

if TYPE_CHECKING:
    import pandas as pd

UNCLASSIFIED_COLOR = "#B8B8B8"

# Opacity of a fill at chance and at certainty: a guess has to look like one.
FAINTEST, STRONGEST = 0.15, 0.95


def fill_strength(
    probability: NDArray[np.float64], n_names: int
) -> NDArray[np.float64]:
    """Return how far probabilities are from chance (0) on the way to certainty (1).

    Parameters
    ----------
    probability : ndarray, shape (n_rois,)
    n_names : int
        Types, or groups, to choose from.
    """
    chance = 1 / max(n_names, 2)
    return np.clip((probability - chance) / (1 - chance), 0, 1)


def label_color(label: str, tree: TypeTree) -> str:
    """Return the colour of a type, or of the type in a label; grey for neither."""
    colors = {t.name: t.color for t in tree.types}
    return colors.get(label.removeprefix("!"), UNCLASSIFIED_COLOR)


def roi_fills(
    table: pd.DataFrame, by_group: bool, tree: TypeTree
) -> dict[int, tuple[str, float]]:
    """Return colour and opacity of each ROI that the model named, by roi_id."""
    if "predicted" not in table.columns:
        return {}
    probability = table["probability"].to_numpy(dtype=float)
    if by_group:
        p_in = table["p_IN"].to_numpy(dtype=float)
        probability = np.maximum(p_in, 1 - p_in)
    n_names = 2 if by_group else len(class_columns(table.columns))
    opacity = FAINTEST + fill_strength(probability, n_names) * (STRONGEST - FAINTEST)
    names = table["group" if by_group else "predicted"]
    return {
        int(roi_id): (label_color(name, tree), alpha)
        for roi_id, name, alpha in zip(
            table["roi_id"], names, opacity.tolist(), strict=True
        )
        if name and name != UNSURE
    }


def background(recording: Recording) -> NDArray[np.float32]:
    """Return the mean image between its 1st and 99.5th percentile, somewhat dark."""
    image = recording.images.get("mean image")
    if image is None or not np.isfinite(image).any():
        return np.zeros(recording.frame_shape, dtype=np.float32)
    low, high = np.nanpercentile(image, (1, 99.5))
    scaled = (np.nan_to_num(image, nan=low) - low) / max(high - low, 1e-9)
    # Colours have to stand out against the brightest cell.
    return np.asarray(0.55 * np.clip(scaled, 0, 1), dtype=np.float32)


def roi_outline(roi: Roi) -> list[NDArray[np.float64]]:
    """Return the border as closed lines of x and y, shape (n_corners, 2), in pixels.

    The middle of pixel 0 is 0. There is one line for each part of the ROI, and one the
    other way around for each hole.
    """
    if not roi.ypix.size:
        return []
    top, left = int(roi.ypix.min()), int(roi.xpix.min())
    y, x = roi.ypix - top, roi.xpix - left
    mask = np.zeros((int(y.max()) + 3, int(x.max()) + 3), dtype=bool)
    mask[y + 1, x + 1] = True
    # A corner is one whole number: plain numbers are no work for Python's collector of
    # garbage, which would stop the window for the 10,000 ROIs of a large recording.
    width = mask.shape[1] - 1
    lines = []
    ahead, other = _sides(mask, width)
    while ahead or other:
        start, following = (ahead or other).popitem()
        line = [start]
        while following != start:
            line.append(following)
            here = following
            following = other.pop(here) if here in other else ahead.pop(here)
        corners = np.array(line)
        points = np.stack([corners % width + left, corners // width + top], axis=1)
        lines.append(_turns(points.astype(np.float64)))
    return lines


def _sides(
    mask: NDArray[np.bool_], width: int
) -> tuple[dict[int, int], dict[int, int]]:
    """Return where each side of the border leads, clockwise.

    Two sides begin where two parts touch at a corner: the second is in the second dict.
    """
    inside = mask[1:-1, 1:-1]
    outside = ~mask
    right, down = 1, width
    ahead: dict[int, int] = {}
    other: dict[int, int] = {}
    for beyond, begin, end in (
        (outside[:-2, 1:-1], 0, right),
        (outside[1:-1, 2:], right, right + down),
        (outside[2:, 1:-1], right + down, down),
        (outside[1:-1, :-2], down, 0),
    ):
        y, x = np.nonzero(inside & beyond)
        for corner in (y * width + x).tolist():
            sides = other if corner + begin in ahead else ahead
            sides[corner + begin] = corner + end
    return ahead, other


def _turns(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a closed line without the points at which it goes straight on."""
    before = points - np.roll(points, 1, axis=0)
    after = np.roll(points, -1, axis=0) - points
    return np.asarray(points[(before != after).any(axis=1)] - 0.5)
