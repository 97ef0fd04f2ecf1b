"""Traces cut into windows of one length at one frame rate; nothing is up-sampled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_celltype.recording.recording import SAME_RATE, Segment
from napari_celltype.recording.traces import area_average, frames_after_averaging


def rate_ratio(sampling_frequency: float, wanted: float) -> float | None:
    """Return the frames that are averaged into one: 1 for equal rates, None if slower.

    Rates that differ by less than `SAME_RATE` are equal.
    """
    ratio = sampling_frequency / wanted
    if ratio < 1 - SAME_RATE:
        return None
    return ratio if ratio > 1 + SAME_RATE else 1.0


@dataclass(frozen=True)
class WindowPlan:
    """Where the windows of a recording are.

    Attributes
    ----------
    pieces : tuple of Segment
        The segments that hold at least one window; none where all are too short.
    ratio : float
        Frames of the recording per frame of a window, at least 1.
    window_frames : int
        Frames of a window, after averaging.
    """

    pieces: tuple[Segment, ...]
    ratio: float
    window_frames: int

    @classmethod
    def of(
        cls, segments: Sequence[Segment], ratio: float, window_frames: int
    ) -> WindowPlan:
        """Plan windows inside segments, between which nothing is continuous."""
        pieces = tuple(
            segment
            for segment in segments
            if frames_after_averaging(segment.stop - segment.start, ratio)
            >= window_frames
        )
        return cls(pieces, ratio, window_frames)

    @property
    def n_windows(self) -> int:
        """Number of windows of each trace."""
        return sum(self.windows_per_piece())

    def windows_per_piece(self) -> list[int]:
        """Return how many windows each piece holds."""
        return [
            frames_after_averaging(piece.stop - piece.start, self.ratio)
            // self.window_frames
            for piece in self.pieces
        ]

    def cut(self, traces: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the windows of traces (n_rois, n_frames), all pieces in a row.

        Returns
        -------
        ndarray of float32, shape (n_rois, n_windows, window_frames)
        """
        size = self.window_frames
        parts = [
            area_average(
                traces[:, piece.start : piece.stop], self.ratio, n * size
            ).reshape(len(traces), n, size)
            for piece, n in zip(self.pieces, self.windows_per_piece(), strict=True)
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


def lively(windows: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Tell which windows change at all, shape (n_rois, n_windows).

    A window without any change says nothing, whichever network looks at it.
    """
    changes: NDArray[np.bool_] = (windows != windows[:, :, :1]).any(axis=2)
    return changes
