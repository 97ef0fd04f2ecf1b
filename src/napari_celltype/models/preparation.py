"""What traces go through before a network: z-score and windows."""

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
