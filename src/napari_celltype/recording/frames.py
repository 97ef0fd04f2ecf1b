"""Movies as lazy arrays: a frame is read from its file when it is looked at."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import RecordingError
from napari_celltype.recording.npy import (
    file_stamp,
    open_for_reading,
    read_exactly,
    require_stamp,
    require_unchanged,
)


class LazyFrames(ABC):
    """A (n_frames, Ly, Lx) array that holds no pixels, no open file and no memory map.

    Indexing is that of an array with one index per axis, such as ``movie[3:8, 10:20]``.
    Frames are read one by one, so that only what was asked for is ever in memory.
    """

    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    ndim = 3

    @abstractmethod
    def read_frame(self, index: int) -> NDArray[Any]:
        """Read frame `index` (0 to n_frames - 1), shape (Ly, Lx)."""

    @property
    def size(self) -> int:
        """Number of pixels in all frames."""
        return math.prod(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any, /) -> NDArray[Any]:
        parts = list(key) if isinstance(key, tuple) else [key]
        if Ellipsis in [part for part in parts if not isinstance(part, np.ndarray)]:
            gap = parts.index(Ellipsis)
            parts[gap : gap + 1] = [slice(None)] * (4 - len(parts))
        wanted, inside = np.arange(self.shape[0])[parts[0]], tuple(parts[1:])
        probe = np.empty(self.shape[1:], dtype=self.dtype)[inside]
        movie = np.empty((*wanted.shape, *probe.shape), dtype=self.dtype)
        for place, frame in np.ndenumerate(wanted):
            movie[place] = self.read_frame(int(frame))[inside]
        return movie

    def __array__(
        self, dtype: np.dtype[Any] | None = None, copy: bool | None = None
    ) -> NDArray[Any]:
        whole: NDArray[Any] = self[:]
        return whole.astype(dtype or self.dtype, copy=False)


class RawFrames(LazyFrames):
    """Uncompressed frames at known places of a file: data.bin, plain TIFF."""

    def __init__(
        self,
        path: Path,
        frame_shape: tuple[int, int],
        stored_dtype: np.dtype[Any],
        offsets: NDArray[np.int64],
    ) -> None:
        self.path, self.stamp = path, require_stamp(path)
        self.shape = (len(offsets), *frame_shape)
        self.dtype = stored_dtype.newbyteorder("=")
        self._stored_dtype, self._offsets = stored_dtype, offsets
        end = int(offsets.max(initial=0)) + math.prod(frame_shape) * self.dtype.itemsize
        if end > self.stamp.size or offsets.min(initial=0) < 0:
            raise RecordingError(
                f"{path} is truncated: its {len(offsets)} frames end at byte {end:,} "
                f"and the file has {self.stamp.size:,}; copy it again."
            )

    def read_frame(self, index: int) -> NDArray[Any]:
        """Read frame `index`, shape (Ly, Lx)."""
        require_unchanged(self.path, self.stamp)
        frame = np.empty(self.shape[1:], dtype=self._stored_dtype)
        with open_for_reading(self.path) as file:
            file.seek(int(self._offsets[index]))
            read_exactly(file, frame, self.path)
        return frame.astype(self.dtype, copy=False)


class SelectedFrames(LazyFrames):
    """Frames ``frame_of[i]`` of movies ``parts[part_of[i]]`` of one size and type."""

    def __init__(
        self,
        parts: Sequence[LazyFrames],
        part_of: NDArray[np.int64],
        frame_of: NDArray[np.int64],
    ) -> None:
        self.shape = (len(part_of), *parts[0].shape[1:])
        self.dtype = parts[0].dtype
        self._parts, self._part_of, self._frame_of = parts, part_of, frame_of

    def read_frame(self, index: int) -> NDArray[Any]:
        """Read frame `index`, shape (Ly, Lx)."""
        part = self._parts[int(self._part_of[index])]
        return part.read_frame(int(self._frame_of[index]))


def open_binary(path: Path, frame_shape: tuple[int, int]) -> RawFrames:
    """Open suite2p's `data.bin`: int16 frames, one after another."""
    stamp = file_stamp(path)
    n_bytes = 2 * math.prod(frame_shape)
    if stamp is None or stamp.size < n_bytes:
        raise RecordingError(
            f"{path} is missing or holds no whole frame of {frame_shape[0]} x "
            f"{frame_shape[1]} pixels; choose the movie's TIFF instead."
        )
    offsets = np.arange(stamp.size // n_bytes, dtype=np.int64) * n_bytes
    return RawFrames(path, frame_shape, np.dtype("<i2"), offsets)
