"""What trainings cost on this machine: tiny ones are timed, and scaled up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from statistics import mean
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from napari_celltype.progress import (
    OnProgress,
    Progress,
    ShouldStop,
    ignore_progress,
    never_stop,
)
from napari_celltype.protocol.experiment import (
    Condition,
    ExperimentData,
    Outcome,
    Split,
    Task,
    is_network,
    is_probe,
)

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
    """What a tiny training took.

    Attributes
    ----------
    n_train, n_test : int
        Its examples.
    fit : float
        Seconds of one epoch of a network, or of the whole fit of another classifier.
    rest : float
        Seconds of everything else: preparing, and answering the test.
    growth : int
        With which power of the training examples `fit` grows.
    growing_rest : bool
        Whether `rest` grows with the training examples, too: the answer of a support
        vector machine looks at its vectors.
    """

    n_train: int
    n_test: int
    fit: float
    rest: float
    growth: int
    growing_rest: bool = False

    def expected(self, n_train: int, n_test: int, epochs: int = 1) -> float:
        """Return the seconds to expect of a training of another size."""
        more = n_train / self.n_train
        answers = max(1.0, n_test / self.n_test) * (more if self.growing_rest else 1.0)
        return self.fit * more**self.growth * epochs + self.rest * answers


class Costs:
    """Measured costs of the trainings on some data, each kind measured once."""

    def __init__(self, data: ExperimentData) -> None:
        self._data = data
        self._known: dict[str, Cost] = {}
        self._scoring: float | None = None

    def expected(
        self,
        tasks: Iterable[Task],
        *,
        on_progress: OnProgress = ignore_progress,
        should_stop: ShouldStop = never_stop,
    ) -> float:
        """Return how many seconds tasks are expected to take, one after the other.

        A kind of training that is not known yet is done once, with at most
        `EXAMPLES` examples and, if it is a network, `EPOCHS` epochs. The fit of a
        support vector machine is taken to grow with the square of the examples, every
        other one in proportion.

        Parameters
        ----------
        tasks : iterable of Task
        on_progress, should_stop : callable, optional
            See `napari_celltype.progress`.

        Returns
        -------
        float
            With the scoring of the answers.

        Raises
        ------
        Stopped
            If `should_stop` answered True.
        """
        seconds = 0.0
        conditions = set()
        for task in tasks:
            kind = _kind(task.condition)
            if kind not in self._known:
                on_progress(Progress(f"Timing a short training ({kind.split('|')[0]})"))
                self._known[kind] = self._measure(task, should_stop)
            epochs = task.condition.parameters.get("epochs", 1)
            seconds += self._known[kind].expected(
                len(task.split.train), len(task.split.test), epochs
            )
            conditions.add(task.condition.name)
        return seconds + len(conditions) * (self._scoring or 0.0)

    def _measure(self, task: Task, should_stop: ShouldStop) -> Cost:
        from napari_celltype.protocol import work

        _import_what_trains()
        condition, split = task.condition, task.split
        network = is_network(condition)
        if network:
            parameters = {**condition.parameters, "epochs": EPOCHS}
            condition = replace(condition, parameters=parameters)
        index = self._data.targets.index

        def some(most: int) -> Task:
            train, test = (
                _some(rows, index, most) for rows in (split.train, split.test)
            )
            return Task(condition, Split(0, train, test), task.seed)

        # A probe looks at one number of each example: its real size is quick enough.
        tiny = some(len(split.train) if is_probe(condition) else EXAMPLES)
        if not is_probe(condition):
            # The first training also pays for what the libraries set up once.
            work.perform(some(FEWEST), self._data, should_stop=should_stop)
        whole: list[float] = []
        fit: list[float] = []
        epoch: list[float] = []
        while len(whole) < REPEATS and sum(whole) < MOST_SECONDS:
            start = perf_counter()
            outcome = work.perform(tiny, self._data, should_stop=should_stop)
            whole.append(perf_counter() - start)
            fit.append(outcome.train_seconds)
            if network:
                epoch.append(outcome.history[-1]["seconds"])
        if self._scoring is None:
            self._scoring = self._time_scoring(tiny, outcome)
        svm = condition.classifier.startswith("svm")
        return Cost(
            len(tiny.split.train),
            len(tiny.split.test),
            fit=mean(epoch if network else fit),
            rest=max(0.0, mean(whole) - mean(fit)),
            growth=2 if svm else 1,
            growing_rest=svm,
        )

    def _time_scoring(self, task: Task, outcome: Outcome) -> float:
        from napari_celltype.protocol.scores import score_condition

        start = perf_counter()
        score_condition(task.condition, self._data, {task.key: task}, [outcome])
        return perf_counter() - start


def _kind(condition: Condition) -> str:
    """Name what trainings have in common that cost the same per example."""
    parameters = {k: v for k, v in condition.parameters.items() if k != "epochs"}
    if is_probe(condition):
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


def _import_what_trains() -> None:
    """Import the libraries, which the first training would otherwise seem to cost."""
