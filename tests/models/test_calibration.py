"""Promises on sessions that differ in difficulty and lean towards own types."""

import numpy as np
import pytest
from scipy.special import log_softmax

from napari_celltype.errors import ModelError
from napari_celltype.models.calibration import calibrate

CLASSES = ("PV", "PY", "SOM", "VIP")
EVEN = dict.fromkeys(CLASSES, 0.25)
CELLS = 40


def simulate(rng, n_sessions, *, n_windows=1, chances=(1, 1, 1, 1), signal=1.6):
    """Return log-probabilities, truth and session of 40 cells per session."""
    shape = (n_sessions, CELLS)
    truth = rng.choice(4, shape, p=np.array(chances) / sum(chances))
    ease = np.exp(rng.normal(0, 0.8, (n_sessions, 1, 1)))
    leaning = rng.normal(0, 0.7, (n_sessions, 1, 4))
    cells = signal * ease * np.eye(4)[truth] + leaning + rng.normal(0, 1, (*shape, 4))
    noise = rng.normal(0, 1, (*shape, n_windows, 4))
    logits = 1.5 * (cells[:, :, None] + noise)
    logs = log_softmax(logits.reshape(-1, 4), axis=1).reshape(-1, n_windows, 4)
    return logs, np.array(CLASSES)[truth.ravel()], np.repeat(range(n_sessions), CELLS)


def by_number(logs):
    """Return the means over the first 1, 2, 4, ... windows of (cells, windows, 4)."""
    return {n: logs[:, :n].mean(axis=1) for n in (1, 2, 4) if n <= logs.shape[1]}


def calibrated(data, trained_shares=EVEN):
    logs, truth, sessions = data
    return calibrate(
        by_number(logs),
        truth,
        sessions,
        CLASSES,
        trained_shares=trained_shares,
        calibrated_on="simulation",
    )


def of_model(step, logs):
    """Return the model's probabilities (n_cells, 4)."""
    return np.exp(
        log_softmax(logs[:, : step.n_windows].mean(axis=1) / step.temperature, axis=1)
    )


@pytest.fixture(scope="module")
def fresh():
    return simulate(np.random.default_rng(99), 1000, n_windows=4)


@pytest.fixture(scope="module")
def data():
    return simulate(np.random.default_rng(0), 120, n_windows=4)


@pytest.fixture(scope="module")
def calibration(data):
    return calibrated(data)


def test_what_it_was_calibrated_on_is_told(calibration):
    assert [step.n_windows for step in calibration.steps] == [1, 2, 4]
    assert (calibration.sessions, calibration.cells) == (120, 4800)
    assert calibration.coverage == 0.9


def test_temperature_undoes_overconfidence(data):
    logs, truth, sessions = data
    honest = calibrated((logs[:, :1], truth, sessions)).steps[0].temperature
    too_sure = calibrated((3 * logs[:, :1], truth, sessions)).steps[0].temperature
    assert too_sure == pytest.approx(3 * honest, rel=1e-3)


def test_more_windows_let_the_evidence_grow(calibration):
    temperatures = [step.temperature for step in calibration.steps]
    assert temperatures == sorted(temperatures, reverse=True)


def test_said_and_right_agree_on_fresh_sessions(calibration, fresh):
    logs, truth, _ = fresh
    for step in calibration.steps:
        probabilities = of_model(step, logs)
        right = np.array(CLASSES)[probabilities.argmax(axis=1)] == truth
        assert probabilities.max(axis=1).mean() == pytest.approx(right.mean(), abs=0.03)


def test_temperature_does_not_depend_on_the_mixture_of_the_calibration_cells():
    even = calibrated(simulate(np.random.default_rng(1), 400)).steps[0]
    many_py = simulate(np.random.default_rng(2), 400, chances=(1, 5, 1, 1))
    other = calibrated(many_py).steps[0]
    assert other.temperature == pytest.approx(even.temperature, rel=0.1)


@pytest.mark.parametrize("column", range(4))
def test_prediction_sets_cover_nine_in_ten_of_each_class_by_session(fresh, column):
    logs, truth, sessions = fresh
    rng = np.random.default_rng(7)
    own = truth == CLASSES[column]
    covered = []
    for _ in range(6):
        step = calibrated(simulate(rng, 80)).steps[0]
        inside = of_model(step, logs)[own, column]
        kept = inside >= step.prediction_set[CLASSES[column]]
        votes = np.bincount(sessions[own], kept) / np.bincount(sessions[own])
        covered.append(votes.mean())
    assert 0.89 <= np.mean(covered) < 0.94


def test_too_few_sessions_promise_nothing():
    step = calibrated(simulate(np.random.default_rng(0), 8)).steps[0]
    assert set(step.prediction_set.values()) == {0.0}


def test_windows_that_cells_lack_end_the_steps(data, calibration):
    logs, truth, sessions = data
    short = logs.copy()
    short[:, 2:] = np.nan
    found = calibrated((short, truth, sessions))
    assert found.steps == calibration.steps[:2]


def test_a_cell_without_a_window_is_left_out(data, calibration):
    logs, truth, sessions = data
    more = np.concatenate([logs, np.full((1, *logs.shape[1:]), np.nan)])
    assert calibrated((more, [*truth, "PV"], [*sessions, 0])) == calibration


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda logs, truth, s: (logs[..., :3], truth, s), "4 classes"),
        (lambda logs, truth, s: (logs, ["glia", *truth[1:]], s), "'glia', which is no"),
        (lambda logs, truth, s: (logs, truth, s[1:]), "one session per cell"),
        (lambda logs, truth, s: (logs, ["PV"] * len(truth), s), "No whole window"),
        (lambda logs, truth, s: (logs * np.nan, truth, s), "No whole window"),
    ],
)
def test_data_that_cannot_be_calibrated_on_are_refused(data, change, sentence):
    with pytest.raises(ModelError, match=sentence):
        calibrated(change(*data))


def test_shares_of_other_classes_are_refused(data):
    with pytest.raises(ModelError, match="give the share of each class"):
        calibrated(data, {"PY": 0.5, "IN": 0.5})
