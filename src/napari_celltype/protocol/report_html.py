"""The report as one HTML file that needs nothing else."""

from __future__ import annotations

import math
from dataclasses import dataclass

from napari_celltype.protocol.report import Confusion, Report
from napari_celltype.protocol.report_table import Table
from napari_celltype.protocol.scores import Score
from napari_celltype.protocol.words import in_words

TEMPLATE = "report.html.j2"


@dataclass(frozen=True)
class MatrixCell:
    """One cell of a confusion matrix as it is drawn."""

    share: str
    count: int
    background: str
    ink: str


@dataclass(frozen=True)
class Matrix:
    """A confusion matrix as it is drawn: one row of cells for each true type."""

    title: str
    classes: tuple[str, ...]
    rows: list[list[MatrixCell]]


def render(report: Report) -> str:
    """Return the page: tables, figures and words of a report, all in one file."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    from napari_celltype.protocol.report_figures import curve_figure, svg

    # Names and labels come from users, so everything is escaped; the drawing of the
    # curves alone is markup, and matplotlib escapes the text in it.
    environment = Environment(
        loader=PackageLoader("napari_celltype.protocol", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    curves = curve_figure(report)
    return environment.get_template(TEMPLATE).render(
        report=report,
        tables={table.key: table for table in report.tables},
        numeric=numeric_columns,
        matrices=[_matrix(report, score) for score in report.shown],
        strict_matrices=[],
        curves=None if curves is None else Markup(svg(curves)),
    )


def numeric_columns(table: Table) -> list[bool]:
    """Tell which columns hold numbers, and are aligned to the right."""
    return [
        not any(isinstance(row[column], str) for row in table.rows)
        for column in range(len(table.columns))
    ]


def _matrix(report: Report, score: Score) -> Matrix:
    confusion = Confusion.of(report.classes, score.counts)
    return Matrix(
        f"{score.name}, {in_words(score.way)}",
        confusion.classes,
        [
            [
                _cell(float(share), int(count))
                for share, count in zip(shares, counts, strict=True)
            ]
            for shares, counts in zip(
                confusion.normalised, confusion.counts, strict=True
            )
        ],
    )


def _cell(share: float, count: int) -> MatrixCell:
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    from napari_celltype.protocol.report_figures import DARK, MAP

    if math.isnan(share):
        return MatrixCell("–", count, "transparent", "inherit")
    ink = "#fff" if share > DARK else "#000"
    return MatrixCell(f"{share:.2f}", count, to_hex(colormaps[MAP](share)), ink)
