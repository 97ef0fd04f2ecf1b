"""The simulator's numbers do not change unless its version does.

After a change on purpose: raise SIMULATOR_VERSION, then run this file to write the
numbers anew.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from napari_celltype.simulation import (
    SIMULATOR_VERSION,
    simulate_recording,
    simulate_session,
    simulate_traces,
)
from napari_celltype.simulation.files import movie_blocks
from napari_celltype.simulation.parameters import INDICATORS, REGIMES

NUMBERS = Path(__file__).with_name("numbers.json")
LABELS = np.repeat(["PY", "PV", "SOM", "VIP"], 4)


def _arrays() -> Iterator[tuple[str, np.ndarray]]:
    cases = [(regime, "GCaMP6f", 10.0) for regime in REGIMES]
    cases += [("running", indicator, 5.0) for indicator in INDICATORS]
    cases += [(None, None, 26.6)]
    for seed, (regime, indicator, fs) in enumerate(cases):
        session = simulate_session(
            LABELS, 200, fs, seed, regime=regime, indicator=indicator
        )
        name = f"{regime} {indicator} {fs:g} Hz"
        yield f"{name}: traces", session.fluorescence.raw_traces
        yield f"{name}: neuropil", session.fluorescence.neuropil
        yield f"{name}: dF/F", session.dff
        yield f"{name}: spikes", session.spikes
    counts = {"PY": 30, "PV": 10, "SOM": 20, "VIP": 10}
    yield "trace set", simulate_traces(counts, 100, 10.0, 3).traces
    recording = simulate_recording(12, 40, random_state=5)
    yield "mean image", recording.projection()
    yield "movie", np.concatenate(list(movie_blocks(recording)))


def _numbers() -> dict[str, list[float]]:
    """Return mean, deviation and a mean that depends on the order, of each array."""
    found = {}
    for name, array in _arrays():
        values = array.astype(np.float64).ravel()
        ramp = np.linspace(0, 1, values.size)
        found[name] = [float(values.mean()), float(values.std()), float(ramp @ values)]
    return found


def test_simulated_numbers_are_those_of_the_version():
    saved = json.loads(NUMBERS.read_text())
    assert saved.pop("version") == SIMULATOR_VERSION, "write the numbers anew"
    now = _numbers()
    assert now.keys() == saved.keys()
    for name, values in now.items():
        expected = pytest.approx(saved[name], rel=1e-6)
        assert values == expected, f"{name} changed: raise SIMULATOR_VERSION"


if __name__ == "__main__":
    content = {"version": SIMULATOR_VERSION, **_numbers()}
    lines = [f"{json.dumps(name)}: {json.dumps(v)}" for name, v in content.items()]
    NUMBERS.write_text("{\n" + ",\n".join(lines) + "\n}\n")
