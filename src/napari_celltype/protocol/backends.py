"""Where work is done: in this process, in others, or on a Dask cluster.

The processes are those of joblib's loky. Its `Parallel` does not do: it cannot be
stopped while it waits, one killed worker loses all that runs, and workers outlive a
killed parent.
"""

from __future__ import annotations

import os
import signal
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from napari_celltype import progress
from napari_celltype.errors import CellTypeError, MissingDependencyError, OutputError

# Called as work(item, shared), and in this process with on_progress and should_stop.
Work = Callable[..., Any]
_Submit = Callable[[Any], futures.Future[tuple[float, Any]]]

# Seconds between two looks at whether the user wants an end.
_POLL = 0.2
# Seconds that a scheduler has to answer: one that was just started needs a few.
PATIENCE = 10.0
_LOST = (
    "its process was ended from outside again and again, most often because memory "
    "ran out; use fewer processes or a machine with more memory."
)


class WorkerLost(CellTypeError):
    """The process that did an item was ended from outside, more than once."""


@dataclass(frozen=True)
class Finished:
    """What the item at `index` gave, and its seconds where it ran."""

    index: int
    # Or `WorkerLost`.
    result: Any
    seconds: float


def outcomes(
    work: Work,
    items: Sequence[Any],
    *,
    shared: Any = None,
    jobs: int = 1,
    scheduler: str | None = None,
    threads: int | None = None,
    on_progress: progress.OnProgress = progress.ignore_progress,
    should_stop: progress.ShouldStop = progress.never_stop,
) -> Iterator[Finished]:
    """Yield what each item gave, as they finish.

    An item whose process is killed is done again, alone; one that is lost again gives
    a `WorkerLost`, and the others go on. Whoever stops reading abandons the rest.

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
        If Dask is not installed, or the scheduler does not answer or goes away.
    Stopped
        If `should_stop` answered True.
    """
    if scheduler is not None:
        yield from _on_cluster(
            work, items, shared, scheduler, threads, on_progress, should_stop
        )
    elif jobs > 1 and len(items) > 1:
        yield from _in_processes(work, items, shared, jobs, threads, should_stop)
    else:
        for index, item in enumerate(items):
            progress.raise_if_stopped(should_stop)
            start = time.perf_counter()
            result = work(
                item, shared, on_progress=on_progress, should_stop=should_stop
            )
            yield Finished(index, result, time.perf_counter() - start)


def _elsewhere(
    open_executor: Callable[[int], AbstractContextManager[_Submit]],
    items: Sequence[Any],
    at_once: int,
    killed: type[BaseException],
    should_stop: progress.ShouldStop,
) -> Iterator[Finished]:
    """Yield what items gave in the processes of one executor after the other."""
    # What ran when a process died is tried again alone, so it takes no other with it.
    left = dict(enumerate(items))
    suspects: list[int] = []
    while left:
        alone, before = bool(suspects), (len(left), len(suspects))
        most = 1 if alone else at_once
        waiting = deque(suspects or left)
        running: dict[futures.Future[tuple[float, Any]], int] = {}
        broken = False
        with open_executor(most) as submit:
            while running or (waiting and not broken):
                while waiting and len(running) < most and not broken:
                    try:
                        running[submit(left[waiting[0]])] = waiting[0]
                        waiting.popleft()
                    except futures.BrokenExecutor:
                        broken = True
                done, _ = futures.wait(running, _POLL, futures.FIRST_COMPLETED)
                for future in done:
                    index = running.pop(future)
                    error = future.exception()
                    lost = isinstance(error, killed)
                    # When processes break, all that ran are lost.
                    broken = broken or isinstance(error, futures.BrokenExecutor)
                    if lost and not alone:
                        suspects.append(index)
                        continue
                    seconds, result = (
                        (0.0, WorkerLost(_LOST)) if lost else future.result()
                    )
                    del left[index]
                    if alone:
                        suspects.remove(index)
                    yield Finished(index, result, seconds)
                if running or waiting:
                    progress.raise_if_stopped(should_stop)
        if before == (len(left), len(suspects)):
            raise WorkerLost(_LOST)


