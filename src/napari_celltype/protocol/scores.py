"""What the test answers of one condition say, in plain numbers, and scores compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any, Self, TypeVar

import numpy as np

from napari_celltype.labels import Targets, TraceSet
from napari_celltype.labels.trace_set import identity
from napari_celltype.protocol import metrics
from napari_celltype.protocol.experiment import (
    Condition,
    ExperimentData,
    Outcome,
    Role,
    Task,
    bare_name,
)
from napari_celltype.protocol.groups import COLUMNS
from napari_celltype.protocol.metrics import MEASURES, Answers, Interval
from napari_celltype.protocol.splits import ground_truth, named

_Some = TypeVar("_Some", bound="Tested")
# From the strictest: what a new animal, a new recording, a new cell would meet.
GROUPED = tuple(COLUMNS)


@dataclass(frozen=True)
class Spread:
    """Mean and sample deviation over splits; NaN where they are not defined."""

    mean: float
    sd: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Self:
        """Return the spread of the values that are defined."""
        array = np.array(list(values), dtype=float)
        array = array[np.isfinite(array)]
        mean = float(array.mean()) if array.size else float("nan")
        sd = float(array.std(ddof=1)) if array.size > 1 else float("nan")
        return cls(mean, sd)


@dataclass(frozen=True)
class _PartialScore:
    """Answers to labels that leave several classes possible (parents, negations)."""

    n: int
    right: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Tested:
    """What a classifier, named so that readers see it, is worth on some examples."""

    name: str
    # Over splits.
    accuracy: Spread
    balanced_accuracy: Spread
    # Balanced accuracy of all test answers.
    interval: Interval
    # Different tested examples, and cells where these have names.
    n_examples: int
    n_cells: int | None
    # Balanced accuracy of guessing; accuracy of always naming the most frequent class;
    # balanced accuracy that only 2.5 % of dealings of the same labels exceed.
    chance: float
    majority: float
    luck: float
    # Confusion matrix of all splits, rows are the truth.
    counts: metrics.Counts


@dataclass(frozen=True, eq=False, kw_only=True)
class NewScore(Tested):
    """What the classifiers of all splits say about the new data set (Section IV-F)."""

    # On the test and the new examples together, as in Fig. 4.
    pooled_accuracy: Spread
    pooled_counts: metrics.Counts


@dataclass(frozen=True, eq=False, kw_only=True)
class Score(Tested):
    """All that is reported of one condition, whose name is unique."""

    condition: str
    classifier: str
    role: Role
    # How the splits are drawn.
    way: str
    parameters: Mapping[str, Any]
    n_frames: int
    # Examples of a split to learn from and to be tested on, rounded means where they
    # vary; and what a table asked for.
    n_train: int
    n_test: int
    n_asked: int | None
    n_splits: int
    # Seconds of the fit alone, over splits.
    train_seconds: Spread
    # MEASURES of each class over splits.
    per_class: Mapping[str, Mapping[str, Spread]]
    # One row per split, as in ``scores.csv``.
    splits: Sequence[Mapping[str, float]]
    # Accuracy by epoch over splits, of the "test" or "training" set, "" without epochs.
    curve: str = ""
    curve_mean: list[float] = field(default_factory=list)
    curve_sd: list[float] = field(default_factory=list)
    # accuracy and balanced_accuracy on each kind of surrogates of the test traces.
    surrogates: Mapping[str, Mapping[str, Spread]] = field(default_factory=dict)
    partial: _PartialScore | None = None
    new: NewScore | None = None
    # Parameters that a nested grid search found, one per split.
    chosen: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def bare_name(self) -> str:
        """The name of the classifier, or of the number that a probe sees, alone."""
        return bare_name(self.name)


@dataclass(frozen=True)
class SplitRow:
    """What one training scored on its own test set, to be shown during the run."""

    # Of the classifier or probe, the same under every way of splitting; and alone.
    name: str
    bare_name: str
    role: Role
    # How the split was drawn, and its number, from 0.
    way: str
    split: int
    accuracy: float
    balanced_accuracy: float
    # Balanced accuracy of guessing.
    chance: float
    n_test: int
    # Of the training.
    seconds: float


def split_row(task: Task, outcome: Outcome, data: ExperimentData) -> SplitRow:
    """Score one training."""
    answers = Answers.of([outcome], data.targets)
    condition = task.condition
    return SplitRow(
        condition.title,
        bare_name(condition.title),
        condition.role,
        condition.way,
        outcome.split,
        metrics.accuracy(answers.counts),
        metrics.balanced_accuracy(answers.counts),
        metrics.chance(answers),
        len(answers.truth),
        outcome.train_seconds,
    )


def score_condition(
    condition: Condition,
    data: ExperimentData,
    tasks: Mapping[tuple[str, int], Task],
    outcomes: list[Outcome],
) -> Score:
    """Score the outcomes of one condition, at least one; `tasks` are all of the run."""
    outcomes = sorted(outcomes, key=lambda o: o.split)
    answers = Answers.of(outcomes, data.targets)
    splits = [
        {"train_seconds": outcome.train_seconds, **row}
        for outcome, row in zip(outcomes, metrics.by_split(answers), strict=True)
    ]
    drawn = [tasks[o.key].split for o in outcomes]
    learned = np.ones(len(data.traces), dtype=bool)
    if not condition.is_network:
        learned = named(data.traces, data.targets)
    asked = condition.train_counts
    return Score(
        **_tested(condition.title, answers, data.traces),
        condition=condition.name,
        classifier=condition.classifier,
        role=condition.role,
        way=condition.way,
        parameters=dict(condition.parameters),
        n_frames=condition.n_frames or data.traces.n_frames,
        n_train=round(np.mean([learned[s.train].sum() for s in drawn])),
        n_test=round(np.mean([len(s.test) for s in drawn])),
        n_asked=sum(asked.values()) if asked else None,
        n_splits=len(outcomes),
        train_seconds=Spread.of(o.train_seconds for o in outcomes),
        per_class={
            c: {
                what: Spread.of(row[f"{what}_{c}"] for row in splits)
                for what in MEASURES
            }
            for c in answers.classes
        },
        splits=splits,
        **_curve(outcomes),
        surrogates={
            kind: _spreads(
                Answers.of(
                    [replace(o, guess=o.surrogates[kind]) for o in outcomes],
                    data.targets,
                )
            )
            for kind in outcomes[0].surrogates
        },
        partial=_partial(outcomes, data.targets),
        new=_new(condition.title, outcomes, answers, data),
        chosen=[dict(o.chosen) for o in outcomes if o.chosen],
    )


def _tested(name: str, answers: Answers, traces: TraceSet) -> dict[str, Any]:
    tested = np.unique(answers.rows)
    cells = identity(traces, "cell_id")
    return {
        "name": name,
        **_spreads(answers),
        "interval": metrics.bootstrap(answers, *metrics.best_unit(traces)),
        "n_examples": len(tested),
        "n_cells": None if cells is None else len(np.unique(cells[tested])),
        "chance": metrics.chance(answers),
        "majority": metrics.majority_rate(answers),
        "luck": metrics.luck_level(answers),
        "counts": answers.counts,
    }


def _spreads(answers: Answers) -> dict[str, Spread]:
    rows = metrics.by_split(answers)
    return {
        name: Spread.of(row[name] for row in rows)
        for name in ("accuracy", "balanced_accuracy")
    }


def _curve(outcomes: list[Outcome]) -> dict[str, Any]:
    """Return accuracy by epoch, of the test set where it was followed."""
    for what, key in (("test", "test_accuracy"), ("training", "accuracy")):
        rows = [
            [epoch[key] for epoch in o.history]
            for o in outcomes
            if o.history and all(key in epoch for epoch in o.history)
        ]
        if rows:
            spreads = [Spread.of(values) for values in zip(*rows, strict=False)]
            mean, sd = [s.mean for s in spreads], [s.sd for s in spreads]
            return {"curve": what, "curve_mean": mean, "curve_sd": sd}
    return {}


def _partial(outcomes: list[Outcome], targets: Targets) -> _PartialScore | None:
    rows = [r for o in outcomes for r in o.partial_rows]
    guess = [g for o in outcomes for g in o.partial_guess]
    if not rows:
        return None
    return _PartialScore(len(set(rows)), float(targets.allowed[rows, guess].mean()))


def _new(
    name: str, outcomes: list[Outcome], answers: Answers, data: ExperimentData
) -> NewScore | None:
    if data.new is None or data.new_targets is None:
        return None
    rows = np.flatnonzero(ground_truth(data.new, data.new_targets) >= 0).tolist()
    of_new = [
        replace(o, rows=rows, guess=[o.new_guess[row] for row in rows])
        for o in outcomes
        if o.new_guess is not None
    ]
    if not of_new:
        return None
    new = Answers.of(of_new, data.new_targets)
    pooled = [
        answers.of_split(o.split).counts + new.of_split(o.split).counts for o in of_new
    ]
    return NewScore(
        **_tested(name, new, data.new),
        pooled_accuracy=Spread.of(map(metrics.accuracy, pooled)),
        pooled_counts=answers.counts + new.counts,
    )


# More classifiers than this are compared with the best only.
_ALL_PAIRS = 4


@dataclass(frozen=True)
class Difference:
    """Balanced accuracy of `one` less `other`, with the corrected interval, or NaN."""

    way: str
    one: str
    other: str
    mean: float
    low: float
    high: float
    p: float
    n_splits: int
    # "selection" for a search inside the training sets against the parameters that the
    # paper reports.
    name: str = ""


def compare(scores: Sequence[Score]) -> list[Difference]:
    """Compare the classifiers of each way, the better one first."""
    found = []
    for way in dict.fromkeys(s.way for s in scores):
        ranked = sorted(
            (s for s in scores if s.way == way), key=lambda s: -s.interval.value
        )
        for one, other in combinations(ranked, 2):
            names = {one.classifier, other.classifier}
            selection = any(f"{name}-search" in names for name in names)
            best_only = len(ranked) > _ALL_PAIRS and one is not ranked[0]
            # Splits are the same where as many training examples were asked for.
            if (best_only and not selection) or one.n_asked != other.n_asked:
                continue
            values = np.array(differences(one, other))
            if len(values) > 1:
                numbers = metrics.corrected_interval(values, one.n_train, one.n_test)
                pair = (way, one.name, other.name, *numbers, len(values))
                found.append(Difference(*pair, "selection" if selection else ""))
    return found


def differences(one: Score, other: Score) -> list[float]:
    """Return the differences in balanced accuracy on the splits that both have."""
    pairs = zip(one.splits, other.splits, strict=False)
    return [a["balanced_accuracy"] - b["balanced_accuracy"] for a, b in pairs]


def best(scores: Iterable[_Some]) -> _Some | None:
    """Return the score with the largest balanced accuracy, None without any."""
    return max(scores, key=lambda s: s.interval.value, default=None)


def strictest_run(scores: Iterable[Score]) -> str:
    """Return the strictest way of splitting among the scores."""
    ways = {s.way for s in scores}
    return next((way for way in (*GROUPED, "random") if way in ways), "paper")


def above_chance(score: Tested) -> bool:
    """Tell whether the interval is above chance; without one, the score above luck."""
    if score.interval.too_few:
        return score.interval.value > score.luck
    return score.interval.low > score.chance


def leaks(score: Score) -> bool:
    """Tell whether a training on shuffled labels is right too often."""
    # A false alarm costs more here than a late one.
    return (
        above_chance(score)
        and score.interval.value > score.luck
        and all(row["balanced_accuracy"] > score.chance for row in score.splits)
    )


def comes_near(probe: Score, model: Score) -> bool:
    """Tell whether a probe does about as well as a model on the same splits."""
    # Its interval reaches the model's score, or the mean difference over the splits is
    # within its own deviation; and one of the two is better than chance.
    if not (above_chance(probe) or above_chance(model)):
        return False
    if probe.interval.high >= model.interval.value:
        return True
    gap = Spread.of(differences(model, probe))
    return not gap.mean > (gap.sd if np.isfinite(gap.sd) else 0.0)
