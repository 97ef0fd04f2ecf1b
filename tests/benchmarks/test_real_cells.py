"""The benchmark on cells of known type, from cells to sentences."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import cell_scores
import pytest
import scoring
from cell_scores import (
    ABSENT,
    GROUP,
    GROUP_SHARES,
    HIGH_PASSED,
    PHASES,
    REFIT,
    SHIPPED,
    WITHOUT_SLICE,
    Versions,
    how_wide,
    measure_cells,
)
from real_cells import aim, load_cells, load_refits, pooling, score_cells, table

from napari_celltype.classifiers import describe, load_model, save_model

STRATUM = "in vivo, OGB1"


@pytest.fixture(scope="module", autouse=True)
def few_resamples():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "RESAMPLES", 50)
        patch.setattr(cell_scores, "PERMUTATIONS_OF_PROBES", 5)
        yield


@pytest.fixture(scope="module")
def model():
    return load_model("rnn-10hz")


@pytest.fixture(scope="module")
def cells(make_cell):
    ogb = [make_cell(i, "PY") for i in range(5)]
    ogb += [make_cell(i, kind, slow=2.0) for i, kind in enumerate(["PV", "SOM"] * 2, 5)]
    return [*ogb, *(make_cell(i, "PY", indicator="GCaMP6f") for i in range(20, 23))]


@pytest.fixture(scope="module")
def scores(model, cells):
    return measure_cells(model, Versions.of(cells, 1))


def test_preparations_and_indicators_are_never_pooled(scores):
    assert scores[STRATUM]["cells"] == {"PV": 2, "PY": 5, "SOM": 2}
    assert scores["in vivo, GCaMP6f"]["cells"] == {"PY": 3}


def test_a_perfect_probe_is_the_best_one(scores):
    best = scores[STRATUM][GROUP]["best probe"]
    assert next(iter(best.values()))["value"] == 1


def test_the_model_is_scored_on_every_kind_of_trace(scores):
    assert {SHIPPED, HIGH_PASSED, PHASES} <= set(scores[STRATUM][GROUP])


def test_a_single_group_has_only_shares(scores):
    assert GROUP not in scores["in vivo, GCaMP6f"]


def test_variants_that_were_not_trained_are_said_to_be_absent(scores):
    assert scores[STRATUM][GROUP][REFIT] == ABSENT
    assert scores[STRATUM][GROUP][WITHOUT_SLICE] == ABSENT


def test_a_refit_is_scored_only_on_the_cells_that_it_goes_without(model, cells):
    scores = score_cells(model, cells, refits={f"without {STRATUM}": model})
    group = scores[STRATUM][GROUP]
    assert group[REFIT] == group[SHIPPED]
    others = scores["in vivo, GCaMP6f"][GROUP_SHARES]
    assert others[REFIT] == ABSENT


def test_a_refit_is_the_score_that_the_aim_reports(model, cells):
    refits = {f"without {STRATUM}": model}
    scores = measure_cells(model, Versions.of(cells, 0), refits=refits)
    said = " ".join(aim(scores))
    assert "no refit" not in said
    assert "(refit; the model that ships " in said


def test_the_aim_says_who_beats_whom(scores):
    assert any(line.endswith("does not beat the best probe") for line in aim(scores))


@pytest.mark.parametrize(("low", "verdict"), [(0.7, "above the"), (0.85, "beats the")])
def test_a_few_cells_beat_no_probe_that_lies_inside_their_interval(low, verdict):
    model = {"value": 1.0, "low": low, "high": 1.0, "n": 10}
    group = {
        cell_scores.REFIT: model,
        cell_scores.SHIPPED: model,
        "best probe": {"noise": {"value": 0.8, "low": 0.5, "high": 0.9, "n": 10}},
        "model minus best probe": {"value": 0.2, "low": 0.05, "high": 0.4, "n": 10},
    }
    values = {"cells": {"PV": 5, "PY": 5}, cell_scores.GROUP: group}
    (line,) = aim({STRATUM: values})
    assert verdict in line


def test_the_aim_says_where_there_are_only_shares(scores):
    assert any("GCaMP6f (3 PY): too few" in line for line in aim(scores))


def test_shares_are_said_with_their_intervals(scores):
    line = next(line for line in aim(scores) if "GCaMP6f" in line)
    assert re.search(r"right group: PY \d\.\d\d \[", line)


def test_cells_that_the_program_refuses_are_counted(model, cells, make_cell):
    short, slow = make_cell(30, seconds=40), make_cell(31, rate=7.8)
    scores = score_cells(model, [*cells, short, slow])
    assert scores["cells left out (too slow or too short)"] == 2
    assert scores[STRATUM]["cells"]["PY"] == 5


def test_scores_fit_on_a_card(model, cells):
    card = replace(model.card, scores={"real cells": score_cells(model, cells)})
    json.loads(card.to_json())
    assert "best probe" in describe(card)


def test_the_table_shows_intervals_and_counts(scores):
    assert "cells: PV 2, PY 5, SOM 2" in table("rnn-10hz", scores)


def test_variants_are_found_by_their_file_names(model, cells, tmp_path):
    file = tmp_path / "rnn-10hz--without-in-vivo-OGB1.safetensors"
    save_model(model.classifier, model.card, file)
    assert list(load_refits(tmp_path, "rnn-10hz", cells)) == [f"without {STRATUM}"]


def test_pooling_is_warned_of_with_counts(cells):
    assert "OGB1, 5 PY and 4 interneurons, 0 of them in slices" in pooling(cells)


def test_how_wide_few_cells_are_is_said_in_words():
    assert "one cell moves the score by up to 0.08" in how_wide(9, 6)


def test_all_scores_are_the_same_when_measured_again(model, cells, scores):
    assert measure_cells(model, Versions.of(cells, 1)) == scores


def test_the_loader_is_where_scripts_look_for_it():
    assert load_cells.__module__ == "known_cells"
