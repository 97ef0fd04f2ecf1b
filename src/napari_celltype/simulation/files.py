"""A simulated recording as files: movie, suite2p folder, label table, truth."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import shift

from napari_celltype.files import write_atomically, write_text_atomically
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
from napari_celltype.simulation.recording import SimulatedRecording, mask_matrix

_BLOCK_PIXELS = 2**24  # pixels computed at a time: 64 MB of float32
_TILE = 64  # pixels; neuropil that far apart has a signal of its own
# A classic TIFF cannot hold more than 4 GB; leave room for its directory.
_LARGEST_CLASSIC_TIFF = 2**32 - 2**25
_NEUROPIL_COEFFICIENT = 0.7  # suite2p's own


def write_movie(
    recording: SimulatedRecording,
    path: Path | str,
    *,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> Path:
    """Write a two-photon movie as a 16-bit TIFF that says its own frame rate.

    Files over 4 GB become BigTIFF with OME metadata, smaller ones are ImageJ stacks.

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
    metadata: dict[str, Any] = (
        {"axes": "TYX", "TimeIncrement": 1 / fs, "TimeIncrementUnit": "s"}
        if big
        else {"axes": "TYX", "fps": fs, "finterval": 1 / fs}
    )

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
    """Yield the movie in blocks (n_frames, Ly, Lx); the same recording, same bytes."""
    rng = np.random.default_rng(recording.seed)
    height, width = recording.frame_shape
    n_frames = recording.n_frames
    motion = rigid_motion(recording, rng)
    somata = mask_matrix(recording.rois, recording.frame_shape, weighted=True)
    weights, signals = _neuropil_parts(recording)
    background = recording.background.ravel()
    photons = _photons_per_unit(recording)
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
    """Draw the motion (n_frames, 2), pixels down and right; more while running."""
    step = 1 / recording.sampling_frequency
    still = wander((2, recording.n_frames), step, MOVIE["motion_time"].low, rng).T
    running = np.clip(recording.running_speed / 20, 0, 1)[:, None]
    moved = MOVIE["motion"].low * still * (0.4 + 0.6 * running)
    return np.asarray(np.clip(moved, -3, 3), dtype=np.float32)


def _photons_per_unit(recording: SimulatedRecording) -> float:
    """Return photons per unit of brightness, so that ROI traces have the noise nu."""
    session = recording.session
    nuisances = session.nuisances
    deviation = float(
        np.median(noise_deviation(nuisances.noise, session.sampling_frequency))
    )
    n_pixels = float(np.mean([roi.ypix.size for roi in recording.rois]))
    return float(1 / (deviation**2 * n_pixels * np.median(nuisances.brightness)))


