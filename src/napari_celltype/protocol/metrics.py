"""Test answers, their scores, and the levels that a score has to beat."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import LabelError
from napari_celltype.labels import Targets
from napari_celltype.protocol.experiment import Outcome


@dataclass(frozen=True, eq=False)
class Answers:
    """Every test answer of one condition; an example occurs once per split.

    Attributes
    ----------
    classes : tuple of str
    rows : ndarray of int64, shape (n_answers,)
        Row of the data set.
    splits : ndarray of int64, shape (n_answers,)
        Number of the split.
    truth, guess : ndarray of int64, shape (n_answers,)
        Class indices.
    """

    classes: tuple[str, ...]
    rows: NDArray[np.int64]
    splits: NDArray[np.int64]
    truth: NDArray[np.int64]
    guess: NDArray[np.int64]

    @classmethod
    def of(cls, outcomes: Iterable[Outcome], targets: Targets) -> Answers:
        """Collect the outcomes of one condition."""
        outcomes = list(outcomes)
        rows = np.array([r for o in outcomes for r in o.rows], dtype=np.int64)
        return cls(
            targets.classes,
            rows,
            np.array([o.split for o in outcomes for _ in o.rows], dtype=np.int64),
            targets.index[rows],
            np.array([g for o in outcomes for g in o.guess], dtype=np.int64),
        )

    def of_split(self, split: int) -> Answers:
        """Return the answers of one split."""
        chosen = self.splits == split
        return Answers(
            self.classes,
            self.rows[chosen],
            self.splits[chosen],
            self.truth[chosen],
            self.guess[chosen],
        )

    def joined(self, other: Answers) -> Answers:
        """Return these answers and others, over the same classes."""
        return Answers(
            self.classes,
            np.concatenate([self.rows, other.rows]),
            np.concatenate([self.splits, other.splits]),
            np.concatenate([self.truth, other.truth]),
            np.concatenate([self.guess, other.guess]),
        )


Counts = NDArray[np.int64]


def confusion_counts(
    truth: NDArray[np.int64], guess: NDArray[np.int64], n_classes: int
) -> Counts:
    """Count the answers of each class, shape (n_classes, n_classes): truth by guess."""
    flat = np.bincount(truth * n_classes + guess, minlength=n_classes**2)
    return flat.reshape(n_classes, n_classes).astype(np.int64)


def accuracy(answers: Answers) -> float:
    """Return the share of right answers; NaN without any."""
    return _accuracy(_confusion(answers))


def balanced_accuracy(answers: Answers) -> float:
    """Return the mean recall of the classes that were tested; NaN without any."""
    return _balanced_accuracy(_confusion(answers))


def per_class(
    counts: Counts, classes: Sequence[str]
) -> dict[str, dict[str, float | int]]:
    """Return precision, recall, specificity and n of each class (Table II).

    Parameters
    ----------
    counts : ndarray of int64, shape (n_classes, n_classes)
        Truth by guess.
    classes : sequence of str

    Returns
    -------
    dict of str to dict
        "precision" (of what was called so, the share that is so), "recall" (of what is
        so, the share called so), "specificity" (of what is not so, the share not called
        so), each NaN where there is nothing to divide by, and "n", the examples tested.
    """
    right = np.diag(counts)
    tested, called = counts.sum(axis=1), counts.sum(axis=0)
    others = counts.sum() - tested
    precision = _ratio(right, called)
    recall = _ratio(right, tested)
    specificity = _ratio(others - (called - right), others)
    return {
        name: {
            "precision": float(precision[c]),
            "recall": float(recall[c]),
            "specificity": float(specificity[c]),
            "n": int(tested[c]),
        }
        for c, name in enumerate(classes)
    }


def precision_at(
    counts: Counts, classes: Sequence[str], shares: Mapping[str, float]
) -> dict[str, float]:
    """Return the precision of each class where types are as common as `shares` says.

    Precision depends on how common types are, and labelled data seldom hold them as the
    tissue does. Recalls and confusions are taken to be the same: this is Bayes' rule on
    the rows of the confusion matrix.

    Parameters
    ----------
    counts : ndarray of int64, shape (n_classes, n_classes)
        Truth by guess.
    classes : sequence of str
    shares : mapping of str to float
        How common each class is; any scale, a class that is not there has none.

    Returns
    -------
    dict of str to float
        NaN where the class is never called, or a class of the shares was not tested.

    Raises
    ------
    LabelError
        If a name is no class, a share is negative, or all are zero.
    """
    unknown = sorted(set(shares) - set(classes))
    if unknown:
        raise LabelError(
            f"There is no class {', '.join(unknown)} among {', '.join(classes)}; give "
            f"shares for these only."
        )
    share = np.array([shares.get(name, 0.0) for name in classes], dtype=float)
    if not (np.isfinite(share).all() and (share >= 0).all() and share.any()):
        raise LabelError(
            "Shares of types have to be 0 or more and not all 0; correct them."
        )
    present = share > 0
    rows = _ratio(counts[present], counts[present].sum(axis=1, keepdims=True))
    called = share[present, None] * rows
    right = np.zeros(len(classes))
    right[present] = called[np.arange(present.sum()), np.flatnonzero(present)]
    precision = _ratio(right, called.sum(axis=0))
    return dict(zip(classes, precision.tolist(), strict=True))


def by_split(answers: Answers) -> list[dict[str, float | int]]:
    """Return the scores of each split, in order of its number.

    Returns
    -------
    list of dict
        split, accuracy, balanced_accuracy, and precision_X, recall_X, specificity_X for
        each class X.
    """
    n = len(answers.classes)
    numbers, which = np.unique(answers.splits, return_inverse=True)
    flat = (which.ravel() * n + answers.truth) * n + answers.guess
    tables = np.bincount(flat, minlength=len(numbers) * n**2).reshape(-1, n, n)
    rows: list[dict[str, float | int]] = []
    for number, counts in zip(numbers.tolist(), tables, strict=True):
        row: dict[str, float | int] = {
            "split": number,
            "accuracy": _accuracy(counts),
            "balanced_accuracy": _balanced_accuracy(counts),
        }
        for name, scores in per_class(counts, answers.classes).items():
            for measure in ("precision", "recall", "specificity"):
                row[f"{measure}_{name}"] = scores[measure]
        rows.append(row)
    return rows


def chance(answers: Answers) -> float:
    """Return the balanced accuracy of guesses that know nothing: 1 / n_tested classes.

    Whatever the frequencies of the classes, a guess that does not look at the trace has
    this balanced accuracy on average, or less where it may name classes that were not
    tested; NaN without answers.
    """
    n_tested = len(np.unique(answers.truth))
    return 1 / n_tested if n_tested else float("nan")


def majority_rate(answers: Answers) -> float:
    """Return the accuracy of always naming the most frequent tested class."""
    tested = np.bincount(answers.truth)
    return float(tested.max() / tested.sum()) if tested.size else float("nan")


def luck_level(
    answers: Answers, *, n_permutations: int = 1000, random_state: int = 0
) -> float:
    """Return the balanced accuracy that only 2.5 % of dealings of the labels exceed.

    The same guesses are scored against labels permuted among the tested examples; an
    example keeps its dealt label in all splits. Nothing is trained anew: that is what a
    run with shuffled labels is for. Cells of one animal are not independent, so the
    true level of luck lies higher where there are few animals.
    """
    generator = np.random.default_rng(random_state)
    n = len(answers.classes)
    _, first, example = np.unique(answers.rows, return_index=True, return_inverse=True)
    # How often each example was given each class.
    given = np.bincount(
        example.ravel() * n + answers.guess, minlength=len(first) * n
    ).reshape(-1, n)
    truth = np.eye(n, dtype=np.int64)[answers.truth[first]]
    scores = [
        _balanced_accuracy(generator.permutation(truth).T @ given)
        for _ in range(n_permutations)
    ]
    return float(np.quantile(scores, 0.975))


def _confusion(answers: Answers) -> Counts:
    return confusion_counts(answers.truth, answers.guess, len(answers.classes))


def _accuracy(counts: Counts) -> float:
    return float(_ratio(np.diag(counts).sum(), counts.sum()))


def _balanced_accuracy(counts: Counts) -> float:
    recall = _ratio(np.diag(counts), counts.sum(axis=1))
    recall = recall[np.isfinite(recall)]
    return float(recall.mean()) if recall.size else float("nan")


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    """Divide; NaN where there is nothing to divide by, or it is not known."""
    part, whole = np.broadcast_arrays(
        np.asarray(part, dtype=float), np.asarray(whole, dtype=float)
    )
    ratio: NDArray[np.float64] = np.divide(
        part, whole, out=np.full(whole.shape, np.nan), where=whole > 0
    )
    return ratio
