"""Scores as Markdown: prose, intervals, tables."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cell_scores import ABSENT


def paragraph(text: str) -> str:
    """Wrap prose as the other pages are wrapped."""
    return textwrap.fill(" ".join(text.split()), 88, break_on_hyphens=False)


def interval(score: Mapping[str, Any] | None) -> str:
    """Return a score with its interval, such as 0.81 [0.75, 0.86]."""
    if score is None or score.get("value") is None:
        return "-"
    return f"{score['value']:.2f} [{score['low']:.2f}, {score['high']:.2f}]"


def share_of(score: Mapping[str, Any]) -> str:
    """Return a share with counts and interval, such as 39/40, 0.98 [0.87, 1.00]."""
    if not score["n"]:
        return "none"
    return f"{score['count']}/{score['n']}, {interval(score)}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def columns(models: Mapping[str, Mapping[str, Any]], n: int | None = None) -> str:
    """Return a table with one column per model and one row per score.

    `n` is the number of cells that need not be repeated at each score.
    """
    said = {name: dict(scores_in(scores, n=n)) for name, scores in models.items()}
    rows = dict.fromkeys(row for scores in said.values() for row in scores)
    return table(
        ["", *said],
        [[row, *(scores.get(row, "-") for scores in said.values())] for row in rows],
    )


def scores_in(
    scores: Mapping[str, Any], start: str = "", *, n: int | None = None
) -> Iterator[tuple[str, str]]:
    """Yield the name and text of every score with an interval, however deep."""
    for name, part in scores.items():
        if isinstance(part, Mapping) and "low" in part:
            size = "" if part["n"] == n else f", n = {part['n']}"
            yield f"{start}{name}", f"{interval(part)}{size}"
        elif isinstance(part, Mapping):
            yield from scores_in(part, f"{start}{name}: ", n=n)
        elif part == ABSENT:
            yield f"{start}{name}", part
