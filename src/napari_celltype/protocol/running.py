"""Do the tasks of a run that are not done yet, and keep each as it finishes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from napari_celltype.progress import (
    OnProgress,
    ShouldStop,
    ignore_progress,
    never_stop,
    raise_if_stopped,
)
from napari_celltype.protocol.experiment import ExperimentData, Outcome, Task
from napari_celltype.protocol.run_folder import RunFolder

Perform = Callable[..., Outcome]


def run_tasks(
    tasks: Sequence[Task],
    data: ExperimentData,
    folder: RunFolder,
    *,
    perform: Perform | None = None,
    jobs: int = 1,
    scheduler: str | None = None,
    threads: int | None = None,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> list[Outcome]:
    """Return the outcomes of all tasks, in their order; those done before are kept."""
    if perform is None:
        from napari_celltype.protocol.work import perform
    with folder.locked():
        finished = folder.finished()
        for task in tasks:
            if task.key in finished:
                continue
            raise_if_stopped(should_stop)
            outcome = perform(
                task,
                data,
                checkpoint=folder.checkpoint(task),
                threads=threads,
                on_progress=on_progress,
                should_stop=should_stop,
            )
            folder.append(outcome)
        finished = folder.finished()
        return [finished[task.key] for task in tasks]
