"""Scores of predicted cell types with bootstrap intervals, for cells and sessions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

RESAMPLES = 1000
CHANCE = 0.05  # both tails of an interval together

Score = dict[str, Any]


def recalls(truth: NDArray[np.str_], guess: NDArray[np.str_]) -> dict[str, float]:
    """Return the share of each true type that was guessed right."""
    right = truth == guess
    names, kinds = np.unique(truth, return_inverse=True)
    shares = np.bincount(kinds, weights=right) / np.bincount(kinds)
    return dict(zip(names.tolist(), shares.tolist(), strict=True))


def balanced_accuracy(truth: NDArray[np.str_], guess: NDArray[np.str_]) -> float:
    """Return the mean of the recalls."""
    return float(np.mean(list(recalls(truth, guess).values())))


def accuracy(truth: NDArray[np.str_], guess: NDArray[np.str_]) -> float:
    """Return the share of right guesses."""
    return float((truth == guess).mean())


def auroc(positive: NDArray[np.bool_], score: NDArray[np.float64]) -> float:
    """Return the probability that a positive outscores a negative; ties count half."""
    n_positive = int(positive.sum())
    n_pairs = n_positive * (positive.size - n_positive)
    rank_sum = float(rankdata(score)[positive].sum())
    return (
        (rank_sum - n_positive * (n_positive + 1) / 2) / n_pairs if n_pairs else np.nan
    )


def groups(types: NDArray[np.str_]) -> NDArray[np.str_]:
    """Return PY for PY and IN for every other type."""
    return np.where(types == "PY", "PY", "IN")


def by_cell(
    measure: Callable[..., float],
    truth: NDArray[np.str_],
    other: NDArray[Any],
    seed: int = 0,
) -> Score:
    """Score cells; the 95 % interval resamples cells inside each true type."""
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero(truth == name) for name in np.unique(truth)]
    values = []
    for _ in range(RESAMPLES):
        rows = np.concatenate([rng.choice(m, m.size) for m in members])
        values.append(measure(truth[rows], other[rows]))
    return _score(measure(truth, other), values, truth.size)


def by_session(
    measure: Callable[..., float],
    sessions: Sequence[NDArray[np.int64]],
    *arrays: NDArray[Any],
    seed: int = 0,
) -> Score:
    """Score cells; the 95 % interval resamples whole sessions (lists of rows).

    `over_sessions` is the deviation of the score between single sessions.
    """
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(RESAMPLES):
        chosen = rng.integers(0, len(sessions), len(sessions))
        rows = np.concatenate([sessions[i] for i in chosen])
        values.append(measure(*(array[rows] for array in arrays)))
    single = [measure(*(array[rows] for array in arrays)) for rows in sessions]
    rows = np.concatenate(list(sessions))
    score = _score(measure(*(array[rows] for array in arrays)), values, rows.size)
    return {**score, "over_sessions": round(float(np.nanstd(single)), 4)}


def confusion(
    truth: NDArray[np.str_], guess: NDArray[np.str_], classes: Sequence[str]
) -> dict[str, dict[str, int]]:
    """Count guesses for each true type."""
    return {
        name: {
            other: int(((truth == name) & (guess == other)).sum()) for other in classes
        }
        for name in classes
        if (truth == name).any()
    }


def _score(value: float, resampled: Sequence[float], n: int) -> Score:
    low, high = np.nanquantile(resampled, [CHANCE / 2, 1 - CHANCE / 2])
    return {
        "value": round(value, 4),
        "low": round(float(low), 4),
        "high": round(float(high), 4),
        "n": int(n),
    }
