"""Temperature, the threshold of `unsure`, and prediction sets, on calibration sessions.

Sessions, not cells, are the unit: cells of one session share its regime, indicator and
noise, so that a promise to a user with a new session is kept over sessions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from napari_celltype.classifiers.estimator import log_softmax

RISK = 0.1  # wrong cells among the named ones, at most
COVERAGE = 0.9  # cells whose prediction set holds their type, at least
RESAMPLES = 1000
GRID = np.round(np.arange(0.26, 0.996, 0.01), 2)
FEWEST_NAMED = 100


def temperature(
    probabilities: NDArray[np.float64], columns: NDArray[np.int64]
) -> float:
    """Return the divisor of the log-probabilities with the best likelihood.

    Parameters
    ----------
    probabilities : ndarray, shape (n_cells, n_classes)
    columns : ndarray of int, shape (n_cells,)
        Column of the true class.
    """
    logs = np.log(np.maximum(probabilities, 1e-12))
    rows = np.arange(columns.size)

    def loss(log_temperature: float) -> float:
        return float(-log_softmax(logs / np.exp(log_temperature))[rows, columns].mean())

    found = minimize_scalar(loss, bounds=(np.log(0.1), np.log(10)), method="bounded")
    return round(float(np.exp(found.x)), 4)


def apply_temperature(
    probabilities: NDArray[np.float64], temperature: float
) -> NDArray[np.float64]:
    """Divide log-probabilities by the temperature."""
    logs = np.log(np.maximum(probabilities, 1e-300))
    sharpened: NDArray[np.float64] = np.exp(log_softmax(logs / temperature))
    return sharpened


def unsure_threshold(
    best: NDArray[np.float64],
    right: NDArray[np.bool_],
    sessions: Sequence[NDArray[np.int64]],
) -> float | None:
    """Return the least probability at which named cells are wrong in at most 10 %.

    Thresholds are tried from the top down, beginning where `FEWEST_NAMED` cells are
    named; the search ends where the upper 95 % bound (sessions resampled) rises above
    `RISK` again. None if no threshold holds.

    Parameters
    ----------
    best : ndarray, shape (n_cells,)
        Probability of the best guess.
    right : ndarray of bool, shape (n_cells,)
        Whether it is the true type.
    sessions : sequence of ndarray of int
        Rows of each session.
    """
    rng = np.random.default_rng(0)
    chosen = rng.integers(0, len(sessions), (RESAMPLES, len(sessions)))
    kept = None
    for threshold in GRID[::-1]:
        named = np.array([(best[rows] >= threshold).sum() for rows in sessions])
        wrong = np.array(
            [((best[rows] >= threshold) & ~right[rows]).sum() for rows in sessions]
        )
        if named.sum() < FEWEST_NAMED:
            continue
        risks = wrong[chosen].sum(axis=1) / np.maximum(named[chosen].sum(axis=1), 1)
        if np.quantile(risks, 0.95) <= RISK:
            kept = float(threshold)
        elif kept is not None:
            break
    return kept


def set_threshold(
    own: NDArray[np.float64], sessions: Sequence[NDArray[np.int64]]
) -> float:
    """Return the probability that a class needs to be in the prediction set.

    Split-conformal with one vote per session (conformal risk control): the largest
    threshold whose mean share of missed cells, with one more session that misses all,
    stays within 1 - `COVERAGE`.

    Parameters
    ----------
    own : ndarray, shape (n_cells,)
        Probability of the true class, cells of that class only.
    sessions : sequence of ndarray of int
        Rows of each session; none empty.
    """
    best = 0.0
    for threshold in np.unique(np.concatenate([[0.0], own])):
        missed = [float((own[rows] < threshold).mean()) for rows in sessions]
        if (sum(missed) + 1) / (len(missed) + 1) > 1 - COVERAGE:
            break
        best = float(threshold)
    # Rounded down, so that the cell at the threshold stays inside.
    return float(np.floor(best * 1e4) / 1e4)
