"""What an evaluation can tell, and how long it will take, before it is started.

Tiny trainings of each kind are timed on this machine and scaled up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from threading import Lock
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from napari_celltype.labels import TraceSet
from napari_celltype.labels.reading import Reading
from napari_celltype.progress import (
    OnProgress,
    Progress,
    ShouldStop,
    ignore_progress,
    never_stop,
    raise_if_stopped,
)
from napari_celltype.protocol import task as training
from napari_celltype.protocol.evaluate import (
    ExperimentRequest,
    experiment_data,
    plan_experiment,
)
from napari_celltype.protocol.evaluation import Design, DesignRow, describe_design
from napari_celltype.protocol.experiment import (
    Condition,
    ExperimentData,
    Outcome,
    Split,
    Task,
)
from napari_celltype.protocol.experiments import quick_look
from napari_celltype.protocol.running import RunFolder, duration_text, unfinished
from napari_celltype.protocol.words import way_title


@dataclass(frozen=True)
class Forecast:
    """What is known of an evaluation before it is started."""

    # Of the data.
    name: str
    design: Design
    # How the data will be split: the way that was asked for, then the other.
    ways: tuple[str, ...]
    # What was cut or left out, and what the data do not allow.
    notes: tuple[str, ...]
    # Trainings still to do, and all; probes and shuffled labels among them.
    n_left: int
    n_tasks: int
    # Expected of those that are left, and of a quick look.
    seconds: float
    quick_seconds: float

    @property
    def design_lines(self) -> tuple[str, ...]:
        """What the data can tell at all, what they are, and how they will be split."""
        lines = [f"⚠ {sentence}" for sentence in self.design.sentences]
        if self.design.exclusive.get("subjects") == 0:
            lines.insert(0, "Every animal holds more than one type.")
        rows = ", ".join(_row_text(row) for row in self.design.rows)
        ways = " and ".join(way_title(way) for way in self.ways)
        return (*lines, f"{self.name}: {rows}.", f"Split {ways}.")

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


def _row_text(row: DesignRow) -> str:
    units = [
        f"{n} {word}{'s' * (n != 1)}"
        for n, word in ((row.cells, "cell"), (row.subjects, "animal"))
        if n is not None
    ]
    return f"{row.examples} {row.label}" + (f" ({', '.join(units)})" if units else "")


class Forecaster:
    """Reads data once and times each kind of training on them once.

    One forecast waits for another: two at once would time each other.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._source: tuple[str | Path | TraceSet, Reading] | None = None
        self._name = ""
        self._notes: tuple[str, ...] = ()
        self._costs: Costs | None = None

    def forget(self) -> None:
        """Read the data again next time: they may have changed."""
        self._source = None

    def forecast(
        self,
        request: ExperimentRequest,
        *,
        on_progress: OnProgress = ignore_progress,
        should_stop: ShouldStop = never_stop,
    ) -> Forecast:
        """Say what an evaluation can tell and how long it is expected to take.

        Parameters
        ----------
        request : ExperimentRequest
            What its folder holds already is not counted.
        on_progress, should_stop : callable, optional
            See `napari_celltype.progress`.

        Raises
        ------
        CellTypeError
            If the data cannot be used so, in one sentence.
        Stopped
            If `should_stop` answered True.
        """
        with self._lock:
            raise_if_stopped(should_stop)
            costs = self._read(request, on_progress, should_stop)
            on_progress(Progress("Drawing the splits"))
            plan = plan_experiment(request, costs.data)
            left = list(plan.tasks)
            if request.folder is not None and request.folder.is_dir():
                left = unfinished(left, RunFolder(request.folder).finished())
            raise_if_stopped(should_stop)
            names, protocol, how = quick_look(request.protocol, request.training)
            quick = plan_experiment(
                replace(request, classifiers=names, protocol=protocol, training=how),
                costs.data,
            )
            seconds, quick_seconds = (
                costs.expected(tasks, on_progress=on_progress, should_stop=should_stop)
                for tasks in (left, quick.tasks)
            )
            return Forecast(
                self._name,
                describe_design(costs.data.traces, costs.data.targets),
                tuple(dict.fromkeys(c.way for c in plan.experiment.conditions)),
                (*self._notes, *plan.experiment.notes, *plan.notes),
                len(left),
                len(plan.tasks),
                seconds,
                quick_seconds,
            )

    def _read(
        self,
        request: ExperimentRequest,
        on_progress: OnProgress,
        should_stop: ShouldStop,
    ) -> Costs:
        source = (request.data, request.reading)
        if source != self._source or self._costs is None:
            self._source = None
            found = request.reading.load(
                request.data, on_progress=on_progress, should_stop=should_stop
            )
            on_progress(Progress("Looking at the data"))
            data, self._notes = experiment_data(found)
            self._name = found.name
            self._costs = Costs(data)
            self._source = source
        return self._costs


