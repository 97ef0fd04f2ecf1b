"""Trace matrices: read in blocks, less their neuropil, at a lower frame rate."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import RecordingError
from napari_celltype.recording.npy import (
    open_for_reading,
    read_exactly,
    read_header,
    require_stamp,
    require_unchanged,
)
from napari_celltype.recording.recording import (
    NEUROPIL_UNLIKE_TRACES,
    Recording,
    Traces,
)

MEMORY_LIMIT = 2 << 30  # bytes of traces that are held in memory


class StoredTraces(ABC):
    """Traces of a file as float32 matrix; rows are read when they are asked for.

    Indexing is that of an array: ``traces[i]``, ``traces[a:b]``, ``traces[rows, c:d]``.
    Every read first checks that the file is still the one that was opened.
    """

    dtype = np.dtype(np.float32)
    shape: tuple[int, int]

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp = require_stamp(path)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any, /) -> NDArray[np.float32]:
        rows, columns = key if isinstance(key, tuple) else (key, slice(None))
        wanted = np.arange(self.shape[0])[rows]
        require_unchanged(self.path, self._stamp)
        values = self._read(np.atleast_1d(wanted))
        values = values.reshape(np.shape(wanted) + self.shape[1:])
        # What is too large becomes an infinity, which says enough.
        with np.errstate(over="ignore"):
            values = values[..., columns].astype(np.float32, copy=False)
        values.flags.writeable = False
        return values

    def __array__(
        self, dtype: np.dtype[Any] | None = None, copy: bool | None = None
    ) -> NDArray[Any]:
        return self[:].astype(dtype or np.float32, copy=False)

    @abstractmethod
    def _read(self, wanted: NDArray[np.int64]) -> NDArray[Any]:
        """Return some rows, (n_wanted, n_frames), of whatever type."""


def neighbours(wanted: NDArray[np.int64]) -> Iterator[slice]:
    """Give the runs of rows that follow each other, which are read in one go."""
    edges = [0, *np.flatnonzero(np.diff(wanted) != 1) + 1, len(wanted)]
    return (slice(a, b) for a, b in pairwise(edges) if a < b)


class FileTraces(StoredTraces):
    """The traces of a NumPy file, such as F.npy."""

    def __init__(self, path: Path, *, frames_first: bool = False) -> None:
        with open_for_reading(path) as file:
            super().__init__(path)
            header = read_header(file, path)
        if frames_first:
            header = header._replace(
                shape=header.shape[::-1], fortran_order=not header.fortran_order
            )
        self._header = header
        if len(header.shape) != 2 or header.dtype.kind not in "fiu":
            raise RecordingError(
                f"{path} holds {header.dtype} values of shape {header.shape} where one "
                f"row of numbers per ROI was expected; check that it is the right file."
            )
        if 0 in header.shape:
            raise RecordingError(
                f"{path} is empty (shape {header.shape}): no ROIs or no frames were "
                f"found; check suite2p's settings and run it again."
            )
        self.shape = header.shape[0], header.shape[1]

    def _read(self, wanted: NDArray[np.int64]) -> NDArray[Any]:
        with open_for_reading(self.path) as file:
            if self._header.fortran_order:
                values = np.empty(self.shape[::-1], dtype=self._header.dtype)
                file.seek(self._header.offset)
                read_exactly(file, values, self.path)
                return values.T[wanted]
            n_frames = self.shape[1]
            row_bytes = n_frames * self._header.dtype.itemsize
            values = np.empty((len(wanted), n_frames), dtype=self._header.dtype)
            for run in neighbours(wanted):
                file.seek(self._header.offset + int(wanted[run.start]) * row_bytes)
                read_exactly(file, values[run], self.path)
        return values


class JoinedTraces(StoredTraces):
    """Traces of the same ROIs, one stretch of frames after another."""

    def __init__(self, parts: Sequence[FileTraces]) -> None:
        super().__init__(parts[0].path)
        self._parts = parts
        self.shape = parts[0].shape[0], sum(part.shape[1] for part in parts)

    def _read(self, wanted: NDArray[np.int64]) -> NDArray[Any]:
        values = np.empty((len(wanted), self.shape[1]), dtype=np.float32)
        start = 0
        for part in self._parts:
            values[:, start : start + part.shape[1]] = part[wanted]
            start += part.shape[1]
        return values


@dataclass(frozen=True, eq=False)
class _NeuropilSubtracted:
    """F - coefficient * Fneu, calculated for the rows and frames that are asked for."""

    raw_traces: Traces
    neuropil: Traces
    coefficient: float

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of ROIs and number of frames."""
        return self.raw_traces.shape

    def __getitem__(self, key: Any, /) -> NDArray[np.float32]:
        raw = self.raw_traces[key]
        with np.errstate(over="ignore", invalid="ignore"):
            traces = raw - np.float32(self.coefficient) * self.neuropil[key]
        if not isinstance(key, tuple):
            # An ROI without data gets no trace from what lies around it.
            traces[(raw == raw[..., :1]).all(axis=-1)] = np.nan
        return traces


