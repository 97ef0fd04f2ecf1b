from dataclasses import replace

import numpy as np
import pytest

from napari_celltype.errors import LabelError

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
    again = plain.with_prior({"IN": 0.1}).with_prior(None)
    np.testing.assert_array_equal(again.probabilities, plain.probabilities)
    assert again.prior is None


def test_the_models_own_probabilities_do_not_follow_the_prior(make_predictions):
    rare = make_predictions(ROWS).with_prior({"IN": 0.1})
    np.testing.assert_array_equal(rare.model_probabilities, ROWS)


def test_a_prior_that_does_not_fit_the_model_is_refused(make_predictions):
    with pytest.raises(LabelError, match="not a known cell type"):
        make_predictions(ROWS).with_prior({"glia": 0.1})


def test_thresholds_are_the_cards_for_each_name(make_predictions, make_calibration):
    calibration = make_calibration(0.7, named_from={"PV": None})
    said = make_predictions(ROWS, calibration=calibration).decisions()
    assert said.predicted == ["PY", "unsure"]
    assert said.group == ["PY", "IN"]
    assert said.why_unsure == ["", "PV is never named by this model"]


def test_a_name_that_longer_recordings_get_is_not_called_never_named(
    make_predictions, make_calibration
):
    calibration = make_calibration(0.7, named_from={"PV": None}, later={4: 0.6})
    later = replace(
        calibration.steps[1], named_from=dict.fromkeys(("PY", "PV", "SOM", "VIP"), 0.6)
    )
    calibration = replace(calibration, steps=(calibration.steps[0], later))
    few = make_predictions(ROWS, calibration=calibration, n_windows=1).decisions()
    many = make_predictions(ROWS, calibration=calibration, n_windows=4).decisions()
    assert few.why_unsure[1] == "PV is not named from this number of windows"
    assert many.predicted[1] == "PV"


def test_a_prior_leaves_the_threshold_of_the_user(make_predictions, make_calibration):
    predictions = replace(
        make_predictions(ROWS, calibration=make_calibration(0.99)), min_probability=0.7
    )
    rare = predictions.with_prior({"IN": 0.3})
    assert rare.min_probability == 0.7
    assert rare.decisions().predicted == ["PY", "unsure"]


def test_more_windows_have_their_own_thresholds(make_predictions, make_calibration):
    calibration = make_calibration(0.95, later={4: 0.7})
    few = make_predictions(ROWS, calibration=calibration, n_windows=3)
    many = make_predictions(ROWS, calibration=calibration, n_windows=5)
    assert few.decisions().predicted == ["unsure", "unsure"]
    assert many.decisions().predicted == ["PY", "PV"]


def test_one_number_of_the_users_replaces_the_cards_thresholds(
    make_predictions, make_calibration
):
    predictions = make_predictions(ROWS, calibration=make_calibration(0.99))
    assert predictions.decisions(0.5).predicted == ["PY", "PV"]


def test_prediction_sets_have_the_thresholds_of_their_number_of_windows(
    make_predictions, make_calibration
):
    # A type stays possible from half of the threshold: 0.45 and then 0.2.
    calibration = make_calibration(0.9, later={4: 0.4})
    rows = [[0.3, 0.6, 0.1, 0.0]]
    few = make_predictions(rows, calibration=calibration, n_windows=1).table()
    many = make_predictions(rows, calibration=calibration, n_windows=4).table()
    assert few["prediction_set"].tolist() == ["PV"]
    assert many["prediction_set"].tolist() == ["PY|PV"]


def test_a_model_without_calibration_has_one_threshold_and_no_sets(make_predictions):
    predictions = make_predictions(ROWS, min_probability=0.8)
    assert predictions.decisions().predicted == ["unsure", "unsure"]
    assert predictions.table()["prediction_set"].tolist() == ["", ""]


def test_where_only_one_type_carries_the_indicator_the_line_names_it(
    make_predictions, make_calibration
):
    calibration = make_calibration(
        0.9, named_from={"PV": None}, group_named_from={"IN": None}
    )
    only = make_predictions(ROWS, calibration=calibration).with_prior({"PV": 1.0})
    assert only.decisions().predicted == ["PV", "PV"]
    assert only.decisions().group == ["IN", "IN"]


def test_the_reason_of_a_merged_part_is_not_its_trace(session_folder):
    from napari_celltype.recording import open_recording
    from napari_celltype.workflows import ClassifyRequest, classify_recording

    folder = session_folder("m1", merged=[(0, 1)], n_frames=1900, fs=30.0)
    said = classify_recording(open_recording(folder), ClassifyRequest()).decisions()
    assert said.why_unsure[:2] == ["part of a merged ROI"] * 2


def test_a_name_that_other_shares_would_give_is_not_called_never_named(
    make_predictions, make_calibration
):
    predictions = make_predictions(ROWS, calibration=make_calibration(0.7))
    said = predictions.with_prior({"IN": 0.4, "PY": 0.6}).decisions()
    assert said.group == ["PY", "unsure"]
    assert said.why_unsure[1] == "IN is not named with these shares"


def test_rare_interneurons_let_pyramidal_cells_be_named(
    make_predictions, make_calibration
):
    calibration = make_calibration(
        0.99, group_named_from={"PY": None}, more_shares={0.1: 0.6}
    )
    plain = make_predictions(ROWS, calibration=calibration)
    assert plain.decisions().group == ["unsure", "unsure"]
    assert plain.with_prior({"IN": 0.1}).decisions().group == ["PY", "PY"]
