"""Networks of several splits trained at once, as a GPU may like it."""

from __future__ import annotations

import time
import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from napari_celltype.progress import (
    OnProgress,
    ShouldStop,
    ignore_progress,
    never_stop,
    raise_if_stopped,
)
from napari_celltype.protocol.contestants import is_network
from napari_celltype.protocol.environment import limit_threads
from napari_celltype.protocol.experiment import (
    ExperimentData,
    Outcome,
    Task,
)
from napari_celltype.protocol.work import answer, prepare


def groups_of(tasks: Sequence[Task]) -> list[list[Task]]:
    """Return the tasks that can be trained at once, each group more than one.

    They train the same network on the same number of rows, and nobody asks for scores
    in mid-training.
    """
    groups: defaultdict[tuple[str, int], list[Task]] = defaultdict(list)
    for task in tasks:
        if is_network(task.condition) and not task.condition.by_epoch:
            groups[task.condition.name, len(task.split.train)].append(task)
    return [group for group in groups.values() if len(group) > 1]


def perform_together(
    tasks: Sequence[Task],
    data: ExperimentData,
    *,
    threads: int | None = None,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> list[Outcome]:
    """Train the networks of one group at once and let each answer.

    Parameters
    ----------
    tasks : sequence of Task
        One of the groups of `groups_of`.
    data : ExperimentData
    threads : int, optional
        See `work.perform`.

    Returns
    -------
    list of Outcome
        Those of `work.perform` but for rounding, in the order of the tasks.
        `train_seconds` is each network's share of the time of all, and `environment`
        says so: "trained_together" is the number of networks.

    Raises
    ------
    torch.OutOfMemoryError
        If the device cannot hold all of them at once.
    LabelError
        If traces are shorter than the condition says.
    napari_celltype.errors.Stopped
        If `should_stop` answered True.
    """
    from napari_celltype.classifiers.device import choose_device
    from napari_celltype.classifiers.stacked import fit_together

    raise_if_stopped(should_stop)
    name = tasks[0].condition.name
    ready = [prepare(task, data) for task in tasks]
    classifiers = [of_task.classifier for of_task in ready]
    with limit_threads(threads):
        fit_together(
            classifiers,
            data.traces.traces[:, : ready[0].n_frames],
            [of_task.targets for of_task in ready],
            [task.split.train for task in tasks],
            device=choose_device(classifiers[0].device),
            on_progress=lambda p: on_progress(
                replace(p, message=f"{name}, {p.message}")
            ),
            should_stop=should_stop,
        )
        outcomes = []
        for task, of_task in zip(tasks, ready, strict=True):
            seconds = sum(row["seconds"] for row in of_task.classifier.history_)
            outcome = answer(task, data, of_task, seconds)
            said = {**outcome.environment, "trained_together": len(tasks)}
            outcomes.append(replace(outcome, environment=said))
    return outcomes


def finish_groups(
    tasks: Sequence[Task],
    data: ExperimentData,
    *,
    threads: int | None = None,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> Iterator[tuple[Task, Outcome, float]]:
    """Yield each task that trained with others, its outcome and its share of seconds.

    What is left is for `work.perform`: tasks of no group, and groups that do not fit
    into the device's memory.

    Parameters
    ----------
    tasks : sequence of Task
    data : ExperimentData
    """
    import torch

    for group in groups_of(tasks):
        start = time.perf_counter()
        outcomes: list[Outcome] | None
        try:
            outcomes = perform_together(
                group,
                data,
                threads=threads,
                on_progress=on_progress,
                should_stop=should_stop,
            )
        except torch.OutOfMemoryError:
            outcomes = None
        # Out of the except block, whose traceback keeps the failed tensors alive.
        if outcomes is None:
            torch.cuda.empty_cache()
            warnings.warn(
                f"The GPU's memory was too small to train {len(group)} networks of "
                f"{group[0].condition.name} at once: they train one after the other.",
                RuntimeWarning,
                stacklevel=2,
            )
            continue
        seconds = (time.perf_counter() - start) / len(group)
        for task, outcome in zip(group, outcomes, strict=True):
            yield task, outcome, seconds
