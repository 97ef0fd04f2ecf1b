"""Neurons recorded with their spikes, and what is measured in one of them."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat
from scipy.signal import lfilter

Array = NDArray[np.float64]

SECONDS_PER_TICK = 1e-4
SHORT_INTERVAL = 0.015  # s; spikes closer than this are one burst
SLOWER_THAN = 0.1  # Hz; what lies below and spikes do not explain is drift

RISES = np.array([0.005, 0.015, 0.03, 0.05, 0.08, 0.12, 0.18, 0.27])
DECAYS = np.geomspace(0.1, 5.0, 24)


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

    file: str
    dataset: str
    cell_type: str
    indicator: str
    preparation: str
    batch: str
    trials: tuple[Trial, ...]

    @property
    def stratum(self) -> str:
        return f"{self.preparation}, {self.indicator}"

    @property
    def sampling_frequency(self) -> float:
        return 1 / self.trials[0].step

    @property
    def seconds(self) -> float:
        return sum(trial.seconds for trial in self.trials)

    @property
    def n_spikes(self) -> int:
        return sum(trial.spikes.size for trial in self.trials)


@dataclass(frozen=True)
class Fit:
    """dF/F explained by spikes: a double exponential of unit peak, times amplitude."""

    amplitude: float
    rise: float
    decay: float
    explained: float
    drift: float


def read_cells(folder: Path) -> list[PairedCell]:
    """Read the neurons that `real_cells.csv` in `folder` lists, with their spikes."""
    with (folder / "real_cells.csv").open(newline="") as file:
        return [_read_cell(folder, row) for row in csv.DictReader(file)]


def _read_cell(folder: Path, row: Mapping[str, str]) -> PairedCell:
    path = folder / "real_cells" / row["file"]
    content = loadmat(path, squeeze_me=True, struct_as_record=False)["CAttached"]
    trials = []
    for trial in np.atleast_1d(content):
        times = np.ravel(trial.fluo_time).astype(np.float64)
        dff = np.ravel(trial.fluo_mean).astype(np.float64)
        spikes = np.ravel(trial.events_AP).astype(np.float64) * SECONDS_PER_TICK
        spikes = np.sort(spikes[np.isfinite(spikes)])
        trials.append(Trial(dff, times, spikes))
    return PairedCell(
        row["file"],
        row["dataset"],
        row["cell_type"],
        row["indicator"].replace("OGB1", "OGB-1"),
        row["preparation"].split(",")[0],
        row["batch"],
        tuple(trials),
    )


def shot_noise(cell: PairedCell) -> float:
    """Return nu = 100 median|dF/F difference| / sqrt(frame rate), % / sqrt(Hz)."""
    differences = np.concatenate([np.abs(np.diff(t.dff)) for t in cell.trials])
    return float(100 * np.median(differences) / np.sqrt(cell.sampling_frequency))


def exponential_sums(trial: Trial, constants: Array) -> Array:
    """Return, at each frame, the sum of exp(-age / constant) over the spikes before.

    Exact at any spike time: shape (n_constants, n_frames).
    """
    frame = np.searchsorted(trial.times, trial.spikes)
    inside = frame < trial.times.size
    frame, spikes = frame[inside], trial.spikes[inside]
    age = trial.times[frame] - spikes
    sums = np.empty((constants.size, trial.times.size))
    for row, constant in enumerate(constants):
        arriving = np.bincount(frame, np.exp(-age / constant), trial.times.size)
        kept = np.exp(-trial.step / constant)
        sums[row] = lfilter([1.0], [1.0, -kept], arriving)
    return sums


def unit_peak(rise: float, decay: float) -> float:
    """Return the peak of exp(-t / decay) - exp(-t / rise)."""
    time = np.log(decay / rise) * decay * rise / (decay - rise)
    return float(np.exp(-time / decay) - np.exp(-time / rise))


def fit(cell: PairedCell) -> Fit:
    """Fit rise, decay and amplitude of a spike's dF/F by least squares over a grid."""
    constants = np.concatenate([RISES, DECAYS])
    sums, values = [], []
    for trial in cell.trials:
        rows = exponential_sums(trial, constants)
        sums.append(rows - rows.mean(axis=1, keepdims=True))
        values.append(trial.dff - trial.dff.mean())
    columns, target = np.concatenate(sums, axis=1), np.concatenate(values)
    # kernel = decay column - rise column; all products follow from one Gram matrix
    gram, product = columns @ columns.T, columns @ target
    rise, decay = np.meshgrid(
        np.arange(RISES.size), RISES.size + np.arange(DECAYS.size), indexing="ij"
    )
    power = gram[decay, decay] - 2 * gram[decay, rise] + gram[rise, rise]
    along = product[decay] - product[rise]
    slow_enough = RISES[:, None] < 0.5 * DECAYS
    explained = np.where(slow_enough & (along > 0), along**2 / power, 0)
    best = np.unravel_index(np.argmax(explained), explained.shape)
    r, d = float(RISES[best[0]]), float(DECAYS[best[1]])
    scale = along[best] / power[best]
    kernel = columns[decay[best]] - columns[rise[best]]
    drift = slow_deviation(target - scale * kernel, cell)
    return Fit(
        float(scale * unit_peak(r, d)),
        r,
        d,
        float(explained[best] / (target @ target)),
        drift,
    )


def slow_deviation(residual: Array, cell: PairedCell) -> float:
    """Return the deviation of a residual below `SLOWER_THAN`, over all trials."""
    total, n = 0.0, 0
    start = 0
    for trial in cell.trials:
        piece = residual[start : start + trial.dff.size]
        start += trial.dff.size
        width = min(round(0.44 / SLOWER_THAN / trial.step), piece.size)
        sums = np.cumsum(np.concatenate([[0.0], piece]))
        smooth = (sums[width:] - sums[:-width]) / width
        total += float(np.square(smooth - smooth.mean()).sum())
        n += smooth.size
    return float(np.sqrt(total / n))


def intervals(cell: PairedCell) -> Iterator[Array]:
    """Yield the intervals between the spikes of each trial, s."""
    for trial in cell.trials:
        if trial.spikes.size > 2:
            yield np.diff(trial.spikes)


def local_variation(cell: PairedCell) -> float:
    """Return LV (Shinomoto 2003): 1 for Poisson, 3 / (2 k + 1) for gamma order k."""
    parts = []
    for between in intervals(cell):
        total = between[1:] + between[:-1]
        parts.append(3 * np.square(np.diff(between) / np.maximum(total, 1e-9)))
    return float(np.mean(np.concatenate(parts))) if parts else float("nan")


def burst_lengths(cell: PairedCell) -> NDArray[np.int64]:
    """Return the spikes of each event; intervals < `SHORT_INTERVAL` join spikes."""
    lengths = []
    for trial in cell.trials:
        if trial.spikes.size:
            ends = np.flatnonzero(np.diff(trial.spikes) >= SHORT_INTERVAL)
            edges = np.concatenate([[-1], ends, [trial.spikes.size - 1]])
            lengths.append(np.diff(edges))
    return np.concatenate(lengths) if lengths else np.zeros(0, np.int64)
