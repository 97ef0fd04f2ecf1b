"""What an experiment found: plain data from which every page and file is made."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.protocol.comparison import Difference
from napari_celltype.protocol.design import INSEPARABLE, Design
from napari_celltype.protocol.environment import (
    different_environments,
    environment_notes,
)
from napari_celltype.protocol.experiment import (
    Experiment,
    ExperimentData,
    Outcome,
    Task,
)
from napari_celltype.protocol.groups import identity
from napari_celltype.protocol.paper_protocol import PaperProtocol
from napari_celltype.protocol.report_table import Table
from napari_celltype.protocol.report_tables import of_each_kind, report_tables
from napari_celltype.protocol.scores import Score, score_condition
from napari_celltype.protocol.words import (
    GROUPED,
    basis,
    find_doubts,
    headline,
    why_unknown,
)

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 1


@dataclass(frozen=True, eq=False)
class Confusion:
    """Answers of all splits, truth by guess.

    Attributes
    ----------
    classes : tuple of str
    counts : ndarray of int64, shape (n_classes, n_classes)
    normalised : ndarray of float64, shape (n_classes, n_classes)
        Divided by the sum of each row; NaN where a class was never tested.
    """

    classes: tuple[str, ...]
    counts: NDArray[np.int64]
    normalised: NDArray[np.float64]

    @classmethod
    def of(cls, classes: tuple[str, ...], counts: list[list[int]]) -> Confusion:
        """Normalise counts by row (Figs. 2 and 4)."""
        table = np.array(counts, dtype=np.int64)
        total = table.sum(axis=1, keepdims=True)
        share = np.divide(
            table, total, out=np.full(table.shape, np.nan), where=total > 0
        )
        return cls(classes, table, share)


@dataclass(frozen=True)
class Report:
    """Everything that is said about a run, in plain data.

    Attributes
    ----------
    experiment, title : str
        Name of the experiment, and its name for readers.
    name : str
        Of the data.
    sentence : str
        The one on top.
    basis : str
        What its score stands on: unit of the interval, examples, cells, splits.
    doubts : tuple of str
        Reasons not to believe the scores.
    design : Design
    way : str
        The way to split that was asked for.
    classes : tuple of str
    results : tuple of Score
        One per condition, in the order of the experiment.
    differences : tuple of Difference
    tables : tuple of Table
        In the order in which they are read.
    notes : tuple of str
        What was cut, dropped, left out or chosen.
    settings : mapping
        The protocol and the data, in plain values.
    environments : tuple of mapping
        Different versions, processors and threads that the splits were computed with.
    command : str or None
        The command line that makes the same run.
    version : str
        Of this program.
    """

    experiment: str
    title: str
    name: str
    sentence: str
    basis: str
    doubts: tuple[str, ...]
    design: Design
    way: str
    classes: tuple[str, ...]
    results: tuple[Score, ...]
    differences: tuple[Difference, ...]
    tables: tuple[Table, ...]
    notes: tuple[str, ...]
    settings: Mapping[str, Any]
    environments: tuple[Mapping[str, Any], ...]
    command: str | None
    version: str

    def of(self, role: str, way: str | None = None) -> tuple[Score, ...]:
        """Return the results of "classifier", "probe" or "shuffled" conditions."""
        return tuple(s for s in self.results if s.role == role and way in (None, s.way))

    @property
    def asked(self) -> tuple[Score, ...]:
        """The classifiers under the way that was asked for."""
        return self.of("classifier", self.way)

    @property
    def shown(self) -> tuple[Score, ...]:
        """Of `asked`, those whose confusion matrix is shown: of many the best."""
        return tuple(of_each_kind(self.asked))

    @property
    def shown_everywhere(self) -> tuple[Score, ...]:
        """`shown`, and the same of the other way."""
        others = [s for s in self.of("classifier") if s.way != self.way]
        return (*self.shown, *of_each_kind(others))

    @property
    def scores(self) -> pd.DataFrame:
        """One row per classifier and split of the way that was asked for.

        Columns: classifier, split, accuracy, balanced_accuracy, train_seconds, and for
        each class X precision_X, recall_X, specificity_X; NaN where undefined.
        """
        return self._frame(self.asked)

    @property
    def strictest(self) -> pd.DataFrame | None:
        """`scores` of the strictest way that ran, None if no groups were kept apart."""
        scores = self.of("classifier")
        way = next((w for w in GROUPED if any(s.way == w for s in scores)), None)
        return None if way is None else self._frame(self.of("classifier", way))

    def confusion(self, classifier: str, way: str | None = None) -> Confusion:
        """Return the confusion matrix of a classifier, by its name in `scores`.

        Parameters
        ----------
        classifier : str
        way : str, optional
            Default: the way that was asked for.

        Raises
        ------
        KeyError
            If there is no such classifier.
        """
        scores = self.of("classifier", way or self.way)
        for score in scores:
            if score.name == classifier:
                return Confusion.of(self.classes, score.counts)
        raise KeyError(
            f"There is no classifier {classifier!r} in this report; it has "
            f"{', '.join(s.name for s in scores)}."
        )

    def summary(self) -> str:
        """Return a few plain lines for a terminal."""
        from napari_celltype.protocol.words import summary_lines

        return "\n".join(summary_lines(self))

    def methods(self) -> str:
        """Return a paragraph for the methods section of a paper: facts only."""
        from napari_celltype.protocol.methods import methods_paragraph

        return methods_paragraph(self)

    def as_json(self) -> dict[str, Any]:
        """Return everything in values of strict JSON; NaN becomes None."""
        fields = {
            field.name: getattr(self, field.name) for field in dataclasses.fields(self)
        }
        plain: dict[str, Any] = _plain({"schema": SCHEMA, **fields})
        return plain

    def _frame(self, scores: Sequence[Score]) -> pd.DataFrame:
        import pandas as pd

        columns = ["accuracy", "balanced_accuracy", "train_seconds"]
        for name in self.classes:
            columns += [f"{w}_{name}" for w in ("precision", "recall", "specificity")]
        rows = [{"classifier": s.name, **row} for s in scores for row in s.splits]
        return pd.DataFrame(rows, columns=["classifier", "split", *columns])


def make_report(
    experiment: Experiment,
    data: ExperimentData,
    protocol: PaperProtocol,
    tasks: Sequence[Task],
    outcomes: Sequence[Outcome],
    *,
    name: str,
    preparation: Sequence[str] = (),
    notes: Sequence[str] = (),
    command: str | None = None,
) -> Report:
    """Score the outcomes of an experiment and put what they mean into words.

    Parameters
    ----------
    experiment : Experiment
    data : ExperimentData
    protocol : PaperProtocol
    tasks : sequence of Task
        All that were planned.
    outcomes : sequence of Outcome
        Those that are finished.
    name : str
        Of the data.
    preparation : sequence of str
        What the traces are and what was done to them, for the methods of a paper.
    notes : sequence of str
        What was done to the data, one sentence each.
    command : str, optional
        The command line that makes the same run.
    """
    from napari_celltype import __version__
    from napari_celltype.protocol.comparison import compare
    from napari_celltype.protocol.design import describe_design

    results = _results(experiment, data, tasks, outcomes)
    design = describe_design(data.traces, data.targets)
    classifiers = [s for s in results if s.role == "classifier"]
    ways = list(dict.fromkeys(s.way for s in classifiers))
    differences = tuple(
        d for way in ways for d in compare([s for s in classifiers if s.way == way])
    )
    missing = len(tasks) - len(outcomes)
    unfinished = f"{missing} of {len(tasks)} trainings are not finished."
    doubts = (INSEPARABLE,) if INSEPARABLE in design.sentences else ()
    return Report(
        experiment=experiment.name,
        title=experiment.title,
        name=name,
        sentence=headline(
            classifiers,
            [s for s in results if s.role == "probe"],
            why_unknown(animals_named=identity(data.traces, "subject_id") is not None),
        ),
        basis=basis(classifiers),
        doubts=(*doubts, *find_doubts(results)),
        design=design,
        way=protocol.split,
        classes=data.targets.classes,
        results=results,
        differences=differences,
        tables=report_tables(experiment, protocol.split, design, results, differences),
        notes=tuple(
            dict.fromkeys(
                (
                    *([unfinished] if missing else ()),
                    *environment_notes(outcomes),
                    *notes,
                    *experiment.notes,
                )
            )
        ),
        settings=_settings(data, protocol, preparation),
        environments=different_environments(outcomes),
        command=command,
        version=__version__,
    )


def _results(
    experiment: Experiment,
    data: ExperimentData,
    tasks: Sequence[Task],
    outcomes: Sequence[Outcome],
) -> tuple[Score, ...]:
    by_key = {task.key: task for task in tasks}
    finished: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        finished.setdefault(outcome.condition, []).append(outcome)
    return tuple(
        score_condition(
            condition,
            condition.name.removesuffix(f" ({condition.way})"),
            data,
            by_key,
            finished[condition.name],
        )
        for condition in experiment.conditions
        if condition.name in finished
    )


def _settings(
    data: ExperimentData, protocol: PaperProtocol, preparation: Sequence[str]
) -> dict[str, Any]:
    traces = data.traces
    return {
        **dataclasses.asdict(protocol),
        "examples": len(traces),
        "labels": traces.counts(),
        "frames": traces.n_frames,
        "preparation": list(preparation),
        "sampling_frequency": traces.sampling_frequency,
        "new_examples": None if data.new is None else len(data.new),
    }


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
