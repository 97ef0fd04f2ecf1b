"""What traces go through before a network: windows at its frame rate, and z-score."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import ModelError, RecordingError, SamplingFrequencyError
from napari_celltype.models.card import ModelCard
from napari_celltype.recording import Segment, Traces, require_possible
from napari_celltype.recording.windows import WindowPlan, rate_ratio

# Samples of one block of ROIs: 4 MB as float32, a few times that while averaging. On
# two cores a block takes less than a second, and Cancel waits no longer than that.
BLOCK_SAMPLES = 2**20

NORMALIZATIONS = ("trace", "training-set", "training-set-per-timestep")


@dataclass(frozen=True, eq=False)
class Normalization:
    """A z-score by `name`, and the mean and deviation that it needs.

    None for "trace", where each trace has its own; (1,) of all traces for
    "training-set" (Section IV-B); (n_frames,) for "training-set-per-timestep".
    """

    name: str
    mean: NDArray[np.float32] | None = None
    deviation: NDArray[np.float32] | None = None

    @classmethod
    def fit(cls, name: str, traces: NDArray[np.float32]) -> Normalization:
        """Measure the statistics of training traces (n_traces, n_frames)."""
        if name not in NORMALIZATIONS:
            raise ValueError(
                f"normalization {name!r} is not known; use one of "
                f"{', '.join(NORMALIZATIONS)}."
            )
        if name == "trace":
            return cls(name)
        axis = None if name == "training-set" else 0
        mean = np.atleast_1d(traces.mean(axis=axis, dtype=np.float64))
        deviation = np.atleast_1d(traces.std(axis=axis, dtype=np.float64))
        deviation[deviation == 0] = 1
        return cls(name, mean.astype(np.float32), deviation.astype(np.float32))

    def apply(self, traces: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return z-scored traces, a new C-ordered (n_traces, n_frames) array."""
        if self.mean is None or self.deviation is None:
            return z_score_traces(traces)
        scored: NDArray[np.float32]
        scored = np.subtract(traces, self.mean, dtype=np.float32, order="C")
        scored /= self.deviation
        return scored


def z_score_traces(traces: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return each trace with mean 0 and deviation 1; a constant trace becomes zeros."""
    # Sums in double precision: raw fluorescence is large beside its fluctuations.
    mean = traces.mean(axis=1, dtype=np.float64, keepdims=True)
    scored: NDArray[np.float32]
    scored = np.subtract(traces, mean, dtype=np.float32, order="C", casting="same_kind")
    deviation = np.sqrt(np.einsum("ij,ij->i", scored, scored) / traces.shape[1])
    deviation[deviation == 0] = 1
    scored /= deviation[:, None].astype(np.float32)
    return scored


def pad_frames(traces: NDArray[np.float32], n_frames: int) -> NDArray[np.float32]:
    """Return traces with zeros added at the end up to `n_frames`; longer ones as is."""
    missing = n_frames - traces.shape[1]
    return np.pad(traces, ((0, 0), (0, missing))) if missing > 0 else traces


def plan_windows(
    card: ModelCard,
    n_frames: int,
    sampling_frequency: float,
    segments: Sequence[Segment],
) -> WindowPlan:
    """Find the windows of a recording for a model; see `predict_recording_traces`."""
    wanted = card.sampling_frequency
    if wanted is None:
        raise ModelError(
            f"The model {card.name!r} does not say at which frame rate it was "
            "trained; save it again with its sampling_frequency."
        )
    ratio = rate_ratio(require_possible(sampling_frequency), wanted)
    if ratio is None:
        raise SamplingFrequencyError(
            f"The recording has {sampling_frequency:g} frames per second, but the "
            f"model {card.name!r} needs {wanted:g} Hz and traces are never "
            "up-sampled; check the frame rate (terminal: --fs) or choose a slower "
            "model."
        )
    segments = segments or [Segment(0, n_frames)]
    plan = WindowPlan.of(segments, ratio, card.window_frames)
    if not plan.pieces:
        longest = max(s.stop - s.start for s in segments)
        need = math.ceil(card.window_frames * ratio - 1e-6)
        raise RecordingError(
            f"The longest stretch without a join or bad frame has {longest} frames "
            f"({longest / sampling_frequency:.1f} s at {sampling_frequency:g} Hz), but "
            f"the model {card.name!r} needs {need} frames "
            f"({need / sampling_frequency:.1f} s); use a longer recording, or correct "
            "the frame rate if it is wrong (terminal: --fs)."
        )
    return plan


def blocks_of(traces: Traces) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Read traces (n_rois, n_frames) by blocks of ROIs: their rows, and their values.

    The traces of ROIs with a NaN or an infinity come as zeros.
    """
    n_rois, n_frames = traces.shape
    step = max(1, BLOCK_SAMPLES // max(n_frames, 1))
    for start in range(0, n_rois, step):
        block = np.asarray(traces[start : start + step], dtype=np.float32)
        usable: NDArray[np.bool_] = np.asarray(np.isfinite(block).all(axis=1))
        if not usable.all():
            block = np.where(usable[:, None], block, np.float32(0))
        yield slice(start, start + len(block)), block
