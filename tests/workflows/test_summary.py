import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from napari_celltype.workflows.summary import combine

# Of a model trained on equal shares of four types. Under PY 50 %, IN 50 % the weights
# are 2 for PY and 2/3 for each interneuron type: the rows become PY 0.9 (two cells),
# PV 0.9, and half PY, half PV. Under PY 89 %, IN 11 % PV 0.9 becomes
# 0.9 * 0.11 / (0.9 * 0.11 + 0.1 * 0.89) = 0.099 / 0.188.
ROWS = [[0.75, 0.25, 0, 0], [0.75, 0.25, 0, 0], [1 / 28, 27 / 28, 0, 0]]
BETWEEN = [0.25, 0.75, 0, 0]
NO_TRACE = [np.nan] * 4


@pytest.fixture
def summarise(make_predictions, make_calibration):
    def make(rows, *, prior=None, value=0.7, **of_the_card):
        calibration = make_calibration(value)
        predictions = make_predictions(
            rows, calibration=calibration, prior=prior, **of_the_card
        )
        return predictions.summary()

    return make


def test_groups_are_counted_first(summarise):
    lines = summarise([*ROWS, BETWEEN, NO_TRACE]).sentences()
    assert lines[0] == "5 ROIs: 2 PY, 1 IN, 2 unsure"


def test_what_is_expected_to_be_right_is_the_sum_of_the_probabilities(summarise):
    summary = summarise([*ROWS, BETWEEN])
    assert summary.groups["PY"].rois == 2
    assert summary.groups["PY"].expected_right == pytest.approx(2 * 0.9)
    assert summary.groups["IN"].expected_right == pytest.approx(0.9)
    assert summary.types["PV"].expected_right == pytest.approx(0.9)


def test_with_the_interneurons_of_ca1_fewer_of_the_same_rois_are_right(summarise):
    summary = summarise(ROWS)
    assert summary.groups["IN"].expected_right_ca1 == pytest.approx(0.099 / 0.188)


def test_a_sentence_says_how_many_are_expected_to_be_right_and_if_what(summarise):
    lines = summarise(ROWS * 20).sentences()
    assert (
        "Of the 20 called interneuron about 18 are expected to be right (on "
        "simulation, if 50 % of the cells are interneurons)."
    ) in lines
    assert (
        "Of the 40 called pyramidal about 36 are expected to be right (on simulation, "
        "if 50 % of the cells are pyramidal)."
    ) in lines


def test_a_hint_says_what_realistic_shares_would_change(summarise):
    lines = summarise(ROWS * 20).sentences()
    (hint,) = [line for line in lines if "Bezaire" in line]
    assert "With 11 % interneurons" in hint
    assert "about 11 of these 20 would be right" in hint


def test_there_is_no_hint_where_little_would_change(summarise):
    lines = summarise([[0, 1, 0, 0]]).sentences()
    assert not any("Bezaire" in line for line in lines)


def test_shares_that_the_user_gave_are_no_assumption_and_need_no_hint(summarise):
    summary = summarise(ROWS * 20, prior={"IN": 0.4})
    assert "Given shares: PY 60 %, IN 40 %." in summary.sentences()
    assert not any("Bezaire" in line for line in summary.sentences())


def test_shares_that_the_card_assumes_are_called_an_assumption(summarise):
    (line,) = [x for x in summarise(ROWS).sentences() if x.startswith("Assumed")]
    assert "PY 50 %, IN 50 %" in line
    assert "no measurement" in line


def test_reasons_of_the_unsure_are_counted(summarise):
    summary = summarise([*ROWS, BETWEEN, BETWEEN, NO_TRACE])
    assert summary.why_unsure == {
        "between PY and interneuron": 2,
        "no usable trace": 1,
    }
    assert (
        "Why unsure: between PY and interneuron (2), no usable trace (1)."
    ) in summary.sentences()


def test_the_promise_names_what_it_was_calibrated_on(summarise):
    promise = summarise(ROWS).sentences()[-1]
    assert "at most 10 % of the cells of that name are wrong" in promise
    assert "on simulation, with PY 50 %, IN 50 %)" in promise


def test_a_model_that_may_name_nothing_says_so(make_predictions, make_calibration):
    calibration = make_calibration(
        named_from=dict.fromkeys(("PY", "PV", "SOM", "VIP")),
        group_named_from=dict.fromkeys(("PY", "IN")),
    )
    lines = make_predictions(ROWS, calibration=calibration).summary().sentences()
    assert lines[0] == "3 ROIs: 3 unsure"
    assert lines[-1].startswith("This model names no cell")
    assert "on simulation" in lines[-1]


