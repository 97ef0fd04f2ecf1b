"""The part of labelled data that training does not see, and scores on it.

Whole animals are held out where enough of them hold each type, else whole sessions,
else whole cells; never single traces of cells that are trained on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import LabelError
from napari_celltype.labels import Targets, TraceSet
from napari_celltype.labels.notes import counted
from napari_celltype.protocol.answers import Answers
from napari_celltype.protocol.groups import COLUMNS, codes, identity, split_groups
from napari_celltype.protocol.intervals import Interval, best_unit, bootstrap
from napari_celltype.protocol.metrics import (
    balanced_accuracy,
    chance,
    confusion_counts,
    per_class,
)
from napari_celltype.protocol.paper_protocol import PaperProtocol
from napari_celltype.protocol.splits import draw_splits, ground_truth
from napari_celltype.workflows.windowed import Windows, means_by_cell

if TYPE_CHECKING:
    from napari_celltype.classifiers import TraceClassifier

VALIDATIONS = ("auto", "subject", "session", "cell", "none")
SCORE, LOSS = "validation_balanced_accuracy", "validation_loss"


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Which examples are trained on, and which are scored.

    Attributes
    ----------
    train, test : ndarray of int64
        Rows of the examples; `test` is empty where nothing could be held out.
    way : str or None
        ``by-subject``, ``by-session``, ``by-cell``; None where nothing is held out.
    sentence : str
        What was held out and why not something stricter.
    """

    train: NDArray[np.int64]
    test: NDArray[np.int64]
    way: str | None
    sentence: str


@dataclass(frozen=True, eq=False)
class Validation:
    """Scores of a model on cells that it was not trained on.

    Attributes
    ----------
    way : str
        ``by-subject``, ``by-session`` or ``by-cell``.
    sentence : str
        What was held out.
    n_cells, n_trained : int
        Cells that were scored, and examples that were trained on.
    interval : Interval
        Balanced accuracy over cells, with its 95 % interval where there are enough
        animals (or sessions, or cells).
    chance : float
        Balanced accuracy of guesses that know nothing.
    probe : tuple of (str, float) or None
        The best single number of a trace, and its balanced accuracy on these cells.
    classes : tuple of str
    confusion : ndarray of int64, shape (n_classes, n_classes)
        Cells, truth by guess.
    """

    way: str
    sentence: str
    n_cells: int
    n_trained: int
    interval: Interval
    chance: float
    probe: tuple[str, float] | None
    classes: tuple[str, ...]
    confusion: NDArray[np.int64]

    @property
    def score(self) -> float:
        """Balanced accuracy over cells."""
        return self.interval.value

    def as_scores(self) -> dict[str, Any]:
        """Return the scores for a model card, in plain values."""
        value: dict[str, Any] = {"value": self.score, "n": self.n_cells}
        if not self.interval.too_few:
            value |= {"low": self.interval.low, "high": self.interval.high}
        tested = {
            name: scores
            for name, scores in per_class(self.confusion, self.classes).items()
            if scores["n"]
        }
        guesses = self.confusion.tolist()
        found: dict[str, Any] = {
            "balanced accuracy": value,
            "chance": self.chance,
            "recall": {
                name: {"value": scores["recall"], "n": scores["n"]}
                for name, scores in tested.items()
            },
            "cells": {
                name: dict(zip(self.classes, row, strict=True))
                for name, row in zip(self.classes, guesses, strict=True)
                if sum(row)
            },
            "held out": self.sentence,
        }
        if self.probe is not None:
            found["best single number"] = f"{self.probe[0]}: {self.probe[1]:.2f}"
        return found


