"""Stability and probability as signs of a wrong label, on the same sessions."""

from __future__ import annotations

import numpy as np
import pytest
from label_stability import measure, sessions

from napari_celltype.classifiers import load_model


@pytest.fixture(scope="module")
def scores():
    return measure(load_model("rnn-10hz"), sessions(3, 12))


def test_both_signs_are_scored_for_types_and_groups(scores):
    for name in ("type", "group"):
        for sign in ("stability", "the probability"):
            assert 0 <= scores[f"wrong {name}, AUROC of {sign}"]["value"] <= 1


def test_the_difference_is_that_of_the_two_areas(scores):
    steady, sure = (
        scores[f"wrong type, AUROC of {sign}"]["value"]
        for sign in ("stability", "the probability")
    )
    difference = scores["wrong type, stability minus probability"]["value"]
    assert difference == pytest.approx(steady - sure, abs=1e-3)


def test_sessions_are_the_same_each_time():
    (one,), (other,) = sessions(1, 3), sessions(1, 3)
    np.testing.assert_array_equal(one.raw, other.raw)
