"""What the test answers of one condition say, in plain numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from napari_celltype.protocol.experiment import (
    PROBE,
    SHUFFLED,
    Condition,
    ExperimentData,
    Outcome,
    Task,
)
from napari_celltype.protocol.metrics import Answers

if TYPE_CHECKING:
    from napari_celltype.labels import Targets, TraceSet
    from napari_celltype.protocol.intervals import Interval

Role = Literal["classifier", "probe", "shuffled"]
# Of each class.
MEASURES = ("precision", "recall", "specificity")


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation over splits; NaN where they are not defined.

    The deviation is the sample's (divided by n - 1). It tells how much the split
    matters. It is no error bar: the training sets of the splits overlap.
    """

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
class PartialScore:
    """Answers to labels that leave several classes possible (parents, negations)."""

    n: int
    right: float


@dataclass(frozen=True)
class NewScore:
    """What the classifiers of all splits say about the new data set (Section IV-F).

    Attributes
    ----------
    accuracy, balanced_accuracy : Spread
        On the new examples alone.
    pooled_accuracy : Spread
        On the test and the new examples together, as the paper counts.
    interval : Interval
        Of the balanced accuracy on the new examples.
    n_examples : int
    n_cells : int or None
    chance : float
        Balanced accuracy of guessing, among the classes that the new set has.
    majority : float
        Accuracy of always naming the class that is most frequent in the new set.
    luck : float
        As in `Score`.
    counts : list of list of int
        Confusion matrix, rows are the truth.
    pooled_counts : list of list of int
        The same of the test and the new examples (Fig. 4).
    """

    accuracy: Spread
    balanced_accuracy: Spread
    pooled_accuracy: Spread
    interval: Interval
    n_examples: int
    n_cells: int | None
    chance: float
    majority: float
    luck: float
    counts: list[list[int]]
    pooled_counts: list[list[int]]


@dataclass(frozen=True)
class Score:
    """All that is reported of one condition.

    Attributes
    ----------
    name : str
        What the reader sees; the same under every way of splitting.
    condition : str
        Unique name of the condition.
    classifier : str
    role : "classifier", "probe" or "shuffled"
    way : str
        How the splits are drawn.
    parameters : mapping
    n_frames : int
    n_train, n_test : int
        Examples of a split that the classifier learns from, and is tested on; the
        rounded mean where whole groups make them vary.
    n_asked : int or None
        Training examples that were asked for, where a table varies them.
    n_splits, n_planned : int
        Splits that are finished, and that were planned.
    n_examples : int
        Different examples that were tested.
    n_cells : int or None
        Different cells among them; None where cells have no names.
    accuracy, balanced_accuracy, train_seconds : Spread
        Over splits; seconds of the fit alone.
    interval : Interval
        Bootstrap of the balanced accuracy of all test answers, by subject or by cell.
    chance : float
        Balanced accuracy of guessing.
    majority : float
        Accuracy of always naming the class that is most frequent in the tests.
    luck : float
        Balanced accuracy that only 2.5 % of dealings of the same labels among the
        tested examples exceed.
    counts : list of list of int
        Confusion matrix of all splits, rows are the truth.
    per_class : mapping of str to mapping of str to Spread
        precision, recall and specificity of each class over splits.
    splits : sequence of mapping
        One row per split: split, accuracy, balanced_accuracy, train_seconds and
        precision_X, recall_X, specificity_X.
    curve : str
        What `curve_mean` is: "test", "training" or "" where nothing was trained in
        epochs.
    curve_mean, curve_sd : list of float
        Accuracy by epoch over splits.
    surrogates : mapping of str to mapping of str to Spread
        accuracy and balanced_accuracy on surrogates of the test traces.
    partial : PartialScore or None
    new : NewScore or None
    chosen : list of mapping
        Parameters that a nested grid search found, one per split.
    """

    name: str
    condition: str
    classifier: str
    role: Role
    way: str
    parameters: Mapping[str, Any]
    n_frames: int
    n_train: int
    n_test: int
    n_asked: int | None
    n_splits: int
    n_planned: int
    n_examples: int
    n_cells: int | None
    accuracy: Spread
    balanced_accuracy: Spread
    train_seconds: Spread
    interval: Interval
    chance: float
    majority: float
    luck: float
    counts: list[list[int]]
    per_class: Mapping[str, Mapping[str, Spread]]
    splits: Sequence[Mapping[str, float]]
    curve: str = ""
    curve_mean: list[float] = field(default_factory=list)
    curve_sd: list[float] = field(default_factory=list)
    surrogates: Mapping[str, Mapping[str, Spread]] = field(default_factory=dict)
    partial: PartialScore | None = None
    new: NewScore | None = None
    chosen: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def bare_name(self) -> str:
        """The name of the classifier, or of the number that a probe sees, alone."""
        return _bare_name(self.name)