# Examples of a tiny training: four batches of a network.
EXAMPLES = 128
# Of which the last is timed: the first also pays for what is set up once.
EPOCHS = 2
# Examples of the training before it, which is not timed.
FEWEST = 16
# Repetitions, as others may be at work on the machine now and then; none is begun
# after so many seconds.
REPEATS, MOST_SECONDS = 4, 2.0


@dataclass(frozen=True)
class Cost:
    """What a tiny training of so many examples took."""

    n_train: int
    n_test: int
    # Seconds of one epoch of a network, or of the whole fit of another classifier.
    fit: float
    # Seconds of everything else: preparing, and answering the test.
    rest: float
    # Whether a support vector machine, whose fit grows with the square of the training
    # examples and whose answers look at its vectors.
    svm: bool = False

    def expected(self, n_train: int, n_test: int, epochs: int = 1) -> float:
        """Return the seconds to expect of a training of another size."""
        more = n_train / self.n_train
        answers = max(1.0, n_test / self.n_test) * (more if self.svm else 1.0)
        return self.fit * more ** (1 + self.svm) * epochs + self.rest * answers


class Costs:
    """Measured costs of the trainings on some data, each kind measured once."""

    def __init__(self, data: ExperimentData) -> None:
        self.data = data
        self._known: dict[str, Cost] = {}

    def expected(
        self,
        tasks: Iterable[Task],
        *,
        on_progress: OnProgress = ignore_progress,
        should_stop: ShouldStop = never_stop,
    ) -> float:
        """Return the seconds to expect of tasks."""
        seconds = 0.0
        for task in tasks:
            kind = _kind(task.condition)
            if kind not in self._known:
                on_progress(Progress(f"Timing a short training ({kind.split('|')[0]})"))
                self._known[kind] = self._measure(task, should_stop)
            seconds += self._known[kind].expected(
                len(task.split.train),
                len(task.split.test),
                task.condition.parameters.get("epochs", 1),
            )
        return seconds

    def _measure(self, task: Task, should_stop: ShouldStop) -> Cost:
        condition, split = task.condition, task.split
        if condition.is_network:
            parameters = {**condition.parameters, "epochs": EPOCHS}
            condition = replace(condition, parameters=parameters)
        index = self.data.targets.index

        def train(most: int) -> Outcome:
            sides = (_some(rows, index, most) for rows in (split.train, split.test))
            few = Task(condition, Split(0, *sides), task.seed)
            return training.perform(few, self.data, should_stop=should_stop)

        # The first training also pays for imports and what libraries set up once.
        train(FEWEST)
        # A probe looks at one number of each example: its real size is quick enough.
        most = len(split.train) if condition.is_probe else EXAMPLES
        whole: list[float] = []
        fits: list[float] = []
        timed: list[float] = []
        while len(whole) < REPEATS and sum(whole) < MOST_SECONDS:
            start = perf_counter()
            outcome = train(most)
            whole.append(perf_counter() - start)
            fits.append(outcome.train_seconds)
            network = condition.is_network
            timed.append(outcome.history[-1]["seconds"] if network else fits[-1])
        return Cost(
            min(most, len(split.train)),
            min(most, len(split.test)),
            mean(timed),
            max(0.0, mean(whole) - mean(fits)),
            condition.classifier.startswith("svm"),
        )


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
