"""Nested scores as Markdown lists and aligned tables that read well as plain text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

# Deeper than any card of ours; what is below comes as it is.
_DEEPEST = 6
_GROUP_FIRST = ("PY against interneuron", "group", "share put into the right group")


def table_lines(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a Markdown table whose columns are aligned, with an empty line after."""
    cells = [[plain(c).replace("|", "/") for c in row] for row in [header, *rows]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |"
        for row in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return [*lines, ""]


def score_lines(values: Mapping[str, Any], level: int = 3) -> list[str]:
    """Write the scores of one data set.

    Plain numbers and scores become a list, what is named by a mapping gets a heading,
    counts and curves become tables; PY against interneuron stands before the types.

    Parameters
    ----------
    values : mapping
    level : int
        Of the headings inside.
    """
    lines = []
    listed = [(n, v) for n, v in _in_order(values) if not _is_block(v)]
    if listed:
        lines = [*_list_lines(dict(listed), 0), ""]
    for name, value in _in_order(values):
        if not _is_block(value):
            continue
        lines += [f"{'#' * min(level, 6)} {plain(name)}", ""]
        table = _as_table(value)
        if table is not None:
            lines += table
        elif level < _DEEPEST:
            lines += score_lines(value, level + 1)
        else:
            lines += [*_list_lines(value, 0), ""]
    return lines


def plain(value: object, depth: int = 0) -> str:
    """Return a value on one line."""
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, list | tuple | Mapping) and depth > _DEEPEST:
        return "..."
    if isinstance(value, list | tuple):
        return ", ".join(plain(item, depth + 1) for item in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{plain(k)} {plain(v, depth + 1)}" for k, v in value.items())
    return " ".join(str(value).split())


def _in_order(values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return what is known: plain values, groups, then the rest, numbers by size."""

    def rank(item: tuple[str, Any]) -> tuple[Any, ...]:
        name, value = item
        numbers = [
            (int(part) if part.isdecimal() and len(part) < 10 else 0, part)
            for part in re.split(r"(\d+)", name)
        ]
        return (
            isinstance(value, Mapping | list) and not _counts(value),
            not name.startswith(_GROUP_FIRST),
            isinstance(value, Mapping) and not _is_score(value),
            numbers,
        )

    known = [(str(name), value) for name, value in values.items() if value is not None]
    return sorted(known, key=rank)


def _is_block(value: object) -> bool:
    """Tell whether a value needs a heading: a table, or mappings inside a mapping."""
    if _as_table(value) is not None:
        return True
    return (
        isinstance(value, Mapping)
        and not _is_score(value)
        and any(
            (isinstance(v, Mapping) and not (_is_score(v) or _counts(v)))
            or _as_table(v) is not None
            for v in value.values()
        )
    )


def _is_score(value: Mapping[str, Any]) -> bool:
    return "value" in value or set(value) == {"mean", "deviation"}


def _as_table(value: object) -> list[str] | None:
    """Return counts, curves or scores by two names as a table; None for all else."""
    if isinstance(value, list):
        if not value or not all(isinstance(row, Mapping) for row in value):
            return None
        header = list(value[0])
        rows = [[plain(row.get(name, "")) for name in header] for row in value]
        return table_lines(header, rows) if header else None
    if not isinstance(value, Mapping) or not value or _is_score(value):
        return None
    columns = list(value.values())
    if all(_is_column(column) for column in columns):
        if len({len(column) for column in columns}) > 1:
            return None
        cells = [[plain(cell) for cell in row] for row in zip(*columns, strict=True)]
        return table_lines([str(name) for name in value], cells)
    if not all(isinstance(row, Mapping) and row for row in columns):
        return None
    inner = [cell for row in columns for cell in row.values()]
    if all(isinstance(n, int) and not isinstance(n, bool) for n in inner):
        names = list(dict.fromkeys(name for row in columns for name in row))
        header = ["true type", *(f"called {name}" for name in names)]
        rows = [
            [str(name), *(str(row.get(n, 0)) for n in names)]
            for name, row in value.items()
        ]
        return table_lines(header, rows)
    return None


def _is_column(value: object) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and not any(isinstance(cell, Mapping | list) for cell in value)
    )


def _list_lines(values: Mapping[str, Any], depth: int) -> list[str]:
    lines = []
    for name, value in _in_order(values):
        bullet = f"{'  ' * depth}- {plain(name).replace('_', ' ')}:"
        if isinstance(value, Mapping) and _is_score(value):
            lines.append(f"{bullet} {_score(value)}")
        elif isinstance(value, Mapping) and not _counts(value) and depth < _DEEPEST:
            lines += [bullet, *_list_lines(value, depth + 1)]
        else:
            lines.append(f"{bullet} {plain(value)}")
    return lines


def _counts(value: object) -> bool:
    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(isinstance(v, int) for v in value.values())
    )


def _score(score: Mapping[str, Any]) -> str:
    if "value" not in score:
        return f"{plain(score['mean'])}, deviation {plain(score['deviation'])}"
    text = plain(score["value"])
    if "low" in score and "high" in score:
        text += f" ({plain(score['low'])} to {plain(score['high'])})"
    if "n" in score:
        text += f", n = {plain(score['n'])}"
    return text
