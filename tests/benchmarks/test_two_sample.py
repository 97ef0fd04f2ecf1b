"""Can simulated be told from real: features, folds, and what the test answers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from two_sample import (
    RATE,
    SECONDS,
    Cell,
    against_twins,
    compare,
    pairs,
    real_pieces,
    simulated_pieces,
    tell_apart,
    trace_features,
)

FRAMES = round(RATE * SECONDS)


def cells_of(number: int, seed: int, smooth: int = 1) -> list[Cell]:
    """Make cells of one piece of noise, averaged over `smooth` frames."""
    rng = np.random.default_rng(seed)
    kernel = np.ones(smooth) / smooth
    made = []
    for cell in range(number):
        noise = rng.normal(size=FRAMES + smooth - 1)
        piece = np.convolve(noise, kernel, "valid")[None].astype(np.float32)
        made.append(Cell(f"{seed}-{cell}", piece))
    return made


@pytest.mark.slow
def test_cells_of_one_kind_are_not_told_apart():
    score = tell_apart(cells_of(20, 1), cells_of(20, 2))["z-scored"]
    assert score["low"] < 0.5 < score["high"]


@pytest.mark.slow
def test_smoother_cells_are_told_apart_and_the_page_can_say_by_what():
    answer = tell_apart(cells_of(10, 1, smooth=4), cells_of(10, 2))
    assert answer["z-scored"]["value"] > 0.95
    assert answer["features"]["autocorrelation after 0.2 s"] == 1


def test_features_but_those_of_size_see_no_offset_and_no_scale():
    piece = cells_of(1, 3)[0].pieces
    one, other = trace_features(piece), trace_features(100 + 7 * piece)
    changed = {n for n in one if not np.allclose(one[n], other[n], atol=1e-3)}
    assert all(name.startswith("size of dF/F") for name in changed)


def test_pieces_without_any_change_are_left_out(make_cell):
    cell = make_cell(0, seconds=125)
    still = replace(cell, trials=(np.zeros_like(cell.trials[0]), cell.trials[0]))
    assert real_pieces(still).shape == (2, FRAMES)


def test_pieces_are_60_s_at_10_hz(make_cell):
    assert real_pieces(make_cell(0, seconds=125)).shape == (2, FRAMES)


def test_a_cell_slower_than_10_hz_gives_no_piece(make_cell):
    assert real_pieces(make_cell(0, rate=5.0)).shape == (0, FRAMES)


def test_twins_are_as_long_and_the_same_with_the_same_seed(make_cell):
    cell = make_cell(0, "SOM", rate=15.0)
    one, other = (simulated_pieces(cell, 2, np.random.default_rng(5)) for _ in range(2))
    assert one.shape == (2, FRAMES)
    np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_kinds_with_too_few_cells_are_said_to_be(make_cell):
    cells = [make_cell(n, "PY") for n in range(4)] + [make_cell(9, "VIP")]
    found = pairs(cells, 1)
    results = compare(found, found)
    assert list(results["real against simulated"]) == ["PY, OGB1, in vivo"]
    assert results["too few cells"] == {"VIP, OGB1, in vivo": 1}


@pytest.mark.slow
def test_a_batch_and_its_twins_are_never_learnt_from_and_tested_together(make_cell):
    cells = [make_cell(n, "PY", batch=f"batch{n // 2}") for n in range(6)]
    found = pairs(cells, 1)
    assert against_twins(found)["groups"] == [3, 3]
    assert {pair.real.group for pair in found} == {
        twin.group for pair in found for twin in pair.twins
    }


@pytest.mark.slow
def test_raw_fluorescence_is_its_own_stratum_and_is_not_judged_by_its_size(make_cell):
    cells = [make_cell(n, "PY") for n in range(4)]
    cells += [replace(make_cell(n), raw=True, dataset="V1") for n in range(4, 8)]
    found = pairs(cells, 1)
    results = compare(found, found)
    by_kind = results["real against simulated"]
    assert by_kind["PY, OGB1, in vivo"]["with size of dF/F"]
    raw = by_kind["PY, OGB1, in vivo, V1 raw"]
    assert raw["with size of dF/F"] is None
    assert not any(name.startswith("size of dF/F") for name in raw["features"])
    assert list(results["real against real"]) == ["PY, OGB1, in vivo, DS00 against V1"]


@pytest.mark.slow
def test_real_cells_can_be_compared(shared_data):
    from known_cells import load_cells

    some = [c for c in load_cells(shared_data) if c.dataset == "DS09"]
    found = pairs(some, 1)
    answer = compare(found, found)["real against simulated"]["PY, GCaMP6f, in vivo"]
    assert answer["cells"] == [5, 5]
