"""What traces go through before a network: z-score, down-sampling, windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

NormalizationName = Literal["trace", "training-set", "training-set-per-timestep"]
NORMALIZATIONS: tuple[str, ...] = get_args(NormalizationName)


@dataclass(frozen=True, eq=False)
class Normalization:
    """A z-score and the statistics that it needs.

    Attributes
    ----------
    name : str
        "trace": each trace by its own mean and deviation. "training-set" (Section
        IV-B): one mean and one deviation of all training traces.
        "training-set-per-timestep": one pair per frame.
    mean, deviation : ndarray of float32 or None, shape (1,) or (n_frames,)
        Statistics of the training set; None for "trace".
    """

    name: str
    mean: NDArray[np.float32] | None = None
    deviation: NDArray[np.float32] | None = None

    @classmethod
    def fit(cls, name: str, traces: NDArray[np.float32]) -> Normalization:
        """Measure the statistics of training traces (n_traces, n_frames).

        Raises
        ------
        ValueError
            If the name is none of `NORMALIZATIONS`.
        """
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
    """Return each trace with mean 0 and deviation 1; a constant trace becomes zeros.

    Parameters
    ----------
    traces : ndarray, shape (n_traces, n_frames)
    """
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


def cut_windows(traces: NDArray[np.float32], window_frames: int) -> NDArray[np.float32]:
    """Cut traces into non-overlapping windows from the start; the rest is left out.

    Parameters
    ----------
    traces : ndarray, shape (n_traces, n_frames)

    Returns
    -------
    ndarray, shape (n_traces, n_windows, window_frames)
    """
    n_windows = traces.shape[1] // window_frames
    used = traces[:, : n_windows * window_frames]
    return used.reshape(len(traces), n_windows, window_frames)
