"""How the terminal shows progress, results, errors and Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from textwrap import shorten
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress as Bar

from napari_celltype.errors import CellTypeError, PriorError, Stopped
from napari_celltype.progress import OnProgress, Progress, ShouldStop

if TYPE_CHECKING:
    from napari_celltype.answers.classify import BatchResult

P = ParamSpec("P")
R = TypeVar("R")

WRONG_INPUT = 1
STOPPED = 130
_SECONDS_BETWEEN_LINES = 5.0
_MOST_LINES = 6
_WIDTH = 100

debug: ContextVar[bool] = ContextVar("debug", default=False)


def door(verb: Callable[P, R]) -> Callable[P, R]:
    """Turn what goes wrong in a verb into one sentence and an exit status."""

    @wraps(verb)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return verb(*args, **kwargs)
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except (KeyboardInterrupt, Stopped):
            say("Stopped.")
            raise typer.Exit(STOPPED) from None
        except PriorError as error:
            raise typer.BadParameter(str(error), param_hint="--prior") from None
        except Exception as error:  # the one broad catch of this door
            if debug.get():
                raise
            sentence = str(error)
            if not isinstance(error, CellTypeError):
                sentence = (
                    f"{type(error).__name__}: {error} (this is a defect of "
                    "napari-celltype; run again with --debug and report what it prints)"
                )
            say(f"error: {sentence}")
            raise typer.Exit(WRONG_INPUT) from None

    return guarded


def say(text: str) -> None:
    """Print one line to standard error."""
    typer.echo(text, err=True)


@contextmanager
def interruptible() -> Iterator[ShouldStop]:
    """Give a `should_stop` that turns True at Ctrl-C; a second Ctrl-C ends at once."""
    asked = False

    def ask(_signal: int, _frame: object) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        # Past Python's buffer: the signal may have come in the middle of a write to it,
        # and a second write from here would raise.
        os.write(
            2, b"Stopping; what is finished is kept (Ctrl-C again to end at once).\n"
        )

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def watched(*, goes_on: bool = False) -> Iterator[dict[str, Any]]:
    """Give `on_progress` and `should_stop`; say what becomes of stopped work."""
    try:
        with interruptible() as should_stop, _shown_progress() as on_progress:
            yield {"on_progress": on_progress, "should_stop": should_stop}
    except (Stopped, KeyboardInterrupt):
        if goes_on:
            say("The same command goes on from here.")
        raise


@contextmanager
def _shown_progress() -> Iterator[OnProgress]:
    """Draw a bar on a terminal and print plain lines elsewhere, on standard error."""
    if sys.stderr.isatty():
        console = Console(stderr=True)
        with Bar(console=console, transient=True) as bar:
            task = bar.add_task("", total=None)

            def draw(progress: Progress) -> None:
                bar.update(
                    task,
                    description=escape(progress.message),
                    completed=progress.done,
                    total=progress.total,
                )

            yield draw
        return
    last: tuple[str, int | None, int] = ("", None, 0)
    next_line = 0.0

    def print_line(progress: Progress) -> None:
        nonlocal last, next_line
        # A line per tenth of the way and piece of work, else one now and then.
        total = progress.total
        now = (progress.message, total, 10 * progress.done // total if total else 0)
        soon = total is not None and time.monotonic() < next_line
        if now == last or (soon and now[1:] == last[1:]):
            return
        last, next_line = now, time.monotonic() + _SECONDS_BETWEEN_LINES
        share = f" {10 * now[2]} %" if total else ""
        print(f"{progress.message}{share}", file=sys.stderr, flush=True)

    yield print_line


def result_lines(result: BatchResult, *, asked: int, in_full: bool) -> list[str]:
    """Return what was found: at most six lines, or all that the counts rest on."""
    lines = []
    if asked > 1:
        lines.append(f"{len(result.done)} of {asked} recordings classified.")
    if not result.done:
        return lines
    summary = result.summary()
    lines.append(summary.counts)
    if summary.expectation:
        lines.append(summary.expectation)
    if days := result.over_days:
        lines.append(str(days))
    if in_full:
        lines += summary.details()
        for done in result.done:
            lines += (
                f"note: {done.inputs['name']}: {w}" for w in done.inputs["warnings"]
            )
        return lines
    each = (dict.fromkeys(done.inputs["warnings"]) for done in result.done)
    warned = Counter(warning for warnings in each for warning in warnings)
    room = _MOST_LINES - len(lines) - 1
    for warning, n in warned.most_common(room):
        often = f" ({n} recordings)" if n > 1 else ""
        lines.append(f"note: {shorten(warning, _WIDTH, placeholder=' ...')}{often}")
    more = len(warned) - room
    lines.append(
        (f"{more} more warnings, and details" if more > 0 else "Details")
        + ": --verbose, or the provenance file."
    )
    return lines
