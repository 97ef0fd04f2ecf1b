"""Simulated sessions that the bundled models are trained, calibrated and tested on.

Everything here decides what the networks see, so a change of this file makes new data
and new networks; nothing about training or measuring belongs in it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_celltype import simulation
from napari_celltype.classifiers.preparation import (
    area_average,
    cut_windows,
    frames_after_averaging,
)
from napari_celltype.simulation import Session, simulate_session
from napari_celltype.simulation.parameters import REGIMES

TYPES = ("PV", "PY", "SOM", "VIP")  # in the order of a network's outputs
WINDOW_SECONDS = 60
CELLS_PER_SESSION = 40
# Recordings are as fast as the model or faster, and are averaged down as users' are.
SPEED_UP = (1.0, 1.0, 1.0, 1.0, 1.56, 1.56, 2.66, 3.0, 3.0, 6.0)
# Raw fluorescence, or with suite2p's neuropil subtraction.
NEUROPIL_COEFFICIENTS = (0.0, 0.7)
TRAINING_MINUTES = (1, 2)  # of a training session, from which one window is cut
LONGEST = 16  # windows of a calibration or test session
STRATA = (
    "in vivo, OGB1",
    "in vivo, GCaMP6f",
    "in vivo, GCaMP6s",
    "slice, GCaMP6f",
)
PLAIN, WITHOUT_SLICE = "plain", "without slice"
DENIED_CELLS = tuple(f"without {stratum}" for stratum in STRATA)
DENIED = (*DENIED_CELLS, WITHOUT_SLICE)
TRAINING, CALIBRATION, TEST = 0, 1, 2  # never the same random numbers

# Scripts that estimate the simulator's parameters again without some cells.
ESTIMATION = (
    "refit.py",
    "estimate_parameters.py",
    "paired_cells.py",
    "spike_responses.py",
)

# Modules of the simulator that turn no random number into a trace.
NO_TRACES = {
    "__init__.py",
    "documentation.py",
    "field_of_view.py",
    "folder.py",
    "matching.py",
    "movie.py",
    "recording.py",
}


def digest_of(*contents: bytes) -> str:
    """Return a short digest."""
    return hashlib.sha256(b"\0".join(contents)).hexdigest()[:12]


def _simulator_digest() -> str:
    """Return a digest of the code and the numbers that make traces."""
    files = Path(simulation.__file__).parent.iterdir()
    used = sorted(f for f in files if f.is_file() and f.name not in NO_TRACES)
    return digest_of(*(file.read_bytes() for file in used))


# Of the code that is loaded now, whatever is edited while networks are trained.
SIMULATOR_SHA256 = _simulator_digest()
_SESSIONS_SHA256 = digest_of(Path(__file__).read_bytes())


@dataclass(frozen=True)
class Part:
    """The sessions of one use, of which every number follows.

    Attributes
    ----------
    use : int
        TRAINING, CALIBRATION or TEST.
    rate : float
        Of the model, Hz.
    seed : int
    sessions : int
    variant : str
        PLAIN or one of `DENIED`: what the simulator does without.
    """

    use: int
    rate: float
    seed: int
    sessions: int
    variant: str = PLAIN

    @property
    def name(self) -> str:
        """Return a file name that tells everything that decides the content."""
        use = ("training", "calibration", "test")[self.use]
        variant = self.variant.replace(",", "").replace(" ", "-")
        key = digest_of(
            SIMULATOR_SHA256.encode(), _SESSIONS_SHA256.encode(), _refit_code(self)
        )
        return f"{use}-{self.rate:g}hz-{self.seed}-{self.sessions}-{variant}-{key}"


def _refit_code(part: Part) -> bytes:
    if part.variant not in DENIED_CELLS:
        return b""
    scripts = Path(__file__).parent
    return b"".join((scripts / name).read_bytes() for name in ESTIMATION)


@dataclass(frozen=True, eq=False)
class Seen:
    """One session as a user would give it to a model, F or F - 0.7 * Fneu."""

    number: int
    labels: NDArray[np.str_]
    traces: NDArray[np.float32]
    neuropil: NDArray[np.float32]
    sampling_frequency: float
    regime: str
    indicator: str
    rng: np.random.Generator

    def at(self, rate: float) -> NDArray[np.float32]:
        """Return the traces averaged down to a rate in Hz."""
        ratio = self.sampling_frequency / rate
        n_out = frames_after_averaging(self.traces.shape[1], ratio)
        return area_average(self.traces, ratio, n_out)


def deny(variant: str) -> None:
    """Take from this process's simulator what a variant must not know."""
    if variant in DENIED_CELLS:
        from refit import use_without

        use_without([variant.removeprefix("without ")])


