"""Simulated sessions that the bundled models are trained, calibrated and tested on.

Everything here decides what the networks see, so a change of this file makes new data
and new networks; nothing about training or measuring belongs in it.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_celltype import simulation
from napari_celltype.classifiers.preparation import cut_windows
from napari_celltype.labels.atomic import write_atomically
from napari_celltype.recording.resampling import area_average, frames_after_averaging
from napari_celltype.simulation import Session, simulate_session
from napari_celltype.simulation.parameters import REGIMES, TRACE_MODULES

TYPES = ("PV", "PY", "SOM", "VIP")  # in the order of a network's outputs
WINDOW_SECONDS = 60
CELLS_PER_SESSION = 40
# Recordings are as fast as the model or faster, and are averaged down as users' are.
SPEED_UP = (1.0, 1.0, 1.0, 1.0, 1.56, 1.56, 2.66, 3.0, 3.0, 6.0)
# Raw fluorescence, or with suite2p's neuropil subtraction.
NEUROPIL_COEFFICIENTS = (0.0, 0.7)
TRAINING_MINUTES = (1, 2)  # of a training session, from which one window is cut
LONGEST = 16  # windows of a calibration or test session
SHAKEN = 4  # of these, windows on which stability is measured
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
    "estimation.py",
    "firing_statistics.py",
    "measured_cells.py",
    "paired_cells.py",
    "../benchmarks/known_cells.py",
    "spike_responses.py",
)

# What of a parameter decides the values that are drawn.
DRAWN_FROM = ("low", "high", "distribution", "negative")


def digest_of(*contents: bytes) -> str:
    """Return a short digest."""
    return hashlib.sha256(b"\0".join(contents)).hexdigest()[:12]


def code_digest(files: Iterable[Path]) -> str:
    """Return a digest of what code does, whatever its comments and docstrings say."""
    return digest_of(*(_code(file).encode() for file in files))


def _code(file: Path) -> str:
    tree = ast.parse(file.read_bytes())
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [part for part in body if not _is_text(part)]
    return ast.dump(tree)


def _is_text(part: ast.AST) -> bool:
    return isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant)


def simulator_digest() -> str:
    """Return a digest of the code and the numbers that make traces."""
    folder = Path(simulation.__file__).parent
    return code_digest(folder / f"{name}.py" for name in sorted(TRACE_MODULES))


# Of the code that is loaded now, whatever is edited while networks are trained.
SIMULATOR_SHA256 = simulator_digest()
_SESSIONS_SHA256 = code_digest([Path(__file__)])


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
        variant = _word(self.variant)
        estimation = _estimation(self.variant)
        code = (SIMULATOR_SHA256.encode(), _SESSIONS_SHA256.encode(), estimation)
        key = digest_of(*code)
        return f"{use}-{self.rate:g}hz-{self.seed}-{self.sessions}-{variant}-{key}"


def _word(variant: str) -> str:
    return variant.replace(",", "").replace(" ", "-")


def _estimation(variant: str) -> bytes:
    if variant not in DENIED_CELLS:
        return b""
    scripts = Path(__file__).parent
    return code_digest(scripts / name for name in ESTIMATION).encode()


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

    def at(
        self, rate: float, traces: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Return the traces, or the given ones, averaged down to a rate in Hz."""
        traces = self.traces if traces is None else traces
        ratio = self.sampling_frequency / rate
        return area_average(
            traces, ratio, frames_after_averaging(traces.shape[1], ratio)
        )


def estimate_again(variant: str, work: Path) -> Path:
    """Write the simulator's numbers as they are without some real cells.

    Changes the simulator of this process. It takes minutes, so the numbers are kept.
    """
    key = digest_of(SIMULATOR_SHA256.encode(), _estimation(variant))
    path = work / "estimates" / f"{_word(variant)}-{key}.json"
    if not path.exists():
        from refit import measured_numbers, use_without

        use_without([variant.removeprefix("without ")])
        found = {
            name: {field: getattr(table[key], field) for field in DRAWN_FROM}
            for name, table, key in measured_numbers()
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found, indent=1), encoding="utf-8")
    return path


def deny(variant: str, work: Path) -> None:
    """Take from this process's simulator what a variant must not know."""
    if variant not in DENIED_CELLS:
        return
    from refit import measured_numbers

    found = json.loads(estimate_again(variant, work).read_text(encoding="utf-8"))
    for name, table, key in measured_numbers():
        table[key] = replace(table[key], **found[name])


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
    deny(part.variant, folder.parent)
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

    Arrays: `windows` (n_cells, LONGEST, size); `neuropil` (n_cells, SHAKEN, size);
    `labels`, `session`, `regime`, `indicator` and the recording's `sampling_frequency`,
    each (n_cells,).
    """
    path = folder / f"{part.name}.npz"
    if path.exists():
        return path
    size = round(part.rate * WINDOW_SECONDS)
    n_cells = part.sessions * CELLS_PER_SESSION
    windows = np.empty((n_cells, LONGEST, size), dtype=np.float32)
    neuropil = np.empty((n_cells, SHAKEN, size), dtype=np.float32)
    labels = np.empty(n_cells, dtype="<U3")
    session = np.repeat(np.arange(part.sessions), CELLS_PER_SESSION)
    regime = np.empty(n_cells, dtype="<U20")
    indicator = np.empty(n_cells, dtype="<U20")
    recorded = np.empty(n_cells)
    for seen in sessions(part, (LONGEST, LONGEST)):
        rows = session == seen.number
        windows[rows] = cut_windows(seen.at(part.rate), size)[:, :LONGEST]
        around = cut_windows(seen.at(part.rate, seen.neuropil), size)
        neuropil[rows] = around[:, :SHAKEN]
        labels[rows] = seen.labels
        regime[rows], indicator[rows] = seen.regime, seen.indicator
        recorded[rows] = seen.sampling_frequency
    _save(
        path,
        windows=windows,
        neuropil=neuropil,
        labels=labels,
        session=session,
        regime=regime,
        indicator=indicator,
        sampling_frequency=recorded,
    )
    return path


def _save(path: Path, **arrays: NDArray[np.generic]) -> None:
    """Write arrays so that a file that is there is whole."""
    write_atomically(path, lambda file: np.savez(file, **arrays))
