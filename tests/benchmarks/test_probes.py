"""Single numbers that compete with a model."""

from __future__ import annotations

import numpy as np
import pytest
from probes import probe_guesses, probe_values
from scoring import balanced_accuracy

TRUTH = np.repeat(["IN", "PY"], 10)


def test_a_number_that_separates_is_found_whichever_way_round():
    values = np.r_[np.arange(10.0), np.arange(20.0, 30.0)]
    for turned in (values, -values):
        assert balanced_accuracy(TRUTH, probe_guesses(turned, TRUTH)) == 1


def test_a_number_that_says_nothing_scores_no_better_than_chance():
    scores = [
        balanced_accuracy(
            TRUTH, probe_guesses(np.random.default_rng(seed).normal(size=20), TRUTH)
        )
        for seed in range(50)
    ]
    assert np.mean(scores) < 0.55


def test_the_whole_batch_of_a_cell_is_left_out():
    truth = np.array(["PY", "PY", "IN", "IN"])
    batches = np.array(["a", "b", "c", "c"])
    assert probe_guesses(np.arange(4.0), truth, batches)[2:].tolist() == ["PY", "PY"]


def test_slow_power_rises_with_a_slow_wave(make_cell):
    values = probe_values([make_cell(0), make_cell(0, slow=3.0)], 10.0)
    assert values["slow power"][0] < 0.1 < 0.8 < values["slow power"][1]


def test_length_and_native_rate_are_those_of_the_recording(make_cell):
    values = probe_values([make_cell(0, rate=30.0, seconds=120)], 10.0)
    assert values["native rate"][0] == pytest.approx(30)
    assert values["length"][0] == pytest.approx(120)
