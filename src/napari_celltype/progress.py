"""The one shape of long work: `run(..., on_progress=..., should_stop=...)`."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from threading import Thread
from typing import TypeVar

from napari_celltype.errors import Stopped


@dataclass(frozen=True)
class Progress:
    """How far a piece of work is."""

    message: str  # what is being done, as shown to the user
    done: int = 0  # finished steps
    total: int | None = None  # all steps, or None where nobody knows


OnProgress = Callable[[Progress], None]
ShouldStop = Callable[[], bool]
T = TypeVar("T")


def ignore_progress(progress: Progress) -> None:
    """Take a progress report and show it to nobody."""


def never_stop() -> bool:
    """Answer that the work goes on."""
    return False


def raise_if_stopped(should_stop: ShouldStop) -> None:
    """Raise `Stopped` when the user asked for an end."""
    if should_stop():
        raise Stopped("Stopped on request.")


def wait_for(call: Callable[[], T], should_stop: ShouldStop) -> T:
    """Return what a call gives; at a stop, one that does not return is left behind."""
    raise_if_stopped(should_stop)
    answer = Future[T]()

    def work() -> None:
        try:
            answer.set_result(call())
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            answer.set_exception(error)

    Thread(target=work, daemon=True).start()
    while not wait((answer,), 0.2).done:
        raise_if_stopped(should_stop)
    return answer.result()
