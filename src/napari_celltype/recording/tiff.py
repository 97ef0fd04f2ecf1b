"""TIFF files as lazy frames, in the order in which they lie in the files."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import RecordingError
from napari_celltype.recording.frames import LazyFrames, RawFrames, SelectedFrames
from napari_celltype.recording.stamps import FileStamp, file_stamp, require_unchanged

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPageSeries


@contextmanager
def open_tiff(path: Path) -> Iterator[TiffFile]:
    """Open a TIFF, or say in one sentence why it cannot be read.

    Raises
    ------
    RecordingError
        If it is missing, unreadable, damaged or no TIFF.
    """
    from tifffile import TiffFile

    try:
        # For ScanImage files tifffile guesses the pages from the first two; asked not
        # to, it looks where they are.
        with TiffFile(path, is_scanimage=False) as tif:
            yield tif
    except (ValueError, struct.error) as error:
        raise RecordingError(
            f"{path} is not a readable TIFF ({error}); copy it again or give another."
        ) from None
    except OSError as error:
        raise RecordingError(
            f"{path} cannot be read ({error.strerror or error}); check that it is "
            f"there and whole."
        ) from None


class EncodedFrames(LazyFrames):
    """Frames of a TIFF that are compressed, or scattered in strips or tiles.

    Parameters
    ----------
    path : Path
    stamp : FileStamp
        Of the file when it was looked at; checked before each frame.
    frame_shape : tuple of int
        (Ly, Lx), pixels.
    dtype : numpy.dtype
    pieces : sequence of tuple
        For each frame, the first bytes and the lengths of its strips or tiles.
    """

    def __init__(
        self,
        path: Path,
        stamp: FileStamp,
        frame_shape: tuple[int, int],
        dtype: np.dtype[Any],
        pieces: Sequence[tuple[tuple[int, ...], tuple[int, ...]]],
    ) -> None:
        self.path, self.stamp = path, stamp
        self.shape = (len(pieces), *frame_shape)
        self.dtype = dtype.newbyteorder("=")
        self._pieces = pieces

    def read_frame(self, index: int) -> NDArray[Any]:
        """Read and decode frame `index`, shape (Ly, Lx)."""
        from tifffile import TiffFrame

        require_unchanged(self.path, self.stamp)
        offsets, lengths = self._pieces[index]
        with open_tiff(self.path) as tif:
            frame = TiffFrame(
                tif,
                index,
                keyframe=tif.pages.first,
                dataoffsets=offsets,
                databytecounts=lengths,
            )
            try:
                pixels: NDArray[Any] = frame.asarray()
            except (ValueError, RuntimeError) as error:
                raise RecordingError(
                    f"{self.path}: frame {index} cannot be decoded ({error}); copy the "
                    f"file again."
                ) from None
        return pixels.astype(self.dtype, copy=False)


class TiffFrames(NamedTuple):
    """The frames of a TIFF and the meaning of their order.

    Attributes
    ----------
    frames : LazyFrames
        All images, one after another.
    axes : str
        What the images are ordered by, slowest first, such as "TZC"; "" for one image.
    lengths : tuple of int
        How many there are along each of these axes.
    """

    frames: LazyFrames
    axes: str
    lengths: tuple[int, ...]


def read_tiff(tif: TiffFile, path: Path) -> TiffFrames:
    """Find the frames of an open TIFF without reading their pixels.

    Raises
    ------
    RecordingError
        If they are no images of one channel, or the file is truncated.
    """
    # Where pages have an order of their own, tifffile's view of them says which. Else
    # it is not asked for: it takes minutes for files that were written frame by frame.
    ordered = tif.is_ome or tif.is_imagej or tif.is_stk or tif.is_lsm
    if not ordered and len(tif.pages) > 1:
        return _read_pages(tif, path)
    series = tif.series[0]
    axes = series.axes
    if (
        not axes.endswith("YX")
        or series.dtype is None
        or series.dtype.kind not in "iuf"
    ):
        raise RecordingError(
            f"{path} holds {series.dtype} images with the axes {axes}; give a TIFF "
            f"with one grey value per pixel."
        )
    lengths = series.shape[:-2]
    frame_shape = int(series.shape[-2]), int(series.shape[-1])
    if series.dataoffset is not None:
        n_bytes = math.prod(frame_shape) * series.dtype.itemsize
        offsets = series.dataoffset + n_bytes * np.arange(math.prod(lengths))
        stored = np.dtype(series.dtype).newbyteorder(tif.byteorder)
        frames: LazyFrames = _raw(path, frame_shape, stored, offsets)
    else:
        frames = _scattered(series, path, frame_shape)
    return TiffFrames(frames, axes[:-2], lengths)


def _read_pages(tif: TiffFile, path: Path) -> TiffFrames:
    """Take every page as a frame: programs that write frame by frame leave it so."""
    tif.pages.useframes = True
    try:
        pages = list(tif.pages)
    except RuntimeError:
        raise RecordingError(
            f"{path} holds images of different sizes; give a TIFF with one frame size."
        ) from None
    frame_shape, dtype = tif.pages.first.shape, tif.pages.first.dtype
    if len(frame_shape) != 2 or dtype is None or dtype.kind not in "iuf":
        raise RecordingError(
            f"{path} holds {dtype} images of shape {frame_shape}; give a TIFF with one "
            f"grey value per pixel."
        )
    frames = _pages_of_one_file(path, pages, (frame_shape[0], frame_shape[1]))
    return TiffFrames(frames, "T", (len(pages),))


def _raw(
    path: Path,
    frame_shape: tuple[int, int],
    stored: np.dtype[Any],
    offsets: NDArray[np.int64],
) -> RawFrames:
    stamp = _stamp(path)
    end = int(offsets.max()) + math.prod(frame_shape) * stored.itemsize
    if end > stamp.size:
        raise RecordingError(
            f"{path} is truncated: its {len(offsets)} frames end at byte {end:,} and "
            f"the file has {stamp.size:,}; copy it again."
        )
    return RawFrames(path, stamp, frame_shape, stored, offsets)


def _scattered(
    series: TiffPageSeries, path: Path, frame_shape: tuple[int, int]
) -> LazyFrames:
    """Collect pages one by one; an OME series may lie in several files."""
    pages_of: dict[Path, list[tuple[int, Any]]] = {}
    for position, page in enumerate(series.pages):
        if page is None:
            raise RecordingError(
                f"{path}: frame {position} lies in a file that is not beside it; copy "
                f"all files of the series."
            )
        file = Path(page.parent.filehandle.path)
        pages_of.setdefault(file, []).append((position, page))

    n_frames = sum(len(pages) for pages in pages_of.values())
    parts: list[LazyFrames] = []
    part_of = np.empty(n_frames, dtype=np.int64)
    frame_of = np.empty(n_frames, dtype=np.int64)
    for file, pages in pages_of.items():
        positions = [position for position, _ in pages]
        part_of[positions] = len(parts)
        frame_of[positions] = np.arange(len(pages))
        parts.append(_pages_of_one_file(file, [page for _, page in pages], frame_shape))
    if len(parts) == 1:
        return parts[0]
    return SelectedFrames(parts, part_of, frame_of)


def _pages_of_one_file(
    file: Path, pages: list[Any], frame_shape: tuple[int, int]
) -> LazyFrames:
    keyframe = pages[0].keyframe
    if keyframe.shape != frame_shape:
        raise RecordingError(
            f"{file} holds images of {keyframe.shape} pixels among images of "
            f"{frame_shape}; give a TIFF with one frame size."
        )
    pieces = [(page.dataoffsets, page.databytecounts) for page in pages]
    plain = (
        keyframe.compression == 1
        and not keyframe.is_tiled
        and keyframe.fillorder == 1
        and keyframe.bitspersample == 8 * keyframe.dtype.itemsize
        and all(_is_one_run(offsets, lengths) for offsets, lengths in pieces)
    )
    if plain:
        stored = np.dtype(keyframe.dtype).newbyteorder(keyframe.parent.byteorder)
        first = np.array([offsets[0] for offsets, _ in pieces], dtype=np.int64)
        return _raw(file, frame_shape, stored, first)
    stamp = _stamp(file)
    return EncodedFrames(file, stamp, frame_shape, np.dtype(keyframe.dtype), pieces)


def _is_one_run(offsets: tuple[int, ...], lengths: tuple[int, ...]) -> bool:
    ends = [o + n for o, n in zip(offsets, lengths, strict=True)]
    return bool(ends) and list(offsets[1:]) == ends[:-1]


def _stamp(path: Path) -> FileStamp:
    stamp = file_stamp(path)
    if stamp is None:
        raise RecordingError(f"{path} vanished while it was opened; open it again.")
    return stamp
