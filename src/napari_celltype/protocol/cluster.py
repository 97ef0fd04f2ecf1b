"""The workers of a Dask scheduler, on any number of machines."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from napari_celltype.errors import CellTypeError, MissingDependencyError
from napari_celltype.progress import (
    OnProgress,
    Progress,
    ShouldStop,
    raise_if_stopped,
)
from napari_celltype.protocol.processes import timed

# Seconds between two looks at whether a worker has come.
POLL = 0.2


class Cluster:
    """The workers of a Dask scheduler."""

    at_once = 100_000

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
        except ImportError:
            raise MissingDependencyError(
                'A scheduler needs Dask: python -m pip install ".[cluster]".'
            ) from None
        self._work = work
        self._shared = shared
        self._scheduler = scheduler
        self._threads = threads
        self._on_progress = on_progress
        self._should_stop = should_stop
        try:
            self._client = Client(scheduler, timeout="10s", set_as_default=False)
        except (OSError, ValueError) as error:
            raise CellTypeError(
                f"No Dask scheduler answers at {scheduler}; start one with `dask "
                f"scheduler`, or use --jobs N on this machine ({error})."
            ) from None
        try:
            self._send_shared()
        except BaseException:
            self.close()
            raise

    def _send_shared(self) -> None:
        """Send what all items need to all workers, once there is one."""
        while not self._client.nthreads():
            self._on_progress(
                Progress(f"Waiting for a worker of {self._scheduler}", 0, None)
            )
            raise_if_stopped(self._should_stop)
            time.sleep(POLL)
        self._sent = self._client.scatter(self._shared, broadcast=True, hash=False)

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
        # Dask has tried it on several workers, or it was cancelled for no fault of it.
        return 0 if future.cancelled() else 2

    def restart(self) -> None:
        """Make the pool work again after a loss, or raise CellTypeError."""
        if self._client.status != "running":
            raise CellTypeError(
                f"The Dask scheduler at {self._scheduler} went away; what is finished "
                "is kept, so start a scheduler and give the same command again."
            )
        # The scheduler replaces workers that die, unless the last one to hold the data
        # was among them: then it cancels what needs the data.
        if self._sent.status != "finished":
            self._send_shared()

    def close(self) -> None:
        """End all work."""
        self._client.close()