@dataclass(frozen=True)
class SplitRow:
    """What one training scored on its own test set, to be shown during the run.

    Attributes
    ----------
    name : str
        Of the classifier or probe; the same under every way of splitting.
    role : "classifier", "probe" or "shuffled"
    way : str
        How the split was drawn.
    split : int
        Its number, from 0.
    accuracy, balanced_accuracy : float
    chance : float
        Balanced accuracy of guessing.
    n_test : int
        Tested examples.
    seconds : float
        Of the training.
    """

    name: str
    role: Role
    way: str
    split: int
    accuracy: float
    balanced_accuracy: float
    chance: float
    n_test: int
    seconds: float

    @property
    def bare_name(self) -> str:
        """As in `Score`."""
        return _bare_name(self.name)


OnSplit = Callable[[SplitRow], None]


def ignore_split(row: SplitRow) -> None:
    """Take the line of a training and show it to nobody."""


def _bare_name(name: str) -> str:
    return name.removeprefix(PROBE).removesuffix(SHUFFLED)


def split_row(task: Task, outcome: Outcome, data: ExperimentData) -> SplitRow:
    """Score one training."""
    from napari_celltype.protocol import metrics

    condition = task.condition
    answers = Answers.of([outcome], data.targets)
    return SplitRow(
        condition.title,
        role_of(condition),
        condition.way,
        outcome.split,
        metrics.accuracy(answers),
        metrics.balanced_accuracy(answers),
        metrics.chance(answers),
        int(np.size(answers.truth)),
        outcome.train_seconds,
    )


def role_of(condition: Condition) -> Role:
    """Tell a classifier from a probe and from a control with shuffled labels."""
    if condition.shuffled:
        return "shuffled"
    return "probe" if condition.classifier.startswith(PROBE) else "classifier"


