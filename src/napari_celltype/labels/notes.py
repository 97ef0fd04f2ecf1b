"""Numbers and names in sentences."""

from __future__ import annotations

from collections.abc import Iterable


def first_few(names: Iterable[str], n: int = 5) -> str:
    """Return the first names in words, and how many more there are."""
    names = list(names)
    more = f" and {len(names) - n} more" if len(names) > n else ""
    return ", ".join(names[:n]) + more


def counted(n: int, noun: str) -> str:
    """Return a number with its noun: ``1 label``, ``2 labels``."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
