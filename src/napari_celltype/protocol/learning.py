"""Learning curves: what a score was for less data, and what more would give.

A score is taken to be ceiling - drop * n ** -exponent of n animals, cells or minutes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from napari_celltype.celltypes import prior_shares
from napari_celltype.labels import TraceSet
from napari_celltype.protocol import metrics
from napari_celltype.protocol.experiment import Condition, Outcome, Plan
from napari_celltype.protocol.groups import UNIT_COLUMNS, names_of
from napari_celltype.protocol.metrics import FEWEST, Answers, Interval
from napari_celltype.protocol.scores import Spread

Numbers = NDArray[np.float64]
# What a curve is asked for, and how much more of the same it is asked about.
TARGET, MOST = 0.9, 4.0
BALANCED = "balanced accuracy"
# Wider bounds foretold no better (benchmarks/learning_curve.py).
_EXPONENTS = np.linspace(0.3, 1.0, 15)
_RESAMPLES = 400


@dataclass(frozen=True, eq=False)
class Fit:
    """Curves through the same sizes; each array (n_curves,)."""

    ceiling: Numbers
    drop: Numbers
    exponent: Numbers

    @classmethod
    def of(cls, sizes: Sequence[float], scores: Numbers) -> Self:
        """Fit scores (n_curves, n_sizes), of which NaN are left out."""
        n = np.asarray(sizes, dtype=float)
        weight = np.where(np.isfinite(scores), 1.0, 0.0)
        y = np.nan_to_num(scores)
        best = np.full((4, len(y)), np.nan)
        best[0] = np.inf
        # A curve of which nothing is known is NaN.
        with np.errstate(divide="ignore", invalid="ignore"):
            for exponent in _EXPONENTS:
                x = n**-exponent
                ceiling, drop = _line(x, y, weight)
                off = y - ceiling[:, None] + drop[:, None] * x
                error = (weight * off**2).sum(axis=1)
                found = np.stack([error, ceiling, drop, np.full(len(y), exponent)])
                best = np.where(error < best[0], found, best)
        return cls(*best[1:])

    def at(self, size: float) -> Numbers:
        """Return the score of each curve at a size."""
        return self.ceiling - self.drop * size**-self.exponent

    def needed(self, target: float) -> Numbers:
        """Return the size at which each curve reaches a score; infinite for never."""
        room = self.ceiling - target
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            size = (self.drop / room) ** (1 / self.exponent)
        return np.where(room > 0, size, np.inf)


def _line(x: Numbers, y: Numbers, weight: Numbers) -> tuple[Numbers, Numbers]:
    """Return a and b of the best lines a - b x, of which b >= 0 and a <= 1."""
    total = weight.sum(axis=1)
    mean_x, mean_y = (weight * x).sum(axis=1) / total, (weight * y).sum(axis=1) / total
    from_mean = weight * (x - mean_x[:, None])
    slope = (from_mean * y).sum(axis=1) / (from_mean * x).sum(axis=1)
    drop = np.maximum(-slope, 0.0)
    ceiling = mean_y + drop * mean_x
    to_one = (weight * x * (1 - y)).sum(axis=1) / (weight * x**2).sum(axis=1)
    bounded = ceiling > 1
    return np.where(bounded, 1.0, ceiling), np.where(bounded, to_one, drop)


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """Scores of one classifier trained on more and more of one thing, all of it last.

    `names` are "balanced accuracy", then the types of `shares`, whose scores are
    precisions: of the cells that would be called so, the share that is so, where types
    are as common as that; NaN where fewer than `FEWEST` were called so.
    """

    classifier: str
    way: str
    # "animals", "sessions", "cells" or "minutes"; "frames" where no rate is known.
    unit: str
    sizes: tuple[float, ...]
    examples: tuple[int, ...]
    # Of all types, or of none where nothing can be said of single types.
    shares: Mapping[str, float]
    # Test answers by animal or what else is resampled, size, truth and guess.
    counts: NDArray[np.int64]
    # Different test cells that were called each type, (n_sizes, n_types).
    called: NDArray[np.int64]
    # Balanced accuracy over splits.
    spread: tuple[Spread, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """What the scores are of."""
        return (BALANCED, *self.shares)

    @cached_property
    def scores(self) -> Numbers:
        """The scores of all test answers, (n_sizes, n_names)."""
        return self._scores(self.counts.sum(axis=0))

    @cached_property
    def resampled(self) -> Numbers:
        """Those of resampled test animals, (n_resamples, n_sizes, n_names)."""
        # None where there are few.
        n = len(self.counts)
        n_draws = _RESAMPLES if n >= FEWEST else 0
        draws = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), n_draws)
        return self._scores(np.tensordot(draws * 1.0, self.counts, axes=1))

    def _scores(self, counts: NDArray[np.int64]) -> Numbers:
        recall = np.diagonal(metrics.recalls(counts), axis1=-2, axis2=-1)
        balanced: Numbers = np.nanmean(recall, axis=-1, keepdims=True)
        if not self.shares:
            return balanced
        precisions = metrics.precisions(counts, np.array([*self.shares.values()]))
        enough = np.where(self.called < FEWEST, np.nan, precisions)
        return np.concatenate([balanced, enough], axis=-1)

    def amount(self, size: float) -> str:
        """Return a size with its unit, as in "1 animal" or "2.5 minutes"."""
        unit = self.unit.removesuffix("s") if size == 1 else self.unit
        return f"{self.number(size)} {unit}"

    def number(self, size: float) -> str:
        """Return a size without its unit; there are no parts of an animal."""
        return f"{size:.3g}" if self.unit == "minutes" else f"{math.ceil(size)}"

    def fit(self, name: str) -> Fit:
        """Return the curve of a score, and those of the resampled."""
        at = self.names.index(name)
        scores = np.concatenate([self.scores[None, :, at], self.resampled[:, :, at]])
        # With all data too few are called so: the calls of less foretell nothing.
        known = np.isfinite(scores[0, -1])
        return Fit.of(self.sizes, scores if known else np.full_like(scores, np.nan))

    def interval(self, values: Numbers) -> Interval:
        """Return a value, and where 95 % of those of resampled curves lie."""
        low, high = (
            np.quantile(values[1:], [0.025, 0.975], method="nearest")
            if len(values) > 1
            else (np.nan, np.nan)
        )
        return Interval(values[0], low, high, self.unit, len(self.sizes))


def learning_curves(
    plan: Plan, outcomes: Iterable[Outcome], prior: Mapping[str, float] | None = None
) -> tuple[LearningCurve, ...]:
    """Collect the learning curves of a run, of each classifier and each thing."""
    done: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        done.setdefault(outcome.condition, []).append(outcome)
    curves = []
    for full in plan.conditions:
        parts = [c for c in plan.conditions if c.learned and _same(c, full)]
        for unit in dict.fromkeys(c.learned[0] for c in parts if c.learned):
            conditions = [c for c in parts if c.learned and c.learned[0] == unit]
            conditions = [c for c in (*conditions, full) if c.name in done]
            if full.role == "classifier" and len(conditions) > 2:
                of = [done[c.name] for c in conditions]
                curves.append(_curve(plan, unit, conditions, of, prior))
    return tuple(curves)


def _same(part: Condition, full: Condition) -> bool:
    """Tell whether a condition is on the learning curve of another."""
    one, other = ((c.classifier, c.parameters, c.way) for c in (part, full))
    return one == other


def _curve(
    plan: Plan,
    unit: str,
    conditions: Sequence[Condition],
    outcomes: Sequence[list[Outcome]],
    prior: Mapping[str, float] | None,
) -> LearningCurve:
    data, traces, classes = plan.data, plan.data.traces, plan.data.targets.classes
    answers = [Answers.of(of, data.targets) for of in outcomes]
    groups, _ = metrics.best_unit(traces)
    names = np.unique(groups[answers[-1].rows])
    shape = (len(names), len(answers), len(classes), len(classes))
    counts = np.zeros(shape, dtype=np.int64)
    for at, of in enumerate(answers):
        group = np.searchsorted(names, groups[of.rows])
        np.add.at(counts[:, at], (group, of.truth, of.guess), 1)
    tested = counts[:, -1].sum(axis=(0, 2))
    shares = dict(zip(classes, (tested / tested.sum()).tolist(), strict=True))
    if prior is not None:
        shares = prior_shares(prior, classes, shares)
    learned = [
        [t.split.train for t in plan.tasks if t.condition.name == c.name]
        for c in conditions
    ]
    sizes = [
        np.mean(
            [_size(rows, unit, c.n_frames or traces.n_frames, traces) for rows in of]
        )
        for c, of in zip(conditions, learned, strict=True)
    ]
    cells, indices = names_of(traces, "cell_id"), range(len(classes))
    rate = traces.sampling_frequency
    if unit == "frames" and rate:
        unit, sizes = "minutes", [size / rate / 60 for size in sizes]
    return LearningCurve(
        conditions[-1].title,
        conditions[-1].way,
        unit,
        tuple(map(float, sizes)),
        tuple(round(np.mean([len(rows) for rows in of])) for of in learned),
        shares,
        counts,
        np.array(
            [
                [len(np.unique(cells[of.rows[of.guess == at]])) for at in indices]
                for of in answers
            ]
        ),
        tuple(
            Spread.of(row["balanced_accuracy"] for row in metrics.by_split(of))
            for of in answers
        ),
    )


def _size(rows: NDArray[np.int64], unit: str, n_frames: int, traces: TraceSet) -> int:
    """Return how many animals, cells or frames a training set has."""
    if unit == "frames":
        return n_frames
    return len(np.unique(names_of(traces, UNIT_COLUMNS[unit])[rows]))
