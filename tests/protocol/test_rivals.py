"""Single numbers of examples, and the small models that guess from them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import periodogram
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from napari_celltype.labels import TraceSet
from napari_celltype.models.windows import Normalization
from napari_celltype.protocol.rivals import (
    GRIDS,
    PAPER,
    CommonestOfSession,
    InnerFolds,
    KernelSearch,
    ProbeTree,
    baseline,
    blocks_shuffled,
    phase_randomised,
    probe_values,
    surrogate_note,
    surrogates_of,
)

RATE = 10.0


@pytest.fixture(scope="module")
def traces():
    """Each with its own mean and noise."""
    random = np.random.default_rng(0)
    noise = random.normal(size=(300, 200)) * random.uniform(1, 3, size=(300, 1))
    walks = np.cumsum(random.normal(size=(300, 200)), axis=1)
    values = random.uniform(50, 90, size=(300, 1)) + np.exp(noise / 3) + walks
    return values.astype(np.float32)


def as_set(traces, **columns):
    labels = np.resize(["PV", "PY"], len(traces))
    return TraceSet(traces, labels, **{"sampling_frequency": RATE, **columns})


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    """Traces of more than one block."""
    place = "napari_celltype.models.windows.BLOCK_SAMPLES"
    monkeypatch.setattr(place, 128 * 200)


@pytest.mark.parametrize("rate", [RATE, None])
def test_the_noise_level_is_the_median_step_over_the_root_of_the_rate(traces, rate):
    found = probe_values(as_set(traces, sampling_frequency=rate))["noise level"]
    steps = np.abs(np.diff(traces.astype(float), axis=1))
    np.testing.assert_allclose(found, np.median(steps, axis=1) / np.sqrt(rate or 1))


def test_the_slow_power_is_the_share_below_a_tenth_of_a_hertz(traces):
    frequency, power = periodogram(traces.astype(float), RATE, detrend="constant")
    expected = power[:, frequency < 0.1].sum(axis=1) / power.sum(axis=1)
    np.testing.assert_allclose(probe_values(as_set(traces))["slow power"], expected)


def test_what_the_recordings_were_like_becomes_probes_where_it_differs(traces):
    pixels = np.arange(300.0)
    recorded = dict.fromkeys(
        ("n_pixels", "native_frames", "native_sampling_frequency"), pixels
    )
    found = probe_values(as_set(traces, recorded={**recorded, "plane": 0 * pixels}))
    for name in ("ROI size", "trace length", "native rate"):
        np.testing.assert_array_equal(found[name], pixels)
    assert "plane" not in found


def test_a_constant_trace_has_finite_numbers(traces):
    dead = traces.copy()
    dead[3] = 7
    found = probe_values(as_set(dead))
    assert found["skewness"][3] == 0
    assert found["slow power"][3] == 0


def test_a_tree_finds_a_planted_difference():
    random = np.random.default_rng(0)
    labels = np.repeat(["PV", "PY", "SOM", "VIP"], 60)
    numbers = (np.repeat([1.0, 3, 0, 2], 60) + random.normal(0, 0.2, 240))[:, None]
    train = random.permutation(240)
    train, test = train[:160], train[160:]
    guess = ProbeTree(0).fit(numbers[train], labels[train]).predict(numbers[test])
    assert balanced_accuracy_score(labels[test], guess) > 0.9


def test_a_number_that_names_the_animal_is_no_use_for_new_animals():
    """Folds by animal choose a small tree where folds by example choose a big one."""
    random = np.random.default_rng(0)
    animal = np.repeat(np.arange(20), 10)
    labels = np.where(random.permutation(20) % 2 == 0, "PV", "PY")[animal]
    numbers = animal[:, None].astype(float)
    by_example = ProbeTree(0).fit(numbers, labels)
    by_animal = ProbeTree(0).fit(numbers, labels, groups=animal)
    leaves = [p.best_params_["max_leaf_nodes"] for p in (by_animal, by_example)]
    assert leaves[0] < leaves[1]


def test_a_session_gets_its_commonest_label_and_an_unknown_one_that_of_all():
    sessions = np.array([[0], [0], [0], [7], [7], [7], [8], [8]])
    labels = np.array(["PV", "PV", "PY", "PY", "PY", "PV", "PY", "PY"])
    model = CommonestOfSession().fit(sessions, labels)
    found = model.predict(np.array([[7], [0], [3]]))
    assert found.tolist() == ["PY", "PV", "PY"]


@pytest.mark.parametrize("name", GRIDS)
def test_a_grid_holds_what_the_paper_found(name):
    for parameter, values in GRIDS[name].items():
        assert PAPER[name][parameter] in values


@pytest.mark.parametrize("name", GRIDS)
def test_a_search_says_what_it_chose(name, small_traces, monkeypatch):
    grid = {key: values[:2] for key, values in GRIDS[name].items()}
    if name == "adaboost":
        grid = {"n_estimators": (2, 4)}
    monkeypatch.setitem(GRIDS, name, grid)
    found = baseline(name, 0, searched=True).fit(
        small_traces.traces, small_traces.labels
    )
    chosen = found.named_steps["model"].best_params_
    assert all(chosen[key] in values for key, values in grid.items())


Y = np.repeat(["PV", "PY"], [10, 20])


def test_without_groups_they_are_those_of_scikit_learn():
    ours = list(InnerFolds(5, random_state=3).split(Y, Y))
    theirs = StratifiedKFold(5, shuffle=True, random_state=3).split(Y, Y)
    for (_, test), (_, expected) in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(test, expected)


@pytest.mark.parametrize("members", [1, 3])
def test_a_small_class_makes_fewer_folds_and_is_always_trained_on(members):
    y = np.repeat(["PV", "PY"], [members, 20])
    folds = InnerFolds(5).split(y, y)
    assert len(folds) == {1: 5, 3: 3}[members]
    assert all("PV" in y[train] for train, _ in folds)


def test_where_all_classes_have_one_member_nothing_is_left_out():
    y = np.array(["PV", "PY"])
    ((train, test),) = InnerFolds(5).split(y, y)
    assert train.tolist() == test.tolist() == [0, 1]


def test_groups_stay_on_one_side():
    groups = np.tile(np.arange(5), 6)
    for train, test in InnerFolds(5).split(Y, Y, groups):
        assert not set(groups[train]) & set(groups[test])


def test_a_class_of_one_group_is_still_trained_on():
    groups = np.where(Y == "PV", 0, np.arange(30))
    for train, _ in InnerFolds(5).split(Y, Y, groups):
        assert set(Y[train]) == {"PV", "PY"}


N_TRAIN = 120


def z_scored(seed, n_frames=300):
    """Traces whose classes overlap, scored: slow walks of four sizes in white noise."""
    random = np.random.default_rng(seed)
    labels = random.permutation(np.repeat(["PV", "PY", "SOM", "VIP"], 45))
    size = 0.05 + 0.06 * np.unique(labels, return_inverse=True)[1]
    steps = random.normal(size=(len(labels), n_frames))
    walks = size[:, None] * np.cumsum(steps, axis=1)
    traces = 400 + 30 * (walks + random.normal(size=walks.shape))
    traces = traces.astype(np.float32)
    scored = Normalization.fit("training-set", traces[:N_TRAIN]).apply(traces)
    return scored, labels


def searched(kernel, data, cv):
    """Return our search and scikit-learn's after both were fitted, and the test."""
    traces, labels = data
    grid = GRIDS[f"svm-{kernel}"]
    train, test = slice(N_TRAIN), slice(N_TRAIN, None)
    ours = KernelSearch(kernel, grid=grid, cv=cv).fit(traces[train], labels[train])
    theirs = GridSearchCV(SVC(kernel=kernel), grid, cv=cv)
    theirs.fit(traces[train], labels[train])
    return ours, theirs, traces[test]


