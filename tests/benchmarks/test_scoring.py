"""Scores and their intervals."""

from __future__ import annotations

import numpy as np
import pytest
from scoring import auroc, balanced, by_cell, share

TRUTH = np.repeat(["PY", "IN"], 20)


def test_cells_of_a_batch_that_agree_make_the_interval_wider():
    guess = np.where(np.arange(40) % 20 < 10, TRUTH, "wrong")
    batches = np.array([f"batch {i // 5}" for i in range(40)])
    by_batch, alone = balanced(TRUTH, guess, batches), balanced(TRUTH, guess)
    assert by_batch["high"] - by_batch["low"] > 1.5 * (alone["high"] - alone["low"])


def test_all_right_is_not_certain():
    score = balanced(TRUTH, TRUTH)
    assert score["value"] == 1
    assert 0.9 < score["low"] < 1


def test_the_balanced_score_is_the_mean_of_the_recalls():
    truth = np.array(["PY"] * 8 + ["IN"] * 2)
    guess = np.array(["PY"] * 10)
    assert balanced(truth, guess)["value"] == 0.5


def test_the_interval_of_a_share_is_the_exact_one():
    score = share(np.ones(20, bool))
    assert (score["low"], score["high"]) == (pytest.approx(0.8316, abs=1e-3), 1)


def test_batches_widen_the_interval_of_a_share():
    right = np.arange(40) < 20
    batches = np.array([f"batch {i // 10}" for i in range(40)])
    assert share(right, batches)["low"] < share(right)["low"]


def test_intervals_hold_the_score_and_are_the_same_again():
    values = np.random.default_rng(0).normal(size=40)
    score = by_cell(lambda kind, v: auroc(kind == "IN", v), TRUTH, values)
    assert score["low"] < score["value"] < score["high"]
    assert score == by_cell(lambda kind, v: auroc(kind == "IN", v), TRUTH, values)
