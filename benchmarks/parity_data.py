"""The data sets on which our networks are compared with Keras's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from known_cells import RealCell, load_cells
from provenance import DATA

from napari_celltype.labels import TraceSet, save_traces
from napari_celltype.recording import (
    area_average,
    frames_after_averaging,
)
from napari_celltype.simulation import simulate_traces

RATE = 10.0  # Hz
WINDOW = 600  # frames
INDICATORS = {"in-vivo": "OGB1", "slice": "GCaMP6f"}
SEED = 8001  # of no other script


@dataclass(frozen=True)
class Setting:
    """What the accuracies of one file line depend on, but for the training itself."""

    dataset: str
    counts: dict[str, int]
    n_frames: int
    epochs: int
    made_by: str

    @property
    def file_name(self) -> str:
        counts = "-".join(f"{n}{name}" for name, n in self.counts.items())
        return f"{self.dataset}-{counts}-{self.n_frames}-{self.made_by}.npz"


def simulated(counts: dict[str, int], n_frames: int) -> TraceSet:
    return simulate_traces(counts, n_frames, RATE, SEED)


def rhythms(counts: dict[str, int], n_frames: int) -> TraceSet:
    """Make noisy waves whose period tells the class: each twice that of the last."""
    random = np.random.default_rng(SEED)
    labels = np.repeat(list(counts), list(counts.values()))
    period = np.repeat(10.0 * 2 ** np.arange(len(counts)), list(counts.values()))
    phase = random.uniform(0, 2 * np.pi, labels.size)
    waves = np.sin(2 * np.pi * np.arange(n_frames) / period[:, None] + phase[:, None])
    noise = random.normal(scale=1.2, size=waves.shape)
    return TraceSet(
        traces=(waves + noise).astype(np.float32),
        labels=labels,
        sampling_frequency=RATE,
    )


def real_windows(cells: Sequence[RealCell], preparation: str) -> TraceSet:
    """Cut the neurons of one preparation and indicator into windows at 10 Hz."""
    parts, labels, names = [], [], []
    for cell in cells:
        ratio = cell.sampling_frequency / RATE
        if (
            cell.preparation.replace(" ", "-") != preparation
            or cell.indicator != INDICATORS[preparation]
            or ratio < 1
        ):
            continue
        cell_type = cell.cell_type
        if preparation == "in-vivo" and cell_type != "PY":
            cell_type = "IN"  # Two PV or SOM neurons are too few to be split.
        for trial in cell.trials:
            n_out = frames_after_averaging(trial.size, ratio)
            used = n_out // WINDOW * WINDOW
            pieces = area_average(trial[None], ratio, n_out)[:, :used]
            pieces = pieces.reshape(-1, WINDOW)
            parts.append(pieces)
            labels += [cell_type] * len(pieces)
            names += [cell.file] * len(pieces)
    return TraceSet(
        traces=np.concatenate(parts),
        labels=np.array(labels),
        cell_id=np.array(names),
        sampling_frequency=RATE,
    )


def data_file(setting: Setting, folder: Path) -> Path:
    """Make the data set once; every process reads the same file."""
    path = folder / setting.file_name
    if not path.exists():
        if setting.dataset in INDICATORS:
            traces = real_windows(load_cells(DATA), setting.dataset)
        else:
            make = {"simulated": simulated, "rhythms": rhythms}[setting.dataset]
            traces = make(setting.counts, setting.n_frames)
        save_traces(traces, path)
    return path
