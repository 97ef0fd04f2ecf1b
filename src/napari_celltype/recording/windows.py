"""Traces cut into windows of one length at one frame rate; nothing is up-sampled.

Frames without a value, bad ones and those that are not finite, cost no window. Short
gaps are interpolated; in longer ones windows are NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_celltype.recording.recording import SAME_RATE, Segment, frames_inside
from napari_celltype.recording.traces import area_average, frames_after_averaging

# The longest gap that is interpolated; GCaMP6s needs as long to fall by half.
BRIDGED = 0.5  # s
# The share of a window that may be NaN.
MOST_MASKED = 0.5
# Larger values are damage, as infinity is: their squares overflow.
_LARGEST = 1e15


def rate_ratio(sampling_frequency: float, wanted: float) -> float | None:
    """Return the frames averaged into one: 1 within `SAME_RATE`, None if slower."""
    ratio = sampling_frequency / wanted
    if ratio < 1 - SAME_RATE:
        return None
    return ratio if ratio > 1 + SAME_RATE else 1.0


@dataclass(frozen=True)
class WindowPlan:
    """Where the windows of a recording are.

    `pieces` are stretches that hold at least one; none where all are too short.
    Between `segments` nothing is continuous, or frames are bad. `ratio` frames of the
    recording, at least 1, are averaged into one of the `window_frames` of a window;
    `sampling_frequency` is the recording's, Hz. In a piece, windows begin after `start`
    frames, which need not be whole.
    """

    pieces: tuple[Segment, ...]
    ratio: float
    window_frames: int
    segments: tuple[Segment, ...] = ()
    sampling_frequency: float | None = None
    start: float = 0.0

    @classmethod
    def of(
        cls,
        segments: Sequence[Segment],
        ratio: float,
        window_frames: int,
        sampling_frequency: float | None,
    ) -> WindowPlan:
        """Plan windows between joins, and between gaps that none can hold."""
        longest = MOST_MASKED * window_frames * ratio
        pieces = stretches(segments, longest)
        plan = cls(pieces, ratio, window_frames, tuple(segments), sampling_frequency)
        numbers = zip(pieces, plan.windows_per_piece(), strict=True)
        plan = replace(plan, pieces=tuple(piece for piece, n in numbers if n))
        if not plan.pieces:
            return plan
        # Any trace that changes tells whether bad frames leave a window.
        trace = np.arange(segments[-1].stop, dtype=np.float32)
        left = lively(plan.cut(trace[None])).any()
        return plan if left else replace(plan, pieces=())

    @property
    def n_windows(self) -> int:
        """Number of windows of each trace."""
        return sum(self.windows_per_piece())

    def windows_per_piece(self) -> list[int]:
        """Return how many windows each piece holds."""
        lengths = [piece.stop - piece.start - self.start for piece in self.pieces]
        size = self.window_frames
        return [frames_after_averaging(n, self.ratio) // size for n in lengths]

    def cut(self, traces: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the windows of traces, (n_rois, n_windows, window_frames).

        NaN in gaps; of traces that say too little all zeros.
        """
        filled = bridged(traces, self.segments, self.sampling_frequency)
        if filled is traces:
            return self._cut(traces)
        known = ~np.isnan(filled)
        whole = known.all(axis=1)
        shape = len(traces), self.n_windows, self.window_frames
        windows = np.empty(shape, dtype=np.float32)
        windows[whole] = self._cut(filled[whole])
        values = np.where(known, filled, np.float32(0))[~whole]
        share = self._cut(known[~whole].astype(np.float32))
        some = share >= 0.5
        cut = np.full(share.shape, np.nan, dtype=np.float32)
        np.divide(self._cut(values), share, out=cut, where=some)
        low = np.where(some, cut, np.inf).min(axis=2)
        high = np.where(some, cut, -np.inf).max(axis=2)
        cut[(some.mean(axis=2) < 1 - MOST_MASKED) | (low >= high)] = 0
        windows[~whole] = cut
        return windows

    def _cut(self, traces: NDArray[np.float32]) -> NDArray[np.float32]:
        size = self.window_frames
        parts = [
            area_average(
                traces[:, piece.start : piece.stop], self.ratio, n * size, self.start
            ).reshape(len(traces), n, size)
            for piece, n in zip(self.pieces, self.windows_per_piece(), strict=True)
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


def stretches(
    segments: Sequence[Segment], longest_gap: float = np.inf
) -> tuple[Segment, ...]:
    """Join segments that go on after bad frames, up to a number of them."""
    found: list[Segment] = []
    for segment in segments:
        last = found[-1] if segment.continues and found else None
        if last and segment.start - last.stop <= longest_gap:
            found[-1] = replace(last, stop=segment.stop)
        else:
            found.append(segment)
    return tuple(found)


def damaged(traces: NDArray[np.float32]) -> NDArray[np.bool_] | None:
    """Tell which values cannot have been measured; None if all can."""
    # Nearly always so, and NaN is neither above nor below anything.
    if traces.min(initial=0) > -_LARGEST and traces.max(initial=0) < _LARGEST:
        return None
    return ~(np.abs(traces) < _LARGEST)


def bridged(
    traces: NDArray[np.float32],
    segments: Sequence[Segment],
    sampling_frequency: float | None,
) -> NDArray[np.float32]:
    """Return traces, (n_rois, n_frames), without bad frames and damaged values.

    Gaps up to `BRIDGED` are interpolated, never across a join; others are NaN. At an
    unknown frame rate a gap is one frame. The traces themselves if there is no gap.
    """
    good, spoilt = frames_inside(segments, traces.shape[1]), damaged(traces)
    if spoilt is None and good.all():
        return traces
    known = np.repeat(good[None], len(traces), axis=0)
    if spoilt is not None:
        known &= ~spoilt
    longest = max(1, int(BRIDGED * (sampling_frequency or 0)))
    filled = np.where(known, traces, np.float32(np.nan))
    for stretch in stretches(segments):
        frames = slice(stretch.start, stretch.stop)
        _fill(filled[:, frames], known[:, frames], longest)
    return filled


def _fill(values: NDArray[np.float32], known: NDArray[np.bool_], longest: int) -> None:
    """Interpolate gaps up to a number of frames in place."""
    n = values.shape[1]
    frame = np.arange(n, dtype=np.int32)
    before = np.maximum.accumulate(np.where(known, frame, -1), axis=1)
    after = np.minimum.accumulate(np.where(known, frame, n)[:, ::-1], axis=1)[:, ::-1]
    short = ~known & (before >= 0) & (after < n) & (after - before <= longest + 1)
    rows, columns = np.nonzero(short)
    left, right = before[rows, columns], after[rows, columns]
    share = ((columns - left) / (right - left)).astype(np.float32)
    values[rows, columns] = (
        values[rows, left] * (1 - share) + values[rows, right] * share
    )


def lively(windows: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Tell which windows change at all, and so say anything, (n_rois, n_windows)."""
    changes: NDArray[np.bool_] = (windows != windows[:, :, :1]).any(axis=2)
    return changes


def means_in_gaps(traces: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return traces with their own mean in place of NaN; 0 where all are NaN."""
    known = ~np.isnan(traces)
    if known.all():
        return traces
    total = np.where(known, traces, 0).sum(axis=-1, dtype=np.float64)
    mean = total / np.maximum(known.sum(axis=-1), 1)
    return np.where(known, traces, mean[..., None].astype(np.float32))
