"""Sessions that get harder along one axis, and the curves drawn from them."""

from __future__ import annotations

import difficulty
import numpy as np
import pytest


def test_only_the_noise_differs_along_the_noise():
    quiet, noisy = [seen for _, seen in difficulty.points("noise", 1, 4, most=2)]
    np.testing.assert_array_equal(quiet[0].truth, noisy[0].truth)
    assert quiet[0].traces.shape == noisy[0].traces.shape
    steps = [np.abs(np.diff(s[0].traces)).mean() for s in (quiet, noisy)]
    assert steps[0] < steps[1]


def test_shorter_sessions_are_the_beginning_of_longer_ones():
    one, two = [seen for _, seen in difficulty.points("length", 1, 4, most=2)]
    np.testing.assert_array_equal(one[0].traces, two[0].traces[:, :600])


@pytest.mark.parametrize("axis", difficulty.TITLES)
def test_every_axis_gives_its_values(axis):
    ((_, sessions),) = difficulty.points(axis, 1, 2, most=1)
    assert sessions[0].traces.shape[0] == 2


@pytest.fixture(scope="module")
def results():
    return difficulty.curves(["frame rate"], 2, 6, most=3, say=lambda _: None)


def test_the_model_is_the_one_that_the_program_takes(results):
    used = results["curves"]["frame rate"]["cnn"]["used"]
    assert used == ["cnn-5hz", "cnn-5hz", "cnn-10hz"]


def test_every_score_has_an_interval_and_its_number_of_cells(results):
    for family in difficulty.MODELS:
        for question in ("PY against interneuron", "four types"):
            for score in results["curves"]["frame rate"][family][question]:
                assert score["low"] <= score["value"] <= score["high"]
                assert score["n"] == 12


def test_the_curves_are_drawn(results, tmp_path):
    from matplotlib.image import imread

    difficulty.draw(results, tmp_path / "figure.png")
    assert imread(tmp_path / "figure.png").std() > 0
