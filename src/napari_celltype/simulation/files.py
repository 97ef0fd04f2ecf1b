"""A simulated recording as files: movie, suite2p folder, label table, truth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import shift

from napari_celltype import progress
from napari_celltype.files import write_atomically
from napari_celltype.labels import Label, LabelTable, write_label_table
from napari_celltype.recording import RoiMasks
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
    on_progress: progress.OnProgress = progress.ignore_progress,
    should_stop: progress.ShouldStop = progress.never_stop,
) -> Path:
    """Write a two-photon movie as a 16-bit TIFF that says its own frame rate."""
    # Files over 4 GB become BigTIFF with OME metadata, smaller ones are ImageJ stacks.
    # Stopped by `should_stop`, it leaves no file.
    from tifffile import TiffWriter

    n_frames = recording.raw_traces.shape[1]
    shape = (n_frames, *recording.frame_shape)
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
            progress.raise_if_stopped(should_stop)
            yield from block
            done += len(block)
            on_progress(progress.Progress("Writing the movie", done, n_frames))

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
    n_frames = recording.raw_traces.shape[1]
    motion = rigid_motion(recording, rng)
    somata = mask_matrix(recording.rois, recording.frame_shape, weighted=True)
    weights, signals = _neuropil_parts(recording)
    background = recording.background.ravel()
    # So many photons per unit of brightness that ROI traces have the noise nu.
    nuisances = recording.nuisances
    noise_nu = noise_deviation(nuisances.noise, recording.sampling_frequency)
    deviation = float(np.median(noise_nu))
    n_pixels = float(np.mean([roi.ypix.size for roi in recording.rois]))
    brightness = np.median(nuisances.brightness)
    photons = float(1 / (deviation**2 * n_pixels * brightness))
    gain, offset = np.float32(MOVIE["gain"].low), np.float32(MOVIE["offset"].low)
    step = max(1, _BLOCK_PIXELS // (height * width))
    for start in range(0, n_frames, step):
        stop = min(start + step, n_frames)
        light = signals[:, start:stop].T @ weights
        light *= background
        light += recording.fluorescence.soma[:, start:stop].T @ somata
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
    speed = recording.behaviour.speed
    still = wander((2, speed.size), step, MOVIE["motion_time"].low, rng).T
    running = np.clip(speed / 20, 0, 1)[:, None]
    moved = MOVIE["motion"].low * still * (0.4 + 0.6 * running)
    return np.asarray(np.clip(moved, -3, 3), dtype=np.float32)


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
    clean = recording.fluorescence.clean_neuropil
    relative = clean / recording.nuisances.neuropil_brightness[:, None]
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
    """Write `suite2p/plane0/`, as suite2p 0.14, and `labels.csv`; return the former."""
    folder = Path(folder)
    plane = folder / "suite2p" / "plane0"
    arrays: dict[str, NDArray[Any]] = {
        "F": recording.raw_traces,
        "Fneu": recording.neuropil,
        "spks": recording.spikes,
        "iscell": np.ones((len(recording.rois), 2)),
        "stat": _stat(recording),
        "ops": np.array(_ops(recording, plane), dtype=object),
    }
    for name, array in arrays.items():
        # Object arrays, as suite2p writes them; only the fenced loader reads them back.
        save = partial(np.save, arr=array, allow_pickle=True)
        write_atomically(plane / f"{name}.npy", save)
    write_label_table(truth_table(recording.labels), folder / "labels.csv", force=True)
    return plane


def truth_table(labels: Iterable[str]) -> LabelTable:
    """Return true types as labels; empty texts leave ROIs unlabelled."""
    return LabelTable(
        tuple(
            Label(roi_id, str(label), source="imported", note="simulator truth")
            for roi_id, label in enumerate(labels)
            if label
        )
    )


def write_truth(recording: SimulatedRecording, path: Path | str) -> Path:
    """Write masks (`cell`: the row of each pixel), types and signals as an .npz."""
    masks, behaviour = RoiMasks.of(recording.rois), recording.behaviour
    arrays: dict[str, Any] = {
        "labels": recording.labels,
        "cell": masks.roi_ids,
        "ypix": masks.ypix,
        "xpix": masks.xpix,
        "lam": masks.lam,
        "frame_shape": np.array(recording.frame_shape),
        "sampling_frequency": np.array(recording.sampling_frequency),
        "dff": recording.dff,
        "spikes": recording.spikes.astype(np.uint16),
        "running_speed": behaviour.speed,
        "position": behaviour.position,
    }
    return write_atomically(Path(path), partial(np.savez_compressed, **arrays))


def _stat(recording: SimulatedRecording) -> NDArray[np.object_]:
    stat = np.empty(len(recording.rois), dtype=object)
    traces = recording.traces(_NEUROPIL_COEFFICIENT)
    deviation = traces.std(axis=1)
    centred = traces - traces.mean(axis=1, keepdims=True)
    skewness = (centred**3).mean(axis=1) / deviation**3
    typical = float(np.mean([roi.ypix.size for roi in recording.rois]))
    for row, roi in enumerate(recording.rois):
        y, x = roi.ypix, roi.xpix
        away = float(np.hypot(y - y.mean(), x - x.mean()).mean())
        n_pixels, radius = y.size, np.sqrt(y.size / np.pi)
        stat[row] = {
            "ypix": y.astype(np.int32),
            "xpix": x.astype(np.int32),
            "lam": roi.lam,
            "med": [int(np.median(y)), int(np.median(x))],
            "footprint": 1.0,
            "mrs": away,
            "mrs0": float(2 / 3 * radius),
            "compact": float(away / (2 / 3 * radius)),
            "solidity": 1.0,
            "snr": 1.0,
            "npix": n_pixels,
            "npix_soma": n_pixels,
            "npix_norm": float(n_pixels / typical),
            "npix_norm_no_crop": float(n_pixels / typical),
            "soma_crop": np.ones(n_pixels, dtype=bool),
            "overlap": np.zeros(n_pixels, dtype=bool),
            "radius": float(radius),
            "aspect_ratio": 1.0,
            "skew": float(skewness[row]),
            "std": float(deviation[row]),
        }
    return stat


def _ops(recording: SimulatedRecording, plane: Path) -> dict[str, Any]:
    height, width = recording.frame_shape
    n_frames = recording.raw_traces.shape[1]
    mean, peak = recording.projection(), recording.projection(np.max)
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
        "nframes": n_frames,
        "frames_per_folder": np.array([n_frames]),
        "frames_per_file": np.array([n_frames]),
        "badframes": np.zeros(n_frames, dtype=bool),
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
