"""How a training set is divided when parameters are searched inside of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

Fold = tuple[NDArray[np.int64], NDArray[np.int64]]


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

    def __init__(self, n_splits: int = 5, random_state: int = 0) -> None:
        self.n_splits = n_splits
        self.random_state = random_state

    def get_n_splits(
        self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None
    ) -> int:
        """Return the number of folds for these labels and groups, at least 2."""
        return len(self._folds(np.asarray(y), groups))

    def split(
        self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None
    ) -> Iterator[Fold]:
        """Yield rows to train and to test on."""
        yield from self._folds(np.asarray(y), groups)

    def _folds(self, y: NDArray[np.generic], groups: ArrayLike | None) -> list[Fold]:
        if groups is not None:
            groups = np.asarray(groups)
            n_folds = self._at_most(
                np.unique(groups[y == c]).size for c in np.unique(y)
            )
            if n_folds > 1:
                grouped = StratifiedGroupKFold(
                    n_folds, shuffle=True, random_state=self.random_state
                )
                folds = list(grouped.split(y, y, groups))
                if all(np.unique(y[f]).size == np.unique(y).size for f, _ in folds):
                    return folds
        n_folds = self._at_most(np.unique(y, return_counts=True)[1])
        plain = StratifiedKFold(
            max(2, n_folds), shuffle=True, random_state=self.random_state
        )
        return list(plain.split(y, y))

    def _at_most(self, members: Iterable[int]) -> int:
        """Return the folds for classes of so many members."""
        return int(min(self.n_splits, *members))
