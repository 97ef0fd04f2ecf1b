"""The classifiers of Table IV that are scikit-learn's, with the paper's parameters."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.ensemble import AdaBoostClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC
from sklearn.utils.validation import check_is_fitted, validate_data

from napari_celltype.classifiers.preparation import Normalization
from napari_celltype.protocol.folds import InnerFolds
from napari_celltype.protocol.kernel_search import KernelSearch

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
