"""The benchmark on cells of known type, from cells to rows and sentences."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import pytest
import real_cells
import scoring
from cell_scores import AREA, BALANCED, LOWEST, invivo_rows, lowest, stratum_rows
from real_cells import aims

from napari_celltype.models import Score, load_model


@pytest.fixture(scope="module", autouse=True)
def few_resamples():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "RESAMPLES", 50)
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
def rows(model, cells):
    return stratum_rows(model, cells)


@pytest.fixture(scope="module")
def by_set(model, make_cell):
    v1 = [make_cell(i, "PY", batch=f"mouse{i % 2}") for i in range(6)]
    s1 = [make_cell(i, "VIP", batch="mouse9") for i in range(6, 9)]
    named = [replace(c, dataset="V1") for c in v1] + [
        replace(c, dataset="S1") for c in s1
    ]
    return {kind[0].data: kind for kind in invivo_rows(model, named)}


def of(rows, data, measure):
    (found,) = (r for r in rows if (r.data, r.measure) == (data, measure))
    return found


def test_preparations_and_indicators_are_never_pooled(rows):
    assert of(rows, "in vivo, OGB1", AREA).n == 9
    assert of(rows, "in vivo, GCaMP6f", "PY called PY").n == 3


def test_a_perfect_number_is_the_best_one(rows):
    for measure in (AREA, BALANCED):
        assert of(rows, "in vivo, OGB1", measure).probe_value == 1


def test_a_single_group_has_only_a_share(rows):
    measures = [row.measure for row in rows if row.data == "in vivo, GCaMP6f"]
    assert measures == ["PY called PY"]


def test_one_cell_of_a_group_gives_no_balanced_score(model, cells):
    found = stratum_rows(model, [*cells[:6]])
    assert [row.measure for row in found] == [AREA, "PY called PY", "IN called IN"]


def test_one_interneuron_leaves_everything_open(model, cells):
    area = of(stratum_rows(model, cells[:6]), "in vivo, OGB1", AREA)
    assert area.high - area.low > 0.5


def test_slices_are_last_and_said_to_lie_outside_the_domain(model, cells):
    slices = [replace(cell, preparation="slice") for cell in cells[5:9]]
    found = stratum_rows(model, [*slices, *cells[:5]])
    assert found[-1].data == "OGB1 slice, outside"


def test_cells_that_the_program_refuses_are_left_out(model, cells, make_cell):
    short, slow = make_cell(30, seconds=20), make_cell(31, rate=7.8)
    assert stratum_rows(model, [*cells, short, slow]) == stratum_rows(model, cells)


def test_data_sets_of_two_laboratories_never_share_a_score(by_set):
    assert {name: kind[0].n for name, kind in by_set.items()} == {
        "V1 PY": 6,
        "S1 VIP": 3,
    }


def test_every_mouse_stands_by_itself(by_set):
    assert [(m.data, m.n) for m in by_set["V1 PY"][1:]] == [
        ("V1 PY, mouse0", 3),
        ("V1 PY, mouse1", 3),
    ]


def test_the_lowest_mouse_is_named(by_set):
    _, one, two = by_set["V1 PY"]
    mice = [replace(one, value=0.9), replace(two, value=0.2)]
    (worst,) = lowest(mice)
    assert (worst.data, worst.measure) == ("V1 PY, mouse1", LOWEST)
    assert lowest(mice[:1]) == []


@pytest.mark.parametrize(
    ("value", "low", "verdict"),
    [
        (0.7, 0.5, "not above noise (0.80)"),
        (1.0, 0.7, "above noise by less than so few cells can prove"),
        (1.0, 0.85, "above noise"),
    ],
)
def test_a_few_cells_beat_no_number_that_lies_inside_their_interval(
    value, low, verdict
):
    row = Score("in vivo, OGB1", AREA, value, 10, "cells", low, 1.0, 0.5, "noise", 0.8)
    (line,) = aims([row])
    assert line.endswith(f": {verdict}")


def test_missed_aims_are_said_to_be(by_set):
    overall = replace(by_set["V1 PY"][0], value=0.89)
    assert aims([overall]) == ["V1 PY, called PY 0.89: aim of 0.9 missed"]


def test_the_rows_are_printed_and_kept(cells, tmp_path, monkeypatch, capsys):
    (tmp_path / "real_cells.csv").touch()
    monkeypatch.setattr(real_cells, "load_cells", lambda _: cells)
    file = tmp_path / "out.json"
    monkeypatch.setattr(
        sys, "argv", ["", str(tmp_path), "--models", "rnn-10hz", "--json", str(file)]
    )
    assert real_cells.main() == 0
    said = capsys.readouterr().out
    kept = [Score(**row) for row in json.loads(file.read_text())["models"]["rnn-10hz"]]
    assert all(row.data in said for row in kept)
