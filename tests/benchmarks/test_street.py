"""From movie to cell types: what is counted."""

from __future__ import annotations

import numpy as np
import pytest
import street
from difficulty import TYPES
from street import counts, films, found_in, measure, wilson

from napari_celltype.simulation import simulate_recording, write_recording


@pytest.fixture(scope="module")
def found_by_suite2p():
    return simulate_recording(
        counts={"PY": 4, "PV": 2, "SOM": 2, "VIP": 2}, n_frames=650, random_state=1
    )


@pytest.fixture(scope="module")
def found(found_by_suite2p):
    """Return what a suite2p would give that finds all cells but the first."""
    simulated = found_by_suite2p
    match = np.array([-1, *range(1, 10)])
    return {
        "labels": simulated.labels,
        "raw": simulated.raw_traces,
        "neuropil": simulated.neuropil,
        "match": match,
        "iscell": np.array([True, *[False] * 4, *[True] * 5]),
        "found_raw": simulated.raw_traces,
        "found_neuropil": simulated.neuropil,
    }


@pytest.fixture(scope="module")
def results(found):
    return measure([found, found])


def test_wilson_of_four_in_five():
    share = wilson(4, 5)
    assert (share["low"], share["value"], share["high"]) == (0.3755, 0.8, 0.9638)


def test_wilson_stays_between_0_and_1():
    assert wilson(0, 8)["low"] == 0
    assert wilson(8, 8)["high"] == 1


def test_matches_are_counted_per_type(results, found):
    missed = str(found["labels"][0])
    share = results["found"][missed]
    assert share["n"] - share["count"] == 2
    assert results["found"]["all"]["count"] == 18


def test_iscell_is_judged_among_matched_cells_only(results):
    assert results["iscell"]["all"]["count"] == 10
    assert results["iscell"]["all"]["n"] == 18


def test_rois_without_a_cell_are_counted_apart(results):
    assert results["ROIs that match no cell"] == 2
    assert results["of these, iscell"]["count"] == 2


def test_the_same_traces_give_the_same_answers_from_both_sources(results):
    for answers in results["models"].values():
        assert answers["suite2p"] == answers["simulator"]


def test_every_type_is_in_every_movie():
    assert set(counts(10)) == set(TYPES)
    assert sum(counts(40).values()) == 40


def test_a_movie_goes_through_suite2p_once(tmp_path, monkeypatch, found_by_suite2p):
    movies = []

    def run_suite2p(movie, folder, **options):
        assert movie.stat().st_size
        movies.append(movie)
        write_recording(found_by_suite2p, folder)

    monkeypatch.setattr(street, "run_suite2p", run_suite2p)
    film = films(1, 10, 650)[0]
    found, again = (found_in(film, tmp_path) for _ in range(2))
    assert len(movies) == 1
    np.testing.assert_array_equal(found["match"], again["match"])
    assert len(found["found_raw"]) == 10
