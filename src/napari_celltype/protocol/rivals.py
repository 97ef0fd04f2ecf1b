"""Rivals of the networks: probes of single numbers, and the baselines of Table IV.

Most probes tell how a cell was recorded rather than what it is: a classifier's score
means little where one of them comes near it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.ensemble import AdaBoostClassifier
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.validation import check_is_fitted, validate_data

from napari_celltype.labels import TraceSet
from napari_celltype.models.preparation import Normalization
from napari_celltype.protocol.kernel_search import KernelSearch

Fold = tuple[NDArray[np.int64], NDArray[np.int64]]


@dataclass
class InnerFolds:
    """Stratified folds that keep groups on one side where the classes allow it.

    A splitter for scikit-learn's searches. Parameters are then searched in folds of the
    same kind as the split around them. Small classes and few groups make fewer folds.

    Parameters
    ----------
    n_splits : int
        Folds where every class has as many members and groups.
    random_state : int
        Seed of the order.
    """

    n_splits: int = 5
    random_state: int = 0

    def get_n_splits(
        self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None
    ) -> int:
        """Return the number of folds for these labels and groups."""
        return len(self._folds(np.asarray(y), groups))

    def split(
        self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None
    ) -> Iterator[Fold]:
        """Yield rows to train and to test on."""
        yield from self._folds(np.asarray(y), groups)

    def _folds(self, y: NDArray[np.generic], groups: ArrayLike | None) -> list[Fold]:
        names, of, members = np.unique(y, return_inverse=True, return_counts=True)
        if groups is not None:
            groups = np.asarray(groups)
            n_folds = self._at_most(np.unique(groups[y == name]).size for name in names)
            if n_folds > 1:
                grouped = StratifiedGroupKFold(
                    n_folds, shuffle=True, random_state=self.random_state
                )
                folds = list(grouped.split(y, y, groups))
                if all(np.unique(of[train]).size == names.size for train, _ in folds):
                    return folds
        # The only member of a class is trained on in every fold.
        tested = np.flatnonzero(members[of] > 1)
        if not tested.size:
            everything = np.arange(len(y))
            return [(everything, everything)]
        plain = StratifiedKFold(
            self._at_most(members[members > 1]),
            shuffle=True,
            random_state=self.random_state,
        )
        parts = [tested[part] for _, part in plain.split(tested, y[tested])]
        return [(np.setdiff1d(np.arange(len(y)), part), part) for part in parts]

    def _at_most(self, members: Iterable[int]) -> int:
        """Return the folds for classes of so many members."""
        return int(min(self.n_splits, *members))


SLOWER_THAN = 0.1  # Hz
# What a trace set may tell of its recordings, by the name of the probe.
RECORDED = {
    "trace length": "native_frames",
    "native rate": "native_sampling_frequency",
    "ROI size": "n_pixels",
    "plane": "plane",
}
SESSION = "session"
MAX_LEAF_NODES = (2, 4, 8, 16, 32)
# Traces that are held in double precision at once.
TRACES_AT_ONCE = 256


def probe_values(traces: TraceSet) -> dict[str, NDArray[np.float64]]:
    """Return the numbers that can be known of every example and are not constant.

    Returns
    -------
    dict of str to ndarray of float64, shape (n_examples,)
        "noise level": median difference of successive frames, divided by the square
        root of the frame rate where that is known (as nu in Rupprecht et al. 2021, in
        the unit of the traces); "mean" and "deviation" of the trace; "skewness"; "slow
        power": share of the power below 0.1 Hz; "trace length" (frames) and "native
        rate" (Hz) as recorded; "ROI size" (pixels); "plane".
    """
    rate = traces.sampling_frequency
    values = {
        name: np.concatenate(parts)
        for name, parts in _in_blocks(traces.traces, rate).items()
    }
    for name, array in RECORDED.items():
        if array in traces.recorded:
            values[name] = np.asarray(traces.recorded[array], dtype=np.float64)
    return {
        name: value
        for name, value in values.items()
        if np.isfinite(value).all() and np.ptp(value) > 0
    }


def probe_model(name: str, seed: int) -> ProbeTree | CommonestOfSession:
    """Return the small model of a probe; it takes the number as its one column."""
    return CommonestOfSession() if name == SESSION else ProbeTree(seed)


# scikit-learn has no types, so its classes are Any to the type checker.
class ProbeTree(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A decision tree whose number of leaves is found within the training set.

    Every class weighs the same.

    Parameters
    ----------
    random_state : int

    Attributes
    ----------
    best_params_ : dict
        "max_leaf_nodes": the one of `MAX_LEAF_NODES` with the best balanced accuracy
        over all inner folds together.
    classes_ : ndarray
    """

    def __init__(self, random_state: int = 0) -> None:
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None) -> Self:
        """Choose the size and grow the tree; `groups` stay together in the folds."""
        numbers, labels = validate_data(self, X, y, dtype=np.float64)
        inner = InnerFolds(random_state=self.random_state)
        folds = list(inner.split(numbers, labels, groups))
        tested = np.concatenate([test for _, test in folds])

        def score(n_leaves: int) -> float:
            guess = np.empty_like(labels)
            for train, test in folds:
                tree = self._tree(n_leaves).fit(numbers[train], labels[train])
                guess[test] = tree.predict(numbers[test])
            said, truth = guess[tested], labels[tested]
            recalls = [(said[truth == c] == c).mean() for c in np.unique(truth)]
            return float(np.mean(recalls))

        best = max(MAX_LEAF_NODES, key=score)
        self.best_params_ = {"max_leaf_nodes": best}
        self.tree_ = self._tree(best).fit(numbers, labels)
        self.classes_ = self.tree_.classes_
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return a label for each number."""
        check_is_fitted(self)
        numbers = validate_data(self, X, dtype=np.float64, reset=False)
        names: NDArray[Any] = self.tree_.predict(numbers)
        return names

    def _tree(self, n_leaves: int) -> DecisionTreeClassifier:
        return DecisionTreeClassifier(
            max_leaf_nodes=n_leaves,
            class_weight="balanced",
            random_state=self.random_state,
        )


class CommonestOfSession(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Say the commonest training label of an example's session.

    Attributes
    ----------
    classes_ : ndarray
    sessions_ : ndarray of int64
        Numbers of the sessions that were trained on.
    """

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Count the labels of each session; X is (n_examples, 1) session numbers."""
        numbers, labels = validate_data(self, X, y, dtype=np.int64)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        self.sessions_, rows = np.unique(numbers[:, 0], return_inverse=True)
        counts = np.zeros((len(self.sessions_), len(self.classes_)), dtype=np.int64)
        np.add.at(counts, (rows, codes), 1)
        self._commonest = counts.argmax(axis=1)
        self._elsewhere = int(counts.sum(axis=0).argmax())
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return a label for each row; the commonest of all in unknown sessions."""
        check_is_fitted(self)
        session = validate_data(self, X, dtype=np.int64, reset=False)[:, 0]
        at = np.searchsorted(self.sessions_, session).clip(max=len(self.sessions_) - 1)
        known = self.sessions_[at] == session
        names: NDArray[Any] = self.classes_[
            np.where(known, self._commonest[at], self._elsewhere)
        ]
        return names


