"""Where work is done: in this process, in others, or on a Dask cluster."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Generic, Protocol, TypeVar

from napari_celltype.errors import CellTypeError, MissingDependencyError, OutputError
from napari_celltype.progress import (
    OnProgress,
    Progress,
    ShouldStop,
    ignore_progress,
    never_stop,
    raise_if_stopped,
)

R = TypeVar("R")


class Processes:
    """Processes of this machine, started by joblib's loky."""

    def __init__(
        self, work: Callable[..., Any], shared: Any, jobs: int, threads: int | None
    ) -> None:
        import joblib

        self.at_once = jobs
        self._work = work
        self._threads = threads
        self._folder = Path(tempfile.mkdtemp(prefix="napari-celltype-"))
        self._shared = self._folder / "shared"
        try:
            joblib.dump(shared, self._shared)
        except OSError as error:
            self._remove_folder()
            raise OutputError(
                f"{self._folder} cannot take the data for other processes "
                f"({error.strerror or error}); make room there, or use --jobs 1."
            ) from None
        self._start()

    def _start(self) -> None:
        from joblib.externals.loky import ProcessPoolExecutor

        self._executor = ProcessPoolExecutor(
            self.at_once, initializer=_prepare_process, initargs=(os.getpid(),)
        )

    def submit(self, item: Any) -> Any:
        """Return a future of the pair (seconds, result)."""
        try:
            return self._executor.submit(
                _do_mapped, self._work, item, self._shared, self._threads
            )
        except BrokenExecutor as error:
            # A process died since the last look.
            failed: Future[Any] = Future()
            failed.set_exception(error)
            return failed

    def lost(self, future: Any) -> bool:
        """Whether a future fails because its process died, not because of its work."""
        return isinstance(future.exception(), BrokenExecutor)

    def strikes(self, future: Any) -> int:
        """How much a loss speaks against its item; with two it is given up."""
        return 1

    def restart(self) -> None:
        """Make the pool work again after a loss, or raise CellTypeError."""
        self._executor.shutdown(wait=True, kill_workers=True)
        self._start()

    def close(self) -> None:
        """End all work."""
        self._executor.shutdown(wait=True, kill_workers=True)
        self._remove_folder()

    def _remove_folder(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


def _prepare_process(parent: int) -> None:
    """Leave Ctrl-C to the parent, and end when it is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _do_mapped(
    work: Callable[..., R], item: Any, shared: Path, threads: int | None
) -> tuple[float, R]:
    return timed(work, item, _map(shared), threads)


@lru_cache(maxsize=1)
def _map(path: Path) -> Any:
    """Return what the parent wrote, with its arrays mapped into memory."""
    import joblib

    # A pickle, but of our own: the parent made the folder for its user alone.
    return joblib.load(path, mmap_mode="r")


def timed(
    work: Callable[..., R], item: Any, shared: Any, threads: int | None
) -> tuple[float, R]:
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
    start = time.perf_counter()
    result = work(item, shared)
    return time.perf_counter() - start, result


T = TypeVar("T")

# Seconds between two looks at whether a worker has come, or the user wants an end.
POLL = 0.2
# Seconds that a scheduler has to answer: one that was just started needs a few.
PATIENCE = 10.0


class Cluster:
    """The workers of a Dask scheduler."""

    at_once = 100_000  # who does what is the scheduler's business

    def __init__(
        self,
        work: Callable[..., Any],
        shared: Any,
        scheduler: str,
        threads: int | None,
        on_progress: OnProgress,
        should_stop: ShouldStop,
    ) -> None:
        try:
            from distributed import Client
            from distributed.comm import get_address_host_port
        except ImportError:
            raise MissingDependencyError(
                'A scheduler needs Dask: python -m pip install ".[cluster]".'
            ) from None
        self._work = work
        self._shared = shared
        self._scheduler = scheduler
        self._threads = threads
        try:
            get_address_host_port(scheduler)
            self._client = Client(scheduler, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError) as error:
            raise CellTypeError(
                f"No Dask scheduler answers at {scheduler}; start one with `dask "
                f"scheduler`, or use --jobs N on this machine ({error})."
            ) from None
        try:
            self._wait_for_a_worker(on_progress, should_stop)
            self._require_this_package()
            self._send_shared()
        except OSError:
            self.close()
            raise self._gone() from None
        except BaseException:
            self.close()
            raise

    def _wait_for_a_worker(
        self, on_progress: OnProgress, should_stop: ShouldStop
    ) -> None:
        told = False
        while not self._client.nthreads():
            if not told:
                on_progress(Progress(f"Waiting for a worker of {self._scheduler}"))
            told = True
            raise_if_stopped(should_stop)
            time.sleep(POLL)

    def _require_this_package(self) -> None:
        """Refuse workers that would not do the same; those that come later may die."""
        here = own_version()
        there = self._client.run(own_version, on_error="return")
        there["the scheduler"] = _answer(self._client.run_on_scheduler, own_version)
        for where, found in there.items():
            if found != here:
                what = f"cannot import napari-celltype ({found})"
                if isinstance(found, str):
                    what = f"has napari-celltype {found} and this computer {here}"
                raise CellTypeError(
                    f"{where} {what}; install the same versions of everything there."
                )

    def _send_shared(self) -> None:
        import dask

        # Not scattered: data that were scattered are lost with the last worker that
        # holds them, while what a task gave is made again. The warning is about data
        # that are sent with every task; these are sent once.
        with dask.config.set(
            {"distributed.admin.large-graph-warning-threshold": "1TiB"}
        ):
            self._sent = self._client.submit(_same, self._shared, pure=False)

    def submit(self, item: Any) -> Any:
        """Return a future of the pair (seconds, result)."""
        return self._client.submit(
            timed, self._work, item, self._sent, self._threads, pure=False
        )

    def lost(self, future: Any) -> bool:
        """Whether a future fails because its process died, not because of its work."""
        from distributed import KilledWorker

        return future.cancelled() or (
            future.status == "error" and isinstance(future.exception(), KilledWorker)
        )

    def strikes(self, future: Any) -> int:
        """How much a loss speaks against its item; with two it is given up."""
        return 0 if future.cancelled() else 1

    def restart(self) -> None:
        """Make the pool work again after a loss, or raise CellTypeError."""
        if self._client.status != "running":
            raise self._gone()
        if self._sent.cancelled():
            self._send_shared()

    def _gone(self) -> CellTypeError:
        return CellTypeError(
            f"The Dask scheduler at {self._scheduler} went away; what is finished is "
            "kept, so start a scheduler and give the same command again."
        )

    def close(self) -> None:
        """End all work."""
        self._client.close()


def _same(value: T) -> T:
    return value


def own_version() -> str:
    """Return the version of this package, asked of each worker."""
    return version("napari-celltype")


def _answer(ask: Callable[..., Any], question: Callable[[], Any]) -> Any:
    """Return what was answered, or the error."""
    try:
        return ask(question)
    except (ImportError, AttributeError, RuntimeError) as error:
        return error


# Called as work(item, shared), and here with on_progress and should_stop besides.
Work = Callable[..., R]

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
