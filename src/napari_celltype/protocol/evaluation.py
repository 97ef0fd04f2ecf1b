"""What the data can tell at all, and what an experiment found, in plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.findings import Finding
from napari_celltype.labels import Targets, TraceSet
from napari_celltype.labels.notes import counted
from napari_celltype.labels.trace_set import identity
from napari_celltype.protocol.experiment import Role
from napari_celltype.protocol.learning import LearningCurve
from napari_celltype.protocol.metrics import MEASURES, recalls
from napari_celltype.protocol.scores import (
    GROUPED,
    Difference,
    Score,
    best,
    compare,
    strictest_run,
)
from napari_celltype.protocol.splits import ground_truth

if TYPE_CHECKING:
    import pandas as pd

UNITS = {
    "cells": "cell_id",
    "sessions": "session_id",
    "subjects": "subject_id",
    "lines": "line",
}
_UNIT_NAMES = {"subjects": "animal", "sessions": "session", "lines": "mouse line"}
INSEPARABLE = "Type and animal cannot be separated in these data."


@dataclass(frozen=True)
class DesignRow:
    """Examples and units of one label; None where the data do not say."""

    label: str
    examples: int
    cells: int | None
    sessions: int | None
    subjects: int | None
    lines: int | None


@dataclass(frozen=True)
class Design:
    """What the data can tell at all: the table that stands first in every report."""

    # Classes first, then parents and negations, without accepted predictions.
    rows: tuple[DesignRow, ...]
    # Share of "subjects", "sessions" and "lines" that hold one type only.
    exclusive: dict[str, float | None]
    # Whether any subject holds two types; None if subjects are unknown.
    separable: bool | None
    # What this means for the scores.
    sentences: tuple[str, ...]


def describe_design(traces: TraceSet, targets: Targets) -> Design:
    """Count examples, cells, sessions, subjects and lines per label."""
    import pandas as pd

    frame = pd.DataFrame(
        {"label": traces.labels, "truth": ground_truth(traces, targets)}
    )
    frame["measured"] = traces.label_source != "prediction"
    for unit, column in UNITS.items():
        names = identity(traces, column)
        if names is not None:
            # An empty cell name stands for a cell of its own.
            given = (getattr(traces, column) != "") | (column == "cell_id")
            frame[unit] = pd.Series(names).where(given)
    measured = frame[frame.measured]
    partial = sorted(set(measured.label) - set(targets.classes))
    rows = []
    for label in (*targets.classes, *partial):
        held = measured[measured.label == label]
        counts = held.nunique().to_dict()
        rows.append(DesignRow(label, len(held), *(counts.get(u) for u in UNITS)))
    exclusive: dict[str, float | None] = {}
    sentences = []
    for unit, word in _UNIT_NAMES.items():
        types = pd.Series(dtype=int)
        if unit in frame:
            types = frame[frame.truth >= 0].groupby(unit).truth.nunique()
        single, n = int((types == 1).sum()), len(types)
        exclusive[unit] = single / n if n else None
        if not n and unit != "lines":
            sentences.append(f"No {word} is given.")
        elif single and single == n and unit == "subjects":
            sentences.append(INSEPARABLE)
        elif single:
            verb = "holds" if single == 1 else "hold"
            sentences.append(
                f"{single} of {counted(n, word)} {verb} one type only, so a score may "
                f"come from the {word} and not from the type."
            )
    if partial:
        several = ", ".join(f"{r.examples} {r.label}" for r in rows[-len(partial) :])
        sentences.append(
            f"Labels that name no single type ({several}) train the networks and are "
            "scored apart."
        )
    predicted = len(frame) - len(measured)
    if predicted:
        sentences.append(
            f"Labels accepted from predictions ({predicted}) only train and are never "
            "tested on."
        )
    subjects = exclusive["subjects"]
    separable = None if subjects is None else subjects < 1
    return Design(tuple(rows), exclusive, separable, tuple(sentences))


# More classifiers than this are shown by the best of each kind.
_MOST_SHOWN = 8


@dataclass(frozen=True, eq=False)
class Confusion:
    """Answers of all splits, truth by guess, shape (n_classes, n_classes)."""

    classes: tuple[str, ...]
    counts: NDArray[np.int64]

    @cached_property
    def normalised(self) -> NDArray[np.float64]:
        """Divided by the sum of each row (Figs. 2 and 4); NaN where that is 0."""
        return recalls(self.counts)


@dataclass(frozen=True)
class Evaluation:
    """Scores of a run and what they stand on."""

    # Of the experiment; `name` is that of the data.
    experiment: str
    title: str
    name: str
    design: Design
    # The way to split that was asked for.
    way: str
    classes: tuple[str, ...]
    # One per condition, in the order of the experiment.
    results: tuple[Score, ...]
    # What speaks against the scores: "environment" where splits were not computed
    # alike, "quick" after a quick look.
    cautions: tuple[Finding, ...]
    # What was cut, dropped, left out or chosen, the cautions among them.
    notes: tuple[str, ...]
    settings: Mapping[str, Any]
    # Different versions, processors and threads that splits were computed with.
    environments: tuple[Mapping[str, Any], ...]
    command: str | None
    version: str
    # Where they were asked for, of each classifier and each thing that may be added.
    learning: tuple[LearningCurve, ...] = ()
    # Shares of types for which precision is stated, too.
    prior: Mapping[str, float] | None = None

    def of(self, role: Role, way: str | None = None) -> tuple[Score, ...]:
        """Return the results of "classifier", "probe" or "shuffled" conditions."""
        return tuple(s for s in self.results if s.role == role and way in (None, s.way))

    @property
    def classifiers(self) -> tuple[Score, ...]:
        """All classifiers, those under the way that was asked for first."""
        return tuple(sorted(self.of("classifier"), key=lambda s: s.way != self.way))

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

    @property
    def learning_of_top(self) -> tuple[LearningCurve, ...]:
        """The learning curves of the classifier in the headline."""
        names = {s.name for s in self.top}
        return tuple(curve for curve in self.learning if curve.classifier in names)

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
        scores = self.of("classifier", way)
        return self._by_split(scores) if way in GROUPED else None

    def confusion(self, classifier: str, way: str | None = None) -> Confusion:
        """Return the confusion matrix of a classifier, by its name in `scores`.

        Raises KeyError if there is none; `way` is by default the one asked for.
        """
        scores = {s.name: s for s in self.of("classifier", way or self.way)}
        if classifier not in scores:
            raise KeyError(
                f"There is no classifier {classifier!r} in this report; it has "
                f"{', '.join(scores)}."
            )
        return Confusion(self.classes, scores[classifier].counts)

    def _by_split(self, scores: Sequence[Score]) -> pd.DataFrame:
        import pandas as pd

        columns = ["classifier", "split", "accuracy", "balanced_accuracy"]
        columns += ["train_seconds"]
        columns += [f"{what}_{name}" for name in self.classes for what in MEASURES]
        rows = [{"classifier": s.name, **row} for s in scores for row in s.splits]
        return pd.DataFrame(rows, columns=columns)


def _best_of_each_kind(scores: Sequence[Score]) -> tuple[Score, ...]:
    """Return the scores; of many only the best of each kind of classifier."""
    if len(scores) <= _MOST_SHOWN:
        return tuple(scores)
    kinds = dict.fromkeys(s.classifier for s in scores)
    tops = (best(s for s in scores if s.classifier == kind) for kind in kinds)
    return tuple(filter(None, tops))