def hold_out(
    cells: TraceSet,
    targets: Targets,
    validation: str = "auto",
    *,
    untested: Iterable[str] = (),
    random_state: int = 0,
) -> HeldOut:
    """Choose the cells that training does not see, about a fifth, in whole groups.

    Parameters
    ----------
    cells : TraceSet
        One row for each labelled ROI.
    targets : Targets
        Of the same rows.
    validation : str
        ``auto`` (the strictest possible, nothing where nothing is), ``subject``,
        ``session``, ``cell`` or ``none``.
    untested : iterable of str
        Classes whose animals (sessions, cells) are all trained on.
    random_state : int

    Raises
    ------
    LabelError
        If what was asked for cannot be held out, or is none of `VALIDATIONS`.
    """
    everything, nothing = np.arange(len(cells)), np.arange(0)
    if validation == "none":
        said = "Nothing was held out, as asked; the model was tested on nothing."
        return HeldOut(everything, nothing, None, said)
    if validation not in VALIDATIONS:
        raise LabelError(
            f"{validation!r} cannot be held out; use one of {', '.join(VALIDATIONS)}."
        )
    refused: list[str] = []
    for way in COLUMNS if validation == "auto" else (f"by-{validation}",):
        try:
            return _hold_out(
                cells, targets, way, tuple(untested), random_state, refused
            )
        except LabelError as error:
            if validation != "auto":
                raise
            reason = str(error).split(";")[0].rstrip(".")
            refused.append(reason + _joined(cells, way))
    reasons = ". ".join(refused)
    return HeldOut(
        everything,
        nothing,
        None,
        f"Nothing could be held out, so the model was tested on nothing. {reasons}.",
    )


def _hold_out(
    cells: TraceSet,
    targets: Targets,
    way: str,
    untested: tuple[str, ...],
    random_state: int,
    refused: list[str],
) -> HeldOut:
    column, what = COLUMNS[way]
    groups = split_groups(cells, way)
    left = np.isin(targets.classes, untested)
    # Groups with a cell of an untested class are trained on, whatever else they hold.
    anyway = np.flatnonzero((targets.allowed[:, left]).any(axis=1) & targets.single)
    if np.isin(groups, groups[anyway]).all():
        raise LabelError(
            f"Every {what} holds {' or '.join(untested)}, of which all cells are "
            "trained on."
        )
    tested = Targets(
        tuple(n for n in targets.classes if n not in untested),
        targets.allowed[:, ~left],
    )
    protocol = PaperProtocol(way, n_splits=1, random_state=random_state)
    split = draw_splits(cells, tested, protocol, trained=anyway)[0]
    unit = ""
    names = identity(cells, column)
    if way != "by-cell" and names is not None:
        n_tested, n_all = (len(np.unique(of)) for of in (names[split.test], names))
        unit = f" of {n_tested} of {n_all} {what}s"
    sentence = (
        f"Held out and scored: {counted(len(split.test), 'cell')}{unit}; no {what} is "
        "both trained on and scored."
    )
    if _may_return(cells, split.train, split.test):
        sentence += (
            " A neuron that was recorded in several sessions is known to be the same "
            "only where its labels name it (cell_id)."
        )
    if refused:
        sentence += f" Not stricter, because: {'. '.join(refused)}."
    return HeldOut(split.train, split.test, way, sentence)


def _may_return(
    cells: TraceSet, train: NDArray[np.int64], test: NDArray[np.int64]
) -> bool:
    """Tell whether an animal of the test was trained on in another session."""
    sessions = identity(cells, "session_id")
    if sessions is None:
        return False
    animals = identity(cells, "subject_id")
    animal = np.zeros(len(cells), dtype=np.int64) if animals is None else codes(animals)
    session = codes(sessions)
    trained = set(zip(animal[train].tolist(), session[train].tolist(), strict=True))
    return any(
        one == animal[row] and other != session[row]
        for row in test.tolist()
        for one, other in trained
    )


def _joined(cells: TraceSet, way: str) -> str:
    """Say that tracked cells join groups, by which there are fewer than it seems."""
    column, what = COLUMNS[way]
    names = identity(cells, column)
    if way == "by-cell" or names is None or (getattr(cells, column) == "").any():
        return ""
    if len(np.unique(split_groups(cells, way))) == len(np.unique(names)):
        return ""
    return f" ({what}s that share a tracked cell count as one)"


