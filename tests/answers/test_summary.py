import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from napari_celltype.answers.decisions import UnsureReason
from napari_celltype.answers.summary import combine, count_rois
from napari_celltype.labels import Label, LabelTable

# Of a model trained on equal shares of four types. Under PY 50 %, IN 50 % the weights
# are 2 for PY and 2/3 for each interneuron type: the rows become PY 0.9 (two cells),
# PV 0.9. Under PY 89 %, IN 11 % PV 0.9 becomes
# 0.9 * 0.11 / (0.9 * 0.11 + 0.1 * 0.89) = 0.099 / 0.188.
ROWS = [[0.75, 0.25, 0, 0], [0.75, 0.25, 0, 0], [1 / 28, 27 / 28, 0, 0]]
NO_TRACE = [np.nan] * 4


@pytest.fixture
def summarise(make_predictions, make_calibration):
    def make(rows, *, prior=None, **of_the_card):
        return make_predictions(
            rows, calibration=make_calibration(), prior=prior, **of_the_card
        ).summary()

    return make


def test_counts_go_from_group_to_type(summarise):
    counts = summarise([*ROWS, NO_TRACE]).counts
    types = "1 PV, 0 SOM, 0 VIP, unproven on real cells"
    assert counts == f"4 ROIs: 2 PY, 1 IN ({types}), 1 unsure"


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (ROWS * 20, "of 20 interneurons about 18 expected right (on simulation)"),
        (ROWS[:1] * 10, "of 10 pyramidal cells about 9 expected right (on simulation)"),
        (ROWS * 2, ""),  # a few cells
    ],
)
def test_one_line_says_how_many_are_expected_to_be_right(summarise, rows, sentence):
    assert summarise(rows).expectation == sentence


def test_of_a_few_cells_nothing_is_expected(summarise):
    assert not any("expected" in line for line in summarise(ROWS * 2).details())


def test_a_merged_roi_counts_once(make_predictions):
    made = make_predictions([NO_TRACE, NO_TRACE, *ROWS])
    merged = np.array([2, 2, -1, -1, -1])
    made = replace(made, recording=replace(made.recording, merged_into=merged))
    summary = made.summary()
    assert summary.n_rois == 3
    assert summary.types["unsure"].rois == 0
    assert summary.why_unsure == {}


def test_what_is_expected_to_be_right_is_the_sum_of_the_probabilities(summarise):
    summary = summarise(ROWS)
    assert summary.groups["PY"].rois == 2
    assert summary.groups["PY"].expected_right == pytest.approx(2 * 0.9)
    assert summary.groups["IN"].expected_right == pytest.approx(0.9)
    assert summary.types["PV"].expected_right == pytest.approx(0.9)
    # With the interneurons of CA1 fewer of the same ROIs are right.
    assert summary.groups["IN"].expected_right_ca1 == pytest.approx(0.099 / 0.188)


def test_a_sentence_says_how_many_are_expected_to_be_right_and_if_what(summarise):
    lines = summarise(ROWS * 20).details()
    assert (
        "Of the 20 called interneuron about 18 are expected to be right (on "
        "simulation, if the share of interneurons is 50 %)."
    ) in lines
    assert (
        "Of the 40 called pyramidal about 36 are expected to be right (on simulation, "
        "if the share of pyramidal cells is 50 %)."
    ) in lines


def test_a_hint_says_what_realistic_shares_would_change(summarise):
    lines = summarise(ROWS * 20).details()
    (hint,) = [line for line in lines if "Bezaire" in line]
    assert "With 11 % interneurons" in hint
    assert "about 11 of these 20 would be right" in hint


def test_shares_that_the_user_gave_are_no_assumption_and_need_no_hint(summarise):
    summary = summarise(ROWS * 20, prior={"IN": 0.4})
    assert "Given shares of the types: PY 60 %, IN 40 %." in summary.details()
    assert not any("Bezaire" in line for line in summary.details())


def test_shares_that_the_card_assumes_are_called_an_assumption(summarise):
    (line,) = [x for x in summarise(ROWS).details() if x.startswith("Assumed")]
    assert "PY 50 %, IN 50 %" in line
    assert "no measurement" in line


def test_reasons_of_the_unsure_are_counted(make_predictions):
    made = make_predictions([*ROWS, NO_TRACE, NO_TRACE])
    summary = made.with_min_probability(0.95).summary()
    assert summary.why_unsure == {UnsureReason.BELOW: 3, UnsureReason.NO_TRACE: 2}


def test_without_a_calibration_nothing_is_expected(make_predictions):
    summary = make_predictions(ROWS * 20).summary()
    assert summary.groups["PY"].expected_right is None
    assert summary.expectation == "not calibrated: how many are right is not known"
    assert not any("expected" in line for line in summary.details())


def test_a_calibration_on_the_users_sessions_is_not_called_simulation(
    make_predictions, make_calibration
):
    calibration = make_calibration(calibrated_on="12 sessions of CA1")
    summary = make_predictions(ROWS * 20, calibration=calibration).summary()
    text = " ".join([summary.expectation, *summary.details()])
    assert "on 12 sessions of CA1" in text
    assert "simulation" not in text
    assert "Bezaire" not in text


def test_what_the_line_names_is_not_expected_of_the_traces(summarise):
    summary = summarise(ROWS * 20, prior={"PV": 1.0})
    assert summary.types["PV"].rois == summary.groups["IN"].rois == 60
    assert summary.expectation == ""
    assert "Every cell is IN by the shares" in summary.details()[0]


def test_interneuron_types_are_called_unproven_until_they_are_proven(summarise):
    assert "unproven on real cells" in summarise(ROWS).counts
    assert "unproven" not in summarise(ROWS, subtypes_proven=True).counts


def test_a_model_without_types_below_the_groups_leaves_nothing_unproven(
    make_predictions,
):
    predictions = make_predictions([[0.9, 0.1], [0.2, 0.8]], classes=("PY", "IN"))
    assert predictions.summary().counts == "2 ROIs: 1 PY, 1 IN"


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
    both = combine([summarise(ROWS), summarise([*ROWS, NO_TRACE])])
    assert both.n_rois == 7
    assert both.groups["PY"].rois == 4
    assert both.groups["PY"].expected_right == pytest.approx(4 * 0.9)
    assert both.why_unsure == {"no usable trace": 1}
    assert list(both.groups) == ["PY", "IN", "unsure"]


def test_a_summary_is_plain_enough_for_json(summarise):
    content = json.loads(json.dumps(asdict(summarise(ROWS))))
    assert content["groups"]["IN"]["rois"] == 1
    assert content["groups"]["IN"]["expected_right"] == pytest.approx(0.9)


def test_figure_and_legend_count_as_the_summary_does(make_predictions):
    made = make_predictions([NO_TRACE, *ROWS])
    merged = np.array([1, -1, -1, -1])
    labels = LabelTable(
        (Label(0, "PV"), Label(1, "PY"), Label(2, "PV", source="prediction"))
    )
    made = replace(
        made, recording=replace(made.recording, merged_into=merged), labels=labels
    )
    counts = count_rois(made.table())
    assert counts.n_rois == made.summary().n_rois == 3
    assert counts.types == {"PY": 2, "PV": 1}
    assert counts.labels == {"PY": 1}
