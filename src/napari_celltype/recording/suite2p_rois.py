"""ROIs of suite2p's stat.npy: their masks, and which were merged into which."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import RecordingError
from napari_celltype.findings import Finding
from napari_celltype.recording.rois import RoiMasks
from napari_celltype.recording.suite2p_settings import as_array


def require_stat(stat: Any, path: Path, n_rois: int) -> NDArray[Any]:
    """Return the content of stat.npy if it holds the ROIs of the traces, or raise."""
    if stat is None:
        raise RecordingError(
            f"{path} is missing; copy the whole folder of the recording again, or take "
            f"the traces alone (Python: Recording.from_traces)."
        )
    if stat.ndim != 1 or any(not isinstance(entry, dict) for entry in stat):
        raise RecordingError(
            f"{path} does not hold one entry per ROI; is it suite2p's stat.npy?"
        )
    if len(stat) != n_rois:
        raise RecordingError(
            f"{path} has {len(stat)} ROIs and F has {n_rois} traces; "
            f"they are of different runs, so copy the whole plane folder again."
        )
    masks: NDArray[Any] = stat
    return masks


def read_masks(stat: NDArray[Any], path: Path, warnings: list[Finding]) -> RoiMasks:
    """Take the masks out of the content of stat.npy."""
    if not len(stat):
        return RoiMasks.of(())
    rois, n_without_weights = [], 0
    for i, entry in enumerate(stat):
        y, x, lam = (as_array(entry.get(name)) for name in ("ypix", "xpix", "lam"))
        if any(array.dtype.kind not in "fiub" for array in (y, x)):
            raise RecordingError(
                f"{path}: ROI {i} lacks ypix or xpix; is it suite2p's stat.npy?"
            )
        if lam.dtype.kind not in "fiub":
            lam = np.ones(y.shape, dtype=np.float32)
            n_without_weights += 1
        if not (y.ndim == x.ndim == lam.ndim == 1 and len(y) == len(x) == len(lam)):
            raise RecordingError(
                f"{path}: ROI {i} has {y.size} ypix, {x.size} xpix and {lam.size} lam "
                f"values, which should be equal; run suite2p's detection again."
            )
        if not (_is_whole(y) and _is_whole(x)):
            raise RecordingError(
                f"{path}: ROI {i} has pixels at no whole numbers; run suite2p again."
            )
        rois.append((y, x, lam))
    if n_without_weights:
        sentence = (
            f"{n_without_weights} of {len(rois)} ROIs in {path.name} have no weights "
            f"(lam); their pixels count alike."
        )
        warnings.append(Finding("rois-without-weights", sentence))
    ypix, xpix, lam = (np.concatenate(arrays) for arrays in zip(*rois, strict=True))
    return RoiMasks(
        ypix.astype(np.int64, copy=False),
        xpix.astype(np.int64, copy=False),
        lam.astype(np.float32, copy=False),
        np.cumsum([0, *(len(y) for y, *_ in rois)], dtype=np.int64),
    )


def _is_whole(pixels: NDArray[Any]) -> bool:
    kind = pixels.dtype.kind
    return kind in "iu" or (kind == "f" and bool((pixels == np.floor(pixels)).all()))


def without_pixels_outside(
    shape: tuple[int, int], rois: RoiMasks, warnings: list[Finding]
) -> RoiMasks:
    """Return the ROIs without the pixels that lie outside the frame."""
    inside = (rois.ypix >= 0) & (rois.ypix < shape[0])
    inside &= (rois.xpix >= 0) & (rois.xpix < shape[1])
    if inside.all():
        return rois
    outside = np.unique(rois.roi_ids[~inside])
    sentence = (
        f"{len(outside)} of {len(rois)} ROIs, the first ROI {outside[0]}, have pixels "
        f"outside the frame of {shape[0]} x {shape[1]} pixels, which are left out; "
        f"stat.npy and the settings may be of different recordings."
    )
    warnings.append(Finding("pixels-outside-frame", sentence))
    n_pixels = np.bincount(rois.roi_ids[inside], minlength=len(rois))
    return RoiMasks(
        rois.ypix[inside],
        rois.xpix[inside],
        rois.lam[inside],
        np.cumsum([0, *n_pixels], dtype=np.int64),
    )


def read_merges(
    stat: NDArray[Any], rois: RoiMasks, warnings: list[Finding]
) -> NDArray[np.int64]:
    """Return for each ROI the row of the merged ROI that it is a part of, else -1.

    suite2p appends a merged ROI and notes its parts as `imerge`. Two habits of its GUI
    are mended here. ROIs drawn by hand later are put in front, so that the noted rows
    are off by their number: the parts are checked by their pixels. A merged ROI that is
    merged again stays as a row too, and becomes a part of the new one. (`inmerge` of
    the parts is of no use: the GUI sets it to 0 whenever it opens a folder.)
    """
    merged_into = np.full(len(rois), -1, dtype=np.int64)
    parts_of: dict[int, frozenset[int]] = {}
    pixels: NDArray[np.int64] | None = None
    for row, entry in enumerate(stat):
        noted = as_array(entry.get("imerge", ())).reshape(-1)
        if not noted.size:
            continue
        if pixels is None:
            rows, columns = map(_numbered, (rois.ypix, rois.xpix))
            pixels = _numbered(rows * (columns.max(initial=0) + 1) + columns)
        parts = None
        if noted.dtype.kind in "iu":
            parts = _locate(noted, row, rois, pixels)
        if parts is None:
            sentence = (
                f"ROI {row} was merged in suite2p from ROIs that cannot be found any "
                f"more; they count as cells of their own."
            )
            warnings.append(Finding("merged-parts-lost", sentence))
            continue
        parts_of[row] = parts
        merged_into[sorted(parts)] = row
        for earlier, its_parts in parts_of.items():
            if earlier != row and its_parts <= parts:
                merged_into[earlier] = row
    return merged_into


def _locate(
    noted: NDArray[np.int64], merged: int, rois: RoiMasks, pixels: NDArray[np.int64]
) -> frozenset[int] | None:
    """Return the noted rows, shifted so that their pixels lie in the merged ROI.

    `pixels` numbers the place of each pixel of all ROIs.
    """
    if not 0 <= noted.min() <= noted.max() < merged:
        return None
    whole = np.zeros(len(pixels), dtype=bool)
    whole[pixels[rois.starts[merged] : rois.starts[merged + 1]]] = True
    n_inside = np.bincount(rois.roi_ids[whole[pixels]], minlength=len(rois))
    is_inside = n_inside == rois.n_pixels
    parts = noted.astype(np.int64)
    n_shifts = merged - parts.max()
    for shift in np.flatnonzero(is_inside[parts[0] : parts[0] + n_shifts]):
        if is_inside[parts + shift].all():
            return frozenset((parts + shift).tolist())
    return None


def _numbered(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rank of each value, which is never larger than their number."""
    return np.unique(values, return_inverse=True)[1]
