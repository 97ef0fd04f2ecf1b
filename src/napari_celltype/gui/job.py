"""What is running in a window, as its bar shows it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Job:
    """A piece of long work that is running.

    Attributes
    ----------
    message : str
        What is being done.
    done, total : int, int or None
        Finished steps, and all steps where known.
    """

    message: str
    done: int = 0
    total: int | None = None
