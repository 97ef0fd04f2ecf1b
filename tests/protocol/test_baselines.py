"""The classifiers of Table IV with their z-score and their searches."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.svm import SVC

from napari_celltype.protocol.rivals import (
    GRIDS,
    PAPER,
    TraceScaler,
    baseline,
    search,
)


def test_the_z_score_has_one_mean_and_one_deviation(small_traces):
    traces = 400 + 30 * small_traces.traces
    scored = TraceScaler().fit_transform(traces[:50])
    expected = (traces[:50] - traces[:50].mean()) / traces[:50].std()
    np.testing.assert_allclose(scored, expected, atol=1e-4)


def test_new_traces_are_scored_by_the_training_set(small_traces):
    scaler = TraceScaler().fit(small_traces.traces[:50])
    moved = scaler.transform(small_traces.traces[50:] + 100)
    assert moved.mean() > 50


def test_a_machine_on_raw_traces_is_one_on_scored_traces(small_traces):
    traces, labels = small_traces.traces, small_traces.labels
    ours = baseline("svm-linear", 0).fit(traces[:50], labels[:50])
    scored = (traces - traces[:50].mean()) / traces[:50].std()
    theirs = SVC(kernel="linear", C=10).fit(scored[:50], labels[:50])
    np.testing.assert_array_equal(
        ours.predict(traces[50:]), theirs.predict(scored[50:])
    )


@pytest.mark.parametrize("name", GRIDS)
def test_a_grid_holds_what_the_paper_found(name):
    for parameter, values in GRIDS[name].items():
        assert PAPER[name][parameter] in values


@pytest.mark.parametrize("name", GRIDS)
def test_a_search_says_what_it_chose(name, small_traces):
    grid = {key: values[:2] for key, values in GRIDS[name].items()}
    if name == "adaboost":
        grid = {"n_estimators": (2, 4)}
    found = search(name, 0, grid=grid).fit(small_traces.traces, small_traces.labels)
    chosen = found.named_steps["model"].best_params_
    assert all(chosen[key] in values for key, values in grid.items())


def test_the_seed_decides_the_folds_of_a_search(small_traces):
    scores = [
        search("svm-linear", seed, grid={"C": (0.001,)})
        .fit(small_traces.traces, small_traces.labels)
        .named_steps["model"]
        .cv_results_["split0_test_score"][0]
        for seed in (0, 0, 1, 2, 3)
    ]
    assert scores[0] == scores[1]
    assert len(set(scores)) > 1
