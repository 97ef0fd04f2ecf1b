"""The workers of a Dask scheduler, on any number of machines."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any, TypeVar

from napari_celltype.errors import CellTypeError, MissingDependencyError
from napari_celltype.progress import (
    OnProgress,
    Progress,
    ShouldStop,
    raise_if_stopped,
)
from napari_celltype.protocol.processes import timed

T = TypeVar("T")

# Seconds between two looks at whether a worker has come.
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
