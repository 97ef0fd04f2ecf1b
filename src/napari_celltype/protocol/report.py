"""A report: what an experiment found, in words, tables and files."""

from __future__ import annotations

import dataclasses
import io
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_celltype.files import write_atomically, write_text_atomically
from napari_celltype.findings import Finding
from napari_celltype.protocol import words
from napari_celltype.protocol.evaluation import (
    Confusion,
    Evaluation,
    describe_design,
)
from napari_celltype.protocol.experiment import Outcome, Plan
from napari_celltype.protocol.experiments import quick_caution
from napari_celltype.protocol.scores import score_condition
from napari_celltype.protocol.splits import PaperProtocol
from napari_celltype.protocol.tables import (
    INTERVAL,
    Table,
    report_tables,
    scores_table,
)
from napari_celltype.protocol.task import different_environments, environment_note

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_SCHEMA = 1
_TEMPLATE = "report.html.j2"
# What the terminal shows of the scores.
_IN_SUMMARY = ["classifier", "split", INTERVAL, "chance", "accuracy, mean (SD)"]
_IN_SUMMARY += ["examples", "cells"]
_MOST_LINES = 12


class Report(Evaluation):
    """What an experiment found, in words and tables."""

    @property
    def sentence(self) -> str:
        """The one on top."""
        return words.headline(self)

    @property
    def basis(self) -> str:
        """What its score stands on: unit of the interval, examples, cells, splits."""
        return words.basis(self)

    @cached_property
    def doubts(self) -> tuple[str, ...]:
        """Reasons not to believe the scores."""
        return words.doubts(self)

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """All tables, in the order in which they are read."""
        return report_tables(self)

    def summary(self) -> str:
        """Return a few plain lines for a terminal: sentences, then the scores."""
        lines = [f"{self.title}, {self.name}", self.sentence]
        lines += [line for line in (self.basis, *self.doubts) if line]
        shown = self.shown_everywhere[: max(1, _MOST_LINES - len(lines) - 1)]
        if shown:
            scores = scores_table(shown).texts[_IN_SUMMARY]
            lines.append(scores.to_string(index=False))
        return "\n".join(lines)

    def methods(self) -> str:
        """Return a paragraph for the methods section of a paper: facts only."""
        return words.methods(self)

    def as_json(self) -> dict[str, Any]:
        """Return everything in values of strict JSON; NaN becomes None."""
        names = """experiment title name sentence basis doubts design way classes
            results differences tables notes settings environments command version"""
        values = {name: getattr(self, name) for name in names.split()}
        values["tables"] = [table.as_json() for table in self.tables]
        plain: dict[str, Any] = _plain({"schema": _SCHEMA, **values})
        return plain


