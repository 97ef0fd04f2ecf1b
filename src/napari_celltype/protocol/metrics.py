"""Test answers, their scores, how sure these are, and what they have to beat.

The spread over splits is no error bar, because their training sets overlap: a bootstrap
over animals or cells and a corrected t interval take its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import LabelError
from napari_celltype.labels import Targets, TraceSet
from napari_celltype.labels.trace_set import identity
from napari_celltype.protocol.experiment import Outcome
from napari_celltype.protocol.groups import UNIT_COLUMNS

Counts = NDArray[np.int64]
# Of each class.
MEASURES = ("precision", "recall", "specificity")


@dataclass(frozen=True, eq=False)
class Answers:
    """Every test answer of one condition; an example occurs once per split."""

    classes: tuple[str, ...]
    # Each (n_answers,): row of the data set, number of the split, class indices.
    rows: NDArray[np.int64]
    splits: NDArray[np.int64]
    truth: NDArray[np.int64]
    guess: NDArray[np.int64]

    @classmethod
    def of(cls, outcomes: Iterable[Outcome], targets: Targets) -> Answers:
        """Collect the outcomes of one condition."""
        outcomes = list(outcomes)
        rows = np.array([r for o in outcomes for r in o.rows], dtype=np.int64)
        splits = np.array([o.split for o in outcomes for _ in o.rows], dtype=np.int64)
        guess = np.array([g for o in outcomes for g in o.guess], dtype=np.int64)
        return cls(targets.classes, rows, splits, targets.index[rows], guess)

    @property
    def counts(self) -> Counts:
        """The confusion matrix, truth by guess."""
        return confusion_counts(self.truth, self.guess, len(self.classes))

    def of_split(self, split: int) -> Answers:
        """Return the answers of one split."""
        chosen = self.splits == split
        columns = (self.rows, self.splits, self.truth, self.guess)
        return Answers(self.classes, *(column[chosen] for column in columns))


def confusion_counts(
    truth: NDArray[np.int64], guess: NDArray[np.int64], n_classes: int
) -> Counts:
    """Count the answers of each class, shape (n_classes, n_classes): truth by guess."""
    flat = np.bincount(truth * n_classes + guess, minlength=n_classes**2)
    return flat.reshape(n_classes, n_classes).astype(np.int64)


def accuracy(counts: Counts) -> float:
    """Return the share of right answers; NaN without any."""
    return float(_ratio(np.diag(counts).sum(), counts.sum()))


def balanced_accuracy(counts: Counts) -> float:
    """Return the mean recall of the classes that were tested; NaN without any."""
    recall = _ratio(np.diag(counts), counts.sum(axis=1))
    recall = recall[np.isfinite(recall)]
    return float(recall.mean()) if recall.size else float("nan")


def per_class(counts: Counts, classes: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return precision, recall and specificity of each class (Table II), or NaN."""
    right = np.diag(counts)
    tested, called = counts.sum(axis=1), counts.sum(axis=0)
    others = counts.sum() - tested
    # Of what was called so, the share that is so; of what is so, the share called so;
    # of what is not so, the share not called so.
    precision, recall = _ratio(right, called), _ratio(right, tested)
    specificity = _ratio(others - (called - right), others)
    scores = np.stack([precision, recall, specificity], axis=1).tolist()
    return {
        name: dict(zip(MEASURES, row, strict=True))
        for name, row in zip(classes, scores, strict=True)
    }


def precision_at(
    counts: Counts, classes: Sequence[str], shares: Mapping[str, float]
) -> dict[str, float]:
    """Return the precision of each class where types are as common as `shares` says."""
    # Recalls and confusions are taken to be the same: Bayes' rule on the rows of the
    # confusion matrix. NaN where the class is never called, or a class of the shares
    # was not tested.
    share = np.array([shares.get(name, 0.0) for name in classes], dtype=float)
    possible = np.isfinite(share).all() and (share >= 0).all() and share.any()
    if not possible or set(shares) - set(classes):
        raise LabelError(
            f"Shares are of {', '.join(classes)}, each 0 or more and not all 0; "
            "correct them."
        )
    return dict(zip(classes, precisions(counts, share).tolist(), strict=True))