def sessions(part: Part, minutes: tuple[int, int]) -> Iterator[Seen]:
    """Simulate sessions of fewest to most minutes."""
    root = np.random.default_rng([part.seed, part.use, round(10 * part.rate)])
    shares = {name: parameter.low for name, parameter in REGIMES.items()}
    if part.variant == WITHOUT_SLICE:
        del shares["slice"]
    chances = np.array(list(shares.values())) / sum(shares.values())
    for number, stream in enumerate(root.spawn(part.sessions)):
        labels = stream.choice(TYPES, CELLS_PER_SESSION)
        fs = part.rate * float(stream.choice(SPEED_UP))
        length = int(stream.integers(minutes[0], minutes[1] + 1))
        n_frames = int(np.ceil((length * WINDOW_SECONDS + 5) * fs))
        coefficient = float(stream.choice(NEUROPIL_COEFFICIENTS))
        regime = str(stream.choice(list(shares), p=chances))
        session: Session = simulate_session(labels, n_frames, fs, stream, regime=regime)
        yield Seen(
            number,
            labels,
            session.traces(coefficient),
            session.fluorescence.neuropil,
            fs,
            session.behaviour.regime,
            session.nuisances.indicator,
            stream,
        )


def simulate_training(part: Part, folder: Path) -> Path:
    """Write one window of each training cell, cut at a random offset, and its type."""
    path = folder / f"{part.name}.npz"
    if path.exists():
        return path
    deny(part.variant)
    size = round(part.rate * WINDOW_SECONDS)
    n_cells = part.sessions * CELLS_PER_SESSION
    windows = np.empty((n_cells, size), dtype=np.float32)
    labels = np.empty(n_cells, dtype="<U3")
    for seen in sessions(part, TRAINING_MINUTES):
        traces = seen.at(part.rate)
        starts = seen.rng.integers(0, traces.shape[1] - size + 1, len(traces))
        rows = slice(
            seen.number * CELLS_PER_SESSION, (seen.number + 1) * CELLS_PER_SESSION
        )
        columns = starts[:, None] + np.arange(size)
        windows[rows] = np.take_along_axis(traces, columns, axis=1)
        labels[rows] = seen.labels
    _save(path, windows=windows, labels=labels)
    return path


def simulate_long(part: Part, folder: Path) -> Path:
    """Write the first `LONGEST` windows of calibration or test cells, and their truth.

    Arrays: `windows` (n_cells, LONGEST, size), `labels`, `session`, `regime`,
    `indicator` (n_cells,), `sampling_frequency` of the recording (n_cells,).
    """
    path = folder / f"{part.name}.npz"
    if path.exists():
        return path
    size = round(part.rate * WINDOW_SECONDS)
    n_cells = part.sessions * CELLS_PER_SESSION
    windows = np.empty((n_cells, LONGEST, size), dtype=np.float32)
    labels = np.empty(n_cells, dtype="<U3")
    session = np.repeat(np.arange(part.sessions), CELLS_PER_SESSION)
    regime = np.empty(n_cells, dtype="<U20")
    indicator = np.empty(n_cells, dtype="<U20")
    recorded = np.empty(n_cells)
    for seen in sessions(part, (LONGEST, LONGEST)):
        rows = session == seen.number
        windows[rows] = cut_windows(seen.at(part.rate), size)[:, :LONGEST]
        labels[rows] = seen.labels
        regime[rows], indicator[rows] = seen.regime, seen.indicator
        recorded[rows] = seen.sampling_frequency
    _save(
        path,
        windows=windows,
        labels=labels,
        session=session,
        regime=regime,
        indicator=indicator,
        sampling_frequency=recorded,
    )
    return path


def _save(path: Path, **arrays: NDArray[np.generic]) -> None:
    """Write arrays so that a file that is there is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.stem}.{os.getpid()}.unfinished")
    with unfinished.open("wb") as file:
        np.savez(file, **arrays)
    unfinished.replace(path)
