"""The outline of each ROI as closed lines along the edges of its pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_celltype.recording import Roi

# Corners of a pixel and the way around it, as (dx, dy) of start and end of each side.
_SIDES = (
    ((0, 0), (1, 0), (0, -1)),
    ((1, 0), (1, 1), (1, 0)),
    ((1, 1), (0, 1), (0, 1)),
    ((0, 1), (0, 0), (-1, 0)),
)


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
    pixels = set(zip(roi.xpix.tolist(), roi.ypix.tolist(), strict=True))
    ahead: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for x, y in pixels:
        for (ax, ay), (bx, by), (nx, ny) in _SIDES:
            if (x + nx, y + ny) not in pixels:
                ahead.setdefault((x + ax, y + ay), []).append((x + bx, y + by))
    lines = []
    while ahead:
        start = next(iter(ahead))
        line = [start]
        while True:
            ends = ahead[line[-1]]
            following = ends.pop()
            if not ends:
                del ahead[line[-1]]
            if following == start:
                break
            line.append(following)
        lines.append(_corners(line))
    return lines


def _corners(line: Sequence[tuple[int, int]]) -> NDArray[np.float64]:
    """Return a closed line without the points at which it goes straight on."""
    points = np.array(line, dtype=np.float64)
    before = points - np.roll(points, 1, axis=0)
    after = np.roll(points, -1, axis=0) - points
    return np.asarray(points[(before != after).any(axis=1)] - 0.5)
