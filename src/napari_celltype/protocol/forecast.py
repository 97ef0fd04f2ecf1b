"""What an evaluation can tell, and how long it will take, before it is started."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from napari_celltype import progress
from napari_celltype.labels import TraceSet
from napari_celltype.labels.notes import counted
from napari_celltype.labels.reading import Reading
from napari_celltype.protocol.evaluate import (
    ExperimentRequest,
    experiment_data,
    plan_request,
)
from napari_celltype.protocol.evaluation import DesignRow, describe_design
from napari_celltype.protocol.experiment import (
    Condition,
    ExperimentData,
    Outcome,
    Plan,
    Split,
    Task,
)
from napari_celltype.protocol.experiments import quick_look
from napari_celltype.protocol.running import RunFolder, duration_text, unfinished
from napari_celltype.protocol.task import perform
from napari_celltype.protocol.words import way_title


@dataclass(frozen=True)
class Forecast:
    """What is known of an evaluation before it is started."""

    # What the data can tell at all, what they are, and how they will be split.
    design_lines: tuple[str, ...]
    # What was cut or left out, and what the data do not allow.
    notes: tuple[str, ...]
    # Trainings still to do, and all; probes and shuffled labels among them.
    n_left: int
    n_tasks: int
    # Expected of those that are left, and of a quick look.
    seconds: float
    quick_seconds: float

    @property
    def sentence(self) -> str:
        """How long it will take, said as the estimate that it is."""
        if not self.n_left:
            return f"All {self.n_tasks} trainings are done: only the report is written."
        left = f"{self.n_left} trainings"
        if self.n_left < self.n_tasks:
            left = f"the {self.n_left} of {self.n_tasks} trainings that are left"
        return (
            f"Expected: about {duration_text(self.seconds)} for {left}, longer while "
            "the machine is busy."
        )


class Forecaster:
    """Reads data once and times each kind of training on them once.

    One forecast waits for another: two at once would time each other.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._source: tuple[str | Path | TraceSet, Reading] | None = None
        self._read: tuple[str, ExperimentData, tuple[str, ...]]
        # What `_measure` found of each kind of training.
        self._costs: dict[str, tuple[float, float, int]] = {}

    def forecast(
        self,
        request: ExperimentRequest,
        *,
        on_progress: progress.OnProgress = progress.ignore_progress,
        should_stop: progress.ShouldStop = progress.never_stop,
    ) -> Forecast:
        """Say what an evaluation can tell, and how long what is not done may take."""
        with self._lock:
            progress.raise_if_stopped(should_stop)
            source = (request.data, request.reading)
            if source != self._source:
                self._source = None
                found = request.reading.load(
                    request.data, on_progress=on_progress, should_stop=should_stop
                )
                on_progress(progress.Progress("Looking at the data"))
                self._read = (found.name, *experiment_data(found))
                self._costs.clear()
                self._source = source
            name, data, notes = self._read
            on_progress(progress.Progress("Drawing the splits"))
            plan = plan_request(request, data)
            left = list(plan.tasks)
            if request.folder is not None and request.folder.is_dir():
                left = unfinished(left, RunFolder(request.folder).finished())
            progress.raise_if_stopped(should_stop)
            names, protocol, how = quick_look(request.protocol, request.training)
            quick = plan_request(
                replace(request, classifiers=names, protocol=protocol, training=how),
                data,
            )
            seconds, quick_seconds = (
                self._expected(tasks, data, on_progress, should_stop)
                for tasks in (left, quick.tasks)
            )
            return Forecast(
                _design_lines(name, plan),
                (*notes, *plan.notes),
                len(left),
                len(plan.tasks),
                seconds,
                quick_seconds,
            )

    def _expected(
        self,
        tasks: Iterable[Task],
        data: ExperimentData,
        on_progress: progress.OnProgress,
        should_stop: progress.ShouldStop,
    ) -> float:
        seconds = 0.0
        for task in tasks:
            kind = _kind(task.condition)
            if kind not in self._costs:
                on_progress(
                    progress.Progress(f"Timing a short training ({kind.split('|')[0]})")
                )
                self._costs[kind] = _measure(task, data, should_stop)
            fit, rest, power = self._costs[kind]
            epochs = task.condition.parameters.get("epochs", 1)
            seconds += fit * epochs * len(task.split.train) ** power
            seconds += rest * len(task.split.test)
        return seconds


def _design_lines(name: str, plan: Plan) -> tuple[str, ...]:
    design = describe_design(plan.data.traces, plan.data.targets)
    lines = [f"⚠ {sentence}" for sentence in design.sentences]
    if design.exclusive.get("subjects") == 0:
        lines.insert(0, "Every animal holds more than one type.")
    rows = ", ".join(_row_text(row) for row in design.rows)
    ways = " and ".join(dict.fromkeys(way_title(c.way) for c in plan.conditions))
    return (*lines, f"{name}: {rows}.", f"Split {ways}.")


def _row_text(row: DesignRow) -> str:
    units = [
        counted(n, word)
        for n, word in ((row.cells, "cell"), (row.subjects, "animal"))
        if n is not None
    ]
    return f"{row.examples} {row.label}" + (f" ({', '.join(units)})" if units else "")


# Examples of the training that is timed, four batches of a network, and of one before
# it, which pays for imports and what libraries set up once.
_EXAMPLES, _FEWEST = 128, 16


def _measure(
    task: Task, data: ExperimentData, should_stop: progress.ShouldStop
) -> tuple[float, float, int]:
    """Return seconds of an epoch or a fit by training examples to a power, and more."""
    # All else is by test examples, then the power: fits of SVMs grow by the square.
    condition, split = task.condition, task.split
    if condition.is_network:
        # The first epoch also pays for what is set up once.
        parameters = {**condition.parameters, "epochs": 2}
        condition = replace(condition, parameters=parameters)

    def train(most: int) -> Outcome:
        sides = (_some(r, data.targets.index, most) for r in (split.train, split.test))
        few = Task(condition, Split(0, *sides), task.seed)
        return perform(few, data, should_stop=should_stop)

    train(_FEWEST)
    # A probe looks at one number of each example: its real size is quick enough.
    most = len(split.train) if condition.is_probe else _EXAMPLES
    start = perf_counter()
    outcome = train(most)
    seconds = perf_counter() - start
    fit = outcome.train_seconds
    power = 2 if condition.classifier.startswith("svm") else 1
    epoch = outcome.history[-1]["seconds"] if condition.is_network else fit
    n_train, n_test = (min(most, len(side)) for side in (split.train, split.test))
    return epoch / n_train**power, (seconds - fit) / n_test, power


def _kind(condition: Condition) -> str:
    """Name what trainings have in common that cost the same per example."""
    parameters = {k: v for k, v in condition.parameters.items() if k != "epochs"}
    if condition.is_probe:
        return "probe|session" if condition.classifier.endswith("session") else "probe"
    n_frames, surrogates = condition.n_frames, condition.surrogates
    return f"{condition.classifier}|{parameters!r}|{n_frames}|{surrogates}"


def _some(
    rows: NDArray[np.int64], index: NDArray[np.int64], most: int
) -> NDArray[np.int64]:
    """Return at most so many rows, of every class its share."""
    if len(rows) <= most:
        return rows
    by_class = rows[np.argsort(index[rows], kind="stable")]
    return by_class[np.linspace(0, len(rows) - 1, most).astype(np.int64)]
