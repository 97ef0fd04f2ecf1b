"""The grid search over kernels computed once, beside scikit-learn's own."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from napari_celltype.models.preparation import Normalization
from napari_celltype.protocol.kernel_search import KernelSearch
from napari_celltype.protocol.rivals import GRIDS, InnerFolds

N_TRAIN = 120


def noisy_walks(seed, n_frames=300):
    """Traces whose classes overlap: slow walks of four sizes in white noise."""
    random = np.random.default_rng(seed)
    labels = random.permutation(np.repeat(["PV", "PY", "SOM", "VIP"], 45))
    size = 0.05 + 0.06 * np.unique(labels, return_inverse=True)[1]
    steps = random.normal(size=(len(labels), n_frames))
    walks = size[:, None] * np.cumsum(steps, axis=1)
    return 400 + 30 * (walks + random.normal(size=walks.shape)), labels


def raw(seed):
    traces, labels = noisy_walks(seed)
    return (traces - traces.mean()) / 100, labels


def z_scored(seed):
    """As `TraceScaler` gives them: single precision, one mean and one deviation."""
    traces, labels = noisy_walks(seed)
    traces = traces.astype(np.float32)
    scored = Normalization.fit("training-set", traces[:N_TRAIN]).apply(traces)
    return scored, labels


def simulated(seed):
    from napari_celltype.simulation import simulate_traces

    counts = {"PY": 45, "PV": 45, "SOM": 45, "VIP": 45}
    made = simulate_traces(counts, 200, 10.0, random_state=seed)
    order = np.random.default_rng(seed).permutation(len(made))
    traces = made.traces[order]
    scored = Normalization.fit("training-set", traces[:N_TRAIN]).apply(traces)
    return scored, made.labels[order]


def searched(kernel, data, cv):
    """Return our search and scikit-learn's after both were fitted, and the test."""
    traces, labels = data
    grid = GRIDS[f"svm-{kernel}"]
    train, test = slice(N_TRAIN), slice(N_TRAIN, None)
    ours = KernelSearch(kernel, grid=grid, cv=cv).fit(traces[train], labels[train])
    theirs = GridSearchCV(SVC(kernel=kernel), grid, cv=cv)
    theirs.fit(traces[train], labels[train])
    return ours, theirs, traces[test]


DATA = [(make, seed) for make, seed in product((raw, z_scored, simulated), (0, 1))]


@pytest.fixture(
    scope="module", params=DATA, ids=lambda case: f"{case[0].__name__}-{case[1]}"
)
def both(request):
    make, seed = request.param
    return searched("rbf", make(seed), StratifiedKFold(3))


def test_every_fold_of_every_candidate_scores_as_in_scikit_learn(both):
    ours, theirs, _ = both
    assert ours.cv_results_["params"] == theirs.cv_results_["params"]
    for fold in range(3):
        np.testing.assert_array_equal(
            ours.cv_results_[f"split{fold}_test_score"],
            theirs.cv_results_[f"split{fold}_test_score"],
        )


def test_the_same_parameters_are_best(both):
    ours, theirs, _ = both
    assert ours.best_params_ == theirs.best_params_


def test_the_predictions_are_the_same(both):
    ours, theirs, new = both
    np.testing.assert_array_equal(ours.predict(new), theirs.predict(new))


def test_the_grid_makes_a_difference(both):
    ours, _, _ = both
    assert np.ptp(ours.cv_results_["mean_test_score"]) > 0.05


@pytest.mark.parametrize("kernel", ["linear", "poly"])
def test_other_kernels_predict_as_scikit_learn(kernel):
    ours, theirs, new = searched(kernel, z_scored(0), InnerFolds(3))
    assert ours.best_params_ == theirs.best_params_
    np.testing.assert_array_equal(ours.predict(new), theirs.predict(new))


def test_an_unknown_kernel_is_refused():
    traces, labels = raw(0)
    with pytest.raises(ValueError, match="kernel 'sigmoid' is not known"):
        KernelSearch("sigmoid", grid={"C": [1]}).fit(traces, labels)


@parametrize_with_checks(
    [KernelSearch(grid={"gamma": (0.1, 1), "C": (1, 10)}, cv=InnerFolds(2))]
)
def test_it_is_a_classifier_of_scikit_learn(estimator, check):
    check(estimator)
