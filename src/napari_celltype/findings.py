"""What was found and should be known: a value, whose sentence is only shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """A warning, note, doubt or obstacle.

    Attributes
    ----------
    code : str
        What it is, for code that has to tell findings apart, such as
        ``frame-rate-unknown``.
    sentence : str
        What is shown; nobody compares or cuts it.
    ways_out : tuple
        What a user can do about it.
    """

    code: str
    sentence: str
    ways_out: tuple[Any, ...] = ()

    def __str__(self) -> str:
        return self.sentence
