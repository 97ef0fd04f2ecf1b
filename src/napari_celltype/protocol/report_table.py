"""A table of a report: plain cells that become HTML, CSV and JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from napari_celltype.protocol.intervals import Interval
from napari_celltype.protocol.paper_numbers import HEADING
from napari_celltype.protocol.scores import Spread

Cell = str | int | float | Spread | Interval | None
UNDEFINED = "–"


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes
    ----------
    key : str
        Short name; that of its file where it is written as CSV.
    title : str
    columns : tuple of str
    rows : tuple of tuple
        Cells: text, whole numbers, scores, spreads over splits, intervals, or None.
    caption : str
        How to read it.
    """

    key: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""

    def with_column(self, heading: str, cells: Sequence[Cell]) -> Table:
        """Return the table with one more column, unless it would be empty."""
        if all(cell is None for cell in cells):
            return self
        rows = tuple((*row, cell) for row, cell in zip(self.rows, cells, strict=True))
        return Table(self.key, self.title, (*self.columns, heading), rows, self.caption)

    def texts(self) -> list[list[str]]:
        """Return the cells as a reader sees them; the paper's as it prints them."""
        return [
            [
                f"{cell:g}"
                if isinstance(cell, float) and heading.endswith(HEADING)
                else cell_text(cell)
                for heading, cell in zip(self.columns, row, strict=True)
            ]
            for row in self.rows
        ]

    def flat(self) -> list[dict[str, str | int | float | None]]:
        """Return one mapping per row with plain cells, as for CSV.

        A spread becomes two columns, an interval three.
        """
        return [
            {
                name: value
                for heading, cell in zip(self.columns, row, strict=True)
                for name, value in _flat_cell(heading, cell, self._kind(heading))
            }
            for row in self.rows
        ]

    def _kind(self, heading: str) -> type | None:
        column = self.columns.index(heading)
        kinds = {type(row[column]) for row in self.rows}
        return next((kind for kind in (Spread, Interval) if kind in kinds), None)


def cell_text(cell: Cell) -> str:
    """Return a cell as a reader sees it: scores with three digits."""
    if isinstance(cell, Spread):
        digits = _digits(cell.mean)
        mean = number(cell.mean, digits)
        return mean if math.isnan(cell.sd) else f"{mean} ({number(cell.sd, digits)})"
    if isinstance(cell, Interval):
        if cell.too_few:
            return number(cell.value)
        return f"{number(cell.value)} [{number(cell.low)}, {number(cell.high)}]"
    if isinstance(cell, float):
        return number(cell)
    return UNDEFINED if cell is None else str(cell)


def number(value: float, digits: int | None = None) -> str:
    """Return a number with three digits behind the point, fewer when it is large."""
    if not math.isfinite(value):
        return UNDEFINED
    return f"{value:.{_digits(value) if digits is None else digits}f}"


def _digits(value: float) -> int:
    return 3 if abs(value) < 10 else 1


def _flat_cell(
    heading: str, cell: Cell, kind: type | None
) -> list[tuple[str, str | int | float | None]]:
    if kind is Spread:
        spread = cell if isinstance(cell, Spread) else Spread(math.nan, math.nan)
        return [(f"{heading} mean", spread.mean), (f"{heading} SD", spread.sd)]
    if kind is Interval:
        bounds: tuple[float | None, ...] = (None, None, None)
        if isinstance(cell, Interval):
            bounds = (cell.value, cell.low, cell.high)
        names = (heading, f"{heading} low", f"{heading} high")
        return list(zip(names, bounds, strict=True))
    if isinstance(cell, Spread | Interval):
        raise TypeError(f"The column {heading!r} mixes kinds of cells.")
    return [(heading, cell)]
