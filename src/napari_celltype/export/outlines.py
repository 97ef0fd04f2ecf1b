"""The outline of each ROI as closed lines along the edges of its pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_celltype.recording import Roi


def roi_outline(roi: Roi) -> list[NDArray[np.float64]]:
    """Trace the border of an ROI.

    Parameters
    ----------
    roi : Roi

    Returns
    -------
    list of ndarray of float64, shape (n_corners, 2)
        Closed lines of x and y in pixels, where the middle of pixel 0 is 0: one for
        each part of the ROI, and one the other way around for each hole.
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
