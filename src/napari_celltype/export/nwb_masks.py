"""The masks in an NWB file's table of ROIs, in either order of rows and columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.recording import RoiMasks


def stored_masks(table: Any) -> Iterator[RoiMasks]:
    """Give the masks of a PlaneSegmentation, as NWB means them and transposed.

    NWB says x before y. suite2p writes rows first, and so do others, hence both.

    Parameters
    ----------
    table : pynwb.ophys.PlaneSegmentation
        With pixel masks or image masks; voxel masks give nothing.
    """
    if "pixel_mask" in table.colnames:
        x, y, ends = _pixel_masks(table)
    elif "image_mask" in table.colnames:
        x, y, ends = _image_masks(table)
    else:
        return
    starts = np.concatenate([[0], ends]).astype(np.int64)
    for rows, columns in ((y, x), (x, y)):
        # Copies, since masks close their arrays to writing.
        weights = np.ones(len(rows), dtype=np.float32)
        yield RoiMasks(rows.copy(), columns.copy(), weights, starts.copy())


def _pixel_masks(
    table: Any,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    index = table["pixel_mask"]
    pixels = np.asarray(index.target.data[:])
    x, y = pixels["x"].astype(np.int64), pixels["y"].astype(np.int64)
    return x, y, np.asarray(index.data[:], dtype=np.int64)


def _image_masks(
    table: Any,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    # One by one: all images together may fill the memory.
    images = table["image_mask"].data
    found = [np.nonzero(np.asarray(images[i])) for i in range(len(table.id))]
    sizes = [len(first) for first, *_ in found]
    x = np.concatenate([first for first, *_ in found]).astype(np.int64)
    y = np.concatenate([pair[1] for pair in found]).astype(np.int64)
    return x, y, np.cumsum(sizes, dtype=np.int64)
