"""One finished training in a line, as it is shown while a run goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from napari_celltype.protocol.answers import Answers
from napari_celltype.protocol.experiment import ExperimentData, Outcome, Task
from napari_celltype.protocol.scores import Role, role_of


@dataclass(frozen=True)
class SplitRow:
    """What one training scored on its own test set.

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


OnSplit = Callable[[SplitRow], None]


def ignore_split(row: SplitRow) -> None:
    """Take the line of a training and show it to nobody."""


def split_row(task: Task, outcome: Outcome, data: ExperimentData) -> SplitRow:
    """Score one training.

    Parameters
    ----------
    task : Task
    outcome : Outcome
        Of that task.
    data : ExperimentData
    """
    from napari_celltype.protocol import metrics

    condition = task.condition
    answers = Answers.of([outcome], data.targets)
    return SplitRow(
        condition.name.removesuffix(f" ({condition.way})"),
        role_of(condition),
        condition.way,
        outcome.split,
        metrics.accuracy(answers),
        metrics.balanced_accuracy(answers),
        metrics.chance(answers),
        int(np.size(answers.truth)),
        outcome.train_seconds,
    )
