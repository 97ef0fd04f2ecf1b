"""What a model's probabilities are worth: temperature and prediction sets.

Kept in the model's card, by the number of windows of a ROI: a recording of an hour says
more about a cell than one of a minute.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_softmax

from napari_celltype.errors import ModelError
from napari_celltype.models.card import Calibration, CalibrationStep

# Share of the cells whose prediction set holds their type, at least.
COVERAGE = 0.9


def probabilities_of(
    log_probabilities: NDArray[np.float64],
    n_windows: NDArray[np.int64],
    calibration: Calibration | None,
) -> NDArray[np.float64]:
    """Return probabilities of `log_probabilities_by_roi` of so many windows each."""
    if calibration is not None:
        temperatures = np.array([step.temperature for step in calibration.steps])
        divisor = temperatures[calibration.row(n_windows), None]
        log_probabilities = log_probabilities / divisor
    probabilities: NDArray[np.float64] = np.exp(log_softmax(log_probabilities, axis=1))
    return probabilities


def calibrate(
    log_probabilities: Mapping[int, NDArray[np.float64]],
    truth: Sequence[str] | NDArray[np.str_],
    sessions: ArrayLike,
    classes: Sequence[str],
    *,
    trained_shares: Mapping[str, float],
    calibrated_on: str,
) -> Calibration:
    """Find what a model may promise, on sessions that it was not trained on.

    For each number of windows of a cell: first the temperature, then the thresholds
    of the prediction sets (split-conformal, per class, one session one vote).

    Parameters
    ----------
    log_probabilities : mapping of int to ndarray, shape (n_cells, n_classes)
        What the model says of the cells after so many windows, from 1; NaN for cells
        that have fewer. The first number at which a class has no cell ends it.
    truth : sequence of str, shape (n_cells,)
        Class of each cell: ground truth, never a prediction that somebody accepted.
    sessions : array-like, shape (n_cells,)
        Name or number of each cell's session.
    classes : sequence of str
        Columns of `log_probabilities`.
    trained_shares : mapping of str to float
        Of every class, those that the model's own probabilities stand for.
    calibrated_on : str
        "simulation", or words about the sessions.

    Raises
    ------
    ModelError
        If shapes or names do not belong together, or a class has no cell with a window.
    """
    numbers: NDArray[np.int64] = np.unique(sessions, return_inverse=True)[1]
    shapes = {logs.shape for logs in log_probabilities.values()}
    if shapes - {(len(truth), len(classes))} or len(numbers) != len(truth):
        raise ModelError(
            f"Log-probabilities of the shape {shapes}, {len(truth)} cells, "
            f"{len(numbers)} sessions and {len(classes)} classes do not belong "
            "together; give one session per cell."
        )
    names = [str(name) for name in truth]
    if strange := sorted(set(names) - set(classes)):
        raise ModelError(
            f"A cell is {strange[0]!r:.60}, which is no class of the model "
            f"({', '.join(classes)}); leave such cells out."
        )
    if set(trained_shares) != set(classes):
        raise ModelError(
            f"Shares are given of {', '.join(trained_shares)}, but the classes are "
            f"{', '.join(classes)}; give the share of each class."
        )
    columns = np.array([list(classes).index(name) for name in names], dtype=np.int64)
    trained = np.array([trained_shares[name] for name in classes])
    steps = []
    seen = np.zeros(len(names), dtype=bool)
    for n_windows, all_logs in sorted(log_probabilities.items()):
        whole = np.isfinite(all_logs).all(axis=1)
        logs, truths, votes = all_logs[whole], columns[whole], numbers[whole]
        counts = np.bincount(truths, minlength=len(classes))
        if not counts.all():
            break
        weights = (trained / counts)[truths]
        temperature = _fit_temperature(logs, truths, weights)
        of_model = np.exp(log_softmax(logs / temperature, axis=1))
        prediction_set = {
            name: _set_threshold(of_model[own, column], votes[own])
            for column, name in enumerate(classes)
            for own in [truths == column]
        }
        steps.append(CalibrationStep(n_windows, temperature, prediction_set))
        seen |= whole
    if not steps:
        raise ModelError(
            "No whole window is left of some type to calibrate on; give more cells or "
            "longer recordings."
        )
    n_sessions = len(np.unique(numbers[seen]))
    return Calibration(
        calibrated_on, COVERAGE, n_sessions, int(seen.sum()), tuple(steps)
    )


def _fit_temperature(
    log_probabilities: NDArray[np.float64],
    columns: NDArray[np.int64],
    weights: NDArray[np.float64],
) -> float:
    """Return the divisor with the best weighted likelihood (Guo et al., ICML 2017)."""
    from scipy.optimize import minimize_scalar

    rows = np.arange(columns.size)

    def loss(log_temperature: float) -> float:
        logs = log_softmax(log_probabilities / np.exp(log_temperature), axis=1)
        return float(-np.average(logs[rows, columns], weights=weights))

    # Evidence of 16 independent windows would ask for 1/16.
    limits = (np.log(0.01), np.log(100))
    found = minimize_scalar(loss, bounds=limits, method="bounded")
    return round(float(np.exp(found.x)), 4)


def _set_threshold(own: NDArray[np.float64], sessions: NDArray[np.int64]) -> float:
    """Return the probability that a class needs to be in the prediction set."""
    # Split-conformal with one vote per session (Angelopoulos et al., Conformal risk
    # control, ICLR 2024, equation 4): the largest threshold whose mean share of missed
    # cells, with one more session that misses all, stays within 1 - COVERAGE. Too few
    # sessions give 0: the class is in every set.
    candidates = np.unique(own)
    votes = [np.sort(own[sessions == session]) for session in np.unique(sessions)]
    missed = [np.searchsorted(vote, candidates) / vote.size for vote in votes]
    risk = (np.sum(missed, axis=0) + 1) / (len(votes) + 1)
    # A tolerance for rounding: 9 of 89 sessions and one more are 0.1 exactly.
    kept = candidates[risk <= 1 - COVERAGE + 1e-12]
    # Rounded down, so that the cell at the threshold stays inside.
    return float(np.floor(kept[-1] * 1e4) / 1e4) if kept.size else 0.0