def _in_blocks(
    traces: NDArray[np.float32], rate: float | None
) -> dict[str, list[NDArray[np.float64]]]:
    """Return the parts of each number that is computed from traces."""
    found: dict[str, list[NDArray[np.float64]]] = {}
    slow = np.fft.rfftfreq(traces.shape[1], 1 / rate) < SLOWER_THAN if rate else None
    for start in range(0, len(traces), TRACES_AT_ONCE):
        block = traces[start : start + TRACES_AT_ONCE].astype(np.float64)
        mean = block.mean(axis=1)
        block -= mean[:, None]
        variance = np.einsum("ij,ij->i", block, block) / block.shape[1]
        third = np.einsum("ij,ij,ij->i", block, block, block) / block.shape[1]
        # A constant trace is not skewed and has no slow power.
        something = np.where(variance > 0, variance, 1)
        numbers = {
            "mean": mean,
            "deviation": np.sqrt(variance),
            "skewness": third / something**1.5,
        }
        if block.shape[1] > 1:
            steps = np.median(np.abs(np.diff(block, axis=1)), axis=1)
            numbers["noise level"] = steps / np.sqrt(rate or 1)
        if slow is not None:
            power = np.abs(np.fft.rfft(block, axis=1)) ** 2
            if block.shape[1] % 2 == 0:
                # Every other wave stands for itself and its mirror image.
                power[:, -1] /= 2
            total = power.sum(axis=1)
            numbers["slow power"] = power[:, slow].sum(axis=1) / np.where(
                total > 0, total, 1
            )
        for name, values in numbers.items():
            found.setdefault(name, []).append(values)
    return found