def score_condition(
    condition: Condition,
    data: ExperimentData,
    tasks: Mapping[tuple[str, int], Task],
    outcomes: list[Outcome],
) -> Score:
    """Score the outcomes of one condition.

    Parameters
    ----------
    condition : Condition
    data : ExperimentData
    tasks : mapping
        Every task of the run by its key.
    outcomes : list of Outcome
        Of this condition, at least one.
    """
    from napari_celltype.protocol import metrics
    from napari_celltype.protocol.experiment import is_network
    from napari_celltype.protocol.intervals import best_unit, bootstrap
    from napari_celltype.protocol.splits import named

    outcomes = sorted(outcomes, key=lambda o: o.split)
    answers = Answers.of(outcomes, data.targets)
    classes = answers.classes
    seconds = {o.split: o.train_seconds for o in outcomes}
    splits = [
        {"train_seconds": seconds[int(row["split"])], **row}
        for row in metrics.by_split(answers)
    ]
    tested = np.unique(answers.rows)
    drawn = [tasks[o.key].split for o in outcomes]
    learned = np.ones(len(data.traces), dtype=bool)
    if not is_network(condition):
        learned = named(data.traces, data.targets)
    curve, mean, sd = _curve(outcomes)
    return Score(
        name=condition.title,
        condition=condition.name,
        classifier=condition.classifier,
        role=role_of(condition),
        way=condition.way,
        parameters=dict(condition.parameters),
        n_frames=condition.n_frames or data.traces.n_frames,
        n_train=round(np.mean([learned[s.train].sum() for s in drawn])),
        n_test=round(np.mean([len(s.test) for s in drawn])),
        n_asked=sum(condition.train_counts.values())
        if condition.train_counts
        else None,
        n_splits=len(outcomes),
        n_planned=sum(key[0] == condition.name for key in tasks),
        n_examples=len(tested),
        n_cells=n_cells(data.traces, tested),
        accuracy=Spread.of(row["accuracy"] for row in splits),
        balanced_accuracy=Spread.of(row["balanced_accuracy"] for row in splits),
        train_seconds=Spread.of(seconds.values()),
        interval=bootstrap(answers, *best_unit(data.traces)),
        chance=metrics.chance(answers),
        majority=metrics.majority_rate(answers),
        luck=metrics.luck_level(answers),
        counts=_counts(answers),
        per_class={
            c: {
                what: Spread.of(row[f"{what}_{c}"] for row in splits)
                for what in MEASURES
            }
            for c in classes
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


def n_cells(traces: TraceSet, rows: NDArray[np.int64]) -> int | None:
    """Return how many different cells some examples are of, None if nobody knows."""
    from napari_celltype.protocol.groups import identity

    names = identity(traces, "cell_id")
    return None if names is None else len(np.unique(names[rows]))


def _counts(answers: Answers) -> list[list[int]]:
    from napari_celltype.protocol.metrics import confusion_counts

    counts: list[list[int]] = confusion_counts(
        answers.truth, answers.guess, len(answers.classes)
    ).tolist()
    return counts


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
    from napari_celltype.protocol import metrics

    scores = {}
    for kind in dict.fromkeys(kind for o in outcomes for kind in o.surrogates):
        per_split = [
            Answers(
                targets.classes,
                np.array(o.rows, dtype=np.int64),
                np.full(len(o.rows), o.split),
                targets.index[o.rows],
                np.array(o.surrogates[kind], dtype=np.int64),
            )
            for o in outcomes
            if kind in o.surrogates
        ]
        scores[kind] = {
            "accuracy": Spread.of(metrics.accuracy(a) for a in per_split),
            "balanced_accuracy": Spread.of(
                metrics.balanced_accuracy(a) for a in per_split
            ),
        }
    return scores


def _partial(outcomes: list[Outcome], targets: Targets) -> PartialScore | None:
    rows = [r for o in outcomes for r in o.partial_rows]
    guess = [g for o in outcomes for g in o.partial_guess]
    if not rows:
        return None
    return PartialScore(len(set(rows)), float(targets.allowed[rows, guess].mean()))


def _new(
    outcomes: list[Outcome], answers: Answers, data: ExperimentData
) -> NewScore | None:
    from napari_celltype.protocol import metrics
    from napari_celltype.protocol.intervals import best_unit, bootstrap
    from napari_celltype.protocol.splits import ground_truth

    told = [o for o in outcomes if o.new_guess is not None]
    if data.new is None or data.new_targets is None or not told:
        return None
    truth = ground_truth(data.new, data.new_targets)
    rows = np.flatnonzero(truth >= 0)
    guess = [np.array(o.new_guess, dtype=np.int64)[rows] for o in told]
    new = Answers(
        answers.classes,
        np.tile(rows, len(told)),
        np.repeat([o.split for o in told], len(rows)),
        np.tile(truth[rows], len(told)),
        np.concatenate(guess),
    )
    by_split = [new.of_split(o.split) for o in told]
    pooled = [
        answers.of_split(o.split).joined(n) for o, n in zip(told, by_split, strict=True)
    ]
    return NewScore(
        accuracy=Spread.of(metrics.accuracy(a) for a in by_split),
        balanced_accuracy=Spread.of(metrics.balanced_accuracy(a) for a in by_split),
        pooled_accuracy=Spread.of(metrics.accuracy(a) for a in pooled),
        interval=bootstrap(new, *best_unit(data.new)),
        n_examples=len(rows),
        n_cells=n_cells(data.new, rows),
        chance=metrics.chance(new),
        majority=metrics.majority_rate(new),
        luck=metrics.luck_level(new),
        counts=_counts(new),
        pooled_counts=_counts(answers.joined(new)),
    )
