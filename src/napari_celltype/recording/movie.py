"""The imaging movie of a plane: suite2p's data.bin, or TIFF files given by the user."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_celltype.errors import RecordingError
from napari_celltype.recording.frames import LazyFrames, RawFrames
from napari_celltype.recording.npy import file_stamp
from napari_celltype.recording.recording import (
    FROM_TIFF,
    FROM_USER,
    GUESSED_FRAME_SHAPE,
    Recording,
)
from napari_celltype.recording.settings import SAME_RATE, read_settings
from napari_celltype.recording.settings import frame_shape as noted_frame_shape
from napari_celltype.recording.tiff import (
    TiffFrames,
    one_plane,
    open_tiff,
    read_tiff,
    scanimage_layout,
    tiff_pixel_size,
    tiff_sampling_frequency,
)

TIFF_SUFFIXES = (".tif", ".tiff", ".btf", ".tf8")


def open_movie(
    path: str | Path,
    *,
    plane: int = 0,
    channel: int = 0,
    n_planes: int | None = None,
    n_channels: int | None = None,
) -> LazyFrames:
    """Open a movie lazily: no frame is read before it is looked at.

    Planes and channels that take turns in the file are separated by their counts, which
    ScanImage, OME and ImageJ files state themselves.

    Parameters
    ----------
    path : str or Path
        A TIFF (multi-page, BigTIFF, OME, ImageJ, ScanImage), a folder of TIFF files
        that follow one another, or suite2p's `data.bin` with its settings beside it.
    plane, channel : int
        Which to take, counted from 0; a file of one plane is that plane.
    n_planes, n_channels : int or None
        How many take turns, plane after plane and within each channel after channel;
        None for what the file says.

    Returns
    -------
    LazyFrames
        Array-like of shape (n_frames, Ly, Lx).

    Raises
    ------
    RecordingError
        If the file is missing, damaged, truncated or no movie, or has no such plane.
    """
    path = Path(path).expanduser()
    if path.suffix == ".bin":
        shape = noted_frame_shape(read_settings(path.parent))
        if shape is None:
            raise RecordingError(
                f"{path} can be read only with suite2p's settings (ops.npy or db.npy) "
                f"beside it, because it does not say its frame size."
            )
        return open_binary(path, shape)
    found, counts = _read_files(path)
    if n_planes is not None or n_channels is not None:
        counts = n_planes or 1, n_channels or 1
    return one_plane(found, counts, plane, channel, path)


def _read_files(path: Path) -> tuple[list[TiffFrames], tuple[int, int] | None]:
    """Find all frames, and the planes and channels per volume that ScanImage states."""
    found = []
    counts = None
    for file in tiff_files(path):
        with open_tiff(file) as tif:
            found.append(read_tiff(tif, file))
            counts = counts or scanimage_layout(tif)
    return found, counts


def open_binary(path: Path, frame_shape: tuple[int, int]) -> RawFrames:
    """Open suite2p's `data.bin`: int16 frames, one after another.

    Raises
    ------
    RecordingError
        If it is missing or does not hold a single frame.
    """
    stamp = file_stamp(path)
    n_bytes = 2 * math.prod(frame_shape)
    if stamp is None or stamp.size < n_bytes:
        raise RecordingError(
            f"{path} is missing or holds no whole frame of {frame_shape[0]} x "
            f"{frame_shape[1]} pixels; choose the movie's TIFF instead."
        )
    offsets = np.arange(stamp.size // n_bytes, dtype=np.int64) * n_bytes
    return RawFrames(path, stamp, frame_shape, np.dtype("<i2"), offsets)


def attach_movie(
    recording: Recording,
    path: str | Path,
    *,
    n_planes: int | None = None,
    n_channels: int | None = None,
) -> Recording:
    """Return the recording with a movie of the user's choice.

    The recording's own plane and functional channel are taken. Where no counts are
    given, planes and channels take turns as in suite2p's settings, unless only what the
    file says gives as many frames as the traces have.

    A TIFF of the traces' length that states its frame rate also confirms, or mends, one
    that nobody has confirmed; it never overrules the user or suite2p's settings.

    Parameters
    ----------
    recording : Recording
    path : str or Path
        As for `open_movie`.
    n_planes, n_channels : int or None
        How many take turns in the file.

    Raises
    ------
    RecordingError
        If the movie cannot be read, or its frames have another size.
    """
    path = Path(path).expanduser()
    movie = _movie_of(recording, path, n_planes, n_channels)
    shape = movie.shape[1:]
    guessed = any(w.startswith(GUESSED_FRAME_SHAPE) for w in recording.warnings)
    fits = all(m >= r for m, r in zip(shape, recording.frame_shape, strict=True))
    if shape != recording.frame_shape and not (guessed and fits):
        raise RecordingError(
            f"{path} has frames of {shape[0]} x {shape[1]} pixels and the recording of "
            f"{recording.frame_shape[0]} x {recording.frame_shape[1]}; choose the "
            f"movie that suite2p was run on."
        )
    warnings = [w for w in recording.warnings if not w.startswith(GUESSED_FRAME_SHAPE)]
    if len(movie) != recording.n_frames:
        warnings.append(
            f"{path.name} has {len(movie)} frames of this plane and the traces have "
            f"{recording.n_frames}."
        )
    changed = replace(
        recording, movie=movie, frame_shape=shape, warnings=tuple(warnings)
    )
    if path.suffix == ".bin":
        return changed
    first = tiff_files(path)[0]
    changed = replace(changed, pixel_size=tiff_pixel_size(first) or changed.pixel_size)
    if len(movie) != recording.n_frames:
        return changed
    return _with_rate_of(changed, first, n_planes or recording.n_planes)


def _movie_of(
    recording: Recording, path: Path, n_planes: int | None, n_channels: int | None
) -> LazyFrames:
    """Open the recording's plane and channel of a movie, de-interleaved to fit it."""
    if path.suffix == ".bin":
        return open_movie(path)
    found, stated = _read_files(path)
    n_images = sum(len(tiff.frames) for tiff in found)
    noted = n_planes or recording.n_planes, n_channels or recording.n_channels
    given = n_planes is not None or n_channels is not None
    fits = n_images // math.prod(noted) == recording.n_frames
    # suite2p numbers the regions of a mesoscope on as planes, beyond their number.
    is_region = 1 < noted[0] <= recording.plane

    def with_turns(counts: tuple[int, int] | None) -> LazyFrames:
        return one_plane(
            found, counts, recording.plane, recording.functional_channel, path
        )

    if given or (fits and not is_region):
        return with_turns(noted)
    # The file may hold this plane alone, or know more than suite2p was told.
    movie = with_turns(stated)
    if len(movie) == recording.n_frames or is_region or math.prod(noted) == 1:
        return movie
    return with_turns(noted)


