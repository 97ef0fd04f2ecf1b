"""The card: what is refused, and its text: one screen, one table, plain signs."""

import json
from dataclasses import replace

import pytest

from napari_celltype.errors import ModelError
from napari_celltype.models import ModelCard, describe


def test_json_brings_the_same_card_back(make_card, make_calibration):
    card = make_card(
        calibration=make_calibration({1: 1.2, 4: 0.5}),
        domain={"noise": {"low": 0.1, "high": 0.6}},
    )
    again = ModelCard.from_json(card.to_json())
    assert again.to_json() == card.to_json()
    assert again.calibration == card.calibration
    assert again.scores == card.scores


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "../up"),
        ("name", ""),
        ("classes", ["PV"]),
        ("classes", ["PV", "PV"]),
        ("classes", ["PV", "a|b"]),
        ("classes", ["PV", "unsure"]),
        ("window_frames", 0),
        ("window_frames", 10**9),
        ("window_frames", 1.5),
        ("sampling_frequency", -1),
        ("sampling_frequency", 10**400),
        ("neuropil", "some"),
        ("origin", "somewhere"),
        ("subtypes_proven", "no"),
        ("calibration", {"coverage": 0.9}),
        ("calibration", []),
        ("domain", {"noise": {"low": 0.3}}),
        ("domain", {"noise": {"low": 0.3, "high": 0.1}}),
        ("scores", [1, 2]),
        ("scores", {"accuracy": 0.8}),
        ("versions", {"torch": 2}),
        ("trained_on", ""),
    ],
)
def test_impossible_values_are_refused_by_name(make_card, field, value):
    values = json.loads(make_card().to_json()) | {field: value}
    with pytest.raises(ModelError, match=f"says {field}"):
        ModelCard.from_json(json.dumps(values))


@pytest.mark.parametrize("text", ["", "{", "[1]", "[" * 100_000])
def test_text_that_is_no_card_is_refused(text):
    with pytest.raises(ModelError, match="model card"):
        ModelCard.from_json(text)


@pytest.mark.parametrize(
    "changes",
    [
        {"value": float("nan")},
        {"value": "0.8"},
        {"n": 0},
        {"data": ""},
        {"unit": "x" * 200},
        {"low": None},
        {"low": 0.95},
        {"chance": float("inf")},
        {"probe": None},
    ],
)
def test_impossible_score_is_refused(make_card, changes):
    (score,) = make_card().scores
    with pytest.raises(ModelError, match=r"says scores\[0\]"):
        make_card(scores=[replace(score, **changes)])


def test_what_a_card_says_of_the_network_comes_from_the_classifier(make_card):
    card = make_card()
    assert (card.classes, card.window_frames) == (("PV", "PY", "SOM"), 60)
    assert card.parameters["layers"] == "CCPCD"
    assert card.parameters["filters"] == [8, 16]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"origin": None}, "argument: 'origin'"),
        ({"colour": "red"}, "argument 'colour'"),
        ({"format": 99}, "update napari-celltype"),
    ],
)
def test_fields_of_another_card_are_named(make_card, changes, sentence):
    values = json.loads(make_card().to_json()) | changes
    values = {name: value for name, value in values.items() if value is not None}
    with pytest.raises(ModelError, match=sentence):
        ModelCard.from_json(json.dumps(values))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("coverage", 1.5),
        ("sessions", 0),
        ("calibrated_on", ""),
        ("steps", []),
        ("steps", 3),
        ("steps", [{"n_windows": 1}]),
        ("extra", 1),
        ("n_windows", 2),
        ("n_windows", True),
        ("temperature", 0),
        ("temperature", 10**400),
        ("prediction_set", {"PV": None, "PY": 0.1, "SOM": 0.1}),
        ("prediction_set", {"glia": 0.5}),
    ],
)
def test_impossible_calibration_is_refused(make_card, make_calibration, field, value):
    values = json.loads(make_card(calibration=make_calibration({1: 1.0})).to_json())
    step = values["calibration"]["steps"][0]
    (step if field in step else values["calibration"])[field] = value
    with pytest.raises(ModelError, match=r"says calibration[. ]|belong to its classes"):
        ModelCard.from_json(json.dumps(values))


def test_steps_that_do_not_ascend_are_refused(make_card, make_calibration):
    with pytest.raises(ModelError, match="steps that ascend from 1 window"):
        make_card(calibration=make_calibration({1: 1.0, 4: 1.0, 2: 1.0}))


def prose(card):
    """Return a card's text without its line ends."""
    return " ".join(describe(card).split())


def test_a_card_of_all_scores_fits_on_one_screen(make_card, make_calibration):
    (score,) = make_card().scores
    cells = ("simulation, 1 min", "in vivo, OGB1", "slice, GCaMP6f", "VISp PY")
    card = make_card(
        calibration=make_calibration({1: 1.25}),
        scores=[replace(score, data=data, n=6400) for data in cells for _ in range(5)],
        trained_on="Simulated awake sessions only. " * 4,
        not_for="Slices. " * 30,
    )
    lines = describe(card, "0" * 64).splitlines()
    assert len(lines) <= 45
    assert max(map(len, lines)) <= 88


def test_a_score_stands_beside_chance_and_the_best_number(make_card):
    row = next(x for x in describe(make_card()).splitlines() if "accuracy" in x)
    assert [cell.strip() for cell in row.split("|")] == [
        "simulated",
        "accuracy",
        "0.81 [0.70, 0.90]",
        "40",
        "0.25",
        "skewness 0.40",
    ]


def test_a_score_without_interval_or_comparison_has_empty_cells(make_card):
    (score,) = make_card().scores
    bare = replace(
        score, low=None, high=None, chance=None, probe=None, probe_value=None
    )
    text = describe(make_card(scores=[bare]))
    assert any(
        [cell.strip() for cell in line.split("|")][2:] == ["0.81", "40", "", ""]
        for line in text.splitlines()
    )


def test_no_control_characters_reach_a_terminal(make_card):
    assert "\x1b" not in describe(make_card(trained_on="cells\x1b[2J\x07"))


def test_a_text_of_many_lines_makes_no_heading(make_card):
    text = describe(make_card(not_for="Nothing.\n## Scores on real cells"))
    assert not any(line.startswith("## ") for line in text.splitlines())


def test_a_name_cannot_break_the_table(make_card):
    (score,) = make_card().scores
    text = describe(make_card(scores=[replace(score, data="a|b\nc")]))
    assert any(line.startswith("a/b c ") for line in text.splitlines())


def test_the_text_says_what_the_model_is_and_expects(make_card):
    text = prose(make_card())
    assert "unproven on real cells" in text
    assert "windows of 60 frames at 10 Hz (6 s)" in text
    assert "Calibrated: no" in text
    assert "resampling sessions" in text


def test_the_text_says_what_is_missing(make_card):
    text = prose(make_card(subtypes_proven=True, sampling_frequency=None, scores=[]))
    assert "unproven" not in text
    assert "at a frame rate that was not recorded" in text
    assert "No scores were measured." in text


def test_the_calibration_says_on_what_and_which_shares(make_card, make_calibration):
    shares = {"PY": 0.5, "IN": 0.5}
    calibration = make_calibration({1: 1.25, 4: 0.5})
    text = prose(make_card(calibration=calibration, assumed_shares=shares))
    assert "on simulation, 40 sessions, 800 cells" in text
    assert "at least 90%" in text
    assert "PY 0.5, IN 0.5" in text