def _in_processes(
    work: Work,
    items: Sequence[Any],
    shared: Any,
    jobs: int,
    threads: int | None,
    should_stop: progress.ShouldStop,
) -> Iterator[Finished]:
    import joblib
    from joblib.externals.loky import ProcessPoolExecutor

    with tempfile.TemporaryDirectory(
        prefix="napari-celltype-", ignore_cleanup_errors=True
    ) as folder:
        file = Path(folder) / "shared"
        try:
            joblib.dump(shared, file)
        except OSError as error:
            raise OutputError(
                f"{folder} cannot take the data for other processes "
                f"({error.strerror or error}); make room there, or use --jobs 1."
            ) from None

        @contextmanager
        def processes(n: int) -> Iterator[_Submit]:
            executor = ProcessPoolExecutor(
                n, initializer=_prepare_process, initargs=(os.getpid(),)
            )
            try:
                yield partial(executor.submit, _timed, work, threads, file, True)
            finally:
                executor.shutdown(wait=True, kill_workers=True)

        at_once = min(jobs, len(items))
        yield from _elsewhere(
            processes, items, at_once, futures.BrokenExecutor, should_stop
        )


def _prepare_process(parent: int) -> None:
    """Leave Ctrl-C to the parent, and end when it is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@lru_cache(maxsize=1)
def _map(path: Path) -> Any:
    """Return what the parent wrote, with its arrays mapped into memory."""
    import joblib

    # A pickle, but of our own: the parent made the folder for its user alone.
    return joblib.load(path, mmap_mode="r")


def _timed(
    work: Work, threads: int | None, shared: Any, is_file: bool, item: Any
) -> tuple[float, Any]:
    """Do one item in another process."""
    # Importing it takes seconds, which are not those of the first item.
    import napari_celltype.models  # noqa: F401

    if threads is not None:
        import torch
        from threadpoolctl import threadpool_limits

        # For good: the process is ours, and threads of one Dask worker would undo each
        # other's limits.
        torch.set_num_threads(threads)
        threadpool_limits(threads)
    shared = _map(shared) if is_file else shared
    start = time.perf_counter()
    result = work(item, shared)
    return time.perf_counter() - start, result


def _on_cluster(
    work: Work,
    items: Sequence[Any],
    shared: Any,
    scheduler: str,
    threads: int | None,
    on_progress: progress.OnProgress,
    should_stop: progress.ShouldStop,
) -> Iterator[Finished]:
    try:
        import dask
        from distributed import Client, KilledWorker
        from distributed.comm import get_address_host_port
    except ImportError:
        raise MissingDependencyError(
            'A scheduler needs Dask: python -m pip install ".[cluster]".'
        ) from None
    try:
        get_address_host_port(scheduler)
        client = Client(scheduler, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise CellTypeError(
            f"No Dask scheduler answers at {scheduler}; start one with `dask "
            f"scheduler`, or use --jobs N on this machine ({error})."
        ) from None
    try:
        if not client.nthreads():
            on_progress(progress.Progress(f"Waiting for a worker of {scheduler}"))
        while not client.nthreads():
            progress.raise_if_stopped(should_stop)
            time.sleep(_POLL)
        _require_this_package(client)
        # Not scattered: scattered data are lost with the last worker that holds them,
        # while what a task gave is made again. Dask warns of large data that are sent
        # with every task; these are sent once.
        with dask.config.set(
            {"distributed.admin.large-graph-warning-threshold": "1TiB"}
        ):
            sent = client.submit(_same, shared, pure=False)
        executor = client.get_executor(pure=False)
        submit = partial(executor.submit, _timed, work, threads, sent, False)
        # Who does what is the scheduler's business.
        yield from _elsewhere(
            lambda n: nullcontext(submit), items, len(items), KilledWorker, should_stop
        )
    except (OSError, futures.CancelledError):
        raise CellTypeError(
            f"The Dask scheduler at {scheduler} went away; what is finished is kept, "
            "so start a scheduler and give the same command again."
        ) from None
    finally:
        client.close()


def _same(value: Any) -> Any:
    return value


def _own_version() -> str:
    """Return the version of this package, asked of each worker."""
    from importlib.metadata import version

    return version("napari-celltype")


def _require_this_package(client: Any) -> None:
    """Refuse workers that would not do the same; those that come later may die."""
    here = _own_version()
    there = client.run(_own_version, on_error="return")
    try:
        there["the scheduler"] = client.run_on_scheduler(_own_version)
    except (ImportError, AttributeError, RuntimeError) as error:
        there["the scheduler"] = error
    for where, found in there.items():
        if found != here:
            raise CellTypeError(
                f"{where} cannot do what napari-celltype {here} does here ({found}); "
                "install the same versions of everything there."
            )
