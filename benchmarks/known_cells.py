"""Neurons whose cell type is known, with their fluorescence and their spikes."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat

SECONDS_PER_TICK = 1e-4  # of `events_AP`


@dataclass(frozen=True, eq=False)
class RealCell:
    """One neuron: its type, how it was recorded, dF/F and spikes of each trial.

    Attributes
    ----------
    file : str
        Path below the folder of the recordings.
    cell_type, indicator : str
    preparation : str
        "in vivo" or "slice".
    sampling_frequency : float
        Hz.
    trials : tuple of ndarray of float32, each shape (n_frames,)
        dF/F, a fraction.
    dataset : str
        Such as "DS24".
    batch : str
        Cells of one batch were recorded together; a cell without one is its own.
    spikes : tuple of ndarray of float64, each shape (n_spikes,)
        Of each trial, in seconds after its first frame, ascending; a spike before the
        first frame is negative.
    """

    file: str
    cell_type: str
    indicator: str
    preparation: str
    sampling_frequency: float
    trials: tuple[NDArray[np.float32], ...]
    dataset: str = ""
    batch: str = ""
    spikes: tuple[NDArray[np.float64], ...] = ()

    @property
    def seconds(self) -> float:
        """Length of all trials."""
        return sum(trial.size for trial in self.trials) / self.sampling_frequency


def load_cells(folder: Path) -> list[RealCell]:
    """Read the neurons that `real_cells.csv` lists, in its order.

    Parameters
    ----------
    folder : Path
        Holds the table and, in itself or in `real_cells`, one MATLAB file per neuron
        with a struct array `CAttached`: one element per trial, with `fluo_time` (s),
        `fluo_mean` (dF/F) and `events_AP` (spike times in 1e-4 s, on the clock of
        `fluo_time`; padded with NaN in some sets).
    """
    with (folder / "real_cells.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [_load_cell(_locate(folder, row["file"]), row) for row in rows]


def _locate(folder: Path, file: str) -> Path:
    inside = folder / "real_cells" / file
    return inside if inside.exists() else folder / file


def _load_cell(path: Path, row: Mapping[str, str]) -> RealCell:
    content = loadmat(path, squeeze_me=True, struct_as_record=False)["CAttached"]
    trials, spikes = [], []
    for trial in np.atleast_1d(content):
        times = np.ravel(trial.fluo_time).astype(np.float64)
        ticks = np.ravel(trial.events_AP).astype(np.float64)
        trials.append(np.ravel(trial.fluo_mean).astype(np.float32))
        spikes.append(np.sort(ticks[np.isfinite(ticks)]) * SECONDS_PER_TICK - times[0])
        rate = 1 / float(np.median(np.diff(times)))
    return RealCell(
        file=row["file"],
        cell_type=row["cell_type"],
        indicator=row["indicator"],
        preparation=row["preparation"].split(",")[0],
        sampling_frequency=rate,
        trials=tuple(trials),
        dataset=row["dataset"],
        batch=row["batch"] or row["file"],
        spikes=tuple(spikes),
    )
