"""The largest transients of traces, and the mean transient of each type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import RecordingError
from napari_celltype.progress import (
    OnProgress,
    Progress,
    ShouldStop,
    ignore_progress,
    never_stop,
    raise_if_stopped,
)
from napari_celltype.recording import Recording, Segment, require_known_rate
from napari_celltype.recording.windows import bridged, stretches

_SMOOTHED_SECONDS = 0.3
# A transient stands above the lowest value of so many seconds before it, whatever the
# baseline does over minutes.
_BASELINE_SECONDS = 5.0
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
    """
    from scipy.signal import find_peaks

    frequency = sampling_frequency or _ASSUMED_FREQUENCY
    left, right = round(before * frequency), round(after * frequency)
    rises = np.zeros(trace.size)
    segments = segments or [Segment(0, trace.size)]
    trace = bridged(trace[None], segments, sampling_frequency)[0]
    for segment in stretches(segments):
        frames = slice(segment.start, segment.stop)
        rises[frames] = _rises(trace[frames], frequency)
        if whole:
            rises[segment.start : segment.start + left] = 0
            rises[max(segment.stop - right, segment.start) : segment.stop] = 0
    smallest = np.finfo(float).tiny
    # A rise that the end cuts off is a peak, too.
    closed, apart = np.append(rises, 0), max(left, right) + 1
    peaks, _ = find_peaks(closed, height=smallest, distance=apart)
    return peaks[np.argsort(-rises[peaks], kind="stable")[:count]]


def _rises(trace: NDArray[np.float32], frequency: float) -> NDArray[np.float64]:
    """Return how far each frame stands above the lowest of the seconds before it."""
    from scipy.ndimage import minimum_filter1d, uniform_filter1d

    finite = np.isfinite(trace)
    if not finite.any():
        return np.zeros(trace.size)
    # Running sums would carry a NaN on to the end, and a step would be a rise.
    known = np.flatnonzero(finite)
    filled = np.interp(np.arange(trace.size), known, trace[known])
    smooth = uniform_filter1d(filled, max(1, round(_SMOOTHED_SECONDS * frequency)))
    width = max(2, round(_BASELINE_SECONDS * frequency))
    # The origin moves the window, so that it ends at the frame.
    end = (width - 1) // 2
    lowest = minimum_filter1d(smooth, width, origin=end, mode="nearest")
    rises: NDArray[np.float64] = np.where(finite, smooth - lowest, 0)
    return rises


_TRANSIENTS = 5  # of each ROI, at most
BEFORE, AFTER = 3.0, 10.0  # s
_BASELINE_FROM = 1.5  # s before the peak; what came earlier is set to zero
# ROIs of a type that are looked at, spread evenly over their numbers.
MOST_ROIS = 200
TITLE = (
    f"Mean of each ROI's {_TRANSIENTS} largest transients (raw F, z-scored) at their "
    "peaks; band: ± 1 SD between ROIs"
)


@dataclass(frozen=True, eq=False)
class MeanTrace:
    """The mean transient of the ROIs of one type."""

    name: str
    time: NDArray[np.float64]  # s from the peak, (n_samples,)
    # Mean of the ROIs' own means, and the standard deviation between ROIs (NaN for a
    # single one); in deviations of each ROI's trace.
    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    # What was averaged, and the ROIs of the type that there are.
    n_rois: int
    n_transients: int
    n_all: int


def mean_traces(
    recording: Recording,
    members: Mapping[str, Sequence[int] | NDArray[np.integer]],
    *,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> tuple[MeanTrace, ...]:
    """Average the largest transients of the ROIs of each type.

    A ROI's transients are averaged first, so that every ROI counts once. Aligning at
    peaks makes a peak of noise, too: heights tell how far traces rise above their own
    deviation, not that cells differ.

    Members are the ROIs of each type; of more than `MOST_ROIS` some are taken. Types of
    which no ROI has a transient are left out; a `RecordingError` if all are.
    """
    frequency = require_known_rate(recording.sampling_frequency, recording.path)
    chosen = {
        name: np.asarray(rois)[
            np.linspace(0, len(rois) - 1, min(len(rois), MOST_ROIS)).astype(np.int64)
        ]
        for name, rois in members.items()
    }
    total = sum(map(len, chosen.values()))
    offsets = np.arange(-round(BEFORE * frequency), round(AFTER * frequency) + 1)
    done, found = 0, []
    for name, rois in chosen.items():
        means, n_transients = [], 0
        for roi_id in rois:
            raise_if_stopped(should_stop)
            pieces = _transients(recording, int(roi_id), frequency, offsets)
            if len(pieces):
                means.append(pieces.mean(axis=0))
                n_transients += len(pieces)
            done += 1
            on_progress(Progress("Averaging transients", done, total))
        if means:
            spread = np.full(len(offsets), np.nan)
            if len(means) > 1:
                spread = np.std(means, axis=0, ddof=1)
            found.append(
                MeanTrace(
                    name,
                    offsets / frequency,
                    np.mean(means, axis=0),
                    spread,
                    len(means),
                    n_transients,
                    len(members[name]),
                )
            )
    if not found:
        raise RecordingError(
            f"None of the {total} ROIs has a transient with {BEFORE:g} s before and "
            f"{AFTER:g} s after it in one stretch; choose other ROIs."
        )
    return tuple(found)


def _transients(
    recording: Recording, roi_id: int, frequency: float, offsets: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the ROI's largest transients, shape (n_transients, n_samples)."""
    trace = recording.raw_traces[roi_id : roi_id + 1]
    trace = bridged(trace, recording.segments, recording.sampling_frequency)[0]
    finite = trace[np.isfinite(trace)].astype(np.float64)
    deviation = finite.std() if finite.size else 0.0
    if not deviation > 0:
        return np.empty((0, len(offsets)))
    peaks = largest_transients(
        trace,
        frequency,
        recording.segments,
        count=_TRANSIENTS,
        before=BEFORE,
        after=AFTER,
        whole=True,
    )
    pieces: NDArray[np.float64]
    pieces = (trace[peaks[:, None] + offsets] - finite.mean()) / deviation
    pieces = pieces[np.isfinite(pieces).all(axis=1)]
    early = offsets <= -_BASELINE_FROM * frequency
    pieces -= pieces[:, early].mean(axis=1, keepdims=True)
    return pieces
