"""All tables of a report, in the order in which they are read."""

from __future__ import annotations

from collections.abc import Sequence

from napari_celltype.protocol.comparison import Difference
from napari_celltype.protocol.design import Design
from napari_celltype.protocol.experiment import Experiment
from napari_celltype.protocol.layouts import layout
from napari_celltype.protocol.report_table import Table
from napari_celltype.protocol.scores import Score
from napari_celltype.protocol.standard_tables import (
    chosen_table,
    classes_table,
    conditions_table,
    design_table,
    differences_table,
    partial_table,
    probes_table,
    scores_table,
    shuffled_table,
    side_by_side,
    surrogates_table,
)
from napari_celltype.protocol.words import best

# More classifiers than this are shown by the best of each kind.
MOST_MATRICES = 8


def report_tables(
    experiment: Experiment,
    way: str,
    design: Design,
    results: Sequence[Score],
    differences: Sequence[Difference],
) -> tuple[Table, ...]:
    """Return the tables of a report.

    Parameters
    ----------
    experiment : Experiment
    way : str
        The way to split that was asked for.
    design : Design
    results : sequence of Score
    differences : sequence of Difference
    """
    classifiers = [s for s in results if s.role == "classifier"]
    asked = [s for s in classifiers if s.way == way]
    others = [s for s in classifiers if s.way != way]
    ways = list(dict.fromkeys(s.way for s in (*asked, *others)))
    shown = [*of_each_kind(asked), *of_each_kind(others)]
    tables = [
        design_table(design),
        layout(experiment.name, experiment.title, asked),
        side_by_side(classifiers, ways),
        scores_table([*asked, *others]),
        differences_table(differences),
        classes_table(shown),
        probes_table([s for s in results if s.role == "probe"], shown),
        shuffled_table([s for s in results if s.role == "shuffled"]),
        surrogates_table(classifiers),
        partial_table(classifiers),
        chosen_table(classifiers),
        conditions_table(results),
    ]
    return tuple(table for table in tables if table is not None and table.rows)


def of_each_kind(scores: Sequence[Score]) -> list[Score]:
    """Return the scores; of many only the best of each kind of classifier."""
    if len(scores) <= MOST_MATRICES:
        return list(scores)
    kinds = dict.fromkeys(s.classifier for s in scores)
    tops = [best(s for s in scores if s.classifier == kind) for kind in kinds]
    return [top for top in tops if top is not None]
