"""Rivals of the networks: probes, surrogates, and the baselines of Table IV.

A classifier's score means little where a probe comes near it. What a trained model
still gets right on surrogates does not come from what these have lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.signal import periodogram
from sklearn import model_selection as selection
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.ensemble import AdaBoostClassifier
from sklearn.metrics import recall_score
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from napari_celltype.labels import TraceSet
from napari_celltype.models.windows import Normalization, blocks_of
from napari_celltype.recording.windows import means_in_gaps


@dataclass
class InnerFolds:
    """Stratified folds that keep groups on one side where the classes allow it."""

    n_splits: int = 5
    random_state: int = 0

    def get_n_splits(
        self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None
    ) -> int:
        """Return the number of folds for these labels and groups."""
        return len(self.split(X, y, groups))

    def split(
        self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None
    ) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Return rows to train and to test on."""
        y = np.asarray(y)
        names, of, members = np.unique(y, return_inverse=True, return_counts=True)
        if groups is not None:
            groups = np.asarray(groups)
            n_folds = self._at_most(np.unique(groups[y == name]).size for name in names)
            if n_folds > 1:
                grouped = selection.StratifiedGroupKFold(
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
        plain = selection.StratifiedKFold(
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
_MAX_LEAF_NODES = (2, 4, 8, 16, 32)


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
    parts = [_numbers(block, rate) for _, block in blocks_of(traces.traces)]
    values = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    for name, array in RECORDED.items():
        if array in traces.recorded:
            values[name] = np.asarray(traces.recorded[array], dtype=np.float64)
    return {
        name: value
        for name, value in values.items()
        if np.isfinite(value).all() and np.ptp(value) > 0
    }


class ProbeTree:
    """A decision tree whose number of leaves is found within the training set.

    Classes weigh the same; the best balanced accuracy over all inner folds wins.
    """

    def __init__(self, random_state: int = 0) -> None:
        self.random_state = random_state

    def fit(
        self, X: NDArray[Any], y: NDArray[Any], groups: NDArray[Any] | None = None
    ) -> Self:
        """Choose the size and grow the tree; `groups` stay together in the folds."""
        seed = self.random_state
        folds = InnerFolds(random_state=seed).split(X, y, groups)
        tested = np.concatenate([test for _, test in folds])
        truth = y[tested]
        tree = DecisionTreeClassifier(class_weight="balanced", random_state=seed)

        def score(n_leaves: int) -> float:
            tree.set_params(max_leaf_nodes=n_leaves)
            guess = np.empty_like(y)
            for train, test in folds:
                guess[test] = tree.fit(X[train], y[train]).predict(X[test])
            share: float = recall_score(
                truth, guess[tested], labels=np.unique(truth), average="macro"
            )
            return share

        self.best_params_ = {"max_leaf_nodes": max(_MAX_LEAF_NODES, key=score)}
        self.tree_ = tree.set_params(**self.best_params_).fit(X, y)
        return self

    def predict(self, X: NDArray[Any]) -> NDArray[Any]:
        """Return a label for each number."""
        names: NDArray[Any] = self.tree_.predict(X)
        return names


class CommonestOfSession:
    """Say the commonest training label of an example's session."""

    def fit(self, X: NDArray[Any], y: NDArray[Any]) -> Self:
        """Count the labels of each session; X is (n_examples, 1) session numbers."""
        counts = pd.crosstab(X[:, 0], y)
        self._commonest = counts.idxmax(axis=1)
        self._elsewhere: Any = counts.sum().idxmax()
        return self

    def predict(self, X: NDArray[Any]) -> NDArray[Any]:
        """Return a label for each row; the commonest of all in unknown sessions."""
        named = self._commonest.reindex(X[:, 0], fill_value=self._elsewhere)
        return named.to_numpy()


def _numbers(
    traces: NDArray[np.float32], rate: float | None
) -> dict[str, NDArray[np.float64]]:
    """Return the numbers that are computed from traces."""
    block = means_in_gaps(traces).astype(np.float64)
    n_frames = block.shape[1]
    mean = block.mean(axis=1)
    block -= mean[:, None]
    variance = np.einsum("ij,ij->i", block, block) / n_frames
    third = np.einsum("ij,ij,ij->i", block, block, block) / n_frames
    # A constant trace is not skewed and has no slow power.
    something = np.where(variance > 0, variance, 1)
    numbers = {
        "mean": mean,
        "deviation": np.sqrt(variance),
        "skewness": third / something**1.5,
    }
    if n_frames > 1:
        steps = np.median(np.abs(np.diff(block, axis=1)), axis=1)
        numbers["noise level"] = steps / np.sqrt(rate or 1)
    if rate:
        frequency, power = periodogram(block, rate)
        total = power.sum(axis=1)
        total[total == 0] = 1
        numbers["slow power"] = power[:, frequency < SLOWER_THAN].sum(axis=1) / total
    return numbers


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


def baseline(
    name: str,
    seed: int,
    *,
    normalization: str = "training-set",
    searched: bool = False,
    **parameters: Any,
) -> Pipeline:
    """Return a z-score by the training set and a classifier of Table IV."""
    # Its parameters are the paper's unless they are given, or `searched` inside the
    # training set. The paper searched once, on all data, and split them afterwards;
    # here nothing of a test set takes part in the choice.
    grid = GRIDS[name]
    folds = InnerFolds(random_state=seed)
    given = {**PAPER[name], **parameters}
    kernel = given.get("kernel")
    model = SVC() if kernel else AdaBoostClassifier(random_state=seed)
    if not searched:
        model.set_params(**given)
    elif kernel:
        model = KernelSearch(kernel, grid=grid, cv=folds)
    else:
        model = selection.GridSearchCV(model, grid, cv=folds)
    return Pipeline([("z-score", TraceScaler(normalization)), ("model", model)])


# scikit-learn has no types, so its classes are Any to the type checker.
class TraceScaler(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """The z-score of the networks for other classifiers (Section IV-B)."""

    def __init__(self, normalization: str = "training-set") -> None:
        self.normalization = normalization

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Measure the training traces (n_traces, n_frames)."""
        traces = validate_data(self, X, dtype=np.float32, ensure_all_finite="allow-nan")
        self.normalization_ = Normalization.fit(self.normalization, traces)
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Return z-scored traces (n_traces, n_frames)."""
        check_is_fitted(self)
        traces = validate_data(
            self, X, dtype=np.float32, ensure_all_finite="allow-nan", reset=False
        )
        return self.normalization_.apply(traces)


class KernelSearch(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """`GridSearchCV(SVC(kernel=...), grid)` with the same answers, faster.

    Distances and products of traces do not depend on the parameters: they are computed
    once, and every kernel of the grid follows: exp(-gamma |x - y|^2), x.y, or
    (gamma x.y)^degree.
    """

    def __init__(
        self, kernel: str = "rbf", *, grid: Mapping[str, Sequence[float]], cv: Any = 5
    ) -> None:
        self.kernel = kernel
        self.grid = grid
        self.cv = cv

    def fit(self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None) -> Self:
        """Search the grid by cross-validation, then train on all rows."""
        traces, labels = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(labels)
        candidates = list(selection.ParameterGrid(dict(self.grid)))
        splitter = selection.check_cv(self.cv, labels, classifier=True)
        folds = list(splitter.split(traces, labels, groups))
        pairs = self._pairs(traces, traces)
        scores = np.zeros((len(candidates), len(folds)))
        shapes = {name: values for name, values in self.grid.items() if name != "C"}
        for shape in selection.ParameterGrid(shapes):
            values = self._kernel(pairs, shape)
            for k, (train, test) in enumerate(folds):
                inside, across = values[np.ix_(train, train)], values[test][:, train]
                for C in self.grid["C"]:
                    machine = SVC(C=C, kernel="precomputed")
                    machine.fit(inside, labels[train])
                    row = candidates.index({"C": C, **shape})
                    scores[row, k] = machine.score(across, labels[test])
        self.best_params_ = candidates[int(scores.mean(axis=1).argmax())]
        self.cv_results_ = {
            "params": candidates,
            **{f"split{k}_test_score": s for k, s in enumerate(scores.T)},
        }
        self.machine_ = SVC(C=self.best_params_["C"], kernel="precomputed")
        self.machine_.fit(self._kernel(pairs, self.best_params_), labels)
        self.classes_, self.traces_ = self.machine_.classes_, traces
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the class of each trace (n_traces, n_frames)."""
        check_is_fitted(self)
        traces = validate_data(self, X, dtype=np.float64, reset=False)
        pairs = self._pairs(traces, self.traces_)
        names: NDArray[Any] = self.machine_.predict(
            self._kernel(pairs, self.best_params_)
        )
        return names

    def _pairs(
        self, X: NDArray[np.float64], Y: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return what the kernel needs of each pair, (n_X, n_Y)."""
        if self.kernel != "rbf":
            return X @ Y.T
        pairs: NDArray[np.float64] = euclidean_distances(X, Y, squared=True)
        return pairs

    def _kernel(
        self, pairs: NDArray[np.float64], candidate: Mapping[str, float]
    ) -> NDArray[np.float64]:
        if self.kernel == "linear":
            return pairs
        values: NDArray[np.float64] = pairs * candidate["gamma"]
        if self.kernel == "rbf":
            return np.exp(-values)
        return values ** candidate.get("degree", 3)


# Frames of a block where nobody knows the frame rate: a second of the usual 30 Hz.
_BLOCK_FRAMES = 30


def phase_randomised(
    traces: NDArray[np.float32], random: np.random.Generator
) -> NDArray[np.float32]:
    """Return traces with the same power spectrum and random phases."""
    n_frames = traces.shape[1]
    randomised = np.empty(traces.shape, dtype=np.float32)
    for rows, block in blocks_of(traces):
        spectrum = np.fft.rfft(block.astype(np.float64))
        turn = np.exp(2j * np.pi * random.random(spectrum.shape))
        # The mean and, of an even number of frames, the fastest wave are real.
        turn[:, 0] = 1
        if n_frames % 2 == 0:
            turn[:, -1] = 1
        randomised[rows] = np.fft.irfft(spectrum * turn, n_frames)
    return randomised


def blocks_shuffled(
    traces: NDArray[np.float32], block_frames: int, random: np.random.Generator
) -> NDArray[np.float32]:
    """Return traces whose blocks are in a random order, another one for each trace."""
    n_frames = traces.shape[1]
    block = np.arange(n_frames) // block_frames
    n_blocks = int(block[-1]) + 1
    shuffled = np.empty(traces.shape, dtype=np.float32)
    for row, trace in enumerate(traces):
        rank = random.permutation(n_blocks)
        shuffled[row] = trace[np.argsort(rank[block], kind="stable")]
    return shuffled


def surrogates_of(
    traces: NDArray[np.float32], sampling_frequency: float | None, seed: int
) -> dict[str, NDArray[np.float32]]:
    """Return each kind of surrogate of all traces."""
    random, traces = np.random.default_rng(seed), means_in_gaps(traces)
    second = max(1, round(sampling_frequency or _BLOCK_FRAMES))
    return {
        "phase-randomised": phase_randomised(traces, random),
        "shuffled blocks": blocks_shuffled(traces, second, random),
    }


def surrogate_note(sampling_frequency: float | None) -> str:
    """Return the sentence that says what the surrogates of a report are."""
    length = "one second"
    if sampling_frequency is None:
        length = f"{_BLOCK_FRAMES} frames, because the frame rate is not known,"
    return (
        "Surrogates of the test traces: phases of the spectrum at random (power "
        f"spectrum and mean stay), and blocks of {length} in random order (all values "
        "stay)."
    )
