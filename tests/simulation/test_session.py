"""Sessions: seeds, shapes, what types do, and what must not depend on them."""

import dataclasses

import numpy as np
import pytest

from napari_celltype.errors import LabelError, SamplingFrequencyError
from napari_celltype.simulation import Session, simulate_session, simulate_traces
from napari_celltype.simulation.parameters import SIGNALS

TYPES = ("PY", "PV", "SOM", "VIP")
FS = 10.0


@pytest.fixture(scope="module")
def running() -> Session:
    """A long running session with many cells of each type."""
    labels = np.repeat(TYPES, 60)
    return simulate_session(labels, 3000, FS, 3, regime="running", indicator="GCaMP6f")


def _rates(session: Session, cell_type: str) -> np.ndarray:
    return session.spikes[session.labels == cell_type].mean(axis=1) * FS


def test_same_seed_gives_the_same_bytes_and_another_does_not():
    counts = {"PY": 30, "VIP": 25}
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first, again, other = (simulate_traces(counts, 200, FS, seed) for seed in (5, 5, 6))
    assert first.traces.tobytes() == again.traces.tobytes()
    assert first.labels.tolist() == again.labels.tolist()
    assert not np.array_equal(first.traces, other.traces)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_a_trace_set_holds_what_was_asked_for():
    counts = {"PY": 41, "PV": 12, "SST": 7, "VIP": 30}
    traces = simulate_traces(counts, 123, 7.5, 0)
    assert traces.traces.shape == (90, 123)
    assert traces.traces.dtype == np.float32
    assert np.isfinite(traces.traces).all()
    assert traces.sampling_frequency == 7.5
    assert traces.counts() == {"PV": 12, "PY": 41, "SOM": 7, "VIP": 30}
    assert len(np.unique(traces.cell_id)) == 90
    # Sessions mix the types.
    for session in np.unique(traces.session_id):
        assert len(np.unique(traces.labels[traces.session_id == session])) > 2


@pytest.mark.parametrize("fs", [5.0, 10.0, 26.6, 60.0])
@pytest.mark.parametrize("regime", ["running", "quiet", "anaesthesia", "slice"])
def test_every_regime_and_rate_gives_finite_traces(fs, regime):
    session = simulate_session(np.array(TYPES), 90, fs, 0, regime=regime)
    for part in dataclasses.astuple(session.fluorescence):
        assert part.shape == (4, 90)
        assert part.dtype == np.float32
        assert np.isfinite(part).all()


def test_subtracting_neuropil_is_what_it_says(running):
    expected = running.fluorescence.raw_traces - 0.5 * running.fluorescence.neuropil
    np.testing.assert_allclose(running.traces(0.5), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("label", "fs", "error", "words"),
    [
        ("CCK", FS, LabelError, "CCK"),
        ("PY", 0.0, SamplingFrequencyError, "positive"),
        ("PY", -3.0, SamplingFrequencyError, "positive"),
        ("PY", float("nan"), SamplingFrequencyError, "positive"),
    ],
)
def test_what_cannot_be_simulated_is_refused(label, fs, error, words):
    with pytest.raises(error, match=words):
        simulate_session(np.array([label]), 100, fs, 0)
    with pytest.raises(LabelError, match="PY=100"):
        simulate_traces({"PY": 0}, 100, FS, 0)


def test_pv_cells_fire_most_and_pyramidal_cells_least(running):
    medians = {name: np.median(_rates(running, name)) for name in TYPES}
    assert medians["PV"] > medians["SOM"] > medians["PY"]
    assert medians["VIP"] > medians["PY"]
    assert medians["PV"] > 5 * medians["PY"]


def test_types_hold_cells_of_both_signs(running):
    speed = running.behaviour.speed
    spikes = running.spikes[running.labels == "SOM"]
    correlations = np.array([np.corrcoef(row, speed)[0, 1] for row in spikes])
    assert (correlations > 0.05).sum() > (correlations < -0.05).sum() > 0


def test_vip_cells_follow_the_reward_more_than_pv_cells(running):
    reward = running.behaviour.signals[SIGNALS.index("reward")]

    def gain(name: str) -> float:
        spikes = running.spikes[running.labels == name]
        at, away = spikes[:, reward > 0.5].mean(axis=1), spikes[:, reward < 0.1]
        return float(np.median(at / (away.mean(axis=1) + 0.01)))

    assert gain("VIP") > gain("PV")


def test_some_pyramidal_cells_are_place_cells(running):
    """Place cells fire in one part of the belt, so position tells much about them."""
    position = running.behaviour.position
    bins = (position / position.max() * 19.999).astype(int)
    spikes = running.spikes[running.labels == "PY"]
    tuning = np.array([spikes[:, bins == b].mean(axis=1) for b in range(20)])
    peak = tuning.max(axis=0) / (tuning.mean(axis=0) + 1e-3)
    assert 0.1 < (peak > 5).mean() < 0.9


@pytest.mark.parametrize("regime", [None, "slice"])
def test_nuisances_do_not_look_at_the_types(regime):
    """The same seed and other types: every nuisance stays exactly the same."""
    labels = np.repeat(TYPES, 5)
    one = simulate_session(labels, 100, FS, 9, regime=regime)
    other = simulate_session(labels[::-1].copy(), 100, FS, 9, regime=regime)
    for field in dataclasses.fields(one.nuisances):
        np.testing.assert_array_equal(
            getattr(one.nuisances, field.name), getattr(other.nuisances, field.name)
        )
    np.testing.assert_array_equal(one.behaviour.speed, other.behaviour.speed)
    assert one.behaviour.regime == other.behaviour.regime
