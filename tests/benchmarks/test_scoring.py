"""Scores and their intervals."""

from __future__ import annotations

import numpy as np
import pytest
from scoring import auroc, balanced, by_cell, coin_tosses, share, shuffled

TRUTH = np.repeat(["PY", "IN"], 20)


def test_cells_of_a_batch_that_agree_make_the_interval_wider():
    guess = np.where(np.arange(40) % 20 < 10, TRUTH, "wrong")[:, None]
    batches = np.array([f"batch {i // 5}" for i in range(40)])
    by_batch, alone = balanced(TRUTH, guess, batches), balanced(TRUTH, guess)
    assert by_batch["high"] - by_batch["low"] > 1.5 * (alone["high"] - alone["low"])


def test_all_right_is_not_certain():
    score = balanced(TRUTH, TRUTH[:, None])
    assert score["value"] == 1
    assert 0.9 < score["low"] < 1


def test_the_balanced_score_is_the_mean_of_the_recalls():
    truth = np.array(["PY"] * 8 + ["IN"] * 2)
    guess = np.array(["PY"] * 10)
    assert balanced(truth, guess[:, None])["value"] == 0.5


def test_repeats_are_averaged():
    wrong = np.full(40, "wrong")
    assert balanced(TRUTH, np.stack([TRUTH, wrong], axis=1))["value"] == 0.5


def test_the_interval_of_a_share_is_the_exact_one():
    score = share(np.ones(20, bool))
    assert (score["low"], score["high"]) == (pytest.approx(0.8316, abs=1e-3), 1)


def test_batches_widen_the_interval_of_a_share():
    right = np.arange(40) < 20
    batches = np.array([f"batch {i // 10}" for i in range(40)])
    assert share(right, batches)["low"] < share(right)["low"]


def test_shuffled_labels_score_about_chance():
    guess = np.where(np.arange(40) % 3 == 0, "IN", "PY")
    assert shuffled(TRUTH, guess)["mean"] == pytest.approx(0.5, abs=0.02)


def test_a_perfect_answer_has_the_least_p_value():
    assert shuffled(TRUTH, TRUTH)["p"] == pytest.approx(1 / 1001, abs=1e-4)


def test_a_useless_answer_has_no_small_p_value():
    assert shuffled(TRUTH, np.full(40, "PY"))["p"] == 1


def test_guessing_reaches_more_with_fewer_cells():
    assert coin_tosses(9, 6) > coin_tosses(90, 60) > 0.5


def test_guessing_reaches_what_random_guesses_reach():
    random = np.random.default_rng(0)
    tries = random.binomial(9, 0.5, 20_000) / 18 + random.binomial(6, 0.5, 20_000) / 12
    assert (tries >= coin_tosses(9, 6)).mean() == pytest.approx(0.05, abs=0.03)


def test_the_same_seed_gives_the_same_interval():
    values = np.random.default_rng(0).normal(size=40)

    def area(kind, value):
        return auroc(kind == "IN", value)

    assert by_cell(area, TRUTH, values) == by_cell(area, TRUTH, values)