class Judge:
    """Scores a classifier on the held-out cells as classification would name them.

    Parameters
    ----------
    windows : Windows
    held : HeldOut
        With a test part.
    targets : Targets
        Of the examples.
    """

    def __init__(self, windows: Windows, held: HeldOut, targets: Targets) -> None:
        self._cells, self._targets, self._held = windows.cells, targets, held
        mine = np.isin(windows.cell, held.test)
        self._traces = windows.data.traces.traces[mine]
        self._cell = np.searchsorted(held.test, windows.cell[mine])
        self._truth = targets.index[held.test]
        self.chance = 1 / len(np.unique(self._truth))
        self.probe = best_probe(windows, held, targets)

    def after_epoch(self, trained: TraceClassifier) -> Mapping[str, float]:
        """Return loss and balanced accuracy over cells."""
        logs = self._log_probabilities(trained)
        of_truth = logs[np.arange(len(logs)), self._truth]
        answers = self._answers(logs.argmax(axis=1))
        return {LOSS: -float(of_truth.mean()), SCORE: balanced_accuracy(answers)}

    def judge(self, trained: TraceClassifier) -> Validation:
        """Return all scores of a trained classifier."""
        guess = self._log_probabilities(trained).argmax(axis=1)
        answers = self._answers(guess)
        groups, unit = best_unit(self._cells)
        n_classes = len(self._targets.classes)
        assert self._held.way is not None
        return Validation(
            self._held.way,
            self._held.sentence,
            len(self._held.test),
            len(self._held.train),
            bootstrap(answers, groups, unit),
            chance(answers),
            self.probe,
            self._targets.classes,
            confusion_counts(self._truth, guess, n_classes),
        )

    def _log_probabilities(self, trained: TraceClassifier) -> NDArray[np.float64]:
        from napari_celltype.classifiers.softmax import log_softmax

        logs = trained.predict_log_proba(self._traces)
        return log_softmax(means_by_cell(logs, self._cell))

    def _answers(self, guess: NDArray[np.int64]) -> Answers:
        rows = self._held.test
        return Answers(
            self._targets.classes,
            rows,
            np.zeros(len(rows), dtype=np.int64),
            self._truth,
            guess.astype(np.int64),
        )


def best_rank(row: Mapping[str, float]) -> tuple[float, ...]:
    """Rank an epoch: by balanced accuracy, and of equals by the smaller loss."""
    return row[SCORE], -row[LOSS]


def best_probe(
    windows: Windows, held: HeldOut, targets: Targets
) -> tuple[str, float] | None:
    """Return the single number that tells held-out cells best, with its score.

    Each number is learned from the cells that the network is trained on, by a small
    tree. As the best of several it is the one to beat.
    """
    from napari_celltype.protocol.probes import (
        CommonestOfSession,
        ProbeTree,
        probe_values,
    )

    cells = windows.cells
    truth = ground_truth(cells, targets)
    train = held.train[truth[held.train] >= 0]
    assert held.way is not None
    groups = split_groups(cells, held.way)
    numbers = {
        name: windows.means(values)
        for name, values in probe_values(windows.data.traces).items()
    }
    # What held-out cells share with cells that are trained on.
    shared = {"by-cell": ("session_id", "session"), "by-session": ("subject_id", "animal")}
    origin, word = shared.get(held.way, ("subject_id", ""))
    names = identity(cells, origin)
    if word and names is not None and len(np.unique(names)) > 1:
        numbers[word] = codes(names).astype(np.float64)
    scored = {}
    for name, values in numbers.items():
        column = values[:, None]
        if name == word:
            model = CommonestOfSession().fit(column[train], truth[train])
        else:
            model = ProbeTree(0).fit(column[train], truth[train], groups[train])
        guess = model.predict(column[held.test])
        rows = held.test
        answers = Answers(
            targets.classes,
            rows,
            np.zeros(len(rows), dtype=np.int64),
            targets.index[rows],
            guess.astype(np.int64),
        )
        scored[name] = balanced_accuracy(answers)
    if not scored:
        return None
    best = max(scored, key=lambda name: scored[name])
    return best, scored[best]
