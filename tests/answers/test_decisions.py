"""Names from probabilities: the group first, then a type inside it."""

from __future__ import annotations

import numpy as np
import pytest

from napari_celltype.answers.decisions import UnsureReason, decide, prediction_sets
from napari_celltype.celltypes import UNSURE

CLASSES = ("PY", "PV", "SOM", "VIP")


def said(*row: float, least: float = 0.0):
    return decide(np.array([row]), CLASSES, least)


def test_the_type_is_the_most_probable_one_inside_the_likelier_group():
    # PY is the most probable type, the interneurons together are likelier.
    found = said(0.4, 0.3, 0.2, 0.1)
    assert (found.group, found.predicted) == (["IN"], ["PV"])
    assert found.probability.tolist() == [0.3]
    assert found.p_in == pytest.approx(0.6)
    assert found.group_probability == pytest.approx(0.6)


def test_a_pyramidal_cell_is_one_where_the_groups_are_equally_likely():
    assert said(0.5, 0.5, 0.0, 0.0).group == ["PY"]


def test_group_and_type_never_contradict_each_other():
    rows = np.random.default_rng(0).dirichlet(np.ones(4), 500)
    found = decide(rows, CLASSES)
    assert UNSURE not in found.predicted
    assert [("PY" if t == "PY" else "IN") for t in found.predicted] == found.group
    assert found.group == np.where(rows[:, 0] < 0.5, "IN", "PY").tolist()


def test_below_the_minimum_group_and_type_are_unsure_and_the_number_stays():
    found = said(0.1, 0.5, 0.2, 0.2, least=0.6)
    assert (found.group, found.predicted) == ([UNSURE], [UNSURE])
    assert found.probability.tolist() == [0.5]
    assert found.why_unsure == [UnsureReason.BELOW]
    assert said(0.1, 0.5, 0.2, 0.2, least=0.5).predicted == ["PV"]


def test_without_a_usable_trace_there_is_no_probability():
    found = said(*[np.nan] * 4)
    assert (found.group, found.predicted) == ([UNSURE], [UNSURE])
    assert found.why_unsure == [UnsureReason.NO_TRACE]
    assert np.isnan([found.probability, found.p_in, found.group_probability]).all()


def test_a_model_of_groups_has_types_that_are_groups():
    found = decide(np.array([[0.2, 0.8]]), ("PY", "IN"))
    assert (found.group, found.predicted) == (["IN"], ["IN"])


def test_a_users_own_type_is_an_interneuron():
    found = decide(np.array([[0.4, 0.6]]), ("PY", "NDNF"))
    assert (found.group, found.predicted) == (["IN"], ["NDNF"])


def test_the_set_holds_what_reaches_its_threshold_and_the_likeliest(make_calibration):
    rows = np.array([[0.6, 0.35, 0.03, 0.02], [0.28, 0.24, 0.24, 0.24]])
    sets = prediction_sets(rows, np.array([1, 1]), CLASSES, make_calibration(0.3))
    assert sets == ["PY|PV", "PY"]


def test_the_set_follows_the_number_of_windows(make_calibration):
    rows = np.array([[0.6, 0.35, 0.03, 0.02]] * 3)
    calibration = make_calibration(0.3, later={4: 0.5})
    sets = prediction_sets(rows, np.array([3, 4, 9]), CLASSES, calibration)
    assert sets == ["PY|PV", "PY", "PY"]


def test_nothing_is_ruled_out_without_a_trace(make_calibration):
    row = np.full((1, 4), np.nan)
    sets = prediction_sets(row, np.array([0]), CLASSES, make_calibration(0.3))
    assert sets == ["PY|PV|SOM|VIP"]


def test_without_a_calibration_there_are_no_sets():
    assert prediction_sets(np.full((1, 4), 0.25), np.array([1]), CLASSES, None) == [""]
