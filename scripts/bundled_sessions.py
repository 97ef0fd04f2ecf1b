"""Simulated sessions that the bundled models are trained, calibrated and tested on.

All are of awake animals, as the recordings of the users are; slices and anaesthesia
only test whether a model warns of what it was not trained for. What is written here
decides what the networks see, so a change of it makes new data and new networks.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_celltype.files import write_atomically
from napari_celltype.recording import (
    area_average,
    frames_after_averaging,
)
from napari_celltype.simulation import SIMULATOR_VERSION, simulate_session

TYPES = ("PV", "PY", "SOM", "VIP")  # in the order of a network's outputs
RATES = (10.0, 5.0)  # of the models, Hz
CELLS_PER_SESSION = 40
# Frame rates of recordings, Hz. A model sees those that are as fast as itself or
# faster, averaged down as the recordings of users are.
RECORDED_AT = (6.0, 7.5, 10.0, 10.0, 10.0, 15.6, 15.6, 26.6, 30.0, 60.0)
# Raw fluorescence, or with suite2p's neuropil subtraction.
NEUROPIL_COEFFICIENTS = (0.0, 0.7)
AWAKE = {"running": 5 / 7, "quiet": 2 / 7}
TRAINING_MINUTES = 4
LONGEST = 16  # minutes of a calibration or test session
TRAINING, CALIBRATION, TEST, UNLIKE = 0, 1, 2, 3  # never the same random numbers
_SPARE = 1.0  # s, for the rounding of frame rates


def code_digest(*files: Path) -> str:
    """Return a short digest of files, for the names of what is kept between runs."""
    content = b"\0".join(file.read_bytes() for file in files)
    return hashlib.sha256(content).hexdigest()[:12]


# Of the code that is loaded now, whatever is edited while networks are trained.
SESSIONS_KEY = f"{SIMULATOR_VERSION}-{code_digest(Path(__file__))}"


@dataclass(frozen=True)
class Part:
    """Some sessions, of which every number follows."""

    use: int  # TRAINING, CALIBRATION, TEST or UNLIKE
    first: int  # number of the first session
    sessions: int
    minutes: int  # of each session
    regimes: tuple[str, ...] = ()  # of which each session has one; empty for `AWAKE`

    def path(self, folder: Path) -> Path:
        """Return the file, under a name that tells everything that decides it."""
        use = ("training", "calibration", "test", "unlike")[self.use]
        word = "-".join((use, *self.regimes))
        numbers = f"{self.first}-{self.sessions}-{self.minutes}"
        return folder / f"{word}-{numbers}-{SESSIONS_KEY}.npz"


def simulate(part: Part, folder: Path) -> Path:
    """Write the cells of a part, where they are not kept yet."""
    # Arrays by model rate, such as "traces 10", averaged down to it; sessions slower
    # than the model are left out.
    path = part.path(folder)
    if path.exists():
        return path
    found: dict[str, list[NDArray[np.generic]]] = {}
    for number in range(part.first, part.first + part.sessions):
        rng = np.random.default_rng([part.use, number])
        labels = rng.choice(TYPES, CELLS_PER_SESSION)
        recorded_at = float(rng.choice(RECORDED_AT))
        coefficient = float(rng.choice(NEUROPIL_COEFFICIENTS))
        regime = str(
            rng.choice(part.regimes)
            if part.regimes
            else rng.choice(list(AWAKE), p=list(AWAKE.values()))
        )
        n_frames = int(np.ceil((60 * part.minutes + _SPARE) * recorded_at))
        session = simulate_session(labels, n_frames, recorded_at, rng, regime=regime)
        traces = session.traces(coefficient)
        for rate in RATES:
            if recorded_at < rate:
                continue
            size, ratio = round(60 * part.minutes * rate), recorded_at / rate
            assert size <= frames_after_averaging(n_frames, ratio)
            values = {
                "traces": area_average(traces, ratio, size),
                "labels": labels,
                "session": np.full(labels.size, number),
                "recorded at": np.full(labels.size, recorded_at),
            }
            for name, value in values.items():
                found.setdefault(f"{name} {rate:g}", []).append(value)
    arrays = {name: np.concatenate(values) for name, values in found.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda file: np.savez(file, **arrays))
    return path
