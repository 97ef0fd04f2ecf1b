"""The numbers of a calibration: temperature and prediction-set thresholds.

Sessions, not cells, are the unit: cells of one session share its state, indicator and
noise, and a promise to a user with a new session has to hold over sessions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_celltype.classifiers.softmax import log_softmax


def fit_temperature(
    log_probabilities: NDArray[np.float64],
    columns: NDArray[np.int64],
    weights: NDArray[np.float64],
) -> float:
    """Return the divisor of the log-probabilities with the best likelihood.

    Parameters
    ----------
    log_probabilities : ndarray, shape (n_cells, n_classes)
        Mean over each cell's windows.
    columns : ndarray of int, shape (n_cells,)
        Column of the true class.
    weights : ndarray, shape (n_cells,)

    References
    ----------
    Guo et al., On calibration of modern neural networks, ICML 2017.
    """
    from scipy.optimize import minimize_scalar

    rows = np.arange(columns.size)

    def loss(log_temperature: float) -> float:
        logs = log_softmax(log_probabilities / np.exp(log_temperature))
        return float(-np.average(logs[rows, columns], weights=weights))

    # Evidence of 16 independent windows would ask for 1/16.
    limits = (np.log(0.01), np.log(100))
    found = minimize_scalar(loss, bounds=limits, method="bounded")
    return round(float(np.exp(found.x)), 4)


def set_threshold(
    own: NDArray[np.float64], sessions: NDArray[np.int64], coverage: float
) -> float:
    """Return the probability that a class needs to be in the prediction set.

    Split-conformal with one vote per session (conformal risk control): the largest
    threshold whose mean share of missed cells, with one more session that misses all,
    stays within 1 - coverage. Fewer sessions than that allows give 0: the class is in
    every set.

    Parameters
    ----------
    own : ndarray, shape (n_cells,)
        Probability of the true class, cells of that class only.
    sessions : ndarray of int, shape (n_cells,)
        Session of each cell.

    References
    ----------
    Angelopoulos et al., Conformal risk control, ICLR 2024, equation 4.
    """
    candidates = np.unique(own)
    votes = [np.sort(own[sessions == session]) for session in np.unique(sessions)]
    missed = [np.searchsorted(vote, candidates) / vote.size for vote in votes]
    risk = (np.sum(missed, axis=0) + 1) / (len(votes) + 1)
    # A tolerance for rounding: 9 of 89 sessions and one more are 0.1 exactly.
    kept = candidates[risk <= 1 - coverage + 1e-12]
    # Rounded down, so that the cell at the threshold stays inside.
    return float(np.floor(kept[-1] * 1e4) / 1e4) if kept.size else 0.0
