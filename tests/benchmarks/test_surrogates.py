"""Traces that keep only a part of what a real trace says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import skew
from surrogates import blocks_shuffled, high_passed, phase_randomised


@pytest.fixture
def random():
    return np.random.default_rng(1)


@pytest.mark.parametrize("rate", [7.8, 20.0, 170.0])
def test_high_passing_removes_the_slow_wave(make_cell, rate):
    cell = make_cell(0, slow=5.0, rate=rate, seconds=200)
    power = np.abs(np.fft.rfft(high_passed(cell).trials[0])) ** 2
    frequency = np.fft.rfftfreq(cell.trials[0].size, 1 / rate)
    before = np.abs(np.fft.rfft(cell.trials[0])) ** 2
    slow, fast = frequency < 0.05, frequency > 0.5
    assert power[slow].sum() < 0.01 * before[slow].sum()
    assert power[fast].sum() == pytest.approx(before[fast].sum(), rel=0.02)


def test_phase_randomisation_keeps_the_spectrum(make_cell, random):
    cell = make_cell(0, slow=2.0)
    np.testing.assert_allclose(
        np.abs(np.fft.rfft(phase_randomised(cell, random).trials[0])),
        np.abs(np.fft.rfft(cell.trials[0])),
        atol=0.01,
    )


def test_phase_randomisation_removes_the_skewness(make_cell, random):
    cell = make_cell(0)
    trial = np.exp(cell.trials[0])
    cell.__dict__["trials"] = (trial,)
    assert skew(trial) > 3
    assert abs(skew(phase_randomised(cell, random).trials[0])) < 0.5


def test_block_shuffling_keeps_the_values(make_cell, random):
    cell = make_cell(0, seconds=91)
    shuffled = blocks_shuffled(cell, random).trials[0]
    np.testing.assert_array_equal(np.sort(shuffled), np.sort(cell.trials[0]))
    assert not np.array_equal(shuffled, cell.trials[0])


def test_block_shuffling_keeps_each_second(make_cell, random):
    cell = make_cell(0)
    before = cell.trials[0].reshape(-1, 20)
    after = blocks_shuffled(cell, random).trials[0].reshape(-1, 20)
    assert {tuple(row) for row in before} == {tuple(row) for row in after}


@pytest.mark.parametrize("make", [phase_randomised, blocks_shuffled])
def test_the_same_seed_gives_the_same_traces(make_cell, make):
    first, second = (
        make(make_cell(0), np.random.default_rng(3)).trials[0] for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)
