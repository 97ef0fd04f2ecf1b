"""Neurons whose cell type is known, with their fluorescence."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat

Array = NDArray[np.float64]

SECONDS_PER_TICK = 1e-4  # of `events_AP`


@dataclass(frozen=True, eq=False)
class RealCell:
    """One neuron: its type, how it was recorded, and the dF/F of each trial."""

    file: str
    cell_type: str
    indicator: str
    preparation: str  # "in vivo" or "slice"
    sampling_frequency: float  # Hz
    trials: tuple[NDArray[np.float32], ...]  # a fraction
    dataset: str = ""
    batch: str = ""  # cells of one batch were recorded together
    raw: bool = False  # raw fluorescence of unknown offset, not dF/F

    @property
    def seconds(self) -> float:
        """Length of all trials."""
        return sum(trial.size for trial in self.trials) / self.sampling_frequency

    @property
    def shot_noise(self) -> float:
        """100 median|dF/F difference| / sqrt(frame rate), % / sqrt(Hz)."""
        steps = np.concatenate([np.abs(np.diff(trial)) for trial in self.trials])
        return float(100 * np.median(steps) / np.sqrt(self.sampling_frequency))


def load_cells(folder: Path) -> list[RealCell]:
    """Read the neurons that `real_cells.csv` lists, in its order."""
    with (folder / "real_cells.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [_load_cell(folder, row) for row in rows]


def load_invivo(folder: Path) -> list[RealCell]:
    """Read the neurons of `real_invivo`; those of one mouse are one batch."""
    # V1: raw fluorescence of PY at 15 Hz. S1: dF/F of VIP and PY at 7.5 Hz in segments,
    # and in pieces of 45 s.
    inside = folder / "real_invivo"
    if not inside.exists():
        return []
    with (inside / "visp_pyramidal_15hz.csv").open(newline="") as file:
        indicators = {
            row["cell_id"]: row["indicator"].lstrip("j") for row in csv.DictReader(file)
        }
    cells = []
    for dataset, name in (
        ("V1", "visp_pyramidal_15hz"),
        ("S1", "s1_vip_segments_7p5hz"),
        ("S1 45 s", "s1_vip_45s_7p5hz"),
    ):
        with np.load(inside / f"{name}.npz") as file:
            data = dict(file)
        if "values" in data:
            pieces = np.split(data["values"], data["start"][1:])
        else:
            pieces = list(data["traces"])
        for cell_id in np.unique(data["cell_id"]).tolist():
            rows = np.flatnonzero(data["cell_id"] == cell_id)
            cells.append(
                RealCell(
                    file=f"{name}:{cell_id}",
                    cell_type=str(data["labels"][rows[0]]),
                    indicator=indicators.get(cell_id, ""),
                    preparation="in vivo",
                    sampling_frequency=float(data["sampling_frequency"]),
                    trials=tuple(pieces[row] for row in rows),
                    dataset=dataset,
                    batch=str(data["subject_id"][rows[0]]),
                    raw=dataset == "V1",
                )
            )
    return cells


def read_trials(folder: Path, file: str) -> Iterator[tuple[Array, Array, Array]]:
    """Yield dF/F, frame times (s) and spike times (s, ascending) of each trial."""
    inside = folder / "real_cells" / file
    path = inside if inside.exists() else folder / file
    content = loadmat(path, squeeze_me=True, struct_as_record=False)["CAttached"]
    for trial in np.atleast_1d(content):
        dff, times, ticks = (
            np.ravel(values).astype(np.float64)
            for values in (trial.fluo_mean, trial.fluo_time, trial.events_AP)
        )
        yield dff, times, np.sort(ticks[np.isfinite(ticks)]) * SECONDS_PER_TICK


def _load_cell(folder: Path, row: Mapping[str, str]) -> RealCell:
    trials = []
    for dff, times, _ in read_trials(folder, row["file"]):
        trials.append(dff.astype(np.float32))
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
    )