def precisions(counts: NDArray[Any], share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the precision of each class of matrices (..., n, n) at shares (n,)."""
    rows = share[:, None] * recalls(counts)
    called = np.where(share[:, None] > 0, rows, 0.0)
    return _ratio(np.diagonal(called, axis1=-2, axis2=-1), called.sum(axis=-2))


def recalls(counts: NDArray[Any]) -> NDArray[np.float64]:
    """Divide each row of matrices (..., n, n) by its sum; NaN where it is 0."""
    return _ratio(counts, counts.sum(axis=-1, keepdims=True))


def by_split(answers: Answers) -> list[dict[str, float]]:
    """Return the scores of each split, as in the columns of ``scores.csv``."""
    rows = []
    for number in np.unique(answers.splits).tolist():
        counts = answers.of_split(number).counts
        row = {
            "split": number,
            "accuracy": accuracy(counts),
            "balanced_accuracy": balanced_accuracy(counts),
        }
        for name, scores in per_class(counts, answers.classes).items():
            row |= {f"{measure}_{name}": score for measure, score in scores.items()}
        rows.append(row)
    return rows


def chance(answers: Answers) -> float:
    """Return the balanced accuracy of guesses that know nothing, or NaN."""
    n_tested = len(np.unique(answers.truth))
    return 1 / n_tested if n_tested else float("nan")


def majority_rate(answers: Answers) -> float:
    """Return the accuracy of always naming the most frequent tested class."""
    tested = np.bincount(answers.truth)
    return float(tested.max() / tested.sum()) if tested.size else float("nan")


def luck_level(answers: Answers) -> float:
    """Return the balanced accuracy that only 2.5 % of dealings of the labels exceed."""
    # An example keeps its dealt label in all splits. Cells of one animal are not
    # independent, so the true level of luck lies higher where there are few animals.
    generator = np.random.default_rng(0)
    n = len(answers.classes)
    _, first, example = np.unique(answers.rows, return_index=True, return_inverse=True)
    # How often each example was given each class.
    given = np.bincount(example * n + answers.guess, minlength=len(first) * n)
    given = given.reshape(-1, n)
    truth = np.eye(n, dtype=np.int64)[answers.truth[first]]
    scores = [
        balanced_accuracy(generator.permutation(truth).T @ given)
        for _ in range(_RESAMPLES)
    ]
    return float(np.quantile(scores, 0.975))


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    """Divide; NaN where there is nothing to divide by, or it is not known."""
    ratio: NDArray[np.float64] = part / np.where(whole > 0, whole, np.nan)
    return ratio


# Groups in all and of each class; with fewer, the interval of simulated data sets
# covered the truth much less often than it says. A precision needs as many calls.
FEWEST = 5
_FEWEST_OF_A_CLASS = 3
_RESAMPLES = 1000


@dataclass(frozen=True)
class Interval:
    """A score with its 95 % interval; bounds are NaN where there are too few units."""

    # Over all tested examples, each of which counts once.
    value: float
    low: float
    high: float
    # What was resampled: "animals", "sessions", "cells" or "examples"; how many.
    unit: str
    n: int

    @property
    def too_few(self) -> bool:
        """Whether the units were too few for an interval."""
        return bool(np.isnan(self.low))


def best_unit(traces: TraceSet) -> tuple[NDArray[np.str_], str]:
    """Return what to resample: animals, else sessions, cells, examples; its word."""
    for unit, column in UNIT_COLUMNS.items():
        names = identity(traces, column)
        if names is not None and (getattr(traces, column) != "").all():
            return names, unit
    return np.arange(len(traces)).astype(str), "examples"


def bootstrap(
    answers: Answers, groups: NDArray[np.str_], unit: str = "groups"
) -> Interval:
    """Resample whole groups, as cells of one animal are not as many animals.

    The score is the balanced accuracy; an example's answers are averaged over its
    splits first. Groups are drawn with replacement, again where a tested class is
    missing. The percentiles are widened to what a t interval of as many groups would
    cover (Hesterberg 2015, The American Statistician 69:371, "expanded percentile"),
    with the groups of the class that has fewest. What another training set would
    change is not in the interval. It has no bounds if fewer than `FEWEST` groups were
    tested, or a class in fewer than `_FEWEST_OF_A_CLASS` of them.

    Parameters
    ----------
    answers : Answers
    groups : ndarray of str, shape (n_examples,)
        Group of each row of the data set, see `best_unit`.
    unit : str
        The word for a group.
    """
    from scipy.stats import norm, t

    right, tested = _by_group(answers, groups)
    value = float((right.sum(axis=0) / tested.sum(axis=0)).mean())
    n = len(right)
    fewest = int((tested > 0).sum(axis=0).min()) if n else 0
    if n < FEWEST or fewest < _FEWEST_OF_A_CLASS:
        return Interval(value, float("nan"), float("nan"), unit, n)
    generator = np.random.default_rng(0)
    draws = np.zeros((_RESAMPLES, n))
    missing = np.ones(_RESAMPLES, dtype=bool)
    while missing.any():
        draws[missing] = generator.multinomial(n, np.full(n, 1 / n), missing.sum())
        missing = (draws @ tested == 0).any(axis=1)
    scores = ((draws @ right) / (draws @ tested)).mean(axis=-1)
    expanded = np.sqrt(fewest / (fewest - 1)) * t.ppf(0.025, fewest - 1)
    outside = float(norm.cdf(expanded))
    low, high = np.quantile(scores, [outside, 1 - outside])
    return Interval(value, float(low), float(high), unit, n)


def _by_group(
    answers: Answers, groups: NDArray[np.str_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum rightness and count examples by group and tested class, (n_groups, n)."""
    _, first, example = np.unique(answers.rows, return_index=True, return_inverse=True)
    times = np.bincount(example)
    right = np.bincount(example, weights=answers.guess == answers.truth) / times
    classes, truth = np.unique(answers.truth[first], return_inverse=True)
    names, group = np.unique(groups[answers.rows[first]], return_inverse=True)
    right_of, tested = np.zeros((2, len(names), len(classes)))
    np.add.at(right_of, (group, truth), right)
    np.add.at(tested, (group, truth), 1)
    return right_of, tested


def corrected_interval(
    differences: NDArray[np.float64], n_train: float, n_test: float
) -> tuple[float, float, float, float]:
    """Return mean, low, high and two-sided p of differences on overlapping splits."""
    # The variance of the mean is (1 / n_splits + n_test / n_train) times that of the
    # differences (Nadeau and Bengio 2003, Machine Learning 52:239). p is NaN where all
    # differences are equal.
    from scipy.stats import t

    n = len(differences)
    mean = float(differences.mean())
    error = float(np.sqrt((1 / n + n_test / n_train) * differences.var(ddof=1)))
    reach = float(t.ppf(0.975, n - 1)) * error
    p = 2 * float(t.sf(abs(mean) / error, n - 1)) if error > 0 else float("nan")
    return mean, mean - reach, mean + reach, p
