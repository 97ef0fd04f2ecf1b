"""Which thresholds hold with which shares of the types."""

from __future__ import annotations

import numpy as np
import pytest

from napari_celltype.workflows.shares import prior_shares, reweigh
from napari_celltype.workflows.thresholds import NEVER, Thresholds, checked_names

CLASSES = ("PY", "PV", "SOM", "VIP")
EVEN = dict.fromkeys(CLASSES, 0.25)


def shares_of(prior):
    return prior_shares(prior, CLASSES, EVEN)


@pytest.fixture
def calibration(make_calibration):
    """Names from 0.9 with half interneurons, 0.8 with 30 % and 0.6 with 10 %."""
    return make_calibration(0.9, more_shares={0.3: 0.8, 0.1: 0.6})


@pytest.mark.parametrize(
    ("interneurons", "for_py", "for_in"),
    [
        (0.7, None, 0.5),
        (0.5, 0.5, 0.5),
        (0.4, 0.5, 0.3),
        (0.3, 0.3, 0.3),
        (0.11, 0.3, 0.1),
        (0.1, 0.1, 0.1),
        (0.05, 0.1, None),
    ],
)
def test_a_group_takes_the_nearest_shares_in_which_it_is_no_more_common(
    calibration, interneurons, for_py, for_in
):
    found = checked_names(calibration, shares_of({"IN": interneurons}))
    share = {
        group: None if names is None else pytest.approx(1 - names.shares["PY"])
        for group, names in found.items()
    }
    assert (share["PY"], share["IN"]) == (for_py, for_in)


def test_other_proportions_inside_a_group_were_not_checked(calibration):
    found = checked_names(calibration, shares_of({"PY": 0.5, "PV": 0.5}))
    assert found == {"PY": None, "IN": None}


def test_differences_that_are_rounding_do_not_count(calibration):
    given = {"PY": 0.7, "PV": 0.1, "SOM": 0.1, "VIP": 0.1}
    found = checked_names(calibration, {**given, "PY": 0.702, "VIP": 0.098})
    assert found["IN"] == found["PY"] == calibration.names[1]


def promised(calibration, prior, rows):
    shares = shares_of(prior)
    return shares, Thresholds.promised(
        calibration, np.ones(len(rows), np.int64), rows, shares, EVEN
    )


@pytest.mark.parametrize(("prior", "limit"), [(0.5, 0.9), (0.3, 0.8), (0.1, 0.6)])
def test_with_shares_that_were_checked_the_thresholds_are_the_cards(
    calibration, prior, limit
):
    rows = np.array([[0.85, 0.05, 0.05, 0.05]])
    _, limits = promised(calibration, {"IN": prior}, rows)
    assert limits.groups["PY"] == [limit]
    assert limits.types[0, 0] == limit


def test_between_them_the_same_cells_are_named_as_with_the_harder_shares(calibration):
    rng = np.random.default_rng(0)
    rows = rng.dirichlet([0.3] * 4, 500)
    shares, limits = promised(calibration, {"IN": 0.4}, rows)
    p_py = reweigh(rows, list(shares.values()), list(EVEN.values()))[:, 0]
    harder = reweigh(rows, list(shares_of({"IN": 0.5}).values()), [0.25] * 4)[:, 0]
    np.testing.assert_array_equal(p_py >= limits.groups["PY"], harder >= 0.9)
    assert 0 < (harder >= 0.9).sum() < 500


def test_a_type_is_not_named_where_another_is_likelier_with_the_harder_shares(
    make_calibration,
):
    calibration = make_calibration(0.3, more_shares={0.1: 0.3})
    rows = np.array([[0.05, 0.6, 0.25, 0.1]])
    shares, limits = promised(calibration, {"IN": 0.3}, rows)
    now = reweigh(rows, list(shares.values()), list(EVEN.values()))
    # PV is the best guess with 30 % interneurons, PY with the 10 % that were checked.
    assert now.argmax() == 1
    assert NEVER > limits.types[0, 1] > 1


def test_what_was_not_checked_is_never_named(calibration):
    _, limits = promised(calibration, {"IN": 0.05}, np.array([[0.0, 1.0, 0.0, 0.0]]))
    assert limits.groups["IN"] == [NEVER]
    assert np.isinf(limits.types[0, 1:]).all()


def test_a_roi_without_a_trace_has_no_threshold_to_reach(calibration):
    rows = np.full((1, 4), np.nan)
    _, limits = promised(calibration, {"IN": 0.2}, rows)
    assert not (limits.types <= 1).any()
