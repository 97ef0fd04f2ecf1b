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
from napari_celltype.recording.windows import (
    MOST_MASKED,
    WindowPlan,
    means_in_gaps,
    rate_ratio,
    stretches,
)

# Samples of one block of ROIs: 4 MB as float32, a few times that while averaging. On
# two cores a block takes less than a second, and Cancel waits no longer than that.
BLOCK_SAMPLES = 2**20

NORMALIZATIONS = ("trace", "training-set", "training-set-per-timestep")


@dataclass(frozen=True, eq=False)
class Normalization:
    """A z-score by `name`, and the mean and deviation that it needs.

    NaN in a trace, where it has a gap, counts as the trace's mean.

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
        traces = means_in_gaps(traces)
        mean = np.atleast_1d(traces.mean(axis=axis, dtype=np.float64))
        deviation = np.atleast_1d(traces.std(axis=axis, dtype=np.float64))
        deviation[deviation == 0] = 1
        return cls(name, mean.astype(np.float32), deviation.astype(np.float32))

    def apply(self, traces: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return z-scored traces, a new C-ordered (n_traces, n_frames) array."""
        if self.mean is None or self.deviation is None:
            return z_score_traces(traces)
        scored: NDArray[np.float32]
        traces = means_in_gaps(traces)
        scored = np.subtract(traces, self.mean, dtype=np.float32, order="C")
        scored /= self.deviation
        return scored


def z_score_traces(traces: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return each trace with mean 0 and deviation 1; a constant trace becomes zeros.

    NaN counts for neither and becomes 0.
    """
    # Sums in double precision: raw fluorescence is large beside its fluctuations.
    n_known: NDArray[np.float32] | int = traces.shape[1]
    mean = traces.mean(axis=1, dtype=np.float64, keepdims=True)
    if np.isnan(mean).any():
        n_known = np.maximum((~np.isnan(traces)).sum(axis=1, dtype=np.float32), 1)
        traces = means_in_gaps(traces)
        mean = traces.mean(axis=1, dtype=np.float64, keepdims=True)
    scored: NDArray[np.float32]
    scored = np.subtract(traces, mean, dtype=np.float32, order="C", casting="same_kind")
    deviation = np.sqrt(np.einsum("ij,ij->i", scored, scored) / n_known)
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
    plan = WindowPlan.of(segments, ratio, card.window_frames, sampling_frequency)
    if not plan.pieces:
        raise RecordingError(_why_no_window(plan, card.name, n_frames))
    return plan


def _why_no_window(plan: WindowPlan, model: str, n_frames: int) -> str:
    """Say what leaves a recording without a window: bad frames, joins or its length."""
    whole = stretches(plan.segments)
    longest = max(s.stop - s.start for s in whole)
    need = math.ceil(plan.window_frames * plan.ratio - 1e-6)
    rate = plan.sampling_frequency or math.nan
    wanted = f"the model {model!r} needs {need} frames ({need / rate:.1f} s)"
    n_bad = n_frames - sum(s.stop - s.start for s in plan.segments)
    if longest >= need or (n_bad and len(whole) == 1 and n_frames >= need):
        return (
            f"{n_bad} of {n_frames} frames ({100 * n_bad / n_frames:.2g} %) are marked "
            f"as bad, but {wanted} of which at most {100 * MOST_MASKED:g} % are bad; "
            "take good frames out of suite2p's badframes (bad_frames.npy) and run it "
            "again, or use a model with shorter windows."
        )
    found = f"{longest} frames ({longest / rate:.1f} s at {rate:g} Hz)"
    if n_frames >= need and len(whole) > 1:
        return (
            f"The longest of {len(whole)} parts without a join has {found}, but "
            f"{wanted}; if the parts follow each other without a pause, say so "
            "(terminal: --joins continuous; napari: Joins in the Options of Classify)."
        )
    return (
        f"The recording has {found}, but {wanted}; use a longer recording, or correct "
        "the frame rate if it is wrong (terminal: --fs)."
    )


def blocks_of(traces: Traces) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Read traces (n_rois, n_frames) by blocks of ROIs: their rows and their values."""
    n_rois, n_frames = traces.shape
    step = max(1, BLOCK_SAMPLES // max(n_frames, 1))
    for start in range(0, n_rois, step):
        block = np.asarray(traces[start : start + step], dtype=np.float32)
        yield slice(start, start + len(block)), block
