"""What an evaluation can tell, and how long it will take, before it is started."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

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
from napari_celltype.protocol.costs import Costs
from napari_celltype.protocol.design import Design, DesignRow, describe_design
from napari_celltype.protocol.evaluate import (
    ExperimentRequest,
    experiment_data,
    plan_experiment,
)
from napari_celltype.protocol.experiment import ExperimentData, Task
from napari_celltype.protocol.experiments import quick_look
from napari_celltype.protocol.run_folder import RunFolder
from napari_celltype.protocol.running import duration_text, unfinished
from napari_celltype.protocol.words import in_words


@dataclass(frozen=True)
class Forecast:
    """What is known of an evaluation before it is started.

    Attributes
    ----------
    name : str
        Of the data.
    design : Design
        What the data can tell at all.
    ways : tuple of str
        How the data will be split: the way that was asked for, then the other.
    notes : tuple of str
        What was cut or left out, and what the data do not allow.
    n_left, n_tasks : int
        Trainings still to do, and all; probes and shuffled labels among them.
    seconds : float
        Expected of those that are left, from tiny trainings timed on this machine.
    quick_seconds : float
        The same of a quick look.
    """

    name: str
    design: Design
    ways: tuple[str, ...]
    notes: tuple[str, ...]
    n_left: int
    n_tasks: int
    seconds: float
    quick_seconds: float

    @property
    def design_lines(self) -> tuple[str, ...]:
        """What the data can tell at all, what they are, and how they will be split."""
        design = self.design
        told = [f"⚠ {sentence}" for sentence in design.sentences]
        if design.exclusive.get("subjects") == 0:
            told.insert(0, "Every animal holds more than one type.")
        rows = ", ".join(_row_text(row) for row in design.rows)
        ways = " and ".join(in_words(way) for way in self.ways)
        return (*told, f"{self.name}: {rows}.", f"Split {ways}.")

    @property
    def sentence(self) -> str:
        """How long it will take, said as the estimate that it is."""
        if not self.n_left:
            return f"All {self.n_tasks} trainings are done: only the report is written."
        done = self.n_tasks - self.n_left
        left = f"{self.n_left} trainings"
        if done:
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
        self._data: ExperimentData | None = None

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
            return self._forecast(request, on_progress, should_stop)

    def _forecast(
        self,
        request: ExperimentRequest,
        on_progress: OnProgress,
        should_stop: ShouldStop,
    ) -> Forecast:
        data, costs = self._read(request, on_progress, should_stop)
        on_progress(Progress("Drawing the splits"))
        planned = plan_experiment(request, data)
        left = self._left(request, planned.tasks)
        raise_if_stopped(should_stop)

        def expected(tasks: list[Task]) -> float:
            return costs.expected(
                tasks, on_progress=on_progress, should_stop=should_stop
            )

        seconds = expected(left)
        names, protocol, training = quick_look(request.protocol, request.training)
        quick = plan_experiment(
            replace(request, classifiers=names, protocol=protocol, training=training),
            data,
        )
        conditions = planned.experiment.conditions
        return Forecast(
            self._name,
            describe_design(data.traces, data.targets),
            tuple(dict.fromkeys(c.way for c in conditions)),
            (
                *self._notes,
                *planned.experiment.notes,
                *planned.tasks.notes,
            ),
            len(left),
            len(planned.tasks),
            seconds,
            expected(list(quick.tasks)),
        )

    def _read(
        self,
        request: ExperimentRequest,
        on_progress: OnProgress,
        should_stop: ShouldStop,
    ) -> tuple[ExperimentData, Costs]:
        source = (request.data, request.reading)
        if source != self._source or self._data is None or self._costs is None:
            self._source = None
            found = request.reading.load(
                request.data, on_progress=on_progress, should_stop=should_stop
            )
            on_progress(Progress("Looking at the data"))
            self._data, self._notes = experiment_data(found)
            self._name = found.name
            self._costs = Costs(self._data)
            self._source = source
        return self._data, self._costs

    def _left(self, request: ExperimentRequest, tasks: tuple[Task, ...]) -> list[Task]:
        """Return the tasks whose outcomes the run folder does not hold."""
        if request.folder is None or not request.folder.is_dir():
            return list(tasks)
        return unfinished(tasks, RunFolder(request.folder).finished())
