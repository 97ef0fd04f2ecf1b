"""The promises on the cards of the bundled models, checked on made-up answers."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "calibration.py"


@pytest.fixture(scope="module")
def calibration() -> ModuleType:
    spec = importlib.util.spec_from_file_location("calibration", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _sessions(n_sessions: int, size: int) -> list[np.ndarray]:
    return list(np.arange(n_sessions * size).reshape(n_sessions, size))


def _calibrated(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities and true columns that are drawn from them."""
    probabilities = rng.dirichlet(np.full(4, 0.4), n)
    columns = np.array([rng.choice(4, p=row) for row in probabilities])
    return probabilities, columns


def test_temperature_undoes_overconfidence(calibration):
    probabilities, columns = _calibrated(np.random.default_rng(0), 4000)
    too_sure = calibration.apply_temperature(probabilities, 1 / 3)
    assert calibration.temperature(too_sure, columns) == pytest.approx(3, rel=0.1)


def test_named_cells_keep_the_promise_on_other_sessions(calibration):
    rng = np.random.default_rng(1)
    probabilities, columns = _calibrated(rng, 4000)
    best, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == columns
    threshold = calibration.unsure_threshold(best, right, _sessions(100, 40))
    assert threshold is not None
    probabilities, columns = _calibrated(rng, 20000)
    named = probabilities.max(axis=1) >= threshold
    assert named.mean() > 0.1
    assert (probabilities.argmax(axis=1) != columns)[named].mean() <= 0.1


def test_hopeless_answers_leave_every_cell_unsure(calibration):
    rng = np.random.default_rng(2)
    best, right = rng.uniform(0.25, 1, 2000), rng.random(2000) < 0.25
    assert calibration.unsure_threshold(best, right, _sessions(50, 40)) is None


def test_prediction_sets_cover_nine_in_ten_of_new_sessions(calibration):
    """Sessions differ in difficulty, so cells of one session are not independent."""
    rng = np.random.default_rng(3)

    def own(n_sessions: int) -> np.ndarray:
        hard = rng.uniform(1, 6, n_sessions)[:, None]
        return rng.beta(hard, 2, (n_sessions, 10)).ravel()

    covered = []
    for _ in range(30):
        threshold = calibration.set_threshold(own(80), _sessions(80, 10))
        covered.append((own(400) >= threshold).mean())
    assert 0.9 <= np.mean(covered) < 0.94


def test_too_few_sessions_keep_every_type_in_the_set(calibration):
    own = np.linspace(0.1, 0.9, 50)
    assert calibration.set_threshold(own, _sessions(5, 10)) == 0.0
