"""The windows of a recording that a model sees: at its frame rate, of its length."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import ModelError, RecordingError, SamplingFrequencyError
from napari_celltype.models.card import ModelCard
from napari_celltype.models.preparation import cut_windows
from napari_celltype.recording import (
    SAME_RATE,
    Segment,
    Traces,
    area_average,
    frames_after_averaging,
)

# Samples of one block of ROIs: 4 MB as float32, a few times that while averaging. On
# two cores a block takes less than a second, and Cancel waits no longer than that.
BLOCK_SAMPLES = 2**20


@dataclass(frozen=True)
class WindowPlan:
    """Where the windows of a recording are.

    Attributes
    ----------
    pieces : tuple of Segment
        The segments that hold at least one window.
    ratio : float
        Frames of the recording per frame of the model; 1 within the tolerance.
    window_frames : int
        Frames of a window, at the model's rate.
    """

    pieces: tuple[Segment, ...]
    ratio: float
    window_frames: int

    def cut(self, traces: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the windows of traces (n_rois, n_frames), all pieces in a row.

        Returns
        -------
        ndarray of float32, shape (n_rois, n_windows, window_frames)
        """
        size = self.window_frames
        parts = [
            cut_windows(
                area_average(traces[:, piece.start : piece.stop], self.ratio, n * size),
                size,
            )
            for piece, n in zip(self.pieces, self.windows_per_piece(), strict=True)
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def windows_per_piece(self) -> list[int]:
        """Return how many windows each piece holds."""
        return [
            frames_after_averaging(piece.stop - piece.start, self.ratio)
            // self.window_frames
            for piece in self.pieces
        ]


def plan_windows(
    card: ModelCard,
    n_frames: int,
    sampling_frequency: float,
    segments: Sequence[Segment],
) -> WindowPlan:
    """Find the windows of a recording for a model.

    Parameters
    ----------
    card : ModelCard
    n_frames : int
        Frames of the recording.
    sampling_frequency : float
        Of the recording, Hz.
    segments : sequence of Segment
        Frame ranges between which nothing is continuous; empty means all frames.

    Raises
    ------
    SamplingFrequencyError
        If the recording is slower than the model.
    RecordingError
        If no segment is as long as one window.
    ModelError
        If the card has no frame rate.
    """
    ratio = _ratio(card, sampling_frequency)
    segments = segments or [Segment(0, n_frames)]
    size = card.window_frames
    pieces = tuple(
        segment
        for segment in segments
        if frames_after_averaging(segment.stop - segment.start, ratio) >= size
    )
    if not pieces:
        longest = max(s.stop - s.start for s in segments)
        need = math.ceil(size * ratio - 1e-6)
        raise RecordingError(
            f"The longest stretch without a join or bad frame has {longest} frames "
            f"({longest / sampling_frequency:.1f} s at {sampling_frequency:g} Hz), but "
            f"the model {card.name!r} needs {need} frames "
            f"({need / sampling_frequency:.1f} s); use a longer recording, or correct "
            "the frame rate if it is wrong (terminal: --fs)."
        )
    return WindowPlan(pieces, ratio, size)


def blocks_of(
    traces: Traces, block_rois: int | None = None
) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Read traces (n_rois, n_frames) by blocks of ROIs: their rows, and their values.

    The traces of ROIs with a NaN or an infinity come as zeros.
    """
    n_rois, n_frames = traces.shape
    step = block_rois or max(1, BLOCK_SAMPLES // max(n_frames, 1))
    for start in range(0, n_rois, step):
        block = np.asarray(traces[start : start + step], dtype=np.float32)
        usable: NDArray[np.bool_] = np.asarray(np.isfinite(block).all(axis=1))
        if not usable.all():
            block = np.where(usable[:, None], block, np.float32(0))
        yield slice(start, start + len(block)), block


def lively(windows: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Tell which windows change at all, shape (n_rois, n_windows).

    A window without any change says nothing, whichever network looks at it.
    """
    changes: NDArray[np.bool_] = (windows != windows[:, :, :1]).any(axis=2)
    return changes


def _ratio(card: ModelCard, sampling_frequency: float) -> float:
    wanted = card.sampling_frequency
    if wanted is None:
        raise ModelError(
            f"The model {card.name!r} does not say at which frame rate it was "
            "trained; save it again with its sampling_frequency."
        )
    if not (math.isfinite(sampling_frequency) and sampling_frequency > 0):
        raise SamplingFrequencyError(
            f"The frame rate {sampling_frequency!r} Hz is impossible; give the "
            "recording's rate per plane in Hz (terminal: --fs)."
        )
    ratio = sampling_frequency / wanted
    if ratio < 1 - SAME_RATE:
        raise SamplingFrequencyError(
            f"The recording has {sampling_frequency:g} frames per second, but the "
            f"model {card.name!r} needs {wanted:g} Hz and traces are never "
            "up-sampled; check the frame rate (terminal: --fs) or choose a slower "
            "model."
        )
    return ratio if ratio > 1 + SAME_RATE else 1.0
