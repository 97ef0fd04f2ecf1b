"""A two-photon movie of a simulated recording, written block by block."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import shift
from scipy.sparse import csr_matrix

from napari_celltype.labels.atomic import write_atomically
from napari_celltype.progress import (
    OnProgress,
    Progress,
    ShouldStop,
    ignore_progress,
    never_stop,
    raise_if_stopped,
)
from napari_celltype.simulation.behaviour import wander
from napari_celltype.simulation.fluorescence import noise_deviation
from napari_celltype.simulation.parameters import MOVIE
from napari_celltype.simulation.recording import SimulatedRecording

_BLOCK_PIXELS = 2**24  # pixels computed at a time: 64 MB of float32
_TILE = 64  # pixels; neuropil that far apart has a signal of its own
# A classic TIFF cannot hold more than 4 GB; leave room for its directory.
_LARGEST_CLASSIC_TIFF = 2**32 - 2**25


def write_movie(
    recording: SimulatedRecording,
    path: Path | str,
    *,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> Path:
    """Write a two-photon movie as a 16-bit TIFF that says its own frame rate.

    Files over 4 GB become BigTIFF with OME metadata, smaller ones are ImageJ stacks.

    Parameters
    ----------
    recording : SimulatedRecording
    path : Path or str
        Ends in .tif or .tiff.
    on_progress, should_stop : callable
        Told after each block, asked before each.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    OutputError
        If the file cannot be written.
    Stopped
        If `should_stop` answers True; no file is left.
    """
    from tifffile import TiffWriter

    shape = (recording.n_frames, *recording.frame_shape)
    big = 2 * int(np.prod(shape)) > _LARGEST_CLASSIC_TIFF
    fs = recording.sampling_frequency
    metadata: dict[str, Any] = {"axes": "TYX", "fps": fs, "finterval": 1 / fs}
    if big:
        metadata = {
            "axes": "TYX",
            "TimeIncrement": 1 / fs,
            "TimeIncrementUnit": "s",
        }

    def frames() -> Iterator[NDArray[np.uint16]]:
        done = 0
        for block in movie_blocks(recording):
            raise_if_stopped(should_stop)
            yield from block
            done += len(block)
            on_progress(Progress("Writing the movie", done, recording.n_frames))

    def write(file: BinaryIO) -> None:
        with TiffWriter(file, bigtiff=big, imagej=not big, ome=big) as tiff:
            tiff.write(
                frames(),
                shape=shape,
                dtype=np.uint16,
                photometric="minisblack",
                metadata=metadata,
            )

    return write_atomically(Path(path), write)


def movie_blocks(recording: SimulatedRecording) -> Iterator[NDArray[np.uint16]]:
    """Yield the movie in blocks (n_frames, Ly, Lx); the same recording, same bytes.

    The light of somata and neuropil is moved rigidly, then counted photon by photon (as
    Gaussian noise of the same variance), amplified and offset.
    """
    rng = np.random.default_rng(recording.seed)
    height, width = recording.frame_shape
    n_frames = recording.n_frames
    motion = rigid_motion(recording, rng)
    somata = _soma_matrix(recording)
    weights, signals = _neuropil_parts(recording)
    background = recording.background.ravel()
    photons = photons_per_unit(recording)
    gain, offset = np.float32(MOVIE["gain"].low), np.float32(MOVIE["offset"].low)
    step = max(1, _BLOCK_PIXELS // (height * width))
    for start in range(0, n_frames, step):
        stop = min(start + step, n_frames)
        light = signals[:, start:stop].T @ weights
        light *= background
        light += recording.session.fluorescence.soma[:, start:stop].T @ somata
        light *= np.float32(photons)
        block = light.reshape(-1, height, width)
        for image, displacement in zip(block, motion[start:stop], strict=True):
            image[:] = shift(image, displacement, order=1, mode="nearest")
        noise = rng.standard_normal(block.shape, dtype=np.float32)
        noise *= np.sqrt(np.maximum(block, 0))
        block += noise
        block *= gain
        block += offset
        yield np.clip(block, 0, 2**15 - 1).astype(np.uint16)


def rigid_motion(
    recording: SimulatedRecording, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Draw the displacement of each frame, shape (n_frames, 2), pixels down and right.

    The brain moves more while the animal runs.
    """
    step = 1 / recording.sampling_frequency
    still = wander((2, recording.n_frames), step, MOVIE["motion_time"].low, rng).T
    running = np.clip(recording.running_speed / 20, 0, 1)[:, None]
    moved = MOVIE["motion"].low * still * (0.4 + 0.6 * running)
    return np.asarray(np.clip(moved, -3, 3), dtype=np.float32)


def photons_per_unit(recording: SimulatedRecording) -> float:
    """Return photons per unit of brightness, so that ROI traces have the noise nu."""
    session = recording.session
    nuisances = session.nuisances
    deviation = float(
        np.median(noise_deviation(nuisances.noise, session.sampling_frequency))
    )
    n_pixels = float(np.mean([roi.ypix.size for roi in recording.rois]))
    return float(1 / (deviation**2 * n_pixels * np.median(nuisances.brightness)))


def _soma_matrix(recording: SimulatedRecording) -> csr_matrix:
    """Return the masks as a sparse (n_cells, n_pixels) matrix of weights."""
    width = recording.frame_shape[1]
    rows = np.concatenate(
        [np.full(roi.ypix.size, row) for row, roi in enumerate(recording.rois)]
    )
    columns = np.concatenate([roi.ypix * width + roi.xpix for roi in recording.rois])
    values = np.concatenate([roi.lam for roi in recording.rois])
    shape = (len(recording.rois), recording.frame_shape[0] * width)
    return csr_matrix((values, (rows, columns)), shape=shape, dtype=np.float32)


def _neuropil_parts(
    recording: SimulatedRecording,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return tiles' smooth weights (n_tiles, n_pixels) and signals (n_tiles, n_frames).

    Each tile takes the mean signal of the cells near it, relative to rest.
    """
    height, width = recording.frame_shape
    y, x = (
        np.arange(_TILE // 2, max(side, _TILE // 2 + 1), _TILE)
        for side in (height, width)
    )
    tiles = np.array([(a, b) for a in y for b in x])
    pixels = np.indices((height, width)).reshape(2, -1).T
    cells = np.array([roi.centroid for roi in recording.rois])
    clean = recording.session.fluorescence.clean_neuropil
    relative = clean / recording.session.nuisances.neuropil_brightness[:, None]
    near = _closeness(tiles, cells)
    signals = (near / near.sum(axis=1, keepdims=True)) @ relative
    weights = _closeness(tiles, pixels)
    weights /= weights.sum(axis=0)
    return weights.astype(np.float32), signals.astype(np.float32)


def _closeness(
    tiles: NDArray[np.int64], points: NDArray[np.generic]
) -> NDArray[np.float64]:
    apart = np.square(tiles[:, None].astype(float) - points[None]).sum(axis=2)
    return np.asarray(np.exp(-0.5 * apart / _TILE**2) + 1e-12, dtype=np.float64)
