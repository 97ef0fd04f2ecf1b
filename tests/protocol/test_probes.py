"""Single numbers of examples, and the small models that guess from them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import periodogram
from scipy.stats import skew
from sklearn.metrics import balanced_accuracy_score

from napari_celltype.labels import TraceSet
from napari_celltype.protocol.rivals import (
    CommonestOfSession,
    ProbeTree,
    probe_model,
    probe_values,
)

RATE = 10.0


@pytest.fixture(scope="module")
def traces():
    """More examples than are read at once; each with its own mean and noise."""
    random = np.random.default_rng(0)
    noise = random.normal(size=(300, 200)) * random.uniform(1, 3, size=(300, 1))
    walks = np.cumsum(random.normal(size=(300, 200)), axis=1)
    values = random.uniform(50, 90, size=(300, 1)) + np.exp(noise / 3) + walks
    return values.astype(np.float32)


def as_set(traces, **columns):
    labels = np.resize(["PV", "PY"], len(traces))
    return TraceSet(traces, labels, **{"sampling_frequency": RATE, **columns})


@pytest.fixture(scope="module")
def values(traces):
    return probe_values(as_set(traces))


def test_the_noise_level_is_the_median_step_over_the_root_of_the_rate(traces, values):
    steps = np.abs(np.diff(traces.astype(float), axis=1))
    expected = np.median(steps, axis=1) / np.sqrt(RATE)
    np.testing.assert_allclose(values["noise level"], expected)


def test_without_a_frame_rate_the_noise_level_is_the_median_step(traces):
    found = probe_values(as_set(traces, sampling_frequency=None))["noise level"]
    steps = np.abs(np.diff(traces.astype(float), axis=1))
    np.testing.assert_allclose(found, np.median(steps, axis=1))


def test_mean_and_deviation_are_those_of_the_raw_trace(traces, values):
    np.testing.assert_allclose(values["mean"], traces.mean(axis=1), rtol=1e-5)
    np.testing.assert_allclose(values["deviation"], traces.std(axis=1), rtol=1e-5)


def test_the_skewness_is_that_of_scipy(traces, values):
    expected = skew(traces.astype(float), axis=1)
    np.testing.assert_allclose(values["skewness"], expected)


def test_the_slow_power_is_the_share_below_a_tenth_of_a_hertz(traces, values):
    frequency, power = periodogram(traces.astype(float), RATE, detrend="constant")
    expected = power[:, frequency < 0.1].sum(axis=1) / power.sum(axis=1)
    np.testing.assert_allclose(values["slow power"], expected)


def test_without_a_frame_rate_there_is_no_slow_power(traces):
    assert "slow power" not in probe_values(as_set(traces, sampling_frequency=None))


def test_what_the_recordings_were_like_becomes_probes(traces):
    pixels = np.arange(300.0)
    recorded = dict.fromkeys(
        ("n_pixels", "plane", "native_frames", "native_sampling_frequency"), pixels
    )
    found = probe_values(as_set(traces, recorded=recorded))
    for name in ("ROI size", "plane", "trace length", "native rate"):
        np.testing.assert_array_equal(found[name], pixels)


def test_a_number_that_is_the_same_everywhere_is_no_probe(traces):
    found = probe_values(as_set(traces, recorded={"plane": np.zeros(300)}))
    assert "plane" not in found


def test_a_number_that_is_not_known_everywhere_is_no_probe(traces):
    pixels = np.arange(300.0)
    pixels[4] = np.nan
    assert "ROI size" not in probe_values(as_set(traces, recorded={"n_pixels": pixels}))


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


def test_a_rare_class_weighs_as_much_as_a_common_one():
    random = np.random.default_rng(0)
    labels = np.repeat(["PV", "PY"], [40, 360])
    numbers = random.normal(size=(400, 1))
    new = random.normal(size=(2000, 1))
    guess = ProbeTree(0).fit(numbers, labels).predict(new)
    assert len(set(guess)) == 2


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


def test_a_session_gets_its_commonest_label():
    sessions = np.array([[0], [0], [0], [7], [7], [7]])
    labels = np.array(["PV", "PV", "PY", "PY", "PY", "PV"])
    model = CommonestOfSession().fit(sessions, labels)
    assert model.predict([[7], [0]]).tolist() == ["PY", "PV"]


def test_an_unknown_session_gets_the_commonest_label_of_all():
    sessions = np.array([[1], [1], [4]])
    model = CommonestOfSession().fit(sessions, np.array(["PY", "PY", "PV"]))
    assert model.predict([[0], [3], [9]]).tolist() == ["PY", "PY", "PY"]


def test_the_session_is_looked_up_and_every_number_grows_a_tree():
    kinds = [type(probe_model(name, 0)) for name in ("session", "skewness")]
    assert kinds == [CommonestOfSession, ProbeTree]
