"""Scores on simulated sessions: shares, intervals, curves."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from bundled_scores import resampled, share
from bundled_sessions import Part, code_digest


def test_a_share_counts_the_cells_it_is_taken_among():
    values, among = np.array([1, 0, 1, 1]), np.array([True, True, False, True])
    score = share(values, among, [np.array([0, 1]), np.array([2, 3])])
    assert score is not None
    assert (score["value"], score["n"]) == (0.6667, 3)


def test_weights_change_a_share():
    rows = [np.array([0, 1])]
    score = share(np.array([1, 0]), np.ones(2, bool), rows, np.array([3.0, 1.0]))
    assert score is not None
    assert score["value"] == 0.75


def test_a_share_among_no_cells_is_none():
    assert share(np.ones(2), np.zeros(2, bool), [np.arange(2)]) is None


@pytest.mark.parametrize(
    ("wrong", "low", "high"), [(False, 0, 0.7076), (True, 0.2924, 1)]
)
def test_three_sessions_without_a_difference_are_no_certainty(wrong, low, high):
    rows = [np.array([i]) for i in range(3)]
    score = share(np.full(3, wrong), np.ones(3, bool), rows)
    assert score is not None
    assert (score["low"], score["high"]) == (low, high)


def test_equal_sessions_leave_no_interval():
    tables = np.tile([1.0, 2.0], (9, 1))
    score = resampled(lambda t: t[..., 0] / t[..., 1], tables)
    assert score is not None
    assert score["low"] == score["value"] == score["high"] == 0.5


def test_unlike_sessions_widen_the_interval():
    tables = np.array([[0.0, 10.0], [10.0, 10.0]] * 5)
    score = resampled(lambda t: t[..., 0] / t[..., 1], tables)
    assert score is not None
    assert score["low"] < 0.3 < 0.7 < score["high"]


@pytest.mark.parametrize(
    ("new", "same"),
    [
        ('"""Other words."""\nx = 1  # why\n', True),
        ('"""Words."""\nx = 2\n', False),
    ],
)
def test_words_about_code_do_not_change_its_digest(tmp_path, new, same):
    for name, text in (("old", '"""Words."""\nx = 1\n'), ("new", new)):
        (tmp_path / name).write_text(text)
    digests = [code_digest([tmp_path / name]) for name in ("old", "new")]
    assert (digests[0] == digests[1]) is same


def test_sessions_of_another_seed_have_another_name():
    assert Part(0, 10.0, 1, 4).name != Part(0, 10.0, 2, 4).name
