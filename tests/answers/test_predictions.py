"""Names and probabilities: group, type, minimum, prediction set, prior."""

from dataclasses import replace

import numpy as np
import pytest

from napari_celltype.answers.decisions import UnsureReason, decide, prediction_sets
from napari_celltype.celltypes import UNSURE
from napari_celltype.errors import LabelError

CLASSES = ("PY", "PV", "SOM", "VIP")


def said(*row, least=0.0):
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


@pytest.mark.parametrize("name", ["IN", "NDNF"])
def test_a_group_may_be_a_type_and_a_users_own_type_is_an_interneuron(name):
    found = decide(np.array([[0.4, 0.6]]), ("PY", name))
    assert (found.group, found.predicted) == (["IN"], [name])


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


# Under the shares PY 50 % and IN 50 % the first becomes PY 0.75 and the second PV 0.75:
# the weights are 0.5 / 0.25 = 2 and (1 / 6) / 0.25 = 2 / 3.
ROWS = [[0.5, 0.5, 0, 0], [0.1, 0.9, 0, 0]]


def test_probabilities_follow_a_prior_by_bayes_rule(make_predictions):
    rare = make_predictions(ROWS).with_prior({"IN": 0.1})
    # 0.9 * (0.1 / 3 / 0.25) against 0.1 * (0.9 / 0.25).
    np.testing.assert_allclose(rare.probabilities[1, :2], [0.36 / 0.48, 0.12 / 0.48])
    assert rare.shares == pytest.approx(
        {"PY": 0.9, "PV": 0.1 / 3, "SOM": 0.1 / 3, "VIP": 0.1 / 3}
    )


def test_without_a_prior_the_cards_shares_hold_again(make_predictions):
    plain = make_predictions(ROWS)
    rare = plain.with_prior({"IN": 0.1})
    np.testing.assert_array_equal(rare.model_probabilities, ROWS)
    again = rare.with_prior(None)
    np.testing.assert_array_equal(again.probabilities, plain.probabilities)
    assert again.prior is None


def test_a_prior_that_does_not_fit_the_model_is_refused(make_predictions):
    with pytest.raises(LabelError, match="none of the types"):
        make_predictions(ROWS).with_prior({"glia": 0.1})


def test_prediction_sets_have_the_thresholds_of_their_number_of_windows(
    make_predictions, make_calibration
):
    calibration = make_calibration(0.45, later={4: 0.2})
    rows = [[0.3, 0.6, 0.1, 0.0]]
    few = make_predictions(rows, calibration=calibration, n_windows=1).table()
    many = make_predictions(rows, calibration=calibration, n_windows=4).table()
    assert few["prediction_set"].tolist() == ["PV"]
    assert many["prediction_set"].tolist() == ["PY|PV"]


def test_a_model_without_calibration_has_names_and_no_sets(make_predictions):
    table = make_predictions(ROWS).table()
    assert table["predicted"].tolist() == ["PY", "PV"]
    assert table["prediction_set"].tolist() == ["", ""]


def test_a_prior_leaves_the_minimum_of_the_user(make_predictions):
    predictions = replace(make_predictions(ROWS), min_probability=0.7)
    rare = predictions.with_prior({"IN": 0.3})
    assert rare.min_probability == 0.7
    assert rare.decisions.predicted == ["PY", "unsure"]


def test_a_roi_without_a_usable_trace_has_no_probability(
    make_predictions, make_calibration
):
    made = make_predictions([*ROWS, [np.nan] * 4], calibration=make_calibration())
    row = made.table().iloc[2]
    assert (row["group"], row["predicted"]) == ("unsure", "unsure")
    assert row[["p_IN", "probability", "p_PY", "p_PV"]].isna().all()
    assert row["n_frames_used"] == 0


def test_where_only_one_type_carries_the_indicator_the_line_names_it(make_predictions):
    only = make_predictions(ROWS).with_prior({"PV": 1.0})
    assert only.decisions.predicted == ["PV", "PV"]
    assert only.decisions.group == ["IN", "IN"]


def test_the_reason_of_a_merged_part_is_not_its_trace(session_folder):
    from napari_celltype.answers import ClassifyRequest, classify_recording
    from napari_celltype.recording import open_recording

    folder = session_folder("m1", merged=[(0, 1)], n_frames=1900, fs=30.0)
    said = classify_recording(open_recording(folder), ClassifyRequest()).decisions
    assert said.why_unsure[:2] == ["part of a merged ROI"] * 2
