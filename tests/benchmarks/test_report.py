"""The validation page says what was measured, and what was not."""

from __future__ import annotations

import pytest
from cell_scores import ABSENT, GROUP, MINUS_PROBE, REFIT, SHIPPED
from provenance import ROOT, simulator_digest, write_results
from report import NAMES, interval, page, paragraph, share_of, table

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
        "made by": {"simulator": "0123456789ab"},
        "real against simulated": {"PY, GCaMP6f, in vivo": TEST},
        "real against simulated, noise as in training": {},
        "one data set against simulated": {},
        "real against real": {"PY, GCaMP6f, in vivo, DS09 against DS10": TEST},
        "too few cells": {"PV, GCaMP6f, in vivo": 1},
    }


@pytest.fixture
def difficulty():
    scores = {"PY against interneuron": [SCORE], "four types": [SCORE]}
    models = {name: {"used": [f"{name}-10hz"], **scores} for name in FAMILIES}
    curve = {"title": "frame rate, Hz", "values": [30.0], **models}
    return {"sessions": 3, "cells per session": 7, "curves": {"frame rate": curve}}


FAMILIES = ("cnn", "rnn", "lstm")


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


def test_only_clear_differences_are_named(two_sample):
    said = page({"two_sample": two_sample})
    assert "higher skewness (0.90); lower kurtosis (0.80) |" in said


def test_a_page_older_than_the_simulator_says_so(two_sample):
    said = page({"two_sample": two_sample})
    assert "The simulator has been changed since; measure again." in said


def test_numbers_of_this_simulator_are_not_called_old(two_sample):
    two_sample["made by"]["simulator"] = simulator_digest()
    said = page({"two_sample": two_sample})
    assert "has been changed" not in said


def test_curves_stand_beside_the_models_that_were_taken(difficulty):
    said = words(page({"difficulty": difficulty}))
    assert "| 30 | 0.81 [0.70, 0.90] |" in said
    assert "30 Hz: cnn-10hz, rnn-10hz, lstm-10hz" in said


def test_real_cells_have_a_column_for_each_model():
    group = {
        REFIT: ABSENT,
        SHIPPED: SCORE,
        "best probe": {"length": SCORE},
        MINUS_PROBE: SCORE,
    }
    stratum = {"cells": {"PV": 4, "PY": 9}, GROUP: group}
    scores = {"caution": "Few cells.", "in vivo, OGB1": stratum}
    said = page({"real_cells": {"cnn": scores, "rnn": scores}})
    assert "### in vivo, OGB1: 4 PV, 9 PY" in said
    assert "|  | cnn | rnn |" in said
    assert f"| {REFIT} | not trained | not trained |" in said
    assert "| best probe: length | 0.81 [0.70, 0.90], n = 40 |" in said


def test_a_share_without_cells_is_none():
    assert share_of({"value": None, "count": 0, "n": 0}) == "none"


def test_a_score_without_value_is_a_dash():
    assert interval({"value": None}) == "-"


def test_tables_and_prose_are_plain_markdown():
    assert table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"
    assert max(map(len, paragraph("word " * 100).splitlines())) <= 88


def test_results_say_what_made_them(tmp_path):
    file = write_results("x", {"y": 1}, tmp_path / "new")
    assert simulator_digest() in file.read_text()


def test_the_page_names_no_file_that_is_not_there():
    said = (ROOT / "docs" / "validation.md").read_text()
    for line in said.splitlines():
        if line.startswith("python "):
            assert (ROOT / line.split()[1]).exists(), line
