"""How bright each ROI is in the second (red) channel, from what suite2p left."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_celltype.recording import Recording, RoiMasks, Traces

_GREEN_IMAGE = "mean image"
RED_IMAGE = "mean image, channel 2"

_BLOCK_ROIS = 500


@dataclass(frozen=True, eq=False)
class _SecondChannel:
    """Values of each ROI, NaN where there is none; `green` ones measured as the red."""

    red: NDArray[np.float64]
    green: NDArray[np.float64] | None
    source: str


def has_second_channel(recording: Recording) -> bool:
    """Tell whether suite2p had two channels, without reading a file."""
    return (
        RED_IMAGE in recording.images
        or recording.redcell is not None
        or recording.n_channels > 1
    )


def read_second_channel(recording: Recording) -> _SecondChannel | None:
    """Take the red value of each ROI from the best source; None where there is none.

    The mean image of channel 2 under the mask of each ROI; else the mean of its trace
    in channel 2; else what suite2p decided by. The last is no brightness: the ratio of
    inside to inside plus surround, or the overlap with a mask that Cellpose found, and
    the file does not say which. `RecordingError` if a file cannot be read.
    """
    images = recording.images
    if RED_IMAGE in images and len(recording.rois):
        green = images.get(_GREEN_IMAGE)
        return _SecondChannel(
            _mean_under_masks(recording, images[RED_IMAGE]),
            _mean_traces(recording.raw_traces)
            if green is None
            else _mean_under_masks(recording, green),
            "mean image of channel 2 under each mask",
        )
    if recording.second_channel is not None:
        return _SecondChannel(
            _mean_traces(recording.second_channel),
            _mean_traces(recording.raw_traces),
            "mean of F_chan2.npy",
        )
    if recording.redcell_values is not None:
        return _SecondChannel(
            recording.redcell_values, None, "suite2p's own values in redcell.npy"
        )
    return None


def _mean_under_masks(
    recording: Recording, image: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return the mean under each ROI, weighted as suite2p does; NaN without weight."""
    masks = RoiMasks.of(recording.rois)
    weights = np.maximum(masks.lam, 0).astype(np.float64)
    values = image[masks.ypix, masks.xpix] * weights
    total, weight = (
        np.bincount(masks.roi_ids, weights=w, minlength=len(masks))
        for w in (values, weights)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(weight > 0, total / weight, np.nan)


def _mean_traces(traces: Traces) -> NDArray[np.float64]:
    starts = range(0, traces.shape[0], _BLOCK_ROIS)
    blocks = (np.asarray(traces[start : start + _BLOCK_ROIS]) for start in starts)
    return np.concatenate([block.mean(axis=1, dtype=np.float64) for block in blocks])
