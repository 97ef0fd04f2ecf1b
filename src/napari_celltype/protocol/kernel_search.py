"""A grid search for support vector machines that computes the distances once.

`GridSearchCV(SVC(...))` computes the kernel of every pair of traces anew for each fold
and each candidate. Distances and products do not depend on the parameters: here they
are computed once, and every kernel of the grid follows from them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.model_selection import ParameterGrid, check_cv
from sklearn.svm import SVC
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

KERNELS = ("rbf", "linear", "poly")


# scikit-learn has no types, so its classes are Any to the type checker.
class KernelSearch(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """`GridSearchCV(SVC(kernel=...), grid)` with the same answers, faster.

    Parameters
    ----------
    kernel : {"rbf", "linear", "poly"}
        Gaussian exp(-gamma |x - y|^2), x.y, or (gamma x.y)^degree.
    grid : mapping of str to sequence of float
        Values of "C" and, but for the linear kernel, of "gamma"; "degree" of the
        polynomial kernel, 3 when not given.
    cv : int or splitter
        Folds within the training set, as in `GridSearchCV`.

    Attributes
    ----------
    best_params_ : dict
        The candidate with the best mean accuracy over the folds, the first of equals.
    best_score_ : float
    cv_results_ : dict
        "params" (list of dict), "mean_test_score" (n_candidates,) and
        "splitK_test_score" (n_candidates,) for each fold K, as in `GridSearchCV`.
    classes_ : ndarray
    """

    def __init__(
        self,
        kernel: str = "rbf",
        *,
        grid: Mapping[str, Sequence[float]],
        cv: Any = 5,
    ) -> None:
        self.kernel = kernel
        self.grid = grid
        self.cv = cv

    def fit(self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None) -> Self:
        """Search the grid by cross-validation, then train on all rows.

        Parameters
        ----------
        X : array-like, shape (n_traces, n_frames)
        y : array-like, shape (n_traces,)
        groups : array-like, shape (n_traces,), optional
            For `cv`.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If X holds NaN or infinity, y a single class, or the kernel is not known.
        """
        if self.kernel not in KERNELS:
            raise ValueError(
                f"kernel {self.kernel!r} is not known; use one of {', '.join(KERNELS)}."
            )
        traces, labels = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(labels)
        candidates = list(ParameterGrid(dict(self.grid)))
        splitter = check_cv(self.cv, labels, classifier=True)
        folds = list(splitter.split(traces, labels, groups))
        pairs = self._pairs(traces, traces)
        scores = np.zeros((len(candidates), len(folds)))
        for shape, rows in _same_kernels(candidates).items():
            values = self._kernel(pairs, dict(shape))
            for k, (train, test) in enumerate(folds):
                inside, across = values[np.ix_(train, train)], values[test][:, train]
                for row in rows:
                    machine = SVC(C=candidates[row]["C"], kernel="precomputed")
                    machine.fit(inside, labels[train])
                    scores[row, k] = machine.score(across, labels[test])
        self._keep(candidates, scores)
        values = self._kernel(pairs, self.best_params_)
        self.machine_ = SVC(C=self.best_params_["C"], kernel="precomputed")
        self.machine_.fit(values, labels)
        self.classes_ = self.machine_.classes_
        self.support_vectors_ = traces[self.machine_.support_]
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the class of each trace (n_traces, n_frames)."""
        check_is_fitted(self)
        traces = validate_data(self, X, dtype=np.float64, reset=False)
        # libsvm reads the columns of support vectors only.
        values = np.zeros((len(traces), self.machine_.shape_fit_[0]))
        values[:, self.machine_.support_] = self._kernel(
            self._pairs(traces, self.support_vectors_), self.best_params_
        )
        names: NDArray[Any] = self.machine_.predict(values)
        return names

    def _keep(
        self, candidates: list[dict[str, float]], scores: NDArray[np.float64]
    ) -> None:
        mean = scores.mean(axis=1)
        best = int(mean.argmax())
        self.best_params_ = candidates[best]
        self.best_score_ = float(mean[best])
        self.cv_results_ = {
            "params": candidates,
            "mean_test_score": mean,
            **{f"split{k}_test_score": s for k, s in enumerate(scores.T)},
        }

    def _pairs(
        self, X: NDArray[np.float64], Y: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return what the kernel needs of each pair, (n_X, n_Y)."""
        pairs: NDArray[np.float64]
        pairs = (
            euclidean_distances(X, Y, squared=True)
            if self.kernel == "rbf"
            else (X @ Y.T)
        )
        return pairs

    def _kernel(
        self, pairs: NDArray[np.float64], candidate: Mapping[str, float]
    ) -> NDArray[np.float64]:
        if self.kernel == "linear":
            return pairs
        values: NDArray[np.float64]
        if self.kernel == "rbf":
            values = pairs * -candidate["gamma"]
            return np.exp(values, out=values)
        values = (pairs * candidate["gamma"]) ** candidate.get("degree", 3)
        return values


def _same_kernels(
    candidates: Sequence[Mapping[str, float]],
) -> dict[tuple[tuple[str, float], ...], list[int]]:
    """Return the candidates that differ in C only, by what else they hold."""
    groups: dict[tuple[tuple[str, float], ...], list[int]] = {}
    for row, candidate in enumerate(candidates):
        shape = tuple((n, v) for n, v in candidate.items() if n != "C")
        groups.setdefault(shape, []).append(row)
    return groups
