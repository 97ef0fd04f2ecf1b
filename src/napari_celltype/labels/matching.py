"""Find ROIs again by their pixels after suite2p has renumbered its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from napari_celltype.recording import Roi, RoiMasks

# A mask as JSON holds it: [row, first column, number of pixels] for each run.
Runs: TypeAlias = list[list[int]]

# Two disjoint ROIs cannot both share more than half of their union with a third.
_MIN_OVERLAP = 0.5


def mask_runs(rois: Sequence[Roi], roi_ids: Sequence[int]) -> dict[int, Runs]:
    """Return the masks of some ROIs, by roi_id, as runs along the rows of the frame."""
    masks = RoiMasks.of(rois)
    wanted = np.zeros(len(masks), dtype=bool)
    wanted[list(roi_ids)] = True
    chosen = wanted[masks.roi_ids]
    runs: dict[int, Runs] = {int(roi_id): [] for roi_id in roi_ids}
    if not chosen.any():
        return runs
    # One number for each pixel, with a gap of one between two rows of the frame.
    height, width = int(masks.ypix.max()) + 1, int(masks.xpix.max()) + 2
    keys = (masks.roi_ids[chosen] * height + masks.ypix[chosen]) * width
    keys += masks.xpix[chosen]
    # np.unique hashes, which is ten times slower on pixels that are almost in order.
    keys.sort(kind="stable")
    keys = keys[np.diff(keys, prepend=-2) != 0]
    starts = np.flatnonzero(np.diff(keys, prepend=-2) != 1)
    lengths = np.diff(np.append(starts, len(keys)))
    lines, columns = np.divmod(keys[starts], width)
    ids, rows = np.divmod(lines, height)
    for roi_id, run in zip(
        ids.tolist(), np.stack([rows, columns, lengths], 1).tolist(), strict=True
    ):
        runs[roi_id].append(run)
    return runs


def find_again(stored: Mapping[int, Runs], rois: Sequence[Roi]) -> dict[int, int]:
    """Tell which ROI each stored mask is now, for those that are found.

    A mask is found when one ROI shares more than half of the union of both with it, and
    no other mask claims the same ROI with as much overlap.

    Parameters
    ----------
    stored : mapping of int to Runs
        Masks by the roi_id that they had.
    rois : sequence of Roi
        The ROIs as they are now.
    """
    masks = RoiMasks.of(rois)
    if not len(masks) or not masks.ypix.size:
        return {}
    width = int(masks.xpix.max()) + 1
    keys = masks.ypix * width + masks.xpix
    order = np.argsort(keys, kind="stable")
    keys, owners = keys[order], masks.roi_ids[order]

    claims: dict[int, list[tuple[float, int]]] = {}
    for former, runs in stored.items():
        wanted = _pixel_keys(runs, width)
        if not wanted.size:
            continue
        first = np.searchsorted(keys, wanted, side="left")
        last = np.searchsorted(keys, wanted, side="right")
        hits = [owners[a:b] for a, b in zip(first, last, strict=True)]
        shared = np.bincount(np.concatenate(hits), minlength=len(masks))
        n_stored = sum(n for _, _, n in runs)
        overlap = shared / (masks.n_pixels + n_stored - shared)
        best = int(np.argmax(overlap))
        if overlap[best] > _MIN_OVERLAP:
            claims.setdefault(best, []).append((float(overlap[best]), former))

    found: dict[int, int] = {}
    for present, claimants in claims.items():
        (most, former), *others = sorted(claimants, reverse=True)
        if not others or most > others[0][0]:
            found[former] = present
    return found


def _pixel_keys(runs: Runs, width: int) -> NDArray[np.int64]:
    """Return row * width + column of the pixels that lie inside that width."""
    if not runs:
        return np.empty(0, dtype=np.int64)
    y, x, n = np.array(runs, dtype=np.int64).T
    # Of what lies outside no pixel is made, however many a file claims.
    n = np.clip(width - x, 0, n)
    columns = np.concatenate([np.arange(a, a + k) for a, k in zip(x, n, strict=True)])
    return np.asarray(np.repeat(y, n) * width + columns, dtype=np.int64)
