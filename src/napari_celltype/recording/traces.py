"""Trace matrices: in memory when they fit, else read from their file in blocks."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import RecordingError
from napari_celltype.recording.npy import (
    NpyHeader,
    open_for_reading,
    read_exactly,
    read_header,
)
from napari_celltype.recording.stamps import FileStamp, file_stamp, require_unchanged

MEMORY_LIMIT = 2 << 30


def trace_file(path: Path) -> FileTraces:
    """Describe a trace file (F.npy, Fneu.npy) without reading its values.

    Raises
    ------
    RecordingError
        If it is missing, truncated, or no (n_rois, n_frames) array of numbers.
    """
    with open_for_reading(path) as file:
        stamp = file_stamp(path)
        header = read_header(file, path)
    if len(header.shape) != 2 or header.dtype.kind not in "fiu":
        raise RecordingError(
            f"{path} holds {header.dtype} values of shape {header.shape} where one row "
            f"of numbers per ROI was expected; check that it is suite2p's file."
        )
    if 0 in header.shape:
        raise RecordingError(
            f"{path} is empty (shape {header.shape}): suite2p found no ROIs or no "
            f"frames; check its settings and run it again."
        )
    if stamp is None:
        raise RecordingError(f"{path} vanished while it was opened; open it again.")
    return FileTraces(path, header, stamp)


class FileTraces:
    """A (n_rois, n_frames) float32 matrix; rows are read when they are asked for.

    Indexing is that of an array: ``traces[i]``, ``traces[a:b]``, ``traces[rows, c:d]``.
    Every read first checks that the file is still the one that was opened.

    Parameters
    ----------
    path : Path
    header : NpyHeader
    stamp : FileStamp
    """

    def __init__(self, path: Path, header: NpyHeader, stamp: FileStamp) -> None:
        self.path = path
        self.stamp = stamp
        self._header = header

    @property
    def shape(self) -> tuple[int, int]:
        """Number of ROIs and number of frames."""
        n_rois, n_frames = self._header.shape
        return n_rois, n_frames

    @property
    def dtype(self) -> np.dtype[np.float32]:
        """Type of the values that indexing returns."""
        return np.dtype(np.float32)

    @property
    def nbytes(self) -> int:
        """Bytes that the whole matrix takes in memory."""
        return math.prod(self.shape) * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any, /) -> NDArray[np.float32]:
        rows, columns = key if isinstance(key, tuple) else (key, slice(None))
        wanted = np.arange(self.shape[0])[rows]
        require_unchanged(self.path, self.stamp)
        with open_for_reading(self.path) as file:
            if self._header.fortran_order:
                values = self._read_transposed(file)[wanted]
            else:
                values = self._read_rows(file, np.atleast_1d(wanted))
                values = values.reshape(np.shape(wanted) + self.shape[1:])
        values = values[..., columns].astype(np.float32, copy=False)
        values.flags.writeable = False
        return values

    def __array__(
        self, dtype: np.dtype[Any] | None = None, copy: bool | None = None
    ) -> NDArray[Any]:
        return self[:].astype(dtype or np.float32, copy=False)

    def _read_rows(self, file: Any, wanted: NDArray[np.int64]) -> NDArray[Any]:
        n_frames = self.shape[1]
        row_bytes = n_frames * self._header.dtype.itemsize
        values = np.empty((len(wanted), n_frames), dtype=self._header.dtype)
        # Neighbouring rows are read in one go.
        joins = np.flatnonzero(np.diff(wanted) != 1) + 1
        for run in np.split(np.arange(len(wanted)), joins):
            if len(run):
                file.seek(self._header.offset + int(wanted[run[0]]) * row_bytes)
                read_exactly(file, values[run[0] : run[-1] + 1], self.path)
        return values

    def _read_transposed(self, file: Any) -> NDArray[Any]:
        values = np.empty(self.shape[::-1], dtype=self._header.dtype)
        file.seek(self._header.offset)
        read_exactly(file, values, self.path)
        return values.T