# Section IV-D. The paper names no constant term of the polynomial kernel;
# scikit-learn's is 0.
PAPER: dict[str, dict[str, Any]] = {
    "svm-rbf": {"kernel": "rbf", "gamma": 1e-4, "C": 100.0},
    "svm-linear": {"kernel": "linear", "C": 10.0},
    "svm-poly": {"kernel": "poly", "degree": 3, "gamma": 1e-3, "C": 100.0},
    "adaboost": {"n_estimators": 100},
}
# The paper does not print the grids that it searched; these hold what it found.
GRIDS: dict[str, dict[str, tuple[float, ...]]] = {
    "svm-rbf": {"gamma": (1e-6, 1e-5, 1e-4, 1e-3, 1e-2), "C": (1, 10, 100, 1000)},
    "svm-linear": {"C": (0.1, 1, 10, 100)},
    # Without a coefficient gamma^degree only scales C, so few values of each suffice.
    "svm-poly": {"degree": (2, 3), "gamma": (1e-4, 1e-3, 1e-2), "C": (1, 10, 100)},
    "adaboost": {"n_estimators": (50, 100, 200)},
}


def baseline(name: str, seed: int, **parameters: Any) -> Pipeline:
    """Return a z-score by the training set and a classifier of Table IV.

    Parameters
    ----------
    name : str
        A key of `PAPER`.
    seed : int
        Of AdaBoost; support vector machines know no chance.
    **parameters
        Instead of the paper's; `normalization` is one of `NORMALIZATIONS`.
    """
    normalization = parameters.pop("normalization", "training-set")
    given = {**PAPER[name], **parameters}
    classifier = (
        AdaBoostClassifier(**given, random_state=seed)
        if name == "adaboost"
        else SVC(**given)
    )
    return Pipeline([("z-score", TraceScaler(normalization)), ("model", classifier)])


def search(name: str, seed: int, **parameters: Any) -> Pipeline:
    """Return the same with parameters searched inside the training set.

    The paper searched once, on all data, and split them afterwards; here nothing of a
    test set takes part in the choice. The z-score is that of the whole training set.

    Parameters
    ----------
    name : str
        A key of `GRIDS`.
    seed : int
        Of the folds and of AdaBoost.
    **parameters
        `grid` instead of the one in `GRIDS`; `normalization`.
    """
    normalization = parameters.pop("normalization", "training-set")
    grid = dict(parameters.pop("grid", GRIDS[name]))
    folds = InnerFolds(random_state=seed)
    found = (
        GridSearchCV(AdaBoostClassifier(random_state=seed), grid, cv=folds)
        if name == "adaboost"
        else KernelSearch(PAPER[name]["kernel"], grid=grid, cv=folds, **parameters)
    )
    return Pipeline([("z-score", TraceScaler(normalization)), ("model", found)])


# scikit-learn has no types, so its classes are Any to the type checker.
class TraceScaler(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """The z-score of the networks for other classifiers (Section IV-B).

    Parameters
    ----------
    normalization : str
        "training-set": one mean and one deviation of all training traces.

    Attributes
    ----------
    normalization_ : Normalization
    """

    def __init__(self, normalization: str = "training-set") -> None:
        self.normalization = normalization

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Measure the training traces (n_traces, n_frames)."""
        traces = validate_data(self, X, dtype=np.float32)
        self.normalization_ = Normalization.fit(self.normalization, traces)
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Return z-scored traces (n_traces, n_frames)."""
        check_is_fitted(self)
        traces = validate_data(self, X, dtype=np.float32, reset=False)
        return self.normalization_.apply(traces)
