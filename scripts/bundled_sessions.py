"""Simulated sessions that the bundled models are trained, calibrated and tested on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.classifiers import CellTypeModel, predict_recording_traces
from napari_celltype.classifiers.preparation import (
    area_average,
    frames_after_averaging,
)
from napari_celltype.simulation import Session, simulate_session

TYPES = ("PY", "PV", "SOM", "VIP")
WINDOW_SECONDS = 60
CELLS_PER_SESSION = 40
# Recordings are as fast as the model or faster, and are averaged down as users' are.
SPEED_UP = (1.0, 1.0, 1.56, 2.66, 3.0)
# Raw fluorescence, or with suite2p's neuropil subtraction.
NEUROPIL_COEFFICIENTS = (0.0, 0.7)
TRAINING, CALIBRATION, TEST = 0, 1, 2  # never the same seed


@dataclass(frozen=True, eq=False)
class Seen:
    """One session as a user would give it to a model."""

    labels: NDArray[np.str_]
    traces: NDArray[np.float32]
    sampling_frequency: float
    regime: str
    indicator: str


def sessions(
    seed: int, use: int, rate: float, n_sessions: int, *, windows: tuple[int, int]
) -> Iterator[Seen]:
    """Simulate sessions of `windows` (fewest, most) minutes for a model."""
    root = np.random.default_rng([seed, use, round(10 * rate)])
    for stream in root.spawn(n_sessions):
        labels = stream.choice(TYPES, CELLS_PER_SESSION)
        fs = rate * float(stream.choice(SPEED_UP))
        minutes = int(stream.integers(windows[0], windows[1] + 1))
        n_frames = int(np.ceil((minutes * WINDOW_SECONDS + 5) * fs))
        coefficient = float(stream.choice(NEUROPIL_COEFFICIENTS))
        session: Session = simulate_session(labels, n_frames, fs, stream)
        yield Seen(
            labels,
            session.traces(coefficient),
            fs,
            session.behaviour.regime,
            session.nuisances.indicator,
        )


@lru_cache(maxsize=1)
def training_windows(
    seed: int, rate: float, n_sessions: int
) -> tuple[NDArray[np.float32], NDArray[np.str_]]:
    """Return one window of each training cell, cut at a random offset, and its type."""
    size = round(rate * WINDOW_SECONDS)
    rng = np.random.default_rng([seed, TRAINING, round(10 * rate), 1])
    windows, labels = [], []
    for seen in sessions(seed, TRAINING, rate, n_sessions, windows=(1, 3)):
        ratio = seen.sampling_frequency / rate
        n_out = frames_after_averaging(seen.traces.shape[1], ratio)
        traces = area_average(seen.traces, ratio, n_out)
        starts = rng.integers(0, n_out - size + 1, len(traces))
        columns = starts[:, None] + np.arange(size)
        windows.append(np.take_along_axis(traces, columns, axis=1))
        labels.append(seen.labels)
    return np.concatenate(windows), np.concatenate(labels)


@dataclass(frozen=True, eq=False)
class Answers:
    """What a model says about the cells of many sessions, one row per cell."""

    truth: NDArray[np.str_]
    probabilities: NDArray[np.float64]
    n_windows: NDArray[np.int64]
    session: NDArray[np.int64]
    regime: NDArray[np.str_]

    def rows_by_session(self) -> list[NDArray[np.int64]]:
        """Return the rows of each session."""
        return [np.flatnonzero(self.session == s) for s in np.unique(self.session)]


@lru_cache(maxsize=2)
def _kept(seed: int, use: int, rate: float, n_sessions: int) -> tuple[Seen, ...]:
    """Return sessions of one to five minutes, simulated once for all models."""
    return tuple(sessions(seed, use, rate, n_sessions, windows=(1, 5)))


def ask(
    model: CellTypeModel, seed: int, use: int, rate: float, n_sessions: int
) -> Answers:
    """Classify sessions of one to five minutes through the user's own way in."""
    parts: list[tuple[Any, ...]] = []
    for number, seen in enumerate(_kept(seed, use, rate, n_sessions)):
        answer = predict_recording_traces(
            model, seen.traces, seen.sampling_frequency, (), device="cpu"
        )
        size = len(seen.labels)
        parts.append(
            (
                seen.labels,
                answer.probabilities,
                answer.n_windows,
                np.full(size, number),
                np.full(size, seen.regime),
            )
        )
    return Answers(*(np.concatenate(column) for column in zip(*parts, strict=True)))
