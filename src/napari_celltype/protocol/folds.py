"""How a training set is divided when parameters are searched inside of it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import StratifiedKFold


class StratifiedFolds:
    """Stratified folds, fewer of them when the smallest class has fewer members.

    A splitter for scikit-learn's searches.

    Parameters
    ----------
    n_splits : int
        Folds where every class has as many members.
    random_state : int
        Seed of the order.
    """

    def __init__(self, n_splits: int = 5, random_state: int = 0) -> None:
        self.n_splits = n_splits
        self.random_state = random_state

    def get_n_splits(
        self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None
    ) -> int:
        """Return the number of folds for these labels, at least 2."""
        smallest = int(np.unique(np.asarray(y), return_counts=True)[1].min())
        return max(2, min(self.n_splits, smallest))

    def split(
        self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Yield rows to train and to test on."""
        folds = StratifiedKFold(
            self.get_n_splits(X, y), shuffle=True, random_state=self.random_state
        )
        yield from folds.split(X, y)
