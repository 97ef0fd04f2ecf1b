"""The imaging movie of a plane: suite2p's data.bin, or TIFF files given by the user."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import RecordingError
from napari_celltype.findings import Finding
from napari_celltype.recording.frames import LazyFrames, SelectedFrames, open_binary
from napari_celltype.recording.recording import (
    ANOTHER_RATE,
    FRAME_SIZE_GUESSED,
    FROM_TIFF,
    FROM_USER,
    SAME_RATE,
    Recording,
)
from napari_celltype.recording.suite2p_settings import frame_shape, read_settings
from napari_celltype.recording.tiff import (
    TiffFrames,
    open_tiff,
    read_tiff,
    scanimage_layout,
    tiff_files,
    tiff_pixel_size,
    tiff_sampling_frequency,
)


def open_movie(
    path: str | Path,
    *,
    plane: int = 0,
    channel: int = 0,
    n_planes: int | None = None,
    n_channels: int | None = None,
) -> LazyFrames:
    """Open a movie lazily, (n_frames, Ly, Lx): a frame is read when it is looked at.

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

    `RecordingError` if it is missing, damaged, truncated or has no such plane.
    """
    path = Path(path).expanduser()
    if path.suffix == ".bin":
        shape = frame_shape(read_settings(path.parent))
        if shape is None:
            raise RecordingError(
                f"{path} can be read only with suite2p's settings (ops.npy or db.npy) "
                f"beside it, because it does not say its frame size."
            )
        return open_binary(path, shape)
    found, counts = _read_files(path)
    if n_planes is not None or n_channels is not None:
        counts = n_planes or 1, n_channels or 1
    return _one_plane(found, counts, plane, channel, path)


def _read_files(path: Path) -> tuple[list[TiffFrames], tuple[int, int] | None]:
    """Find all frames, and the planes and channels per volume that ScanImage states.

    Each frame is taken once, though every file of an OME series may name all of them.
    """
    found: dict[Path, TiffFrames] = {}
    named: set[Path] = set()
    counts = None
    for file in map(Path.resolve, tiff_files(path)):
        if file in named:
            continue
        with open_tiff(file) as tif:
            frames = read_tiff(tif, file)
            counts = counts or scanimage_layout(tif)
        for other in map(Path.resolve, frames.files):
            named.add(other)
            found.pop(other, None)
        found[file] = frames
    return list(found.values()), counts


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

    For the parameters see `open_movie`; `RecordingError` also where the frames have
    another size.
    """
    path = Path(path).expanduser()
    movie = _movie_of(recording, path, n_planes, n_channels)
    shape = movie.shape[1:]
    warnings = [w for w in recording.warnings if w.code != FRAME_SIZE_GUESSED]
    guessed = any(w.code == FRAME_SIZE_GUESSED for w in recording.warnings)
    fits = all(m >= r for m, r in zip(shape, recording.frame_shape, strict=True))
    if shape != recording.frame_shape and not (guessed and fits):
        raise RecordingError(
            f"{path} has frames of {shape[0]} x {shape[1]} pixels and the recording of "
            f"{recording.frame_shape[0]} x {recording.frame_shape[1]}; choose the "
            f"movie that suite2p was run on."
        )
    if len(movie) != recording.n_frames:
        sentence = (
            f"{path.name} has {len(movie)} frames of this plane and the traces have "
            f"{recording.n_frames}."
        )
        warnings.append(Finding("movie-unlike-traces", sentence))
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
        return _one_plane(
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
    known = recording.sampling_frequency
    if rate is None:
        return recording
    others = tuple(w for w in recording.warnings if w.code != ANOTHER_RATE)
    recording = replace(recording, warnings=others)
    if known is None or not recording.sampling_frequency_confirmed:
        return recording.with_sampling_frequency(rate, FROM_TIFF)
    if math.isclose(known, rate, rel_tol=SAME_RATE):
        return recording
    from_user = recording.sampling_frequency_source == FROM_USER
    by = "you gave" if from_user else "suite2p has"
    sentence = (
        f"{tiff.name} says {rate:g} Hz and {by} {known:g} Hz, which is kept; give the "
        f"frame rate if it is wrong."
    )
    finding = Finding(ANOTHER_RATE, sentence)
    return replace(recording, warnings=(*recording.warnings, finding))


def _one_plane(
    found: list[TiffFrames],
    counts: tuple[int, int] | None,
    plane: int,
    channel: int,
    path: Path,
) -> LazyFrames:
    """Join files and pick a plane and channel, by `counts` or the axes of the files."""
    parts = [tiff.frames for tiff in found]
    if len({(part.shape[1:], part.dtype) for part in parts}) > 1:
        raise RecordingError(
            f"The TIFF files in {path} hold frames of different sizes or pixel types; "
            f"give a folder with the files of one movie."
        )
    lengths = [len(part) for part in parts]
    n_images = sum(lengths)
    if counts is not None:
        n_used = n_images // math.prod(counts) * math.prod(counts)
        cube = np.arange(n_used).reshape(-1, *counts)
    else:
        cubes, start = [], 0
        for tiff in found:
            cubes.append(start + _by_time_plane_channel(tiff))
            start += len(tiff.frames)
        if len({cube.shape[1:] for cube in cubes}) > 1:
            raise RecordingError(
                f"The TIFF files in {path} have different numbers of planes or "
                f"channels; say how many take turns."
            )
        cube = np.concatenate(cubes)
    for what, wanted, there in (
        ("plane", plane, cube.shape[1]),
        ("channel", channel, cube.shape[2]),
    ):
        if there > 1 and not 0 <= wanted < there:
            raise RecordingError(
                f"{path} has {there} {what}s, counted from 0, and {what} {wanted} was "
                f"asked for; choose one that is there."
            )
    if not len(cube):
        raise RecordingError(
            f"{path} has {n_images} images, fewer than the "
            f"{math.prod(cube.shape[1:])} of one volume; check the numbers of planes "
            f"and channels."
        )
    chosen = cube[:, min(plane, cube.shape[1] - 1), min(channel, cube.shape[2] - 1)]
    if len(parts) == 1 and np.array_equal(chosen, np.arange(n_images)):
        return parts[0]
    part_of = np.repeat(np.arange(len(parts)), lengths)
    frame_of = np.concatenate([np.arange(n) for n in lengths])
    return SelectedFrames(parts, part_of[chosen], frame_of[chosen])


def _by_time_plane_channel(tiff: TiffFrames) -> NDArray[np.int64]:
    """Return the index of each image, shape (n_times, n_planes, n_channels)."""
    order = np.arange(len(tiff.frames)).reshape(tiff.lengths)
    axes = tiff.axes
    # Movies are often saved as stacks: without a time axis, the slices are the times.
    if not set(axes) - set("ZC"):
        axes = axes.replace("Z" if "Z" in axes else "C", "T")
    for axis in "ZC":
        if axis not in axes:
            order, axes = order[..., np.newaxis], axes + axis
        order = np.moveaxis(order, axes.index(axis), -1)
        axes = axes.replace(axis, "") + axis
    return order.reshape(-1, *order.shape[-2:])
