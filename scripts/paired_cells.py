"""Neurons recorded with their spikes: reading them, noise and drift of their dF/F."""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))
from known_cells import read_trials

Array = NDArray[np.float64]

QUIET_AFTER = 5.0  # s without a spike, after which dF/F is taken for baseline
BASELINE_BIN = 5.0  # s; baseline means are taken in bins, so that noise averages out


@dataclass(frozen=True, eq=False)
class Trial:
    """One uninterrupted recording: dF/F, frame times (s) and spike times (s)."""

    dff: Array
    times: Array
    spikes: Array

    @property
    def step(self) -> float:
        return float(np.median(np.diff(self.times)))

    @property
    def seconds(self) -> float:
        return self.dff.size * self.step


@dataclass(frozen=True, eq=False)
class PairedCell:
    """One neuron: what the table says of it, and its trials."""

    dataset: str
    cell_type: str
    indicator: str
    preparation: str
    trials: tuple[Trial, ...]

    @property
    def sampling_frequency(self) -> float:
        return 1 / self.trials[0].step

    @property
    def seconds(self) -> float:
        return sum(trial.seconds for trial in self.trials)

    @property
    def n_spikes(self) -> int:
        return sum(trial.spikes.size for trial in self.trials)


def read_cells(folder: Path) -> list[PairedCell]:
    """Read the neurons that `real_cells.csv` in `folder` lists, with their spikes."""
    with (folder / "real_cells.csv").open(newline="") as file:
        return [_read_cell(folder, row) for row in csv.DictReader(file)]


def _read_cell(folder: Path, row: Mapping[str, str]) -> PairedCell:
    return PairedCell(
        row["dataset"],
        row["cell_type"],
        row["indicator"].replace("OGB1", "OGB-1"),
        row["preparation"].split(",")[0],
        tuple(Trial(*trial) for trial in read_trials(folder, row["file"])),
    )


def shot_noise(cell: PairedCell) -> float:
    """Return nu = 100 median|dF/F difference| / sqrt(frame rate), % / sqrt(Hz)."""
    differences = np.concatenate([np.abs(np.diff(t.dff)) for t in cell.trials])
    return float(100 * np.median(differences) / np.sqrt(cell.sampling_frequency))


def slow_drift(cell: PairedCell) -> float:
    """Return the deviation of the silent cell's dF/F in bins of 5 s (below 0.1 Hz)."""
    squares = degrees = 0.0
    for trial in cell.trials:
        last = np.searchsorted(trial.spikes, trial.times) - 1
        before = np.concatenate([trial.spikes, [-np.inf]])[last]
        silent = trial.times - before > QUIET_AFTER
        which = ((trial.times - trial.times[0]) / BASELINE_BIN).astype(np.int64)
        counts = np.bincount(which[silent], minlength=which[-1] + 1)
        sums = np.bincount(which[silent], trial.dff[silent], minlength=which[-1] + 1)
        full = counts > 0.5 * BASELINE_BIN / trial.step
        if full.sum() < 5:
            continue
        means = sums[full] / counts[full]
        noise = np.median(np.abs(np.diff(trial.dff))) / 0.6745 / np.sqrt(2)
        variance = means.var(ddof=1) - np.mean(noise**2 / counts[full])
        squares += max(variance, 0.0) * (full.sum() - 1)
        degrees += full.sum() - 1
    return float(np.sqrt(squares / degrees)) if degrees else float("nan")
