"""The files of a report."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from napari_celltype.labels.atomic import write_atomically, write_text_atomically
from napari_celltype.protocol.report import Confusion, Report
from napari_celltype.protocol.words import in_words

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def write_report(report: Report, folder: str | Path) -> list[Path]:
    """Write a report into its run folder, each file in one step.

    That is ``report.json`` (strict JSON, everything), ``scores.csv``,
    ``scores_strictest.csv`` where groups were kept apart, one CSV of the experiment's
    own table, ``confusion_<classifier>.png``, the learning curves as PNG and, last,
    ``report.html``.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    OutputError
        If one cannot be written.
    """
    from napari_celltype.protocol.report_figures import confusion_figure, curve_figure
    from napari_celltype.protocol.report_html import render

    folder = Path(folder)
    text = json.dumps(report.as_json(), allow_nan=False, indent=1, ensure_ascii=False)
    files = [
        write_text_atomically(folder / "report.json", f"{text}\n"),
        _write_csv(report.scores, folder / "scores.csv"),
    ]
    strictest = report.strictest
    if strictest is not None:
        files.append(_write_csv(strictest, folder / "scores_strictest.csv"))
    files += _write_table(report, folder)
    shown = report.shown
    for score, stem in zip(shown, stems(s.name for s in shown), strict=True):
        title = f"{score.name}\n{in_words(score.way)}"
        files.append(
            _write_png(
                confusion_figure(report.confusion(score.name), title),
                folder / f"confusion_{stem}.png",
            )
        )
        if score.new is not None:
            pooled = Confusion.of(report.classes, score.new.pooled_counts)
            title = f"{score.name}\nold and new data"
            path = folder / f"confusion_{stem}_pooled.png"
            files.append(_write_png(confusion_figure(pooled, title), path))
    curves = curve_figure(report)
    if curves is not None:
        name = "fig3.png" if report.experiment == "fig3" else "curves.png"
        files.append(_write_png(curves, folder / name))
    files.append(write_text_atomically(folder / "report.html", render(report)))
    return files


def stems(names: Iterable[str]) -> list[str]:
    """Return different file names, without their ends, for names of any kind."""
    found: list[str] = []
    for name in names:
        plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "classifier"
        stem, number = plain, 1
        while stem in found:
            number += 1
            stem = f"{plain}-{number}"
        found.append(stem)
    return found


def _write_table(report: Report, folder: Path) -> list[Path]:
    """Write the table of one of the paper's experiments, and that of the probes."""
    import pandas as pd

    return [
        _write_csv(pd.DataFrame(table.flat()), folder / f"{table.key}.csv")
        for table in report.tables
        if table.key in (report.experiment, "probes")
    ]


def _write_csv(table: pd.DataFrame, path: Path) -> Path:
    return write_text_atomically(path, table.to_csv(index=False, lineterminator="\n"))


def _write_png(figure: Figure, path: Path) -> Path:
    image = io.BytesIO()
    figure.savefig(image, format="png", dpi=150)
    return write_atomically(path, lambda file: file.write(image.getvalue()))
