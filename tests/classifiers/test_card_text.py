import pytest

from napari_celltype.classifiers import describe
from napari_celltype.classifiers.score_text import score_lines, table_lines


@pytest.fixture
def calibrated(make_card, make_calibration):
    return describe(make_card(calibration=make_calibration({1: 1.25, 4: 0.5})))


def headings(text):
    return [line.lstrip("# ") for line in text.splitlines() if line.startswith("## ")]


def test_sections_stand_in_the_order_of_a_readers_questions(make_card):
    scores = {"real cells": {"n": 3}, "simulated sessions": {"n": 9}}
    assert headings(describe(make_card(scores=scores))) == [
        "What it is",
        "What input it expects",
        "What it promises, and on what",
        "Scores on simulation",
        "Scores on real cells",
        "What it is for",
        "What not to use it for",
        "Training",
    ]


def test_subtypes_are_said_to_be_unproven(make_card):
    assert "unproven on real cells" in describe(make_card())


def test_proven_subtypes_are_not(make_card):
    assert "unproven" not in describe(make_card(subtypes_proven=True))


def test_scores_have_their_interval_and_count(make_card):
    text = describe(make_card())
    assert "- accuracy: 0.81 (0.7 to 0.9)" in text
    assert "- n: 40" in text


def test_a_card_without_scores_says_so(make_card):
    assert "None were measured." in describe(make_card(scores={}))


def test_what_the_model_expects_is_told(make_card):
    assert "windows of 60 frames at 10 Hz (6 s)" in describe(make_card())


def test_a_card_without_a_frame_rate_says_so(make_card):
    text = describe(make_card(sampling_frequency=None))
    assert "at a frame rate that was not recorded" in text


def test_the_ranges_of_the_training_data_are_a_table(make_card):
    text = describe(make_card(domain={"noise": {"low": 0.123456, "high": 0.9}}))
    assert "| noise    | 0.123 | 0.9 |" in text


def test_promises_say_on_what_they_were_calibrated(calibrated):
    assert "at least 90% on simulation" in calibrated
    assert "40 sessions with 800 cells, on simulation" in calibrated


def test_each_step_has_its_temperature(calibrated):
    rows = [line.split()[1:4:2] for line in calibrated.splitlines()]
    assert ["1", "1.25"] in rows
    assert ["4", "0.5"] in rows


def test_a_model_without_calibration_promises_nothing(make_card):
    assert "Nothing was calibrated: how many of its names" in describe(make_card())


def test_no_control_characters_reach_a_terminal(make_card):
    assert "\x1b" not in describe(make_card(trained_on="cells\x1b[2J\x07"))


def test_a_text_of_many_lines_makes_no_heading(make_card):
    text = describe(make_card(not_for="Nothing.\n## Scores on real cells"))
    assert "Scores on real cells" not in headings(text)


def test_groups_come_before_types():
    lines = score_lines({"accuracy": {"value": 0.4}, "PY against interneuron": 0.7})
    assert [line[:4] for line in lines[:2]] == ["- PY", "- ac"]


def test_minutes_are_sorted_by_their_number():
    scores = {f"after {n} minutes": {"recall": {"PV": 0.5}} for n in (16, 4, 1)}
    found = [line for line in score_lines(scores) if line.startswith("###")]
    assert found == [f"### after {n} minutes" for n in (1, 4, 16)]


def test_guesses_are_a_table_of_counts():
    lines = score_lines({"guesses": {"PV": {"PV": 12, "PY": 3}, "PY": {"PY": 7}}})
    assert lines == [
        "### guesses",
        "",
        "| true type | called PV | called PY |",
        "|-----------|-----------|-----------|",
        "| PV        | 12        | 3         |",
        "| PY        | 0         | 7         |",
        "",
    ]


@pytest.mark.parametrize(
    "curve",
    [
        [{"said": 0.35, "right": 0.33, "n": 120}, {"said": 0.9, "right": 0.8, "n": 4}],
        {"said": [0.35, 0.9], "right": [0.33, 0.8], "n": [120, 4]},
    ],
)
def test_reliability_is_a_table_for_each_number_of_windows(curve):
    lines = score_lines({"reliability": {"1 window": curve, "4 windows": curve}})
    assert "#### 1 window" in lines
    assert "| 0.35 | 0.33  | 120 |" in lines


def test_the_spread_over_seeds_is_told():
    lines = score_lines({"accuracy": {"mean": 0.7123, "deviation": 0.01}})
    assert lines[0] == "- accuracy: 0.712, deviation 0.01"


def test_a_name_cannot_break_a_table():
    assert table_lines(["a|b"], [["c\nd"]])[2] == "| c d |"


def _deep(levels):
    value = 1.0
    for level in range(levels):
        value = {"x": value} if level % 2 else [value]
    return value


@pytest.mark.parametrize(
    "scores",
    [
        {"simulated": None},
        {"simulated": "not yet"},
        {"simulated": {"accuracy": {"value": None}}},
        {"simulated": {"accuracy": {"value": {"low": 1}, "low": "x", "high": []}}},
        {"simulated": {"guesses": {"PV": {}, "PY": {"PV": 1}}}},
        {"simulated": {"guesses": {"PV": {"PV": "many"}}}},
        {"simulated": {"reliability": [{}, {"said": 1}]}},
        {"simulated": {"reliability": {"said": [1, 2], "right": [1]}}},
        {"real cells": [[1, 2], {"a": 3}]},
        {"": {"": ""}},
        {"simulated": _deep(200)},
    ],
)
def test_damaged_scores_are_shown_as_far_as_they_go(make_card, scores):
    assert "What not to use it for" in describe(make_card(scores=scores))
