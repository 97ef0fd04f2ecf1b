"""The projections that suite2p computed, at their place in the frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.recording.settings import number

# suite2p's keys, and whether it crops them to yrange x xrange.
_NAMES = {
    "mean image": ("meanImg", False),
    "max projection": ("max_proj", True),
    "enhanced mean image": ("meanImgE", False),
    "correlation map": ("Vcorr", True),
    "mean image, channel 2": ("meanImg_chan2", False),
}


def read_images(
    settings: Mapping[str, Any], frame_shape: tuple[int, int]
) -> tuple[dict[str, NDArray[np.float32]], list[str]]:
    """Take the images out of suite2p's settings.

    Cropped images are pasted at their offset in a frame that is NaN elsewhere.

    Parameters
    ----------
    settings : mapping
    frame_shape : tuple of int
        (Ly, Lx), pixels.

    Returns
    -------
    images : dict of str to ndarray of float32, shape (Ly, Lx)
        Read-only, in the order in which they are shown.
    warnings : list of str
        Images that do not fit the frame.
    """
    images, warnings = {}, []
    for name, (key, cropped) in _NAMES.items():
        array = settings.get(key)
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub":
            continue
        if array.ndim != 2 or not array.size:
            continue
        top, left = _crop_offset(settings) if cropped else (0, 0)
        if array.shape == frame_shape:
            top = left = 0
        image = np.full(frame_shape, np.nan, dtype=np.float32)
        target = image[top : top + array.shape[0], left : left + array.shape[1]]
        if target.shape != array.shape:
            warnings.append(
                f"The {name} has {array.shape[0]} x {array.shape[1]} pixels and does "
                f"not fit the frame of {frame_shape[0]} x {frame_shape[1]}; left out."
            )
            continue
        target[:] = array
        image.flags.writeable = False
        images[name] = image
    return images, warnings


def _crop_offset(settings: Mapping[str, Any]) -> tuple[int, int]:
    offsets = []
    for key in ("yrange", "xrange"):
        span = np.asarray(settings.get(key, (0, 0)))
        start = number(span[0]) if span.ndim == 1 and span.size else None
        offsets.append(max(0, int(start or 0)))
    return offsets[0], offsets[1]