def _neuropil_parts(
    recording: SimulatedRecording,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return weights (n_tiles, n_pixels) and signals (n_tiles, n_frames) of tiles."""
    # Each tile takes the mean signal of the cells near it, relative to rest.
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


def write_recording(recording: SimulatedRecording, folder: Path | str) -> Path:
    """Write `suite2p/plane0/` as suite2p 0.14 does, and `labels.csv`, into `folder`.

    Returns
    -------
    Path
        The plane folder.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    folder = Path(folder)
    plane = folder / "suite2p" / "plane0"
    n_cells = len(recording.rois)
    arrays: dict[str, NDArray[Any]] = {
        "F": recording.raw_traces,
        "Fneu": recording.neuropil,
        "spks": recording.session.spikes,
        "iscell": np.ones((n_cells, 2)),
        "stat": _stat(recording),
        "ops": np.array(_ops(recording, plane), dtype=object),
    }
    for name, array in arrays.items():
        _save(plane / f"{name}.npy", array)
    table = ["roi_id,label,source,note"]
    table += [
        f"{roi_id},{label},imported,simulator truth"
        for roi_id, label in enumerate(recording.labels)
    ]
    write_text_atomically(folder / "labels.csv", "\n".join(table) + "\n")
    return plane


def write_truth(recording: SimulatedRecording, path: Path | str) -> Path:
    """Write masks, types and signals as an .npz archive that needs no pickle.

    The masks stand in `ypix`, `xpix`, `lam` and `cell` (the row of each pixel).

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    session = recording.session
    rois = recording.rois
    cells = [np.full(roi.ypix.size, row) for row, roi in enumerate(rois)]

    def write(file: Any) -> None:
        np.savez_compressed(
            file,
            labels=recording.labels,
            cell=np.concatenate(cells),
            ypix=np.concatenate([roi.ypix for roi in rois]),
            xpix=np.concatenate([roi.xpix for roi in rois]),
            lam=np.concatenate([roi.lam for roi in rois]),
            frame_shape=np.array(recording.frame_shape),
            sampling_frequency=np.array(recording.sampling_frequency),
            dff=session.dff,
            spikes=session.spikes.astype(np.uint16),
            running_speed=recording.running_speed,
            position=session.behaviour.position,
        )

    return write_atomically(Path(path), write)


def _save(path: Path, array: NDArray[Any]) -> None:
    # Object arrays, as suite2p writes them; only the fenced loader reads them back.
    write_atomically(path, lambda file: np.save(file, array, allow_pickle=True))


def _stat(recording: SimulatedRecording) -> NDArray[np.object_]:
    stat = np.empty(len(recording.rois), dtype=object)
    traces = recording.raw_traces - np.float32(_NEUROPIL_COEFFICIENT) * (
        recording.neuropil
    )
    deviation = traces.std(axis=1)
    centred = traces - traces.mean(axis=1, keepdims=True)
    skewness = (centred**3).mean(axis=1) / deviation**3
    typical = float(np.mean([roi.ypix.size for roi in recording.rois]))
    for row, roi in enumerate(recording.rois):
        y, x = roi.ypix, roi.xpix
        away = np.hypot(y - y.mean(), x - x.mean())
        n_pixels = y.size
        stat[row] = {
            "ypix": y.astype(np.int32),
            "xpix": x.astype(np.int32),
            "lam": roi.lam,
            "med": [int(np.median(y)), int(np.median(x))],
            "footprint": 1.0,
            "mrs": float(away.mean()),
            "mrs0": float(2 / 3 * np.sqrt(n_pixels / np.pi)),
            "compact": float(away.mean() / (2 / 3 * np.sqrt(n_pixels / np.pi))),
            "solidity": 1.0,
            "snr": 1.0,
            "npix": n_pixels,
            "npix_soma": n_pixels,
            "npix_norm": float(n_pixels / typical),
            "npix_norm_no_crop": float(n_pixels / typical),
            "soma_crop": np.ones(n_pixels, dtype=bool),
            "overlap": np.zeros(n_pixels, dtype=bool),
            "radius": float(np.sqrt(n_pixels / np.pi)),
            "aspect_ratio": 1.0,
            "skew": float(skewness[row]),
            "std": float(deviation[row]),
        }
    return stat


def _ops(recording: SimulatedRecording, plane: Path) -> dict[str, Any]:
    height, width = recording.frame_shape
    mean = recording.mean_image()
    peak = recording.background.copy()
    for roi, soma in zip(
        recording.rois, recording.session.fluorescence.soma, strict=True
    ):
        peak[roi.ypix, roi.xpix] += roi.lam * soma.max()
    return {
        "suite2p_version": "0.14.6",
        "fs": recording.sampling_frequency,
        "tau": 0.7,
        "neucoeff": _NEUROPIL_COEFFICIENT,
        "nplanes": 1,
        "nchannels": 1,
        "functional_chan": 1,
        "diameter": [10, 10],
        "aspect": 1.0,
        "Ly": height,
        "Lx": width,
        "yrange": [0, height],
        "xrange": [0, width],
        "nframes": recording.n_frames,
        "frames_per_folder": np.array([recording.n_frames]),
        "frames_per_file": np.array([recording.n_frames]),
        "badframes": np.zeros(recording.n_frames, dtype=bool),
        "meanImg": mean,
        "meanImgE": mean / mean.max(),
        "max_proj": peak,
        "Vcorr": (peak - mean) / peak.max(),
        "data_path": [],
        "filelist": [],
        "save_path0": str(plane.parent.parent),
        "save_path": str(plane),
        "save_folder": "suite2p",
        "ops_path": str(plane / "ops.npy"),
    }
