"""suite2p's combined view: planes of which it alone is there, by `iplane` of its ROIs.

The view lays the planes side by side. A plane that has no folder of its own goes by a
folder `combined/planeN`, which holds our label file at most.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import RecordingError
from napari_celltype.findings import Finding
from napari_celltype.recording.matlab import FALL_MAT, is_fall_mat_alone, read_plane
from napari_celltype.recording.npy import FileStamp, file_stamp, load_npy
from napari_celltype.recording.recording import Recording
from napari_celltype.recording.rois import RoiMasks
from napari_celltype.recording.suite2p_settings import number
from napari_celltype.recording.traces import FileTraces

_OF_ROIS = (
    *("raw_traces", "neuropil", "second_channel"),
    *("iscell", "redcell", "redcell_values"),
)


def planes_of_combined(folder: Path) -> list[Path]:
    """Name the planes that a combined view holds; [] if the folder is none."""
    numbers = _plane_of_rois(folder) if folder.name == "combined" else ()
    planes = sorted(set(numbers))
    return [folder / f"plane{n}" for n in planes] if len(planes) > 1 else []


def plane_of_combined(view: Recording, plane: Path) -> Recording:
    """Take the ROIs of one of its planes out of a combined view."""
    n = int(plane.name.removeprefix("plane"))
    rows = np.flatnonzero(np.equal(_plane_of_rois(plane.parent), n))

    def of(values: Any) -> Any:
        return None if values is None else values[rows]

    merged = view.merged_into[rows]
    sentence = (
        f"Plane {n} is taken from suite2p's combined view, because its own folder is "
        f"not there; images and positions are those of that view."
    )
    return replace(
        view,
        **{name: of(getattr(view, name)) for name in _OF_ROIS},
        rois=RoiMasks.of([view.rois[int(row)] for row in rows]),
        merged_into=np.where(np.isin(merged, rows), np.searchsorted(rows, merged), -1),
        movie=None,
        plane=n,
        path=plane,
        warnings=(Finding("combined-view", sentence), *view.warnings),
    )


def compare_with_combined(
    plane: Path,
    iscell: NDArray[np.bool_],
    planes_in: Callable[[Path], list[Path]],
    warnings: list[Finding],
) -> None:
    """Notice ROIs that were sorted in the combined view, which saves there."""
    combined = plane.parent / "combined" / "iscell.npy"
    if not combined.is_file():
        return
    try:
        flags: NDArray[Any] = load_npy(combined)
        earlier = takewhile(lambda p: p != plane, planes_in(plane.parent))
        start = sum(FileTraces(plane / "F.npy").shape[0] for plane in earlier)
    except RecordingError:
        # A damaged neighbour is no matter of this plane.
        return
    if flags.dtype.kind not in "fiub" or not flags.ndim or not flags.size:
        return
    same = flags.reshape(len(flags), -1)[start : start + len(iscell), 0] > 0
    n_other = int((same != iscell).sum()) if len(same) == len(iscell) else 0
    if n_other:
        sentence = (
            f"iscell of {n_other} ROIs was changed in suite2p's combined view; this "
            f"plane's own iscell.npy is used, so sort the ROIs in the plane's own view."
        )
        warnings.append(Finding("sorted-in-combined-view", sentence))


def _plane_of_rois(folder: Path) -> tuple[int, ...]:
    path = folder / (FALL_MAT if is_fall_mat_alone(folder) else "stat.npy")
    stamp = file_stamp(path)
    return () if stamp is None else _read_plane_of_rois(path, stamp)


@lru_cache(maxsize=16)
def _read_plane_of_rois(path: Path, stamp: FileStamp) -> tuple[int, ...]:
    """Return the `iplane` of each entry of stat; () where not all have one."""
    with suppress(RecordingError):
        is_mat = path.name == FALL_MAT
        stat = read_plane(path)["stat"] if is_mat else np.ravel(load_npy(path))
        noted = [number(s.get("iplane")) if isinstance(s, dict) else None for s in stat]
        known = tuple(int(n) for n in noted if n is not None)
        return known if len(known) == len(noted) else ()
    return ()