def subtract_neuropil(recording: Recording, coefficient: float) -> Traces:
    """Return F - coefficient * Fneu, shape (n_rois, n_frames).

    `RecordingError` without neuropil traces, or of a coefficient that is not from 0
    to 1.
    """
    if not (math.isfinite(coefficient) and 0 <= coefficient <= 1):
        raise RecordingError(
            f"The neuropil coefficient {coefficient:g} is not between 0 and 1; suite2p "
            "itself uses 0.7."
        )
    if coefficient == 0:
        return recording.raw_traces
    if recording.neuropil is None:
        for finding in recording.warnings:
            if finding.code == NEUROPIL_UNLIKE_TRACES:
                raise RecordingError(
                    f"{recording.path}: {finding} So neuropil cannot be subtracted; "
                    "copy the whole folder again or use --neuropil none."
                )
        raise RecordingError(
            f"{recording.path or 'The recording'} has no neuropil traces (Fneu.npy), "
            "so they cannot be subtracted; use --neuropil none."
        )
    return _NeuropilSubtracted(recording.raw_traces, recording.neuropil, coefficient)


def area_average(
    traces: NDArray[np.floating], ratio: float, n_out: int, start: float = 0.0
) -> NDArray[np.float32]:
    """Down-sample by any ratio of frame rates, weighting frames by their overlap.

    Output frame k, of ``traces.shape[0]`` x `n_out`, is the mean over the time from
    ``start + k * ratio`` to ``start + (k + 1) * ratio`` input frames, a frame that lies
    half inside counting half. `ratio` is at least 1, and ``start + n_out * ratio`` at
    most the frames; a ratio of 1 starts at 0.
    """
    if ratio == 1:
        return np.asarray(traces[:, :n_out], dtype=np.float32)
    traces = traces[:, : int(np.ceil(start + n_out * ratio))]
    n_in = traces.shape[1]
    total = np.zeros((len(traces), n_in + 1))
    np.cumsum(traces, axis=1, dtype=np.float64, out=total[:, 1:])
    # The running integral at the borders of the output frames, between two samples.
    borders = np.minimum(start + np.arange(n_out + 1) * ratio, n_in)
    below = np.minimum(borders.astype(np.int64), n_in - 1)
    share = borders - below
    integral = total[:, below] * (1 - share) + total[:, below + 1] * share
    averages: NDArray[np.float64] = np.diff(integral, axis=1) / ratio
    return averages.astype(np.float32)


def frames_after_averaging(n_frames: float, ratio: float) -> int:
    """Return how many whole output frames `n_frames` input frames give."""
    # The slack absorbs rounding such as 1800 / (30.0 / 10.0) = 599.9999...
    return int(np.floor(n_frames / ratio + 1e-6))
