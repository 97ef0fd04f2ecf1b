"""ROIs that were merged in suite2p's GUI: their parts stay in the files as rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.recording.rois import RoiMasks


def read_merges(
    stat: NDArray[Any], rois: RoiMasks
) -> tuple[NDArray[np.int64], list[str]]:
    """Tell for each ROI which merged ROI it is a part of.

    suite2p appends a merged ROI and notes its parts as `imerge`. Two habits of its GUI
    are mended here. ROIs drawn by hand later are put in front, so that the noted rows
    are off by their number: the parts are checked by their pixels. A merged ROI that is
    merged again stays as a row too, and becomes a part of the new one. (`inmerge` of
    the parts is of no use: the GUI sets it to 0 whenever it opens a folder.)

    Parameters
    ----------
    stat : ndarray of object, shape (n_rois,)
        Content of stat.npy.
    rois : RoiMasks

    Returns
    -------
    merged_into : ndarray of int64, shape (n_rois,)
        Row of the merged ROI; -1 for ROIs that stand alone.
    warnings : list of str
        Merged ROIs whose parts cannot be told.
    """
    merged_into = np.full(len(rois), -1, dtype=np.int64)
    warnings: list[str] = []
    parts_of: dict[int, frozenset[int]] = {}
    for row, entry in enumerate(stat):
        noted = np.asarray(entry.get("imerge", ())).reshape(-1)
        if not noted.size:
            continue
        parts = _locate(noted, row, rois) if noted.dtype.kind in "iu" else None
        if parts is None:
            warnings.append(
                f"ROI {row} was merged in suite2p from ROIs that cannot be found any "
                f"more; they are treated as cells of their own."
            )
            continue
        parts_of[row] = parts
        merged_into[sorted(parts)] = row
        for earlier, its_parts in parts_of.items():
            if earlier != row and its_parts <= parts:
                merged_into[earlier] = row
    merged_into.flags.writeable = False
    return merged_into, warnings


def _locate(
    noted: NDArray[np.int64], merged: int, rois: RoiMasks
) -> frozenset[int] | None:
    """Return the noted rows, shifted so that their pixels lie in the merged ROI."""
    whole = _pixels(merged, rois)
    for shift in range(merged - int(noted.max())):
        rows = [int(row) + shift for row in noted]
        if min(rows) >= 0 and all(_pixels(row, rois) <= whole for row in rows):
            return frozenset(rows)
    return None


def _pixels(row: int, rois: RoiMasks) -> set[tuple[int, int]]:
    roi = rois[row]
    return set(zip(roi.ypix.tolist(), roi.xpix.tolist(), strict=True))
