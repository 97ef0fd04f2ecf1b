"""The test answers of one condition over all its splits, as arrays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
