"""The validation page says what was measured, and what was not."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
from cell_scores import AREA, LOWEST
from difficulty import MODELS
from provenance import ROOT, write_results
from report import NAMES, interval, page, share_of

from napari_celltype.models import Score
from napari_celltype.simulation import SIMULATOR_VERSION

SCORE = {"value": 0.8123, "low": 0.7, "high": 0.9, "n": 40}
TEST = {
    "z-scored": SCORE,
    "with size of dF/F": SCORE,
    "features": {"skewness": 0.9, "kurtosis": 0.2, "noise": 0.55},
    "cells": [9, 18],
}


@pytest.fixture
def two_sample():
    return {
        "made by": {"simulator": SIMULATOR_VERSION},
        "real against simulated": {"PY, GCaMP6f, in vivo": TEST},
        "real against simulated, noise as in training": {},
        "one data set against simulated": {},
        "real against real": {"PY, GCaMP6f, in vivo, DS09 against DS10": TEST},
        "too few cells": {"PV, GCaMP6f, in vivo": 1},
    }


@pytest.fixture
def difficulty():
    scores = {"PY against interneuron": [SCORE], "four types": [SCORE]}
    models = {name: {"used": [f"{name}-10hz"], **scores} for name in MODELS}
    curve = {"title": "frame rate, Hz", "values": [30.0], **models}
    return {"sessions": 3, "cells per session": 7, "curves": {"frame rate": curve}}


def words(text: str) -> str:
    """Return prose without its line ends."""
    return " ".join(text.split())


def test_what_was_not_measured_is_said_not_to_be():
    empty = page({})
    for name in NAMES:
        assert f"Not measured (`benchmarks/{name}.py` has not been run)." in empty


def test_agreement_with_the_simulator_is_never_sold_as_evidence():
    said = words(page({}))
    assert "Agreement with the simulator is not evidence about real cells" in said


def test_two_sample_tests_stand_beside_those_of_two_real_sets(two_sample):
    said = words(page({"two_sample": two_sample}))
    assert "| PY, GCaMP6f, in vivo | 9 and 18 | 0.81 [0.70, 0.90] |" in said
    assert "Two real data sets of one type, indicator and preparation" in said
    assert "PV, GCaMP6f, in vivo (n = 1)" in said
    assert "higher skewness (0.90); lower kurtosis (0.80) |" in said


@pytest.mark.parametrize("change", [0, 1])
def test_what_was_measured_with_another_simulator_is_named(two_sample, change):
    two_sample["made by"]["simulator"] += change
    said = page({"two_sample": two_sample})
    assert ("Measured with another version: two_sample." in said) is bool(change)


def test_curves_stand_beside_the_models_that_were_taken(difficulty):
    said = words(page({"difficulty": difficulty}))
    assert "| frame rate, Hz 30 | 0.81 [0.70, 0.90] |" in said
    assert "| 30 | cnn-10hz | " in said


def test_real_cells_have_a_column_for_each_model():
    area = Score(
        "in vivo, OGB1", AREA, 0.8123, 15, "cells", 0.7, 0.9, 0.5, "length", 0.7
    )
    models = {"cnn-10hz": [asdict(area)], "rnn-10hz": [asdict(area)]}
    said = page({"real_cells": {"caution": "Few cells.", "models": models}})
    assert "| cells | measure | cnn-10hz | rnn-10hz | best number |" in said
    score = "0.81 [0.70, 0.90], 15"
    assert f"| in vivo, OGB1 | {AREA} | {score} | {score} | length 0.70 |" in said
    models = "cnn-10hz 0.81, rnn-10hz 0.81"
    verdict = "above length by less than so few cells can prove"
    assert f"| in vivo, OGB1, {AREA} | {verdict} | {models} |" in said


def test_lowest_mice_of_two_models_share_a_row_and_are_named():
    models = {
        f"{name}-10hz": [asdict(Score(f"V1 PY, {mouse}", LOWEST, 0.5, 7, "cells"))]
        for name, mouse in (("cnn", 195), ("rnn", 224))
    }
    said = page({"real_cells": {"caution": "Few cells.", "models": models}})
    assert f"| V1 PY | {LOWEST} | 0.50, 7 (195) | 0.50, 7 (224) |" in said


def test_what_has_no_value_has_words():
    assert share_of({"value": None, "count": 0, "n": 0}) == "none"
    assert interval({"value": None}) == "-"


def test_results_say_what_made_them(tmp_path):
    file = write_results("x", {"y": 1}, tmp_path / "new")
    assert json.loads(file.read_text())["made by"]["simulator"] == SIMULATOR_VERSION


def test_the_page_names_no_file_that_is_not_there():
    said = (ROOT / "docs" / "validation.md").read_text()
    for line in said.splitlines():
        if line.startswith("python "):
            assert (ROOT / line.split()[1]).exists(), line
