"""Scores against scikit-learn's, and the levels that they have to beat."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sklearn_metrics

from napari_celltype.errors import LabelError
from napari_celltype.protocol import metrics
from napari_celltype.protocol.metrics import (
    Answers,
    best_unit,
    bootstrap,
    corrected_interval,
)

CLASSES = ("PV", "PY", "SOM")


def random_answers(seed, n=120, n_splits=3, skill=0.5):
    rng = np.random.default_rng(seed)
    known = rng.integers(0, 3, 60)
    rows = rng.integers(0, 60, n)
    truth = known[rows]
    guess = np.where(rng.random(n) < skill, truth, rng.integers(0, 3, n))
    return Answers(CLASSES, rows, np.sort(rng.integers(0, n_splits, n)), truth, guess)


@pytest.mark.parametrize("seed", range(3))
def test_scores_are_scikit_learns(seed):
    a = random_answers(seed)
    assert metrics.accuracy(a.counts) == pytest.approx(
        sklearn_metrics.accuracy_score(a.truth, a.guess)
    )
    assert metrics.balanced_accuracy(a.counts) == pytest.approx(
        sklearn_metrics.balanced_accuracy_score(a.truth, a.guess)
    )
    counts = metrics.confusion_counts(a.truth, a.guess, 3)
    assert np.array_equal(counts, sklearn_metrics.confusion_matrix(a.truth, a.guess))
    table = metrics.per_class(counts, CLASSES)
    for index, name in enumerate(CLASSES):
        truth, guess = a.truth == index, a.guess == index
        assert table[name] == pytest.approx(
            {
                "precision": sklearn_metrics.precision_score(truth, guess),
                "recall": sklearn_metrics.recall_score(truth, guess),
                "specificity": sklearn_metrics.recall_score(~truth, ~guess),
            }
        )


def test_what_cannot_be_divided_is_nan():
    counts = np.array([[0, 2, 0], [0, 3, 0], [0, 0, 0]])
    table = metrics.per_class(counts, CLASSES)
    assert np.isnan(table["PV"]["precision"])
    assert table["PV"]["recall"] == 0
    assert np.isnan(table["SOM"]["recall"])
    assert np.isnan(metrics.per_class(counts * 0, CLASSES)["PY"]["specificity"])


def test_a_class_that_was_not_tested_is_left_out_of_the_balanced_accuracy():
    truth, guess = np.array([0, 0, 1]), np.array([0, 2, 1])
    a = Answers(CLASSES, np.arange(3), np.zeros(3, int), truth, guess)
    assert metrics.balanced_accuracy(a.counts) == pytest.approx(0.75)


def test_no_answers_have_no_score():
    a = Answers(CLASSES, *[np.empty(0, int)] * 4)
    assert np.isnan(metrics.accuracy(a.counts))
    assert np.isnan(metrics.balanced_accuracy(a.counts))
    assert np.isnan(metrics.majority_rate(a))
    assert metrics.by_split(a) == []


def test_chance_and_majority():
    truth = np.array([0, 0, 0, 1, 2])
    a = Answers(CLASSES, np.arange(5), np.zeros(5, int), truth, truth)
    assert metrics.chance(a) == pytest.approx(1 / 3)
    assert metrics.majority_rate(a) == pytest.approx(0.6)


def test_guesses_that_know_nothing_stay_below_the_level_of_luck():
    a = random_answers(7, n=600, skill=0)
    assert 1 / 3 < metrics.luck_level(a) < 0.5
    assert metrics.balanced_accuracy(a.counts) < metrics.luck_level(a)


def test_precision_follows_the_prevalence():
    # 90 % of PY and 80 % of PV are right; one in ten cells is PV.
    counts = np.array([[80, 20], [10, 90]])
    found = metrics.precision_at(counts, ("PV", "PY"), {"PV": 0.1, "PY": 0.9})
    assert found["PV"] == pytest.approx(0.08 / (0.08 + 0.09))
    assert found["PY"] == pytest.approx(0.81 / (0.81 + 0.02))


def test_at_the_tested_prevalence_precision_is_the_measured_one():
    a = random_answers(3)
    counts = metrics.confusion_counts(a.truth, a.guess, 3)
    shares = dict(zip(CLASSES, counts.sum(axis=1), strict=True))
    measured = metrics.per_class(counts, CLASSES)
    assert metrics.precision_at(counts, CLASSES, shares) == pytest.approx(
        {name: measured[name]["precision"] for name in CLASSES}
    )


def test_precision_is_unknown_where_a_present_class_was_not_tested():
    counts = np.array([[8, 2, 0], [1, 9, 0], [0, 0, 0]])
    found = metrics.precision_at(counts, CLASSES, {"PV": 1, "PY": 1, "SOM": 1})
    assert all(np.isnan(value) for value in found.values())
    without = metrics.precision_at(counts, CLASSES, {"PV": 1, "PY": 1})
    assert without["PV"] == pytest.approx(8 / 9)


@pytest.mark.parametrize("shares", [{"PV": -1}, {}, {"PV": float("nan")}, {"XY": 1}])
def test_impossible_shares_are_one_sentence(shares):
    with pytest.raises(LabelError, match=r"\.$"):
        metrics.precision_at(np.eye(3, dtype=int), CLASSES, shares)


def answers(truth, right, rows=None, splits=None):
    truth = np.asarray(truth)
    guess = np.where(right, truth, (truth + 1) % 2)
    rows = np.arange(len(truth)) if rows is None else rows
    splits = np.zeros(len(truth), int) if splits is None else splits
    return Answers(("PV", "PY"), rows, splits, truth, guess)


def grouped_answers(rng, n_groups, spread, per_group=20):
    """Each group gets its own probability of being right."""
    skill = np.clip(rng.normal(0.7, spread, n_groups), 0, 1)
    group = np.repeat(np.arange(n_groups), per_group)
    truth = np.tile([0, 1], len(group) // 2)
    return answers(truth, rng.random(len(group)) < skill[group]), group.astype(str)


def test_the_unit_is_the_coarsest_that_is_known(small_traces):
    assert best_unit(small_traces)[1] == "animals"
    without = replace(small_traces, subject_id=None)
    assert best_unit(without)[1] == "sessions"
    without = replace(without, session_id=None)
    assert best_unit(without)[1] == "cells"
    groups, unit = best_unit(replace(without, cell_id=None))
    assert unit == "examples"
    assert len(np.unique(groups)) == len(small_traces)


def test_examples_count_once_however_often_they_were_tested():
    # Example 0 is tested nine times and always wrong, example 1 once and right.
    rows = np.array([0] * 9 + [1])
    a = answers([0] * 10, [False] * 9 + [True], rows, np.arange(10))
    assert bootstrap(a, np.array(["x", "y"])).value == pytest.approx(0.5)


def test_the_interval_holds_the_value_and_the_unit():
    a, groups = grouped_answers(np.random.default_rng(0), 12, 0.1)
    interval = bootstrap(a, groups, "animals")
    assert interval.low < interval.value < interval.high
    assert (interval.unit, interval.n) == ("animals", 12)
    assert not interval.too_few
    assert interval == bootstrap(a, groups, "animals")


def test_few_groups_give_no_interval():
    a, groups = grouped_answers(np.random.default_rng(0), 4, 0.1)
    assert bootstrap(a, groups).too_few


def test_a_type_in_one_group_gives_no_interval():
    truth = np.array([0, 1] + [1] * 8)
    a = answers(truth, np.ones(10, bool))
    assert bootstrap(a, np.array(list("aabcdefghi"))).too_few


def test_animals_widen_what_cells_make_look_certain():
    a, groups = grouped_answers(np.random.default_rng(1), 10, 0.15, per_group=60)
    cells = np.arange(len(a.rows)).astype(str)
    by_animal, by_cell = bootstrap(a, groups), bootstrap(a, cells)
    assert by_animal.high - by_animal.low > 1.5 * (by_cell.high - by_cell.low)


@pytest.mark.parametrize("n_groups", [6, 20])
def test_the_interval_covers_the_truth_as_often_as_it_says(n_groups):
    rng = np.random.default_rng(2)
    covered = []
    for _ in range(200):
        a, groups = grouped_answers(rng, n_groups, 0.1)
        interval = bootstrap(a, groups)
        covered.append(interval.low <= 0.7 <= interval.high)
    # 95 % of 200, less three standard errors.
    assert np.mean(covered) > 0.90


def test_the_corrected_interval_follows_nadeau_and_bengio():
    differences = np.array([0.02, 0.05, 0.01, 0.04, 0.03])
    found = corrected_interval(differences, 3157, 790)
    error = np.sqrt((1 / 5 + 790 / 3157) * differences.var(ddof=1))
    low, high = stats.t.interval(0.95, 4, loc=0.03, scale=error)
    assert found[1:3] == pytest.approx((low, high))
    assert found[3] == pytest.approx(2 * stats.t.sf(0.03 / error, 4))


def test_no_variation_has_no_p_value():
    assert np.isnan(corrected_interval(np.array([0.1, 0.1]), 8, 2)[3])