def _with_rate_of(recording: Recording, tiff: Path, n_planes: int) -> Recording:
    rate = tiff_sampling_frequency(tiff, n_planes=n_planes)
    if rate is None:
        return recording
    if not recording.sampling_frequency_confirmed:
        return recording.with_sampling_frequency(rate, FROM_TIFF)
    known = recording.sampling_frequency
    if known is None or math.isclose(known, rate, rel_tol=SAME_RATE):
        return recording
    by = (
        "you gave"
        if recording.sampling_frequency_source == FROM_USER
        else "suite2p has"
    )
    sentence = (
        f"{tiff.name} says {rate:g} Hz and {by} {known:g} Hz, which is kept; give the "
        f"frame rate if it is wrong."
    )
    return replace(recording, warnings=(*recording.warnings, sentence))


def tiff_files(path: Path) -> list[Path]:
    """List a TIFF, or the TIFF files of a folder in the order of their numbers.

    Raises
    ------
    RecordingError
        If there is none.
    """
    if path.is_file():
        return [path]
    if path.is_dir():
        files = [f for f in path.iterdir() if f.suffix.lower() in TIFF_SUFFIXES]
        if files:
            return sorted(files, key=_natural)
        raise RecordingError(f"{path} holds no TIFF files; choose the movie's folder.")
    raise RecordingError(f"{path} does not exist; choose the movie's TIFF.")


def _natural(path: Path) -> list[tuple[int, str]]:
    """Sort key that puts 2.tif before 10.tif."""
    parts = re.findall(r"\d+|\D+", path.name)
    return [(int(p), "") if p.isdigit() else (-1, p) for p in parts]
