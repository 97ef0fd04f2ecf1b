"""A simulated recording as files: a suite2p folder, a label table, the truth."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.labels.atomic import write_atomically, write_text_atomically
from napari_celltype.simulation.recording import SimulatedRecording

_NEUROPIL_COEFFICIENT = 0.7  # suite2p's own


def write_recording(recording: SimulatedRecording, folder: Path | str) -> Path:
    """Write a suite2p folder and a label table.

    `folder` then holds `suite2p/plane0/` with the files of suite2p 0.14 (F, Fneu, spks,
    iscell, stat, ops) and `labels.csv`.

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
    write_labels(recording, folder / "labels.csv")
    return plane


def write_labels(recording: SimulatedRecording, path: Path | str) -> Path:
    """Write the true types as a label table (CSV), one row per cell.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["roi_id", "label", "source", "note"])
    for roi_id, label in enumerate(recording.labels):
        rows.writerow([roi_id, label, "imported", "simulator truth"])
    return write_text_atomically(Path(path), text.getvalue())


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
