"""Processes of this machine that do items of work, started by joblib's loky."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from napari_celltype.errors import OutputError

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
    import napari_celltype.classifiers  # noqa: F401

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
