"""What was found and should be known: a value, whose sentence is only shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """A warning, note, doubt or obstacle."""

    code: str  # for code that has to tell findings apart
    sentence: str  # is shown; nobody compares or cuts it
    ways_out: tuple[Any, ...] = ()  # what a user can do about it

    def __str__(self) -> str:
        return self.sentence
