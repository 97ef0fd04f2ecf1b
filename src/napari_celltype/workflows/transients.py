"""The largest transients of a trace: where it rises most above what came before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_celltype.recording import Segment

SMOOTHED_SECONDS = 0.3
# A transient stands above the lowest value of so many seconds before it, whatever the
# baseline does over minutes.
BASELINE_SECONDS = 5.0
# Traces without a known frame rate are looked at as if they had this one.
_ASSUMED_FREQUENCY = 10.0


def largest_transients(
    trace: NDArray[np.float32],
    sampling_frequency: float | None,
    segments: Sequence[Segment],
    *,
    count: int = 1,
    before: float = 5.0,
    after: float = 15.0,
    whole: bool = False,
) -> NDArray[np.int64]:
    """Return the frames at which a trace is highest above its recent past.

    Parameters
    ----------
    trace : ndarray, shape (n_frames,)
    sampling_frequency : float or None
        Hz; 10 is assumed where it is not known.
    segments : sequence of Segment
        Frame ranges between which nothing is continuous; empty means all frames.
    count : int
        How many at most, the largest first.
    before, after : float
        Seconds around a transient; the longer time parts it from others.
    whole : bool
        Only transients around which these seconds lie inside one segment.

    Returns
    -------
    ndarray of int64, shape (at most count,)
        Fewer where the trace has no more rises.
    """
    frequency = sampling_frequency or _ASSUMED_FREQUENCY
    left, right = round(before * frequency), round(after * frequency)
    rises = np.zeros(trace.size)
    for segment in segments or [Segment(0, trace.size)]:
        frames = slice(segment.start, segment.stop)
        rises[frames] = _rises(trace[frames], frequency)
        if whole:
            rises[segment.start : segment.start + left] = 0
            rises[max(segment.stop - right, segment.start) : segment.stop] = 0
    found: list[int] = []
    while len(found) < count and rises.size:
        peak = int(rises.argmax())
        if not rises[peak] > 0:
            break
        found.append(peak)
        reach = max(left, right)
        rises[max(peak - reach, 0) : peak + reach + 1] = 0
    return np.array(found, dtype=np.int64)


def _rises(trace: NDArray[np.float32], frequency: float) -> NDArray[np.float64]:
    """Return how far each frame stands above the lowest of the seconds before it."""
    from scipy.ndimage import minimum_filter1d, uniform_filter1d

    finite = np.isfinite(trace)
    if not finite.any():
        return np.zeros(trace.size)
    # Running sums would carry a NaN on to the end, and a step would be a rise.
    known = np.flatnonzero(finite)
    filled = np.interp(np.arange(trace.size), known, trace[known])
    smooth = uniform_filter1d(filled, max(1, round(SMOOTHED_SECONDS * frequency)))
    width = max(2, round(BASELINE_SECONDS * frequency))
    # The origin moves the window, so that it ends at the frame.
    end = (width - 1) // 2
    lowest = minimum_filter1d(smooth, width, origin=end, mode="nearest")
    rises: NDArray[np.float64] = np.where(finite, smooth - lowest, 0)
    return rises
