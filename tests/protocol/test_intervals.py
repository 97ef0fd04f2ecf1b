"""Intervals: what is resampled, when there is none, and that they cover the truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from napari_celltype.protocol.intervals import (
    best_unit,
    bootstrap,
    corrected_interval,
)
from napari_celltype.protocol.metrics import Answers


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
    assert best_unit(small_traces)[1] == "subjects"
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


def test_the_balanced_value_is_the_mean_recall():
    a = answers([0, 0, 0, 1], [True, True, False, True])
    groups = np.array(list("abcd"))
    assert bootstrap(a, groups).value == pytest.approx((2 / 3 + 1) / 2)


def test_the_interval_holds_the_value_and_the_unit():
    a, groups = grouped_answers(np.random.default_rng(0), 12, 0.1)
    interval = bootstrap(a, groups, "subjects")
    assert interval.low < interval.value < interval.high
    assert (interval.unit, interval.n) == ("subjects", 12)
    assert not interval.too_few
    assert interval == bootstrap(a, groups, "subjects")


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
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.p == pytest.approx(2 * stats.t.sf(0.03 / error, 4))


def test_the_corrected_interval_is_wider_than_the_plain_one():
    differences = np.array([0.02, 0.05, 0.01, 0.04, 0.03])
    plain = stats.ttest_1samp(differences, 0).confidence_interval()
    found = corrected_interval(differences, 800, 200)
    assert found.low < plain.low < plain.high < found.high


def test_one_split_or_no_variation_has_no_p_value():
    assert np.isnan(corrected_interval(np.array([0.1]), 8, 2).low)
    assert np.isnan(corrected_interval(np.array([0.1, 0.1]), 8, 2).p)
