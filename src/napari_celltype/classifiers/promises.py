"""The numbers of a calibration: temperature, prediction-set and naming thresholds.

Sessions, not cells, are the unit: cells of one session share its state, indicator and
noise, and a promise to a user with a new session has to hold over sessions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_celltype.classifiers.softmax import log_softmax

RESAMPLES = 2000
# Cells that a first look takes. Of 100 cells with 5 wrong, the binomial 95 % bound is
# 10 %, so fewer could not tell 5 % wrong from 10 %; a name whose surest answers are no
# better than the rest passes only with more. Resampling needs a few sessions.
FIRST_LOOKS = (100, 200, 400)
FEWEST_SESSIONS = 10
GRID = np.concatenate([[0.999, 0.995], np.arange(99, 0, -1) / 100])


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


def named_from(
    probability: NDArray[np.float64],
    right: NDArray[np.bool_],
    weights: NDArray[np.float64],
    sessions: NDArray[np.int64],
    risk: float,
    *,
    least: float,
) -> float | None:
    """Return the probability from which one name may be given, or None.

    The candidates of a fixed grid are tried from the top down, beginning with the first
    that names 100 cells of `FEWEST_SESSIONS` sessions, whatever their true types. A
    candidate holds when the upper bound of the weighted share of wrong cells, sessions
    resampled and one more session added in which all are wrong, is within the risk.
    That session is of the mean size, its cells as heavy as the heaviest that can be
    wrong. The first candidate that does not hold ends the search. So each look is taken
    only when all before it have held, and many looks do not raise the chance to keep a
    threshold that fails its promise. The same search begins again at 200 and at 400
    cells, and the three share that chance of 5 %: each bound is one of 98.3 %. The
    lowest that held is kept.

    Parameters
    ----------
    probability : ndarray, shape (n_cells,)
        Of the name, for the cells whose best guess it is; 0 for all other cells.
    right : ndarray of bool, shape (n_cells,)
        Whether the name is the true one.
    weights : ndarray, shape (n_cells,)
        Of each cell, so that the types have their shares.
    sessions : ndarray of int, shape (n_cells,)
        Session of each cell, numbered from 0.
    risk : float
        Share of wrong cells among those of the name, at most.
    least : float
        Smallest candidate.

    References
    ----------
    Angelopoulos et al., Learn then test, 2021 (fixed sequences with several starts).
    """
    grid = GRID[least - 0.01 < GRID]
    shape = (int(sessions.max()) + 1, grid.size)
    first = np.searchsorted(-grid, -probability)  # the highest threshold it reaches
    reached = first < grid.size

    def per_session(
        values: NDArray[np.float64], among: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """Sum the values of the cells that reach each threshold, by session."""
        total = np.zeros(shape)
        np.add.at(total, (sessions[among], first[among]), values[among])
        return total.cumsum(axis=1)

    count = per_session(np.ones(weights.size), reached)
    named = per_session(weights, reached)
    wrong = per_session(weights, reached & ~right)
    voting = (count > 0).sum(axis=0)
    drawn = np.random.default_rng(0).multinomial(
        shape[0], np.full(shape[0], 1 / shape[0]), RESAMPLES
    )
    # A session of wrong cells weighs what cells of the wrong types weigh: where a name
    # is rare its few wrong cells stand for many, and none may be among those seen.
    heaviest = weights[~right].max(initial=0.0)
    mean_size = count.sum(axis=0) / np.maximum(voting, 1)
    bad = np.maximum(named.sum(axis=0) / np.maximum(voting, 1), heaviest * mean_size)
    risks = (drawn @ wrong + bad) / np.maximum(drawn @ named + bad, 1e-300)
    level = 1 - 0.05 / len(FIRST_LOOKS)
    holds = np.quantile(risks, level, axis=0) <= risk
    kept = -1
    for fewest in FIRST_LOOKS:
        enough = (count.sum(axis=0) >= fewest) & (voting >= FEWEST_SESSIONS)
        look = int(enough.argmax())
        while look < grid.size and enough[look] and holds[look]:
            kept = max(kept, look)
            look += 1
    return float(grid[kept]) if kept >= 0 else None
