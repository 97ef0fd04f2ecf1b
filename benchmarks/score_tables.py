"""Scores as Markdown: prose, intervals, tables."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any


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
