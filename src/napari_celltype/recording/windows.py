"""Traces cut into windows of one length at one frame rate; nothing is up-sampled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_celltype.recording.recording import SAME_RATE, Segment
from napari_celltype.recording.traces import area_average, frames_after_averaging


def rate_ratio(sampling_frequency: float, wanted: float) -> float | None:
    """Return the frames averaged into one: 1 within `SAME_RATE`, None if slower."""
    ratio = sampling_frequency / wanted
    if ratio < 1 - SAME_RATE:
        return None
    return ratio if ratio > 1 + SAME_RATE else 1.0


@dataclass(frozen=True)
class WindowPlan:
    """Where the windows of a recording are.

    `pieces` are the segments that hold at least one; none where all are too short.
    `ratio` frames of the recording, at least 1, are averaged into one of the
    `window_frames` of a window.
    """

    pieces: tuple[Segment, ...]
    ratio: float
    window_frames: int

    @classmethod
    def of(
        cls, segments: Sequence[Segment], ratio: float, window_frames: int
    ) -> WindowPlan:
        """Plan windows inside segments, between which nothing is continuous."""
        plan = cls(tuple(segments), ratio, window_frames)
        numbers = zip(plan.pieces, plan.windows_per_piece(), strict=True)
        return replace(plan, pieces=tuple(piece for piece, n in numbers if n))

    @property
    def n_windows(self) -> int:
        """Number of windows of each trace."""
        return sum(self.windows_per_piece())

    def windows_per_piece(self) -> list[int]:
        """Return how many windows each piece holds."""
        lengths = [piece.stop - piece.start for piece in self.pieces]
        size = self.window_frames
        return [frames_after_averaging(n, self.ratio) // size for n in lengths]

    def cut(self, traces: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the windows of traces, (n_rois, n_windows, window_frames)."""
        size = self.window_frames
        parts = [
            area_average(
                traces[:, piece.start : piece.stop], self.ratio, n * size
            ).reshape(len(traces), n, size)
            for piece, n in zip(self.pieces, self.windows_per_piece(), strict=True)
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


def lively(windows: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Tell which windows change at all, and so say anything, (n_rois, n_windows)."""
    changes: NDArray[np.bool_] = (windows != windows[:, :, :1]).any(axis=2)
    return changes
