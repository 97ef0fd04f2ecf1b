"""The report as one HTML file that needs nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from napari_celltype.protocol.report import Confusion, Report
from napari_celltype.protocol.report_table import Table
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
        matrices=list(_matrices(report)),
        setting=setting_text,
        curves=None if curves is None else Markup(svg(curves)),
    )


def numeric_columns(table: Table) -> list[bool]:
    """Tell which columns hold numbers, and are aligned to the right."""
    return [
        not isinstance(table.rows[0][column], str)
        for column in range(len(table.columns))
    ]


def setting_text(value: object) -> str:
    """Return a setting as a reader sees it."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {item}" for name, item in value.items())
    return "not given" if value is None else str(value)


def _matrices(report: Report) -> Iterator[Matrix]:
    for score in report.shown_everywhere:
        title = f"{score.name}, {in_words(score.way)}"
        yield _matrix(title, Confusion.of(report.classes, score.counts))
    for score in report.shown:
        if score.new is None:
            continue
        for what, counts in (
            ("new data", score.new.counts),
            ("old and new pooled (Fig. 4)", score.new.pooled_counts),
        ):
            confusion = Confusion.of(report.classes, counts)
            yield _matrix(f"{score.name}, {what}", confusion)


def _matrix(title: str, confusion: Confusion) -> Matrix:
    rows = [
        [
            _cell(float(share), int(count))
            for share, count in zip(shares, counts, strict=True)
        ]
        for shares, counts in zip(confusion.normalised, confusion.counts, strict=True)
    ]
    return Matrix(title, confusion.classes, rows)


def _cell(share: float, count: int) -> MatrixCell:
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    from napari_celltype.protocol.report_figures import DARK, MAP

    if math.isnan(share):
        return MatrixCell("–", count, "transparent", "inherit")
    ink = "#fff" if share > DARK else "#000"
    return MatrixCell(f"{share:.2f}", count, to_hex(colormaps[MAP](share)), ink)
