"""A report: what an experiment found, in words, tables and files."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_celltype.files import write_atomically, write_text_atomically
from napari_celltype.findings import Finding
from napari_celltype.protocol import words
from napari_celltype.protocol.evaluation import Confusion, Evaluation, describe_design
from napari_celltype.protocol.experiment import Outcome, Plan
from napari_celltype.protocol.experiments import quick_caution
from napari_celltype.protocol.learning import learning_curves
from napari_celltype.protocol.scores import Score, above_chance, score_condition
from napari_celltype.protocol.splits import PaperProtocol
from napari_celltype.protocol.tables import INTERVAL, Table, report_tables, scores_texts
from napari_celltype.protocol.task import different_environments, environment_note

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# What the terminal shows of the scores.
_IN_SUMMARY = ["classifier", "split", INTERVAL, "chance", "accuracy, mean (SD)"]
_IN_SUMMARY += ["examples", "cells"]
_AT_PRIOR = ["cell type", "share of all", "precision at this share"]
_MOST_LINES = 12
SCORE_CARD = "napari-celltype score card 1"
# What it tells of a condition.
_ON_CARD = ["name", "role", "way", "accuracy", "balanced_accuracy", "interval"]
_ON_CARD += ["chance", "majority", "luck", "n_examples", "n_cells", "n_train"]
_ON_CARD += ["n_test", "n_splits", "counts"]


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
        return tuple(map(str, words.doubts(self)))

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """All tables, in the order in which they are read."""
        return report_tables(self)

    def summary(self) -> str:
        """Return a few plain lines for a terminal: sentences, then the scores."""
        lines = [f"{self.title}, {self.name}", self.sentence]
        lines += [line for line in (self.basis, *self.doubts) if line]
        lines += words.more_data(self.learning_of_top)
        shown = self.shown_everywhere[: max(1, _MOST_LINES - len(lines) - 1)]
        lines.append(scores_texts(shown)[_IN_SUMMARY].to_string(index=False))
        if self.prior is not None:
            types = next(t for t in self.tables if t.key == "classes").texts
            name, way = self.top[0].name, words.way_title(self.top[0].way)
            mine = (types["classifier"] == name) & (types["split"] == way)
            lines.append(types[mine][_AT_PRIOR].to_string(index=False))
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

        return _strict_json({"schema": 1, **values})

    def score_card(self) -> dict[str, Any]:
        """Return what may be shared: design, scores and doubts; no traces, no names.

        Its values are strict JSON. A doubt has a code: "type-is-animal",
        "no-better-than-chance", "probe-comes-near" or "right-on-shuffled-labels".
        """
        names = """experiment version way classes design environments"""
        settings = self.settings.items()
        return _strict_json(
            {
                "format": SCORE_CARD,
                **{name: getattr(self, name) for name in names.split()},
                "settings": {k: v for k, v in settings if k != "preparation"},
                "scores": [
                    {name: getattr(s, name) for name in _ON_CARD} for s in self.results
                ],
                "doubts": [
                    {"code": doubt.code, "sentence": str(doubt)}
                    for doubt in words.doubts(self)
                ],
            }
        )


def _strict_json(values: dict[str, Any]) -> dict[str, Any]:
    """Return values of strict JSON; NaN becomes None."""

    def simple(value: Any) -> Any:
        plain = is_dataclass(value) and not isinstance(value, type)
        return asdict(value) if plain else value.tolist()

    text = json.dumps(values, default=simple)
    plain: dict[str, Any] = json.loads(text, parse_constant=lambda name: None)
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
    prior: Mapping[str, float] | None = None,
) -> Report:
    """Score the finished outcomes of a plan and put what they mean into words."""
    # `name` is that of the data, `preparation` says for the methods of a paper what was
    # done to the traces, and `notes` what was done to the data.
    from napari_celltype import __version__

    data, traces = plan.data, plan.data.traces
    by_key = {task.key: task for task in plan.tasks}
    sentences = {
        "environment": environment_note(outcomes),
        "quick": quick_caution(plan, protocol.n_splits),
    }
    cautions = tuple(Finding(code, text) for code, text in sentences.items() if text)
    all_notes = [*map(str, cautions), *notes, *plan.notes]
    if any(condition.surrogates for condition in plan.conditions):
        from napari_celltype.protocol.rivals import surrogate_note

        all_notes.append(surrogate_note(traces.sampling_frequency))
    results = tuple(
        score_condition(c, data, by_key, [o for o in outcomes if o.condition == c.name])
        for c in plan.conditions
        if c.role != "curve"
    )
    sure = {(score.name, score.way) for score in results if above_chance(score)}
    return Report(
        experiment=plan.name,
        title=plan.title,
        name=name,
        design=describe_design(traces, data.targets),
        way=protocol.split,
        classes=data.targets.classes,
        results=results,
        cautions=cautions,
        notes=tuple(dict.fromkeys(all_notes)),
        settings={
            **asdict(protocol),
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
        learning=tuple(
            curve
            if (curve.classifier, curve.way) in sure
            # Which type a guess names says nothing.
            else replace(curve, shares={})
            for curve in learning_curves(plan, outcomes, prior)
        ),
        prior=prior,
    )


def write_json(values: Any, path: Path) -> None:
    """Write strict JSON in one step."""
    text = json.dumps(values, allow_nan=False, indent=1, ensure_ascii=False)
    write_text_atomically(path, f"{text}\n")


def write_report(report: Report, folder: Path) -> None:
    """Write a report into its run folder, each file in one step."""
    from napari_celltype.protocol import figures as drawn

    write_json(report.as_json(), folder / "report.json")
    # What an earlier report in this folder had, and this one has not, goes.
    files: dict[str, Any] = dict.fromkeys(
        ("probes.csv", "learning-curve.csv", "more-data.csv", "learning-curve.png")
    )
    for table in report.tables:
        if f"{table.key}.csv" in files or table.key == report.experiment:
            files[f"{table.key}.csv"] = table.flat
    files["scores.csv"] = report.scores
    files["scores_strictest.csv"] = report.strictest
    for score in report.asked:
        stem = re.sub(r"[^a-z0-9]+", "-", score.name.lower()).strip("-")
        for end, (of, confusion) in _matrices(report, score).items():
            files[f"confusion_{stem}{end}.png"] = (
                drawn.confusion_figure(confusion, f"{score.name}\n{of}")
                if score in report.shown
                else None
            )
    curves = drawn.curve_figure(report)
    if curves is not None:
        files["fig3.png" if report.experiment == "fig3" else "curves.png"] = curves
    if report.learning:
        files["learning-curve.png"] = drawn.learning_figure(report)
    for name, content in files.items():
        path = folder / name
        if content is None:
            path.unlink(missing_ok=True)
        elif path.suffix == ".csv":
            text = content.to_csv(index=False, lineterminator="\n")
            write_text_atomically(path, text)
        else:
            write_atomically(path, partial(content.savefig, format="png", dpi=150))
    write_text_atomically(folder / "report.html", render(report))


def render(report: Report) -> str:
    """Return a report as one HTML page that needs nothing else."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    from napari_celltype.protocol.figures import (
        DARK,
        MAP,
        curve_figure,
        learning_figure,
    )

    # Names and labels come from users, so everything is escaped; the drawing of the
    # curves alone is markup, and matplotlib escapes the text in it.
    environment = Environment(
        loader=PackageLoader("napari_celltype.protocol", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def drawing(figure: Figure | None) -> str:
        svg = io.StringIO()
        if figure is not None:
            figure.savefig(svg, format="svg", metadata={"Date": None})
        return Markup(svg.getvalue()[svg.getvalue().find("<svg") :])

    return environment.get_template("report.html.j2").render(
        report=report,
        tables={table.key: table for table in report.tables},
        matrices=[
            (f"{score.name}, {of}", confusion)
            for score in report.shown_everywhere
            for of, confusion in _matrices(report, score).values()
        ],
        shade=lambda share: to_hex(colormaps[MAP](float(share))),
        dark=DARK,
        curves=drawing(curve_figure(report)),
        learning=drawing(learning_figure(report) if report.learning else None),
    )


def _matrices(report: Report, score: Score) -> dict[str, tuple[str, Confusion]]:
    """Return the ends of file names, and titles, of the matrices of a classifier."""
    found = {"": (words.way_title(score.way), score.counts)}
    if score.new is not None and score.way == report.way:
        found["_new"] = "new data", score.new.counts
        found["_pooled"] = "old and new data (Fig. 4)", score.new.pooled_counts
    return {
        end: (of, Confusion(report.classes, counts))
        for end, (of, counts) in found.items()
    }