def test_a_rarer_group_than_any_that_was_checked_is_not_named(summarise):
    promise = summarise(ROWS, prior={"IN": 0.1}).sentences()[-1]
    assert "with PY 50 %, IN 50 %; with the shares here no more of them are" in promise
    assert "IN is not named: no threshold was checked with so few IN." in promise


def test_each_group_says_with_which_shares_it_was_checked(
    make_predictions, make_calibration
):
    calibration = make_calibration(more_shares={0.1: 0.6})
    made = make_predictions(ROWS, calibration=calibration, prior={"IN": 0.3})
    promise = made.summary().sentences()[-1]
    assert "(on simulation, PY with PY 50 %, IN 50 %, IN with PY 90 %, IN 10 %;" in (
        promise
    )


def test_other_types_within_the_same_groups_are_other_shares(summarise):
    lines = summarise(ROWS, prior={"PY": 0.5, "PV": 0.5}).sentences()
    assert "nothing is promised" in lines[-1]
    assert "Given shares: PY 50 %, IN 50 % (PV 50 %, SOM 0 %, VIP 0 %)." in lines


def test_a_settled_group_leaves_the_types_to_their_thresholds(summarise):
    last = summarise(ROWS, prior={"IN": 1.0}).sentences()[-1]
    assert last.startswith("Every cell is taken for IN")
    assert "Each name is given from" in last


def test_a_threshold_of_the_users_promises_nothing(make_predictions, make_calibration):
    predictions = make_predictions(ROWS, calibration=make_calibration())
    lines = predictions.summary(0.6).sentences()
    assert "from a probability of 0.6 on, which promises nothing" in lines[-1]


def test_without_a_calibration_nothing_is_expected(make_predictions):
    summary = make_predictions(ROWS).summary()
    assert summary.groups["PY"].expected_right is None
    assert not any("expected" in line for line in summary.sentences())


def test_a_calibration_on_the_users_sessions_is_not_called_simulation(
    make_predictions, make_calibration
):
    calibration = make_calibration(calibrated_on="12 sessions of CA1")
    text = " ".join(
        make_predictions(ROWS, calibration=calibration).summary().sentences()
    )
    assert "on 12 sessions of CA1" in text
    assert "simulation" not in text
    assert "Bezaire" not in text


def test_what_the_line_names_is_not_expected_of_the_traces(summarise):
    summary = summarise(ROWS, prior={"PV": 1.0})
    assert summary.types["PV"] == summary.groups["IN"]
    assert summary.types["PV"].expected_right is None
    assert "Every cell is taken for PV" in summary.sentences()[-1]


def test_interneuron_types_are_called_unproven_until_they_are_proven(summarise):
    said = " ".join(summarise(ROWS).sentences())
    assert "interneuron types unproven on real cells" in said
    proven = " ".join(summarise(ROWS, subtypes_proven=True).sentences())
    assert "unproven" not in proven


def test_a_model_without_types_below_the_groups_leaves_nothing_unproven(
    make_predictions,
):
    predictions = make_predictions([[0.9, 0.1], [0.2, 0.8]], classes=("PY", "IN"))
    assert "unproven" not in " ".join(predictions.summary().sentences())


def test_a_model_of_interneurons_only_names_their_group_by_itself(make_predictions):
    rows, classes = [[0.9, 0.1], [0.2, 0.8]], ("PV", "CCK")
    made = make_predictions(rows, classes=classes, assumed_shares=None)
    last = made.summary().sentences()[-1]
    assert last.startswith(
        "Every cell is taken for IN, because the model knows no other group"
    )


def test_only_cells_of_suite2p_are_counted_if_only_they_are_asked_for(
    make_predictions, make_calibration
):
    made = make_predictions([*ROWS, NO_TRACE], calibration=make_calibration())
    iscell = np.array([True, False, True, False])
    recording = replace(made.recording, iscell=iscell)
    summary = replace(made, recording=recording, only_iscell=True).summary()
    assert summary.n_rois == 2
    assert (summary.groups["PY"].rois, summary.groups["IN"].rois) == (1, 1)
    assert summary.groups["PY"].expected_right == pytest.approx(0.9)
    assert summary.why_unsure == {}


def test_recordings_add_up(summarise):
    both = combine([summarise(ROWS), summarise([*ROWS, BETWEEN])])
    assert both.n_rois == 7
    assert both.groups["PY"].rois == 4
    assert both.groups["PY"].expected_right == pytest.approx(4 * 0.9)
    assert both.why_unsure == {"between PY and interneuron": 1}
    assert list(both.groups) == ["PY", "IN", "unsure"]
    assert len(both.naming) == 1


def test_a_summary_is_plain_enough_for_json(summarise):
    content = json.loads(json.dumps(asdict(summarise(ROWS))))
    assert content["groups"]["IN"]["rois"] == 1
    assert content["groups"]["IN"]["expected_right"] == pytest.approx(0.9)
