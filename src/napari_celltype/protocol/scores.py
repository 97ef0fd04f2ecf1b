"""What the test answers of one condition say, in plain numbers, and scores compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from napari_celltype.labels import Targets, TraceSet
from napari_celltype.protocol import metrics
from napari_celltype.protocol.experiment import (
    Condition,
    ExperimentData,
    Outcome,
    Role,
    Task,
    bare_name,
)
from napari_celltype.protocol.groups import COLUMNS, identity
from napari_celltype.protocol.metrics import MEASURES, Answers, Interval
from napari_celltype.protocol.splits import ground_truth, named

# From the strictest: what a new animal, a new recording, a new cell would meet.
GROUPED = tuple(COLUMNS)


@dataclass(frozen=True)
class Spread:
    """Mean and sample deviation over splits; NaN where they are not defined."""

    # The deviation tells how much the split matters. It is no error bar: the training
    # sets of the splits overlap.
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


@dataclass(frozen=True)
class _NewScore:
    """What the classifiers of all splits say about the new data set (Section IV-F)."""

    # On the new examples alone, and on the test and the new examples together.
    accuracy: Spread
    balanced_accuracy: Spread
    pooled_accuracy: Spread
    interval: Interval
    n_examples: int
    n_cells: int | None
    # As in `Score`; pooled as in Fig. 4.
    chance: float
    majority: float
    luck: float
    counts: list[list[int]]
    pooled_counts: list[list[int]]


@dataclass(frozen=True)
class Score:
    """All that is reported of one condition."""

    # What the reader sees, the same under every way of splitting; and unique.
    name: str
    condition: str
    classifier: str
    role: Role
    # How the splits are drawn.
    way: str
    parameters: Mapping[str, Any]
    n_frames: int
    # Examples of a split that the classifier learns from, and is tested on; the rounded
    # mean where whole groups make them vary; and what a table asked for.
    n_train: int
    n_test: int
    n_asked: int | None
    # Splits that are finished, and that were planned.
    n_splits: int
    n_planned: int
    # Different tested examples, and cells where these have names.
    n_examples: int
    n_cells: int | None
    # Over splits; seconds of the fit alone.
    accuracy: Spread
    balanced_accuracy: Spread
    train_seconds: Spread
    # Balanced accuracy of all test answers.
    interval: Interval
    # Balanced accuracy of guessing; accuracy of always naming the most frequent class.
    chance: float
    majority: float
    # Balanced accuracy that only 2.5 % of dealings of the same labels among the tested
    # examples exceed.
    luck: float
    # Confusion matrix of all splits, rows are the truth.
    counts: list[list[int]]
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
    new: _NewScore | None = None
    # Parameters that a nested grid search found, one per split.
    chosen: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def bare_name(self) -> str:
        """The name of the classifier, or of the number that a probe sees, alone."""
        return bare_name(self.name)


@dataclass(frozen=True)
class SplitRow:
    """What one training scored on its own test set, to be shown during the run."""

    # Of the classifier or probe; the same under every way of splitting.
    name: str
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

    @property
    def bare_name(self) -> str:
        """As in `Score`."""
        return bare_name(self.name)


OnSplit = Callable[[SplitRow], None]


def ignore_split(row: SplitRow) -> None:
    """Take the line of a training and show it to nobody."""


def split_row(task: Task, outcome: Outcome, data: ExperimentData) -> SplitRow:
    """Score one training."""
    answers = Answers.of([outcome], data.targets)
    return SplitRow(
        task.condition.title,
        task.condition.role,
        task.condition.way,
        outcome.split,
        metrics.accuracy(answers),
        metrics.balanced_accuracy(answers),
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
    seconds = {o.split: o.train_seconds for o in outcomes}
    splits = [
        {"train_seconds": seconds[int(row["split"])], **row}
        for row in metrics.by_split(answers)
    ]
    drawn = [tasks[o.key].split for o in outcomes]
    learned = np.ones(len(data.traces), dtype=bool)
    if not condition.is_network:
        learned = named(data.traces, data.targets)
    curve, mean, sd = _curve(outcomes)
    asked = condition.train_counts

    def over_splits(column: str) -> Spread:
        return Spread.of(row[column] for row in splits)

    return Score(
        name=condition.title,
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
        n_planned=sum(key[0] == condition.name for key in tasks),
        accuracy=over_splits("accuracy"),
        balanced_accuracy=over_splits("balanced_accuracy"),
        train_seconds=Spread.of(seconds.values()),
        **_beside(answers, data.traces),
        per_class={
            c: {what: over_splits(f"{what}_{c}") for what in MEASURES}
            for c in answers.classes
        },
        splits=splits,
        curve=curve,
        curve_mean=mean,
        curve_sd=sd,
        surrogates=_surrogates(outcomes, data.targets),
        partial=_partial(outcomes, data.targets),
        new=_new(outcomes, answers, data),
        chosen=[dict(o.chosen) for o in outcomes if o.chosen],
    )


def _beside(answers: Answers, traces: TraceSet) -> dict[str, Any]:
    """Return what stands beside the score of some answers."""
    tested = np.unique(answers.rows)
    cells = identity(traces, "cell_id")
    return {
        "n_examples": len(tested),
        "n_cells": None if cells is None else len(np.unique(cells[tested])),
        "interval": metrics.bootstrap(answers, *metrics.best_unit(traces)),
        "chance": metrics.chance(answers),
        "majority": metrics.majority_rate(answers),
        "luck": metrics.luck_level(answers),
        "counts": answers.counts.tolist(),
    }


def _curve(outcomes: list[Outcome]) -> tuple[str, list[float], list[float]]:
    """Return accuracy by epoch, of the test set where it was followed."""
    for what, key in (("test", "test_accuracy"), ("training", "accuracy")):
        rows = [
            [float(epoch[key]) for epoch in o.history]
            for o in outcomes
            if o.history and all(key in epoch for epoch in o.history)
        ]
        if rows:
            epochs = list(zip(*rows, strict=False))
            spreads = [Spread.of(values) for values in epochs]
            return what, [s.mean for s in spreads], [s.sd for s in spreads]
    return "", [], []


def _surrogates(
    outcomes: list[Outcome], targets: Targets
) -> dict[str, dict[str, Spread]]:
    scores = {}
    for kind in dict.fromkeys(kind for o in outcomes for kind in o.surrogates):
        per_split = [
            _answers(targets.classes, o, o.rows, targets.index[o.rows], guess)
            for o in outcomes
            if (guess := o.surrogates.get(kind)) is not None
        ]
        scores[kind] = {
            "accuracy": Spread.of(map(metrics.accuracy, per_split)),
            "balanced_accuracy": Spread.of(map(metrics.balanced_accuracy, per_split)),
        }
    return scores


def _answers(
    classes: tuple[str, ...], outcome: Outcome, rows: Any, truth: Any, guess: Any
) -> Answers:
    """Return answers of one split that are not those to its own test traces."""
    columns: list[NDArray[np.int64]] = [
        np.asarray(column, dtype=np.int64)
        for column in (rows, [outcome.split] * len(rows), truth, guess)
    ]
    return Answers(classes, *columns)


def _partial(outcomes: list[Outcome], targets: Targets) -> _PartialScore | None:
    rows = [r for o in outcomes for r in o.partial_rows]
    guess = [g for o in outcomes for g in o.partial_guess]
    if not rows:
        return None
    return _PartialScore(len(set(rows)), float(targets.allowed[rows, guess].mean()))


def _new(
    outcomes: list[Outcome], answers: Answers, data: ExperimentData
) -> _NewScore | None:
    if data.new is None or data.new_targets is None:
        return None
    truth = ground_truth(data.new, data.new_targets)
    rows = np.flatnonzero(truth >= 0)
    by_split = [
        _answers(answers.classes, o, rows, truth[rows], np.array(o.new_guess)[rows])
        for o in outcomes
        if o.new_guess is not None
    ]
    if not by_split:
        return None
    new = by_split[0]
    for more in by_split[1:]:
        new = new.joined(more)
    numbers = [o.split for o in outcomes if o.new_guess is not None]
    pooled = [
        answers.of_split(number).joined(of)
        for number, of in zip(numbers, by_split, strict=True)
    ]
    return _NewScore(
        accuracy=Spread.of(map(metrics.accuracy, by_split)),
        balanced_accuracy=Spread.of(map(metrics.balanced_accuracy, by_split)),
        pooled_accuracy=Spread.of(map(metrics.accuracy, pooled)),
        **_beside(new, data.new),
        pooled_counts=answers.joined(new).counts.tolist(),
    )


# More classifiers than this are compared with the best only.
_ALL_PAIRS = 4
# What a search of the parameters adds to a classifier, beside the parameters that are
# reported as found on all data.
SELECTION, SEARCH = "selection", "-search"


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
            selection = any(name + SEARCH in names for name in names)
            best_only = len(ranked) > _ALL_PAIRS and one is not ranked[0]
            # Splits are the same where as many training examples were asked for.
            if (best_only and not selection) or one.n_asked != other.n_asked:
                continue
            values = np.array(differences(one, other))
            values = values[np.isfinite(values)]
            if len(values) > 1:
                numbers = metrics.corrected_interval(values, one.n_train, one.n_test)
                kind = SELECTION if selection else ""
                found.append(
                    Difference(way, one.name, other.name, *numbers, len(values), kind)
                )
    return found


def differences(one: Score, other: Score) -> list[float]:
    """Return the differences in balanced accuracy on the splits that both have."""
    values = {row["split"]: row["balanced_accuracy"] for row in other.splits}
    return [
        row["balanced_accuracy"] - values[row["split"]]
        for row in one.splits
        if row["split"] in values
    ]


def same_training(one: Score, other: Score) -> bool:
    """Tell whether two scores are of the same classifier, trained the same way."""
    return all(
        getattr(one, name) == getattr(other, name)
        for name in ("classifier", "parameters", "n_frames")
    )


def best(scores: Iterable[Score]) -> Score | None:
    """Return the score with the largest balanced accuracy, None without any."""
    return max(scores, key=lambda s: s.interval.value, default=None)


def best_on_new_data(scores: Iterable[Score]) -> tuple[str, _NewScore] | None:
    """Return the classifier that does best on the new data, None without any."""
    found = [(s.name, s.new) for s in scores if s.new is not None]
    return max(found, key=lambda pair: pair[1].interval.value, default=None)


def strictest_run(scores: Iterable[Score]) -> str:
    """Return the strictest way of splitting among the scores."""
    ways = {s.way for s in scores}
    return next((way for way in (*GROUPED, "random") if way in ways), "paper")


def above_chance(score: Score | _NewScore) -> bool:
    """Tell whether the interval of a score lies above chance.

    Where there are too few groups for an interval, the level that luck reaches with the
    same answers takes its place.
    """
    if score.interval.too_few:
        return score.interval.value > score.luck
    return score.interval.low > score.chance


def leaks(score: Score) -> bool:
    """Tell whether a training on shuffled labels is right too often.

    A false alarm costs more here than a late one, so the interval, the level of luck
    and every split have to be above.
    """
    return (
        above_chance(score)
        and score.interval.value > score.luck
        and all(row["balanced_accuracy"] > score.chance for row in score.splits)
    )


def comes_near(probe: Score, model: Score) -> bool:
    """Tell whether a probe does about as well as a model on the same splits.

    That is: its interval reaches the model's score, or the mean difference over the
    splits is within its own deviation; and one of the two is better than chance.
    """
    if not (above_chance(probe) or above_chance(model)):
        return False
    if probe.interval.high >= model.interval.value:
        return True
    gap = Spread.of(differences(model, probe))
    return not gap.mean > (gap.sd if np.isfinite(gap.sd) else 0.0)
