"""Planes and channels that take turns in the images of a movie."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from napari_celltype.errors import RecordingError
from napari_celltype.recording.frames import LazyFrames, SelectedFrames
from napari_celltype.recording.tiff import TiffFrames


def one_plane(
    found: list[TiffFrames],
    counts: tuple[int, int] | None,
    plane: int,
    channel: int,
    path: Path,
) -> LazyFrames:
    """Join the files and pick the frames of one plane and channel.

    Parameters
    ----------
    found : list of TiffFrames
        The files of one movie, in their order.
    counts : tuple of int or None
        How many planes and channels take turns; None for the axes of the files.
    plane, channel : int
        Counted from 0; a file of one plane or channel is that one.
    path : Path
        Where the files lie, for messages.

    Raises
    ------
    RecordingError
        If the files do not go together, or have no such plane or channel.
    """
    parts = [tiff.frames for tiff in found]
    if len({(part.shape[1:], part.dtype) for part in parts}) > 1:
        raise RecordingError(
            f"The TIFF files in {path} hold frames of different sizes or pixel types; "
            f"give a folder with the files of one movie."
        )
    whole = SelectedFrames.joined(parts)
    if counts is not None:
        n_volumes = len(whole) // math.prod(counts)
        cube = np.arange(n_volumes * math.prod(counts)).reshape(n_volumes, *counts)
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
            f"{path} has {len(whole)} images, fewer than the "
            f"{math.prod(cube.shape[1:])} of one volume; check the numbers of planes "
            f"and channels."
        )
    chosen = cube[:, min(plane, cube.shape[1] - 1), min(channel, cube.shape[2] - 1)]
    if len(parts) == 1 and np.array_equal(chosen, np.arange(len(parts[0]))):
        return parts[0]
    return whole.select(chosen)


def _by_time_plane_channel(
    tiff: TiffFrames,
) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Return the index of each image, shape (n_times, n_planes, n_channels)."""
    order = np.arange(len(tiff.frames)).reshape(tiff.lengths)
    axes = tiff.axes
    # Movies are often saved as stacks: without a time axis, the slices are the times.
    if not set(axes) - set("ZC"):
        axes = axes.replace("Z" if "Z" in axes else "C", "T")
    for axis in "ZC":
        if axis in axes:
            order = np.moveaxis(order, axes.index(axis), -1)
            axes = axes.replace(axis, "") + axis
        else:
            order = order[..., np.newaxis]
            axes += axis
    return order.reshape(-1, *order.shape[-2:])
