"""What the types do, against the numbers that the tables ask for."""

import dataclasses
from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_celltype.simulation import Session, simulate_session
from napari_celltype.simulation.behaviour import simulate_behaviour
from napari_celltype.simulation.parameters import (
    BURST,
    KINDS,
    MODULATION,
    PYRAMIDAL,
    SIGNALS,
    SLICE,
    SPIKING,
    THETA,
)
from napari_celltype.simulation.spiking import simulate_spikes

TYPES = ("PY", "PV", "SOM", "VIP")
FS = 10.0


@lru_cache(maxsize=3)
def _session(regime: str) -> Session:
    labels = np.repeat(TYPES, 100)
    return simulate_session(labels, 4000, FS, 11, regime=regime, indicator="GCaMP6f")


def _signal(session: Session, name: str) -> NDArray[np.float32]:
    return session.behaviour.signals[SIGNALS.index(name)]


def _gains(session: Session, signal: str, kind: str) -> NDArray[np.float64]:
    """Regress each cell's spikes on all shared signals; gain over resting rate."""
    wanted = [n for n in SIGNALS if n not in ("up_state", "puff")]
    columns = [np.ones(session.spikes.shape[1])]
    columns += [_signal(session, name) for name in wanted]
    spikes = session.spikes[session.kinds == kind]
    found = np.linalg.lstsq(np.stack(columns, axis=1), spikes.T, rcond=None)[0]
    resting = np.maximum(found[0], 0.01)
    return np.asarray(found[1 + wanted.index(signal)] / resting)


def _spikes_at_rest(kind: str, n_cells: int, seconds: float, bin_width: float):
    """Spikes of cells that no shared signal drives."""
    rng = np.random.default_rng(5)
    behaviour = simulate_behaviour("quiet", round(seconds / bin_width), bin_width, rng)
    rest = dataclasses.replace(
        behaviour,
        signals=np.zeros_like(behaviour.signals),
        speed=np.zeros_like(behaviour.speed),
    )
    return simulate_spikes(np.repeat(kind, n_cells), rest, bin_width, rng)


@pytest.mark.parametrize("kind", [k for shares in KINDS.values() for k in shares])
def test_rates_at_rest_are_those_of_the_table(kind):
    rates = _spikes_at_rest(kind, 300, 200, 0.04).mean(axis=1) / 0.04
    if kind == "PY":
        share = PYRAMIDAL["silent_share"]
        rates = np.sort(rates)[round(300 * (share.low + share.high) / 2) :]
    table = SPIKING[kind]["rest_rate"]
    assert np.median(rates) == pytest.approx(np.sqrt(table.low * table.high), rel=0.5)
    assert np.quantile(rates, 0.9) < 1.5 * table.high


def test_slice_rates_are_alike_in_all_types():
    session = _session("slice")
    medians = [
        np.median(session.spikes[session.labels == name].mean(axis=1) * FS)
        for name in TYPES
    ]
    assert max(medians) < 1.5 * min(medians)
    assert SLICE["rest_rate"].low < min(medians) < SLICE["response"].high


def test_anaesthesia_lowers_the_rates_of_every_type():
    asleep, awake = _session("anaesthesia"), _session("quiet")
    for name in TYPES:
        rows = awake.labels == name
        assert asleep.spikes[rows].mean() < 0.8 * awake.spikes[rows].mean()


@pytest.mark.parametrize("kind", ["PV basket", "PV axo-axonic", "SOM O-LM"])
def test_few_cells_of_run_active_kinds_fall_silent_when_the_animal_runs(kind):
    session = _session("running")
    moving = session.behaviour.speed > 5
    still = session.behaviour.speed < 0.5
    spikes = session.spikes[session.kinds == kind]
    lower = spikes[:, moving].mean(axis=1) < spikes[:, still].mean(axis=1)
    asked = [MODULATION[kind][name].share_reversed for name in ("running", "speed")]
    assert spikes[:, moving].mean() > 1.2 * spikes[:, still].mean()
    assert lower.mean() < max(asked) + 0.15


def test_only_basket_and_bistratified_cells_fire_in_ripples():
    session = _session("quiet")
    gains = {
        kind: np.median(_gains(session, "ripple", kind))
        for kind in ("PV basket", "PV axo-axonic", "SOM bistratified", "SOM O-LM")
    }
    table = MODULATION["SOM bistratified"]["ripple"]
    assert table.low * 0.5 < gains["SOM bistratified"] < table.high
    assert gains["SOM O-LM"] < 0.3
    assert gains["PV basket"] > 1
    assert gains["PV axo-axonic"] < 0


def test_disinhibition_raises_vip_and_lowers_som_cells():
    session = _session("quiet")
    gains = {
        kind: np.median(_gains(session, "disinhibition", kind))
        for kind in ("PY", "PV basket", "SOM O-LM", "SOM bistratified", "VIP")
    }
    assert gains["VIP"] > 0.5
    assert gains["SOM O-LM"] < -0.1
    assert gains["SOM bistratified"] < -0.1
    assert gains["SOM bistratified"] < gains["PV basket"] < gains["PY"]


def test_theta_shows_at_60_hz_in_pv_more_than_in_pyramidal_cells():
    labels = np.repeat(TYPES, 40)
    session = simulate_session(labels, 6000, 60.0, 2, regime="running")
    running = session.behaviour.speed > 1
    phase = session.behaviour.theta_phase[running]

    def depth(kind: str) -> float:
        spikes = session.spikes[session.kinds == kind][:, running].sum(axis=0)
        return float(2 * abs((spikes * np.exp(1j * phase)).sum()) / spikes.sum())

    table = THETA["PV basket"]["depth"]
    assert table.low * 0.7 < depth("PV basket") < table.high
    assert depth("SOM O-LM") > depth("PY")
    spectrum = np.abs(
        np.fft.rfft(
            session.spikes[session.kinds == "PV basket"].sum(axis=0)
            * np.hanning(session.spikes.shape[1])
        )
    )
    frequency = np.fft.rfftfreq(session.spikes.shape[1], 1 / 60)
    fast = frequency > 4
    assert 6 < frequency[fast][spectrum[fast].argmax()] < 10


def test_a_share_of_pyramidal_cells_is_nearly_silent():
    session = _session("running")
    rates = session.spikes[session.labels == "PY"].mean(axis=1) * FS
    share = PYRAMIDAL["silent_share"]
    assert share.low - 0.1 < (rates < 0.05).mean() < share.high + 0.15


def test_pyramidal_bursts_have_two_to_six_spikes_a_few_milliseconds_apart():
    spikes = _spikes_at_rest("PY", 60, 100, 0.001)
    # In cells that fire much, what follows within 10 ms is often no burst.
    spikes = spikes[spikes.sum(axis=1) < 100]
    lengths, within = [], []
    for train in spikes:
        intervals = np.diff(np.flatnonzero(train))
        short = intervals <= 10
        within.extend(intervals[short])
        ends = np.flatnonzero(np.append(~short, True))
        lengths.extend(np.diff(ends, prepend=-1))
    bursts = np.array(lengths)[np.array(lengths) > 1]
    assert bursts.size > 50
    assert np.quantile(bursts, 0.99) <= BURST["most"].high
    assert (bursts > 2).any()
    low, high = BURST["interval"].low, BURST["interval"].high
    assert low < np.median(within) < high
