"""How a training set is divided when parameters are searched inside of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

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
