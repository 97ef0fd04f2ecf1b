import json
from dataclasses import replace

import numpy as np
import pytest

from napari_celltype.errors import ModelError
from napari_celltype.models import (
    ModelCard,
    TraceClassifier,
    card_for,
)


def test_json_brings_the_same_card_back(make_card, make_calibration):
    card = make_card(
        calibration=make_calibration({1: 1.2, 4: 0.5}),
        domain={"noise": {"low": 0.1, "high": 0.6}},
    )
    again = ModelCard.from_json(card.to_json())
    assert again.to_json() == card.to_json()
    assert again.calibration == card.calibration
    assert again.scores == card.scores


def test_card_takes_the_structure_from_the_classifier(make_card):
    parameters = make_card().parameters
    assert (parameters["layers"], parameters["filters"]) == ("CCPCD", [8, 16])


def test_card_takes_classes_and_length_from_the_classifier(make_card):
    card = make_card()
    assert (card.classes, card.window_frames) == (("PV", "PY", "SOM"), 60)


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
    ],
)
def test_impossible_calibration_is_refused(make_card, make_calibration, field, value):
    values = json.loads(make_card(calibration=make_calibration({1: 1.0})).to_json())
    values["calibration"][field] = value
    with pytest.raises(ModelError, match=r"says calibration[. ]"):
        ModelCard.from_json(json.dumps(values))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("n_windows", 2),
        ("n_windows", True),
        ("temperature", 0),
        ("temperature", 10**400),
        ("prediction_set", {"PV": None, "PY": 0.1, "SOM": 0.1}),
    ],
)
def test_impossible_step_is_refused(make_card, make_calibration, field, value):
    values = json.loads(make_card(calibration=make_calibration({1: 1.0})).to_json())
    values["calibration"]["steps"][0][field] = value
    with pytest.raises(ModelError, match=r"says calibration[. ]"):
        ModelCard.from_json(json.dumps(values))


def test_steps_that_do_not_ascend_are_refused(make_card, make_calibration):
    with pytest.raises(ModelError, match="steps that ascend from 1 window"):
        make_card(calibration=make_calibration({1: 1.0, 4: 1.0, 2: 1.0}))


def test_calibration_of_other_classes_is_refused(make_card, make_calibration):
    values = json.loads(make_card(calibration=make_calibration({1: 1.0})).to_json())
    values["calibration"]["steps"][0]["prediction_set"] = {"glia": 0.5}
    with pytest.raises(ModelError, match="does not belong to its classes"):
        ModelCard.from_json(json.dumps(values))


def test_missing_field_is_named(make_card):
    values = json.loads(make_card().to_json())
    del values["origin"]
    with pytest.raises(ModelError, match="lacks origin"):
        ModelCard.from_json(json.dumps(values))


def test_unknown_field_is_named(make_card):
    values = json.loads(make_card().to_json()) | {"colour": "red"}
    with pytest.raises(ModelError, match="unknown field 'colour'"):
        ModelCard.from_json(json.dumps(values))


def test_card_of_a_later_format_says_to_update(make_card):
    values = json.loads(make_card().to_json()) | {"format": 99}
    with pytest.raises(ModelError, match="update napari-celltype"):
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


def test_a_card_counts_the_classes_that_its_classifier_was_trained_on():
    rng = np.random.default_rng(0)
    traces, labels = rng.normal(size=(8, 40)), ["PV"] * 6 + ["PY"] * 2
    classifier = TraceClassifier("rnn", epochs=1, random_state=0, device="cpu")
    card = card_for(
        classifier.fit(traces, labels), name="mine", sampling_frequency=10.0
    )
    assert card.training_data["class_counts"] == {"PV": 6, "PY": 2}
