"""What suite2p and its user decided about each ROI: iscell.npy and redcell.npy."""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import RecordingError
from napari_celltype.recording.folder import find_planes, plane_number
from napari_celltype.recording.npy import load_npy
from napari_celltype.recording.traces import trace_file


def read_flags(
    path: Path, n_rois: int, warnings: list[str]
) -> NDArray[np.bool_] | None:
    """Read iscell.npy or redcell.npy: the flag is the first column."""
    if not path.is_file():
        return None
    values: NDArray[Any] = load_npy(path)
    fits = values.shape[:1] == (n_rois,) and values.size > 0
    if values.dtype.kind not in "fiub" or not fits:
        warnings.append(
            f"{path.name} has shape {values.shape} and there are {n_rois} ROIs; it is "
            f"ignored."
        )
        return None
    flags = values.reshape(n_rois, -1)[:, 0] > 0
    flags.flags.writeable = False
    return flags


def curated_elsewhere(folder: Path, iscell: NDArray[np.bool_]) -> list[str]:
    """Notice ROIs that were sorted in suite2p's combined view, which saves there."""
    combined = folder.parent / "combined" / "iscell.npy"
    if plane_number(folder) is None or not combined.is_file():
        return []
    try:
        flags: NDArray[Any] = load_npy(combined)
        earlier = takewhile(lambda p: p != folder, find_planes(combined.parent))
        start = sum(trace_file(plane / "F.npy").shape[0] for plane in earlier)
    except RecordingError:
        # A damaged neighbour is no matter of this plane.
        return []
    if flags.dtype.kind not in "fiub" or not flags.ndim or not flags.size:
        return []
    first_column = flags.reshape(len(flags), -1)[:, 0]
    same = first_column[start : start + len(iscell)] > 0
    n_other = int((same != iscell).sum()) if len(same) == len(iscell) else 0
    if not n_other:
        return []
    return [
        f"iscell of {n_other} ROIs was changed in suite2p's combined view; this "
        f"plane's own iscell.npy is used, so sort the ROIs in the plane's own view."
    ]
