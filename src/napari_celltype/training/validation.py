"""Scores of a network on the cells that are held out, and what they compare with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_celltype.labels import LabelledData, Targets
from napari_celltype.labels.notes import counted
from napari_celltype.labels.reading import means_by_cell
from napari_celltype.labels.trace_set import identity
from napari_celltype.protocol.groups import COLUMNS, codes, split_groups
from napari_celltype.protocol.metrics import (
    Answers,
    Interval,
    balanced_accuracy,
    best_unit,
    bootstrap,
    chance,
)
from napari_celltype.protocol.splits import ground_truth
from napari_celltype.training.held_out import HeldOut

if TYPE_CHECKING:
    from napari_celltype.models import Calibration, Score, TraceClassifier

SCORE, LOSS = "validation_balanced_accuracy", "validation_loss"
# Probes that know where a cell comes from, and nothing of its trace.
_SHARED = {"by-cell": {"session": "session_id"}, "by-session": {"animal": "subject_id"}}
# Windows of a cell from which each step of a calibration holds.
_N_WINDOWS = (1, 2, 4, 8, 16)
# Held-out cells that each step takes: in all, and of each class.
_FEWEST, _FEWEST_OF_CLASS = 50, 10
NOT_CALIBRATED = (
    f"Not calibrated: that takes {_FEWEST} held-out cells, {_FEWEST_OF_CLASS} of each "
    "type."
)


@dataclass(frozen=True, eq=False)
class Validation:
    """Scores of a model on cells that it was not trained on."""

    way: str
    n_cells: int
    interval: Interval
    chance: float
    # The best single number of a trace, and its balanced accuracy on these cells.
    probe: tuple[str, float] | None
    classes: tuple[str, ...]
    # Cells, truth by guess.
    confusion: NDArray[np.int64]
    calibration: Calibration | None = None

    @property
    def score(self) -> float:
        """Balanced accuracy over cells."""
        return self.interval.value

    def as_scores(self) -> list[Score]:
        """Return the rows of a model card: the balanced score, and each recall."""
        from napari_celltype.models import Score

        data = f"cells held out {self.way}"
        sure = not self.interval.too_few
        name, number = self.probe or (None, None)
        scores = [
            Score(
                data,
                "balanced accuracy",
                self.score,
                self.n_cells,
                self.interval.unit,
                low=self.interval.low if sure else None,
                high=self.interval.high if sure else None,
                chance=self.chance,
                probe=name,
                probe_value=number,
            )
        ]
        for kind, right, n in self.recalls():
            scores.append(Score(data, f"recall of {kind}", right / n, n, "cells"))
        return scores

    def recalls(self) -> list[tuple[str, int, int]]:
        """Return each class that was tested, its cells that were right, and all."""
        right, cells = np.diag(self.confusion), self.confusion.sum(axis=1)
        rows = zip(self.classes, right.tolist(), cells.tolist(), strict=True)
        return [row for row in rows if row[2]]


def probe_title(name: str) -> str:
    """Return what a probe is in a sentence."""
    if name in ("session", "animal"):
        return f"the commonest type of its {name}"
    return f"the best single number ({name})"


class Judge:
    """Scores a classifier on the held-out cells as classification would name them."""

    def __init__(self, data: LabelledData, held: HeldOut, targets: Targets) -> None:
        self._cells, self._targets, self._held = data.cells, targets, held
        mine = np.isin(data.cell, held.test)
        self._traces = data.traces.traces[mine]
        self._cell = np.searchsorted(held.test, data.cell[mine])
        self._truth = targets.index[held.test]
        neurons = identity(self._cells, "cell_id")
        self._neuron = held.test if neurons is None else codes(neurons)[held.test]
        self.chance = chance(self._answers(self._truth))
        self.probe = self._best_probe(data)

    def after_epoch(self, trained: TraceClassifier) -> Mapping[str, float]:
        """Return loss and balanced accuracy over cells."""
        logs = self._log_probabilities(trained)
        of_truth = logs[np.arange(len(logs)), self._truth]
        score = self._score(logs.argmax(axis=1))
        return {LOSS: -float(of_truth.mean()), SCORE: score}

    def judge(self, trained: TraceClassifier) -> Validation:
        """Return all scores of a trained classifier."""
        guess = self._log_probabilities(trained).argmax(axis=1)
        answers = self._answers(guess)
        assert self._held.way is not None
        return Validation(
            self._held.way,
            len(self._held.test),
            bootstrap(answers, *best_unit(self._cells)),
            self.chance,
            self.probe,
            self._targets.classes,
            answers.counts,
            self._calibrate(trained),
        )

    def _calibrate(self, trained: TraceClassifier) -> Calibration | None:
        """Return what the model may promise, by the first windows of each cell."""
        from napari_celltype.models import calibrate
        from napari_celltype.models.model import log_probabilities_by_roi

        test, way = self._held.test, self._held.way
        assert way is not None
        place = np.arange(len(self._cell)) - np.searchsorted(self._cell, self._cell)
        logs = {}
        for n_windows in _N_WINDOWS:
            whole = np.bincount(self._cell, minlength=len(test)) >= n_windows
            if not self._enough(whole):
                break
            used = whole[self._cell] & (place < n_windows)
            logs[n_windows] = log_probabilities_by_roi(
                trained, self._traces[used], self._cell[used], len(test)
            )
        if not logs:
            return None
        units = split_groups(self._cells, way)[test]
        of = f" of {counted(len(np.unique(units)), COLUMNS[way][1])}"
        classes, counts = self._targets.classes, trained.class_counts_
        return calibrate(
            logs,
            np.array(classes)[self._truth],
            units,
            classes,
            trained_shares=dict(
                zip(classes, (counts / counts.sum()).tolist(), strict=True)
            ),
            calibrated_on=f"{counted(len(test), 'held-out cell')}"
            f"{'' if way == 'by-cell' else of}",
        )

    def _best_probe(self, data: LabelledData) -> tuple[str, float] | None:
        """Return the single number that tells held-out cells best, with its score."""
        from napari_celltype.protocol.rivals import (
            CommonestOfSession,
            ProbeTree,
            probe_values,
        )

        cells, way, test = self._cells, self._held.way, self._held.test
        assert way is not None
        truth = ground_truth(cells, self._targets)
        train = self._held.train[truth[self._held.train] >= 0]
        groups = split_groups(cells, way)
        scored = {}
        for name, values in probe_values(data.traces).items():
            column = means_by_cell(values, data.cell)[:, None]
            tree = ProbeTree(0).fit(column[train], truth[train], groups[train])
            scored[name] = self._score(tree.predict(column[test]))
        # What held-out cells share with cells that are trained on.
        for origin, column_name in _SHARED.get(way, {}).items():
            names = identity(cells, column_name)
            if names is not None and len(np.unique(names)) > 1:
                number = codes(names)[:, None]
                model = CommonestOfSession().fit(number[train], truth[train])
                scored[origin] = self._score(model.predict(number[test]))
        return max(scored.items(), key=lambda item: item[1], default=None)

    def _score(self, guess: NDArray[np.int64]) -> float:
        return balanced_accuracy(self._answers(guess).counts)

    def _enough(self, whole: NDArray[np.bool_]) -> bool:
        """Tell whether these cells, each neuron once, are enough to calibrate on."""
        n = [
            len(np.unique(self._neuron[whole & (self._truth == column)]))
            for column in range(len(self._targets.classes))
        ]
        return sum(n) >= _FEWEST and min(n) >= _FEWEST_OF_CLASS

    def _log_probabilities(self, trained: TraceClassifier) -> NDArray[np.float64]:
        from scipy.special import log_softmax

        from napari_celltype.models.model import log_probabilities_by_roi

        logs = log_probabilities_by_roi(
            trained, self._traces, self._cell, len(self._held.test)
        )
        return log_softmax(logs, axis=1)

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
