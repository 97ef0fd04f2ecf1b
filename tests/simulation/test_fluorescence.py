"""Spikes to dF/F, and the noise that is asked for."""

import dataclasses

import numpy as np
import pytest

from napari_celltype.simulation import simulate_session
from napari_celltype.simulation.fluorescence import (
    Nuisances,
    draw_nuisances,
    indicator_response,
)
from napari_celltype.simulation.parameters import INDICATORS

BIN = 0.005


def _plain(indicator: str) -> Nuisances:
    """One cell whose kinetics are the indicator's own."""
    drawn = draw_nuisances(1, np.random.default_rng(0), indicator=indicator)
    one = np.ones(1, dtype=np.float32)
    return dataclasses.replace(
        drawn, decay_factor=one, rise_factor=one, tail_factor=one, expression=1.0
    )


def _answer(n_spikes: int, indicator: str) -> np.ndarray:
    train = np.zeros((1, 2000), dtype=np.float32)
    train[0, 100] = n_spikes
    return indicator_response(
        train, np.ones(1, dtype=np.float32), _plain(indicator), BIN, 1
    )[0]


@pytest.mark.parametrize("name", list(INDICATORS))
def test_one_spike_gives_the_amplitude_of_the_table(name):
    assert _answer(1, name).max() == pytest.approx(
        INDICATORS[name]["amplitude"].low, rel=0.1
    )


def test_gcamp_is_supralinear_and_ogb_is_not():
    assert _answer(3, "GCaMP6f").max() > 3.3 * _answer(1, "GCaMP6f").max()
    assert _answer(3, "OGB-1").max() <= 3.0 * _answer(1, "OGB-1").max()


def test_many_spikes_saturate():
    assert _answer(200, "GCaMP6f").max() < 2 * _answer(60, "GCaMP6f").max()


@pytest.mark.parametrize("nu", [1.0, 4.0])
@pytest.mark.parametrize("fs", [10.0, 30.0])
def test_noise_is_as_asked_for_at_every_frame_rate(nu, fs):
    session = simulate_session(
        np.repeat("PY", 60), 600, fs, 2, noise=nu, regime="slice"
    )
    raw = session.fluorescence.raw_traces
    dff = raw / np.median(raw, axis=1, keepdims=True)
    found = 100 * np.median(np.abs(np.diff(dff, axis=1)), axis=1) / np.sqrt(fs)
    assert np.median(found) == pytest.approx(nu, rel=0.2)


@pytest.mark.parametrize("name", list(INDICATORS))
def test_one_spike_ends_in_the_slow_tail_of_the_table(name):
    """Late after a spike only the tail is left; the exponent steepens it."""
    table = {key: number.low for key, number in INDICATORS[name].items()}
    answer = _answer(1, name)
    late = np.arange(1500, 1900)
    slope = np.polyfit(late * BIN, np.log(answer[late]), 1)[0]
    assert slope == pytest.approx(-table["exponent"] / table["slow"], rel=0.15)


@pytest.mark.parametrize(
    "fixed", [{"noise": 0.0}, {"expression": 0.0}, {"indicator": "OGB-1"}]
)
def test_giving_one_nuisance_leaves_the_others(fixed):
    plain = draw_nuisances(5, np.random.default_rng(0))
    swapped = draw_nuisances(5, np.random.default_rng(0), **fixed)
    (name, value), *_ = fixed.items()
    assert np.all(getattr(swapped, name) == value)
    for field in dataclasses.fields(plain):
        if field.name not in fixed:
            np.testing.assert_array_equal(
                getattr(plain, field.name), getattr(swapped, field.name)
            )
