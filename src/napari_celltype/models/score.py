"""One measured number of a model, as a row of its card's table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Score:
    """What a model reached on some cells, beside chance and a single number.

    Attributes
    ----------
    data : str
        The cells, such as "in vivo, GCaMP6f".
    measure : str
        Such as "AUROC of p_IN".
    value : float
    n : int
        Cells.
    unit : str
        What the interval resamples, such as "sessions".
    low, high : float or None
        95 % interval; None where there are too few.
    chance : float or None
        Value of answers that know nothing.
    probe : str or None
        Single number of a trace that does best on the same cells.
    probe_value : float or None
        The measure of that number.
    """

    data: str
    measure: str
    value: float
    n: int
    unit: str
    low: float | None = None
    high: float | None = None
    chance: float | None = None
    probe: str | None = None
    probe_value: float | None = None

    @property
    def cells(self) -> tuple[str, ...]:
        """What `HEADER` names, as text."""
        interval = "" if self.low is None else f" [{self.low:.2f}, {self.high:.2f}]"
        chance = "" if self.chance is None else f"{self.chance:.2f}"
        probe = "" if self.probe is None else f"{self.probe} {self.probe_value:.2f}"
        score = f"{self.value:.2f}{interval}"
        return self.data, self.measure, score, str(self.n), chance, probe


HEADER = ("data", "measure", "score", "n", "chance", "best number")


def score_table(scores: Sequence[Score]) -> list[str]:
    """Return scores as the lines of a Markdown table with aligned columns."""
    return table_lines([HEADER, *(score.cells for score in scores)])


def table_lines(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows, the header first, as the lines of an aligned Markdown table."""
    # Texts of a card from elsewhere must not break the table.
    plain = [[" ".join(c.split()).replace("|", "/") for c in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*plain, strict=True)]
    lines = [
        " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip()
        for row in plain
    ]
    return [lines[0], "-|-".join("-" * width for width in widths), *lines[1:]]


def read_scores(values: object) -> Any:
    """Return the scores of a card's JSON; anything else comes back as it is."""
    known = {f.name for f in fields(Score)}
    if not isinstance(values, list) or not all(
        isinstance(row, Mapping) and set(row) == known for row in values
    ):
        return values
    return tuple(Score(**row) for row in values)
