"""Do what is not done yet of the tasks of a run, and tell how long it will take."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from napari_celltype.errors import CellTypeError
from napari_celltype.progress import (
    OnProgress,
    Progress,
    ShouldStop,
    ignore_progress,
    never_stop,
)
from napari_celltype.protocol.backends import WorkerLost, outcomes
from napari_celltype.protocol.experiment import ExperimentData, Outcome, Task
from napari_celltype.protocol.run_folder import RunFolder
from napari_celltype.protocol.work import perform as perform_task


def duration_text(seconds: float) -> str:
    """Return a time that nobody knows exactly: "5 s", "14 min", "2 h 10 min"."""
    if seconds < 55:
        return f"{max(5, 5 * round(seconds / 5))} s"
    minutes = max(1, round(seconds / 60))
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


class Remaining:
    """An estimate from finished tasks; none before the first is done.

    A task is expected to take what finished tasks of its kind took on average, or,
    where none of its kind is finished, the others. How many run at once is measured:
    seconds of work done by seconds gone.

    Parameters
    ----------
    kinds : iterable of hashable
        One per task that is still to do: tasks of one kind take about as long.
    clock : callable
        Seconds from any start.
    """

    def __init__(
        self,
        kinds: Iterable[Hashable],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._to_do = Counter(kinds)
        self._took: defaultdict[Hashable, list[float]] = defaultdict(list)
        self._clock = clock
        self._start = clock()

    def finish(self, kind: Hashable, seconds: float) -> None:
        """Count a task as done, which took `seconds` where it ran."""
        self._to_do[kind] -= 1
        self._took[kind].append(seconds)

    @property
    def seconds(self) -> float | None:
        """Seconds left, None where nobody knows."""
        work_done = sum(sum(took) for took in self._took.values())
        n_done = sum(len(took) for took in self._took.values())
        gone = self._clock() - self._start
        if not work_done or not gone:
            return None
        work_left = 0.0
        for kind, number in self._to_do.items():
            took = self._took.get(kind)
            mean = sum(took) / len(took) if took else work_done / n_done
            work_left += number * mean
        # At least one runs at once: the start of processes is not repeated.
        return work_left / max(1.0, work_done / gone)

    def __str__(self) -> str:
        """Return ", about 14 min left", or nothing where nobody knows."""
        seconds = self.seconds
        if seconds is None or not any(self._to_do.values()):
            return ""
        return words_for(seconds)


def words_for(seconds: float) -> str:
    """Return ", about 14 min left"."""
    return f", about {duration_text(seconds)} left"


# A task and the file in which it keeps its training.
Item = tuple[Task, Path]
# Told of each task that is done, with what it gave.
OnOutcome = Callable[[Task, Outcome], None]


def ignore_outcome(task: Task, outcome: Outcome) -> None:
    """Take what a task gave and show it to nobody."""


def run_tasks(
    tasks: Sequence[Task],
    data: ExperimentData,
    folder: RunFolder,
    *,
    perform: Callable[..., Outcome] = perform_task,
    jobs: int = 1,
    scheduler: str | None = None,
    threads: int | None = None,
    on_outcome: OnOutcome = ignore_outcome,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> list[Outcome]:
    """Do what the folder does not hold yet, here or in other processes.

    Parameters
    ----------
    tasks : sequence of Task
    data : ExperimentData
    folder : RunFolder
        Gets a line for each task as it finishes.
    perform : callable
        What does one task.
    jobs : int
        Processes on this machine.
    scheduler : str, optional
        Address of a Dask scheduler, instead.
    threads : int, optional
        Threads of each worker; the last bits of a score depend on it. By default one
        in other processes, else as many as the libraries take.
    on_outcome : callable, optional
        Called with each task that is done and its outcome: first with those that the
        folder held before, then with the others as they finish.
    on_progress, should_stop : callable, optional
        See `napari_celltype.progress`.

    Returns
    -------
    list of Outcome
        In the order of the tasks.

    Raises
    ------
    CellTypeError
        If a task cannot be done, the folder cannot be written, the scheduler does not
        answer or goes away, or a process is killed again and again; what is finished
        is in the folder.
    Stopped
        If `should_stop` answered True; what is finished is in the folder.
    """
    if threads is None and (jobs > 1 or scheduler is not None):
        threads = 1
    with folder.locked():
        finished = folder.finished()
        left = unfinished(tasks, finished)
        keys = {task.key for task in left}
        for task in tasks:
            if task.key not in keys:
                on_outcome(task, finished[task.key])
        told = _Told(tasks, left, on_progress)
        lost = ""
        for done in outcomes(
            partial(_perform, perform=perform, threads=threads),
            [(task, folder.checkpoint(task)) for task in left],
            shared=data,
            jobs=jobs,
            scheduler=scheduler,
            threads=threads,
            on_progress=told.inside if scheduler is None else on_progress,
            should_stop=should_stop,
        ):
            task = left[done.index]
            if isinstance(done.result, WorkerLost):
                lost = f"{told.name(task)}, was not finished: {done.result}"
                continue
            folder.append(done.result)
            told.finish(task, done.seconds)
            on_outcome(task, done.result)
        if lost:
            raise CellTypeError(lost)
        folder.drop_checkpoints()
        finished = folder.finished()
        return [finished[task.key] for task in tasks]


def unfinished(
    tasks: Iterable[Task], finished: Mapping[tuple[str, int], Outcome]
) -> list[Task]:
    """Return the tasks that have no outcome yet: none of the same test set."""
    return [
        task
        for task in tasks
        if task.key not in finished
        or finished[task.key].rows != task.split.test.tolist()
    ]


def _perform(
    item: Item,
    data: ExperimentData,
    *,
    perform: Callable[..., Outcome],
    threads: int | None,
    **told: Any,
) -> Outcome:
    """Do one task, in any process."""
    task, checkpoint = item
    # Elsewhere the run folder is only there where the file system is shared.
    shared = checkpoint.parent.is_dir()
    return perform(
        task, data, checkpoint=checkpoint if shared else None, threads=threads, **told
    )


class _Told:
    """What the user is told while a run goes on."""

    def __init__(
        self, tasks: Sequence[Task], left: Sequence[Task], on_progress: OnProgress
    ) -> None:
        self._n_splits = Counter(task.condition.name for task in tasks)
        self._n_tasks = len(tasks)
        self._left = list(left)
        self._remaining = Remaining(task.condition.name for task in left)
        self._on_progress = on_progress

    def name(self, task: Task) -> str:
        """Return "cnn, split 3 of 10"."""
        name = task.condition.name
        return f"{name}, split {task.split.number + 1} of {self._n_splits[name]}"

    def finish(self, task: Task, seconds: float) -> None:
        """Tell that a task is done."""
        self._left.remove(task)
        self._remaining.finish(task.condition.name, seconds)
        self._tell(self.name(task))

    def inside(self, progress: Progress) -> None:
        """Tell how far the task is that is done here, the first of those left."""
        step = f"{progress.message} ({progress.done} of {progress.total})"
        self._tell(f"{self.name(self._left[0])}, {step}")

    def _tell(self, what: str) -> None:
        n_done = self._n_tasks - len(self._left)
        count = f"{n_done} of {self._n_tasks} done{self._remaining}"
        self._on_progress(Progress(f"{what}: {count}", n_done, self._n_tasks))