@pytest.mark.parametrize("seed", [0, 1])
def test_every_fold_of_every_candidate_scores_as_in_scikit_learn(seed):
    ours, theirs, new = searched("rbf", z_scored(seed), StratifiedKFold(3))
    for name, found in ours.cv_results_.items():
        np.testing.assert_array_equal(found, theirs.cv_results_[name])
    assert ours.best_params_ == theirs.best_params_
    np.testing.assert_array_equal(ours.predict(new), theirs.predict(new))


@pytest.mark.parametrize("kernel", ["linear", "poly"])
def test_other_kernels_predict_as_scikit_learn(kernel):
    ours, theirs, new = searched(kernel, z_scored(0), InnerFolds(3))
    assert ours.best_params_ == theirs.best_params_
    np.testing.assert_array_equal(ours.predict(new), theirs.predict(new))


@parametrize_with_checks(
    [KernelSearch(grid={"gamma": (0.1, 1), "C": (1, 10)}, cv=InnerFolds(2))]
)
def test_it_is_a_classifier_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.fixture(params=[400, 401], ids=["even", "odd"])
def calcium(request):
    random = np.random.default_rng(0)
    spikes = random.random((6, request.param)) < 0.02
    kernel = np.exp(-np.arange(60) / 15)
    rows = [np.convolve(row, kernel)[: request.param] for row in spikes]
    noise = random.normal(scale=0.05, size=(6, request.param))
    return (5 + np.array(rows) + noise).astype(np.float32)


@pytest.fixture
def random():
    return np.random.default_rng(1)


def test_random_phases_keep_the_power_spectrum(calcium, random):
    made = phase_randomised(calcium, random)
    power = [np.abs(np.fft.rfft(t.astype(float))) for t in (calcium, made)]
    np.testing.assert_allclose(power[1], power[0], atol=1e-3)


def test_shuffled_blocks_keep_every_value(calcium, random):
    made = blocks_shuffled(calcium, 30, random)
    np.testing.assert_array_equal(np.sort(made, axis=1), np.sort(calcium, axis=1))


def test_blocks_stay_whole(random):
    trace = np.arange(95, dtype=np.float32)[None]
    made = blocks_shuffled(trace, 10, random)[0]
    starts = np.flatnonzero(np.diff(made) != 1) + 1
    assert len(starts) >= 5
    assert {part[0] % 10 for part in np.split(made, starts)} == {0}


def test_the_same_seed_makes_the_same_surrogates(calcium):
    one, two = (surrogates_of(calcium, 10.0, 7) for _ in range(2))
    for name in ("phase-randomised", "shuffled blocks"):
        np.testing.assert_array_equal(one[name], two[name])


def test_without_a_frame_rate_the_note_says_how_long_a_block_is():
    assert "30 frames, because the frame rate is not known" in surrogate_note(None)
