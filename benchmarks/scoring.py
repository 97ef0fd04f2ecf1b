"""Scores of predicted cell types with bootstrap intervals, for cells and sessions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, binomtest, rankdata

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
    if positive.all() or not positive.any():
        return float("nan")
    ranks = rankdata(score)[positive]
    n_negative = positive.size - ranks.size
    return float((ranks.mean() - (ranks.size + 1) / 2) / n_negative)


def groups(types: NDArray[np.str_]) -> NDArray[np.str_]:
    """Return PY for PY and IN for every other type."""
    return np.where(types == "PY", "PY", "IN")


def by_cell(
    measure: Callable[..., float],
    truth: NDArray[np.str_],
    other: NDArray[Any],
    batches: NDArray[np.str_] | None = None,
    seed: int = 0,
) -> Score:
    """Score cells; the 95 % interval resamples cells inside each true type."""
    draws = [
        measure(truth[rows], other[rows]) for rows in resamples(truth, batches, seed)
    ]
    return _score(measure(truth, other), draws, truth.size)


def resamples(
    truth: NDArray[np.str_], batches: NDArray[np.str_] | None = None, seed: int = 0
) -> Iterator[NDArray[np.int64]]:
    """Draw rows of cells with replacement, by batch inside each true type."""
    rng = np.random.default_rng(seed)
    units = []
    for name in np.unique(truth):
        rows = np.flatnonzero(truth == name)
        own = rows if batches is None else batches[rows]
        units.append([rows[own == batch] for batch in np.unique(own)])
    for _ in range(RESAMPLES):
        drawn = [rng.integers(0, len(kind), len(kind)).tolist() for kind in units]
        yield np.concatenate(
            [kind[i] for kind, draw in zip(units, drawn, strict=True) for i in draw]
        )


def balanced(
    truth: NDArray[np.str_],
    guess: NDArray[np.str_],
    batches: NDArray[np.str_] | None = None,
    seed: int = 0,
) -> Score:
    """Score guesses by the mean of the recalls."""
    right = guess == truth
    names, kinds = np.unique(truth, return_inverse=True)

    def recall(rows: NDArray[np.int64]) -> float:
        sums = np.bincount(kinds[rows], weights=right[rows], minlength=names.size)
        return float((sums / np.bincount(kinds[rows], minlength=names.size)).mean())

    drawn = _score(
        recall(np.arange(truth.size)),
        [recall(rows) for rows in resamples(truth, batches, seed)],
        truth.size,
    )
    hits, sizes = np.bincount(kinds, weights=right), np.bincount(kinds)
    rng = np.random.default_rng(seed)
    by_counts = rng.beta(
        hits + 0.5, sizes - hits + 0.5, size=(10 * RESAMPLES, names.size)
    ).mean(axis=1)
    low, high = np.quantile(by_counts, [CHANCE / 2, 1 - CHANCE / 2]).tolist()
    # The prior pulls towards one half; a score is never outside its own interval.
    low, high = min(low, drawn["value"]), max(high, drawn["value"])
    return {
        **drawn,
        "low": min(drawn["low"], round(low, 4)),
        "high": max(drawn["high"], round(high, 4)),
    }


def share(
    right: NDArray[np.bool_], batches: NDArray[np.str_] | None = None, seed: int = 0
) -> Score:
    """Return the share of right answers with its exact 95 % interval."""
    exact = binomtest(int(right.sum()), right.size).proportion_ci(1 - CHANCE)
    low, high = exact.low, exact.high
    if batches is not None and np.unique(batches).size < right.size:
        same = np.full(right.size, "")
        drawn = by_cell(lambda _, r: float(r.mean()), same, right, batches, seed)
        low, high = min(low, drawn["low"]), max(high, drawn["high"])
    return _rounded(float(right.mean()), float(low), float(high), right.size)


def widened(score: Score, trials: int) -> Score:
    """Widen an interval to that of a share of `trials` (Jeffreys' prior)."""
    right = score["value"] * trials
    low, high = beta.ppf(
        [CHANCE / 2, 1 - CHANCE / 2], right + 0.5, trials - right + 0.5
    ).tolist()
    return {
        **score,
        "low": min(score["low"], round(low, 4)),
        "high": max(score["high"], round(min(high, 1.0), 4)),
    }


def by_session(
    measure: Callable[..., float],
    sessions: Sequence[NDArray[np.int64]],
    *arrays: NDArray[Any],
    seed: int = 0,
) -> Score:
    """Score cells; the 95 % interval resamples whole sessions (lists of rows)."""
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(RESAMPLES):
        chosen = rng.integers(0, len(sessions), len(sessions))
        rows = np.concatenate([sessions[i] for i in chosen])
        values.append(measure(*(array[rows] for array in arrays)))
    rows = np.concatenate(list(sessions))
    return _score(measure(*(array[rows] for array in arrays)), values, rows.size)


def _score(value: float, resampled: Sequence[float], n: int) -> Score:
    low, high = np.nanquantile(resampled, [CHANCE / 2, 1 - CHANCE / 2])
    return _rounded(value, float(low), float(high), n)


def _rounded(value: float, low: float, high: float, n: int) -> Score:
    return {
        "value": round(value, 4),
        "low": round(low, 4),
        "high": round(high, 4),
        "n": int(n),
    }
