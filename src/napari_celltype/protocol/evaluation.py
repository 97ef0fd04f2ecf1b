"""What the data can tell at all, and what an experiment found, in plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from napari_celltype.findings import Finding
from napari_celltype.labels import Targets, TraceSet
from napari_celltype.labels.notes import counted
from napari_celltype.protocol.experiment import Role
from napari_celltype.protocol.groups import codes, identity
from napari_celltype.protocol.metrics import MEASURES
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
    measured = np.ones(len(traces), dtype=bool)
    if traces.label_source is not None:
        measured = traces.label_source != "prediction"
    truth = ground_truth(traces, targets)
    units = {unit: _known(traces, column) for unit, column in UNITS.items()}
    partial = sorted(set(traces.labels[measured].tolist()) - set(targets.classes))
    rows = []
    for label in (*targets.classes, *partial):
        held = measured & (traces.labels == label)
        counts = {
            unit: None if of is None else len(np.unique(of[held & (of >= 0)]))
            for unit, of in units.items()
        }
        rows.append(DesignRow(label, int(held.sum()), **counts))
    shares = {unit: _exclusive(units[unit], truth) for unit in _UNIT_NAMES}
    exclusive = {u: None if s is None else s[0] / s[1] for u, s in shares.items()}
    subjects = exclusive["subjects"]
    sentences = _origin_sentences(shares)
    if partial:
        names = ", ".join(f"{r.examples} {r.label}" for r in rows[-len(partial) :])
        sentences.append(
            f"Labels that name no single type ({names}) train the networks and are "
            "scored apart."
        )
    predicted = int((~measured).sum())
    if predicted:
        sentences.append(
            f"{counted(predicted, 'label')} accepted from predictions only train and "
            f"{'is' if predicted == 1 else 'are'} never tested on."
        )
    separable = None if subjects is None else subjects < 1
    return Design(tuple(rows), exclusive, separable, tuple(sentences))


def _known(traces: TraceSet, column: str) -> NDArray[np.int64] | None:
    """Return a number for each unit, -1 where it is not given, (n_examples,)."""
    names = identity(traces, column)
    if names is None:
        return None
    given = (getattr(traces, column) != "") | (column == "cell_id")
    return np.where(given, codes(names), -1)


def _exclusive(
    unit: NDArray[np.int64] | None, truth: NDArray[np.int64]
) -> tuple[int, int] | None:
    """Count the units that hold one type only, and all units."""
    if unit is None:
        return None
    known = (truth >= 0) & (unit >= 0)
    if not known.any():
        return None
    pairs = np.unique(np.stack([unit[known], truth[known]]), axis=1)
    _, types = np.unique(pairs[0], return_counts=True)
    return int((types == 1).sum()), len(types)


def _origin_sentences(shares: Mapping[str, tuple[int, int] | None]) -> list[str]:
    sentences = []
    subjects = shares["subjects"]
    inseparable = subjects is not None and subjects[0] == subjects[1]
    for unit, word in _UNIT_NAMES.items():
        share = shares[unit]
        if share is None:
            if unit != "lines":
                sentences.append(
                    f"No {word} is given, so whether one {word} holds more than one "
                    f"type is unknown."
                )
            continue
        single, n = share
        every = f"Every {word} holds one type only, so"
        if unit == "subjects" and inseparable:
            sentences.append(INSEPARABLE)
        elif single == n and unit == "lines" and inseparable:
            sentences.append(f"{every} type and {word} cannot be separated either.")
        elif single == n:
            sentences.append(
                f"{every} a score may come from the {word} and not from the type."
            )
        elif single:
            sentences.append(
                f"{single} of {n} {word}s hold{'s' * (single == 1)} one type only, so "
                f"a score may partly come from the {word} and not from the type."
            )
    return sentences


# More classifiers than this are shown by the best of each kind.
_MOST_SHOWN = 8


@dataclass(frozen=True, eq=False)
class Confusion:
    """Answers of all splits, truth by guess, shape (n_classes, n_classes)."""

    classes: tuple[str, ...]
    counts: NDArray[np.int64]
    # Divided by the sum of each row; NaN where a class was never tested.
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
    # The protocol and the data, in plain values.
    settings: Mapping[str, Any]
    # Different versions, processors and threads that splits were computed with.
    environments: tuple[Mapping[str, Any], ...]
    # The command line that makes the same run.
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

        Raises KeyError if there is none; `way` is by default the one asked for.
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
    if len(scores) <= _MOST_SHOWN:
        return tuple(scores)
    kinds = dict.fromkeys(s.classifier for s in scores)
    tops = [best(s for s in scores if s.classifier == kind) for kind in kinds]
    return tuple(top for top in tops if top is not None)
