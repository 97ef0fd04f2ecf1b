"""Traces brought down to a lower frame rate; nothing is ever up-sampled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def area_average(
    traces: NDArray[np.floating], ratio: float, n_out: int
) -> NDArray[np.float32]:
    """Down-sample by any ratio of frame rates, weighting frames by their overlap.

    Output frame k is the mean over the time from ``k * ratio`` to ``(k + 1) * ratio``
    input frames, a frame that lies half inside counting half.

    Parameters
    ----------
    traces : ndarray, shape (n_traces, n_frames)
    ratio : float
        Input frames per output frame, at least 1.
    n_out : int
        Output frames; ``n_out * ratio`` must not exceed n_frames.

    Returns
    -------
    ndarray of float32, shape (n_traces, n_out)
    """
    if ratio == 1:
        return np.asarray(traces[:, :n_out], dtype=np.float32)
    traces = traces[:, : int(np.ceil(n_out * ratio))]
    n_in = traces.shape[1]
    total = np.zeros((len(traces), n_in + 1))
    np.cumsum(traces, axis=1, dtype=np.float64, out=total[:, 1:])
    # The running integral at the borders of the output frames, between two samples.
    borders = np.minimum(np.arange(n_out + 1) * ratio, n_in)
    below = np.minimum(borders.astype(np.int64), n_in - 1)
    share = borders - below
    integral = total[:, below] * (1 - share) + total[:, below + 1] * share
    averages: NDArray[np.float64] = np.diff(integral, axis=1) / ratio
    return averages.astype(np.float32)


def frames_after_averaging(n_frames: int, ratio: float) -> int:
    """Return how many whole output frames `n_frames` input frames give."""
    # The slack absorbs rounding such as 1800 / (30.0 / 10.0) = 599.9999...
    return int(np.floor(n_frames / ratio + 1e-6))
