"""Do many items of work: here, in processes of this machine, or on a Dask cluster."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Generic, Protocol, TypeVar

from napari_celltype.errors import CellTypeError
from napari_celltype.progress import (
    OnProgress,
    ShouldStop,
    ignore_progress,
    never_stop,
    raise_if_stopped,
)
from napari_celltype.protocol.cluster import Cluster
from napari_celltype.protocol.processes import Processes

R = TypeVar("R")
# Called as work(item, shared), and here with on_progress and should_stop besides.
Work = Callable[..., R]

# Seconds between two looks at whether the user wants an end.
POLL = 0.2


# A pool that loses its processes so often in a row will not do better.
MOST_FRUITLESS = 3

LOST = (
    "its process was ended from outside again and again, most often because memory "
    "ran out; use fewer processes or a machine with more memory."
)


class WorkerLost(CellTypeError):
    """The process that did an item was ended from outside, more than once."""


@dataclass(frozen=True)
class Finished(Generic[R]):
    """What one item gave.

    Attributes
    ----------
    index : int
        Position of the item.
    result : object or WorkerLost
    seconds : float
        What it took where it ran.
    """

    index: int
    result: R | WorkerLost
    seconds: float


def outcomes(
    work: Work[R],
    items: Sequence[Any],
    *,
    shared: Any = None,
    jobs: int = 1,
    scheduler: str | None = None,
    threads: int | None = None,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> Iterator[Finished[R]]:
    """Yield what each item gave, as they finish.

    An item whose process is killed is done again; one that is lost again gives a
    `WorkerLost`, and the others go on. Whoever stops reading abandons the rest.

    Parameters
    ----------
    work : callable
        ``work(item, shared)``; here it also gets `on_progress` and `should_stop`. For
        other processes a function that they can import.
    items : sequence
    shared : object
        What all items need; its arrays are sent once, or mapped into memory.
    jobs : int
        Processes on this machine.
    scheduler : str, optional
        Address of a Dask scheduler, instead.
    threads : int, optional
        Of the numerical libraries in each other process.

    Raises
    ------
    CellTypeError
        If the scheduler does not answer or goes away.
    MissingDependencyError
        If Dask is not installed.
    Stopped
        If `should_stop` answered True.
    """
    if scheduler is not None:
        pool: _Pool = Cluster(
            work, shared, scheduler, threads, on_progress, should_stop
        )
    elif jobs > 1 and len(items) > 1:
        pool = Processes(work, shared, min(jobs, len(items)), threads)
    else:
        for index, item in enumerate(items):
            raise_if_stopped(should_stop)
            start = time.perf_counter()
            result = work(
                item, shared, on_progress=on_progress, should_stop=should_stop
            )
            yield Finished(index, result, time.perf_counter() - start)
        return
    try:
        yield from _collect(pool, items, should_stop)
    finally:
        pool.close()


class _Pool(Protocol):
    """Processes that work, and what is known when they die.

    Attributes
    ----------
    at_once : int
        Items that are handed out at the same time.
    """

    at_once: int

    def submit(self, item: Any) -> Any:
        """Return a future of the pair (seconds, result)."""

    def lost(self, future: Any) -> bool:
        """Whether a future fails because its process died, not because of its work."""

    def strikes(self, future: Any) -> int:
        """How much a loss speaks against its item; with two it is given up."""

    def restart(self) -> None:
        """Make the pool work again after a loss, or raise CellTypeError."""

    def close(self) -> None:
        """End all work."""


def _collect(
    pool: _Pool, items: Sequence[Any], should_stop: ShouldStop
) -> Iterator[Finished[Any]]:
    waiting = deque(range(len(items)))
    running: dict[int, Any] = {}
    strikes: Counter[int] = Counter()
    fruitless = 0
    done: SimpleQueue[tuple[int, Any]] = SimpleQueue()
    while waiting or running:
        # What was running when a process died is tried again alone, so that an item
        # that kills processes takes no other with it.
        while waiting and len(running) < (1 if strikes[waiting[0]] else pool.at_once):
            index = waiting.popleft()
            running[index] = pool.submit(items[index])
            running[index].add_done_callback(
                lambda f, index=index: done.put((index, f))
            )
        try:
            index, future = done.get(timeout=POLL)
        except Empty:
            raise_if_stopped(should_stop)
            continue
        if index not in running or running[index] is not future:
            continue  # told before by another that its process took along
        if not pool.lost(future):
            del running[index]
            seconds, result = future.result()
            fruitless = 0
            yield Finished(index, result, seconds)
            if waiting or running:
                raise_if_stopped(should_stop)
            continue
        for index in [i for i, f in running.items() if f.done() and pool.lost(f)]:
            strikes[index] += pool.strikes(running.pop(index))
            if strikes[index] < 2:
                waiting.appendleft(index)
            else:
                fruitless = 0
                yield Finished(index, WorkerLost(LOST), 0.0)
        if waiting or running:
            fruitless += 1
            if fruitless > MOST_FRUITLESS:
                raise WorkerLost(LOST)
            pool.restart()
