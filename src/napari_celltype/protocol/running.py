"""A run: its folder, what is not done yet of its tasks, and how long that will take."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
import time
import weakref
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from napari_celltype.errors import CellTypeError, OutputError
from napari_celltype.files import claim_folder, locked, write_text_atomically
from napari_celltype.progress import (
    OnProgress,
    Progress,
    ShouldStop,
    ignore_progress,
    never_stop,
)
from napari_celltype.protocol.backends import WorkerLost, outcomes
from napari_celltype.protocol.experiment import ExperimentData, Outcome, Task
from napari_celltype.protocol.task import perform


def duration_text(seconds: float) -> str:
    """Return a time that nobody knows exactly: "5 s", "14 min", "2 h 10 min"."""
    if seconds < 55:
        return f"{max(5, 5 * round(seconds / 5))} s"
    minutes = max(1, round(seconds / 60))
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def time_left_text(seconds: float) -> str:
    """Return ", about 14 min left"."""
    return f", about {duration_text(seconds)} left"


class Remaining:
    """An estimate from finished tasks; none before the first is done.

    A task is expected to take what finished tasks of its kind took on average, or,
    where none of its kind is finished, the others. How many run at once is measured:
    seconds of work done by seconds gone. `kinds` has one per task that is to do.
    """

    def __init__(
        self, kinds: Iterable[Hashable], clock: Callable[[], float] = time.monotonic
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
        done = [seconds for took in self._took.values() for seconds in took]
        gone = self._clock() - self._start
        if not sum(done) or not gone:
            return None
        left = 0.0
        for kind, number in self._to_do.items():
            took = self._took.get(kind) or done
            left += number * sum(took) / len(took)
        # At least one runs at once: the start of processes is not repeated.
        return left / max(1.0, sum(done) / gone)

    def __str__(self) -> str:
        """Return ", about 14 min left", or nothing where nobody knows."""
        seconds = self.seconds
        if seconds is None or not any(self._to_do.values()):
            return ""
        return time_left_text(seconds)


def run_tasks(
    tasks: Sequence[Task],
    data: ExperimentData,
    folder: RunFolder,
    *,
    jobs: int = 1,
    scheduler: str | None = None,
    threads: int | None = None,
    on_outcome: Callable[[Task, Outcome], None] = lambda task, outcome: None,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> list[Outcome]:
    """Do what the folder does not hold yet, here or in other processes.

    `on_outcome` gets first what the folder held before, then the others as they
    finish. Whatever ends a run, what is finished is in the folder.
    """
    # The last bits of a score depend on the threads.
    if threads is None and (jobs > 1 or scheduler is not None):
        threads = 1
    n_splits = Counter(task.condition.name for task in tasks)

    def named(task: Task) -> str:
        number = f"split {task.split.number + 1} of {n_splits[task.condition.name]}"
        return f"{task.condition.name}, {number}"

    with folder.locked():
        finished = folder.finished()
        left = unfinished(tasks, finished)
        waiting = {task.key: task for task in left}
        for task in tasks:
            if task.key not in waiting:
                on_outcome(task, finished[task.key])
        remaining = Remaining(task.condition.name for task in left)

        def show(what: str) -> None:
            n_done = len(tasks) - len(waiting)
            count = f"{n_done} of {len(tasks)} done{remaining}"
            on_progress(Progress(f"{what}: {count}", n_done, len(tasks)))

        def inside(progress: Progress) -> None:
            """Show how far the task is that is done here, the first of those left."""
            step = f"{progress.message} ({progress.done} of {progress.total})"
            show(f"{named(next(iter(waiting.values())))}, {step}")

        with suppress(OSError):  # the next line of results will say what is wrong
            folder.checkpoints.mkdir(exist_ok=True)
        lost = ""
        for done in outcomes(
            partial(_perform, threads=threads),
            [(task, folder.checkpoint(task.key)) for task in left],
            shared=data,
            jobs=jobs,
            scheduler=scheduler,
            threads=threads,
            on_progress=inside if scheduler is None else on_progress,
            should_stop=should_stop,
        ):
            task = left[done.index]
            if isinstance(done.result, WorkerLost):
                lost = f"{named(task)}, was not finished: {done.result}"
                continue
            folder.append(done.result)
            del waiting[task.key]
            remaining.finish(task.condition.name, done.seconds)
            on_outcome(task, done.result)
            show(named(task))
        if lost:
            raise CellTypeError(lost)
        # Killed or abandoned trainings have left some.
        shutil.rmtree(folder.checkpoints, ignore_errors=True)
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


def _perform(item: tuple[Task, Path], data: ExperimentData, **options: Any) -> Outcome:
    """Do one task, in any process."""
    task, checkpoint = item
    # Elsewhere the run folder is only there where the file system is shared.
    kept = checkpoint if checkpoint.parent.is_dir() else None
    return perform(task, data, checkpoint=kept, **options)


FORMAT = "napari-celltype run 1"


class RunFolder:
    """A folder that a killed run goes on in, see `open`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # The file of finished tasks, and the folder of trainings that are not.
        self.results, self.checkpoints = path / "results.jsonl", path / "checkpoints"

    @classmethod
    def open(
        cls, path: Path | None, configuration: Mapping[str, Any], *, force: bool = False
    ) -> RunFolder:
        """Make a run folder, or go on in the one of the same configuration."""
        if path is None:
            path = Path(tempfile.mkdtemp(prefix="napari-celltype-"))
            folder = cls(path)
            weakref.finalize(folder, shutil.rmtree, path, ignore_errors=True)
        else:
            folder = cls(path)
            claim_folder(path, force=force)
        with folder.locked():
            folder._agree(configuration)
            # A kill in the middle of a line has left a torn one. What is wrong with a
            # file that cannot be written, its next line will say.
            with suppress(OSError), folder.results.open("r+b") as file:
                file.truncate(file.read().rfind(b"\n") + 1)
        return folder

    def locked(self) -> AbstractContextManager[Any]:
        """Keep other processes out."""
        return locked(self.path / ".lock")

    def finished(self) -> dict[tuple[str, int], Outcome]:
        """Return the outcomes so far; a line that is not as written is not done."""
        if not self.results.is_file():
            return {}
        outcomes = {}
        for line in self.results.read_bytes().splitlines():
            with suppress(
                *(ValueError, TypeError, KeyError, AttributeError, RecursionError)
            ):
                kept = json.loads(line)
                if kept.pop("sha256") == _digest(kept):
                    outcome = Outcome(**kept)
                    outcomes[outcome.key] = outcome
        return outcomes

    def append(self, outcome: Outcome) -> None:
        """Write the line of a finished task to disk and drop its checkpoint."""
        kept = asdict(outcome)
        line = json.dumps({**kept, "sha256": _digest(kept)}).encode() + b"\n"
        try:
            with self.results.open("ab", buffering=0) as file:
                start = file.tell()
                try:
                    while line:
                        line = line[file.write(line) :]
                    os.fsync(file.fileno())
                except OSError:
                    file.truncate(start)
                    raise
        except OSError as error:
            raise OutputError(
                f"{self.results} cannot be written ({error.strerror or error}); what "
                "was finished before is kept, so make room and give the same command "
                "again."
            ) from None
        with suppress(OSError):
            self.checkpoint(outcome.key).unlink(missing_ok=True)

    def checkpoint(self, key: tuple[str, int]) -> Path:
        """Return where a task keeps its training: a name that every system takes."""
        condition, split = key
        digest = hashlib.sha256(condition.encode()).hexdigest()[:8]
        readable = re.sub(r"[^A-Za-z0-9]+", "-", condition).strip("-")[:40]
        return self.checkpoints / f"{readable}-{digest}-{split}"

    def _agree(self, configuration: Mapping[str, Any]) -> None:
        """Write the configuration, or compare it with the one of the folder."""
        wanted = json.loads(json.dumps(configuration))
        file = self.path / "config.json"
        started, is_new = wanted, not file.exists()
        try:
            if not is_new:
                found = json.loads(file.read_bytes())
                started = dict(found["configuration"])
                if found["format"] != FORMAT:
                    raise ValueError(found["format"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            raise OutputError(
                f"{file} is not the configuration of a run of this version; choose "
                "another folder."
            ) from None
        keys = dict.fromkeys((*started, *wanted))
        differences = [_difference(k, started.get(k), wanted.get(k)) for k in keys]
        if any(differences):
            raise OutputError(
                f"{self.path} was started with {', '.join(filter(None, differences))}; "
                "choose another folder, or give what it was started with."
            )
        if is_new or started != wanted:
            kept = {"format": FORMAT, "configuration": wanted}
            write_text_atomically(file, json.dumps(kept, indent=2) + "\n")


def _digest(outcome: Mapping[str, Any]) -> str:
    """Return what tells an outcome from one that was damaged or edited."""
    return hashlib.sha256(json.dumps(outcome).encode()).hexdigest()


def _difference(name: str, started: Any, wanted: Any) -> str:
    """Return "epochs 20, not 5"; "" where it may go on: a list may get longer."""
    if isinstance(started, list) and isinstance(wanted, list):
        dropped = ", ".join(str(one) for one in started if one not in wanted)
        return f"{name} that include {dropped}" if dropped else ""
    if started == wanted:
        return ""
    short = max(len(str(started)), len(str(wanted))) <= 40
    return f"{name} {started}, not {wanted}" if short else f"different {name}"
