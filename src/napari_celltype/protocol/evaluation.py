"""What an experiment found, in plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from napari_celltype.protocol.comparison import (
    GROUPED,
    Difference,
    best,
    compare,
    strictest_run,
)
from napari_celltype.protocol.design import Design
from napari_celltype.protocol.scores import MEASURES, Role, Score

if TYPE_CHECKING:
    import pandas as pd

# More classifiers than this are shown by the best of each kind.
MOST_SHOWN = 8


@dataclass(frozen=True, eq=False)
class Confusion:
    """Answers of all splits, truth by guess.

    Attributes
    ----------
    classes : tuple of str
    counts : ndarray of int64, shape (n_classes, n_classes)
    normalised : ndarray of float64, shape (n_classes, n_classes)
        Divided by the sum of each row; NaN where a class was never tested.
    """

    classes: tuple[str, ...]
    counts: NDArray[np.int64]
    normalised: NDArray[np.float64]

    @classmethod
    def of(cls, classes: tuple[str, ...], counts: list[list[int]]) -> Self:
        """Normalise counts by row (Figs. 2 and 4)."""
        table = np.array(counts, dtype=np.int64)
        total = table.sum(axis=1, keepdims=True)
        share = np.divide(
            table, total, out=np.full(table.shape, np.nan), where=total > 0
        )
        return cls(classes, table, share)


@dataclass(frozen=True)
class Evaluation:
    """Scores of a run and what they stand on; every sentence and table is made of it.

    Attributes
    ----------
    experiment, title : str
        Name of the experiment, and its name for readers.
    name : str
        Of the data.
    design : Design
    way : str
        The way to split that was asked for.
    classes : tuple of str
    results : tuple of Score
        One per condition, in the order of the experiment.
    cautions : mapping of str to str
        Of the notes, those that speak against the scores: "environment" where splits
        were not computed alike, "quick" after a quick look.
    notes : tuple of str
        What was cut, dropped, left out or chosen.
    settings : mapping
        The protocol and the data, in plain values.
    environments : tuple of mapping
        Different versions, processors and threads that the splits were computed with.
    command : str or None
        The command line that makes the same run.
    version : str
        Of this program.
    """

    experiment: str
    title: str
    name: str
    design: Design
    way: str
    classes: tuple[str, ...]
    results: tuple[Score, ...]
    cautions: Mapping[str, str]
    notes: tuple[str, ...]
    settings: Mapping[str, Any]
    environments: tuple[Mapping[str, Any], ...]
    command: str | None
    version: str

    def of(self, role: Role, way: str | None = None) -> tuple[Score, ...]:
        """Return the results of "classifier", "probe" or "shuffled" conditions."""
        return tuple(s for s in self.results if s.role == role and way in (None, s.way))

    @property
    def classifiers(self) -> tuple[Score, ...]:
        """All classifiers, those under the way that was asked for first."""
        others = (s for s in self.of("classifier") if s.way != self.way)
        return (*self.asked, *others)

    @property
    def asked(self) -> tuple[Score, ...]:
        """The classifiers under the way that was asked for."""
        return self.of("classifier", self.way)

    @property
    def shown(self) -> tuple[Score, ...]:
        """Of `asked`, those whose confusion matrix is shown: of many the best."""
        return _best_of_each_kind(self.asked)

    @property
    def shown_everywhere(self) -> tuple[Score, ...]:
        """`shown`, and the same of the other way."""
        others = self.classifiers[len(self.asked) :]
        return (*self.shown, *_best_of_each_kind(others))

    @property
    def top(self) -> tuple[Score, ...]:
        """The best classifier under the strictest way, then under the other way."""
        classifiers = self.of("classifier")
        way = strictest_run(classifiers)
        top = best(s for s in classifiers if s.way == way)
        if top is None:
            return ()
        others = [s for s in classifiers if s.way != way and s.name == top.name]
        return (top, *others[:1])

    @cached_property
    def differences(self) -> tuple[Difference, ...]:
        """Classifiers compared on the same splits."""
        return tuple(compare(self.of("classifier")))

    @property
    def scores(self) -> pd.DataFrame:
        """One row per classifier and split of the way that was asked for.

        Columns: classifier, split, accuracy, balanced_accuracy, train_seconds, and for
        each class X precision_X, recall_X, specificity_X; NaN where undefined.
        """
        return self._by_split(self.asked)

    @property
    def strictest(self) -> pd.DataFrame | None:
        """`scores` of the strictest way that ran, None if no groups were kept apart."""
        way = strictest_run(self.of("classifier"))
        if way not in GROUPED:
            return None
        return self._by_split(self.of("classifier", way))

    def confusion(self, classifier: str, way: str | None = None) -> Confusion:
        """Return the confusion matrix of a classifier, by its name in `scores`.

        Parameters
        ----------
        classifier : str
        way : str, optional
            Default: the way that was asked for.

        Raises
        ------
        KeyError
            If there is no such classifier.
        """
        scores = self.of("classifier", way or self.way)
        for score in scores:
            if score.name == classifier:
                return Confusion.of(self.classes, score.counts)
        raise KeyError(
            f"There is no classifier {classifier!r} in this report; it has "
            f"{', '.join(s.name for s in scores)}."
        )

    def _by_split(self, scores: Sequence[Score]) -> pd.DataFrame:
        import pandas as pd

        columns = ["classifier", "split", "accuracy", "balanced_accuracy"]
        columns += ["train_seconds"]
        columns += [f"{what}_{name}" for name in self.classes for what in MEASURES]
        rows = [{"classifier": s.name, **row} for s in scores for row in s.splits]
        return pd.DataFrame(rows, columns=columns)


def _best_of_each_kind(scores: Sequence[Score]) -> tuple[Score, ...]:
    """Return the scores; of many only the best of each kind of classifier."""
    if len(scores) <= MOST_SHOWN:
        return tuple(scores)
    kinds = dict.fromkeys(s.classifier for s in scores)
    tops = [best(s for s in scores if s.classifier == kind) for kind in kinds]
    return tuple(top for top in tops if top is not None)