def make_report(
    plan: Plan,
    protocol: PaperProtocol,
    outcomes: Sequence[Outcome],
    *,
    name: str,
    preparation: Sequence[str] = (),
    notes: Sequence[str] = (),
    command: str | None = None,
) -> Report:
    """Score the finished outcomes of a plan and put what they mean into words.

    `name` is that of the data, `preparation` says for the methods of a paper what was
    done to the traces, and `notes` what was done to the data.
    """
    from napari_celltype import __version__

    data, experiment, traces = plan.data, plan.experiment, plan.data.traces
    by_key = {task.key: task for task in plan.tasks}
    finished: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        finished.setdefault(outcome.condition, []).append(outcome)
    cautions = [
        Finding(code, sentence)
        for code, sentence in (
            ("environment", environment_note(outcomes)),
            ("quick", quick_caution(experiment, protocol.n_splits)),
        )
        if sentence
    ]
    all_notes = [*map(str, cautions), *notes, *plan.notes, *experiment.notes]
    missing = len(plan.tasks) - len(outcomes)
    if missing:
        n_tasks = len(plan.tasks)
        all_notes.insert(0, f"{missing} of {n_tasks} trainings are not finished.")
    if any(condition.surrogates for condition in experiment.conditions):
        from napari_celltype.protocol.rivals import surrogate_note

        all_notes.append(surrogate_note(traces.sampling_frequency))
    return Report(
        experiment=experiment.name,
        title=experiment.title,
        name=name,
        design=describe_design(traces, data.targets),
        way=protocol.split,
        classes=data.targets.classes,
        results=tuple(
            score_condition(condition, data, by_key, finished[condition.name])
            for condition in experiment.conditions
            if condition.name in finished
        ),
        cautions=tuple(cautions),
        notes=tuple(dict.fromkeys(all_notes)),
        settings={
            **dataclasses.asdict(protocol),
            "examples": len(traces),
            "labels": traces.counts(),
            "frames": traces.n_frames,
            "preparation": list(preparation),
            "sampling_frequency": traces.sampling_frequency,
            "new_examples": None if data.new is None else len(data.new),
        },
        environments=different_environments(outcomes),
        command=command,
        version=__version__,
    )


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: _plain(getattr(value, field.name))
            for field in dataclasses.fields(value)
        }
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def write_report(report: Report, folder: str | Path) -> list[Path]:
    """Write a report into its run folder, each file in one step."""
    from napari_celltype.protocol.figures import confusion_figure, curve_figure

    folder = Path(folder)
    text = json.dumps(report.as_json(), allow_nan=False, indent=1, ensure_ascii=False)
    files = [write_text_atomically(folder / "report.json", f"{text}\n")]
    frames = {"scores": report.scores, "scores_strictest": report.strictest}
    for table in report.tables:
        if table.key in (report.experiment, "probes"):
            frames[table.key] = table.flat
    files += [
        _write_csv(frame, folder / f"{name}.csv")
        for name, frame in frames.items()
        if frame is not None
    ]
    for score, stem in zip(
        report.shown, stems(s.name for s in report.shown), strict=True
    ):
        matrices = [("", words.way_title(score.way), score.counts)]
        if score.new is not None:
            matrices.append(("_pooled", "old and new data", score.new.pooled_counts))
        for end, of, counts in matrices:
            confusion = Confusion.of(report.classes, counts)
            figure = confusion_figure(confusion, f"{score.name}\n{of}")
            files.append(_write_png(figure, folder / f"confusion_{stem}{end}.png"))
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


def _write_csv(table: pd.DataFrame, path: Path) -> Path:
    return write_text_atomically(path, table.to_csv(index=False, lineterminator="\n"))


def _write_png(figure: Figure, path: Path) -> Path:
    image = io.BytesIO()
    figure.savefig(image, format="png", dpi=150)
    return write_atomically(path, lambda file: file.write(image.getvalue()))


def render(report: Report) -> str:
    """Return a report as one HTML page that needs nothing else."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    from napari_celltype.protocol.figures import DARK, MAP, curve_figure, svg

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
    return environment.get_template(_TEMPLATE).render(
        report=report,
        tables={table.key: table for table in report.tables},
        matrices=list(_matrices(report)),
        setting=_setting_text,
        shade=lambda share: to_hex(colormaps[MAP](float(share))),
        dark=DARK,
        curves=None if curves is None else Markup(svg(curves)),
    )


def _matrices(report: Report) -> Iterator[tuple[str, Confusion]]:
    for score in report.shown_everywhere:
        title = f"{score.name}, {words.way_title(score.way)}"
        yield title, Confusion.of(report.classes, score.counts)
    for score in report.shown:
        if score.new is not None:
            new, pooled = score.new.counts, score.new.pooled_counts
            yield f"{score.name}, new data", Confusion.of(report.classes, new)
            title = f"{score.name}, old and new pooled (Fig. 4)"
            yield title, Confusion.of(report.classes, pooled)


def _setting_text(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {item}" for name, item in value.items())
    return "not given" if value is None else str(value)
