"""What a recording is: traces, ROI masks, images, frame rate, segments, movie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Traces(Protocol):
    """A (n_rois, n_frames) float32 array in memory, or one read in blocks."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of ROIs and number of frames."""

    def __getitem__(self, key: object, /) -> NDArray[np.float32]: ...


class Movie(Protocol):
    """A lazy (n_frames, Ly, Lx) array whose frames are read when they are looked at."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of frames, frame height and frame width."""

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Pixel type."""

    def __getitem__(self, key: object, /) -> NDArray[np.generic]: ...


@dataclass(frozen=True, eq=False)
class Roi:
    """One region of interest: its pixels and their weights (suite2p `stat.npy`).

    Attributes
    ----------
    ypix, xpix : ndarray of int, shape (n_pixels,)
        Rows and columns in the frame.
    lam : ndarray of float32, shape (n_pixels,)
        Weight of each pixel.
    """

    ypix: NDArray[np.int64]
    xpix: NDArray[np.int64]
    lam: NDArray[np.float32]

    @cached_property
    def centroid(self) -> tuple[float, float]:
        """Mean row and column of the pixels."""
        return float(self.ypix.mean()), float(self.xpix.mean())


@dataclass(frozen=True)
class Segment:
    """Frames `start` (inclusive) to `stop` (exclusive) with no join or bad frame."""

    start: int
    stop: int


# How sure we are of the frame rate: the source strings that a Recording may carry.
FROM_USER = "user"
FROM_TIFF = "TIFF metadata"
FROM_SUITE2P = "suite2p settings"
UNCONFIRMED = "suite2p default of 10 Hz, unconfirmed"
UNKNOWN = "unknown"


@dataclass(frozen=True, eq=False)
class Recording:
    """One plane of a suite2p recording; all arrays are read-only.

    Attributes
    ----------
    raw_traces : Traces, shape (n_rois, n_frames), float32
        suite2p `F.npy`: raw fluorescence.
    rois : sequence of Roi
        In the row order of `stat.npy`; empty for traces from elsewhere.
    sampling_frequency : float or None
        Frames per second of this plane (suite2p `fs`), Hz.
    sampling_frequency_source : str
        Where the frame rate came from, in words.
    segments : tuple of Segment
        Frame ranges between which nothing is continuous.
    frame_shape : tuple of int
        (Ly, Lx), pixels.
    images : mapping of str to ndarray, shape (Ly, Lx)
        Named projections: "mean image", "max projection", ...
    neuropil : Traces or None
        suite2p `Fneu.npy`, shape (n_rois, n_frames), float32.
    iscell : ndarray of bool or None, shape (n_rois,)
    redcell : ndarray of bool or None, shape (n_rois,)
    merged_into : ndarray of int64, shape (n_rois,)
        Row of the merged ROI that a part belongs to; -1 for ROIs that stand alone.
    movie : Movie or None
        Lazy (n_frames, Ly, Lx).
    plane : int
    path : Path or None
        The plane folder; None for traces from elsewhere.
    neuropil_coefficient : float or None
        What suite2p used to subtract neuropil before deconvolution.
    warnings : tuple of str
        Sentences about what was unusual in the files.
    """

    raw_traces: Traces
    rois: Sequence[Roi] = ()
    sampling_frequency: float | None = None
    sampling_frequency_source: str = UNKNOWN
    segments: tuple[Segment, ...] = ()
    frame_shape: tuple[int, int] = (0, 0)
    images: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    neuropil: Traces | None = None
    iscell: NDArray[np.bool_] | None = None
    redcell: NDArray[np.bool_] | None = None
    merged_into: NDArray[np.int64] = field(
        default_factory=lambda: np.empty(0, dtype=np.int64)
    )
    movie: Movie | None = None
    plane: int = 0
    path: Path | None = None
    neuropil_coefficient: float | None = None
    warnings: tuple[str, ...] = ()

    @property
    def n_rois(self) -> int:
        """Number of ROIs (rows of F.npy)."""
        return self.raw_traces.shape[0]

    @property
    def n_frames(self) -> int:
        """Number of frames (columns of F.npy)."""
        return self.raw_traces.shape[1]

    @property
    def sampling_frequency_confirmed(self) -> bool:
        """Whether the frame rate is known and is not suite2p's untouched default."""
        return self.sampling_frequency_source not in (UNCONFIRMED, UNKNOWN)
