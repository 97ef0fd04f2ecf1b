"""From labelled data to the trainings of an experiment, before any is done."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from napari_celltype.errors import CellTypeError, LabelError
from napari_celltype.labels import LabelledData, Targets, TraceSet
from napari_celltype.protocol.experiment import Experiment, ExperimentData
from napari_celltype.protocol.experiments import (
    PAPER_EXPERIMENTS,
    Tasks,
    evaluate_experiment,
    plan,
)
from napari_celltype.recording.settings import SAME_RATE
from napari_celltype.workflows.experiment_request import ExperimentRequest


@dataclass(frozen=True, eq=False)
class PlannedExperiment:
    """An experiment whose data are read and whose splits are drawn.

    Attributes
    ----------
    data : ExperimentData
    experiment : Experiment
    tasks : Tasks
        Every training, in the order in which they are done.
    """

    data: ExperimentData
    experiment: Experiment
    tasks: Tasks


def plan_experiment(
    request: ExperimentRequest, data: ExperimentData
) -> PlannedExperiment:
    """Lay out an experiment on data that are read.

    Raises
    ------
    CellTypeError
        If there is no such experiment or classifier, or the data cannot be split so.
    """
    experiment = _experiment(request, data)
    return PlannedExperiment(data, experiment, plan(experiment, data, request.protocol))


def experiment_data(
    old: LabelledData, new: LabelledData | None = None
) -> tuple[ExperimentData, tuple[str, ...]]:
    """Return the data of an experiment, and a sentence for each thing done to them.

    Two data sets are cut to the length of the shorter (Section IV-F).

    Raises
    ------
    LabelError
        If the second set does not fit the first.
    """
    from napari_celltype.protocol.rivals import probe_values

    targets = Targets.of(old.traces.labels, old.tree)
    traces, notes = old.traces, old.notes
    new_traces = new_targets = None
    if new is not None:
        new_targets = _new_targets(old, new, targets)
        n_frames = min(traces.n_frames, new.traces.n_frames)
        notes = (*notes, *(f"{new.name}: {note}" for note in new.notes))
        if traces.n_frames != new.traces.n_frames:
            notes = (*notes, f"Both data sets are cut to {n_frames} frames.")
        traces, new_traces = _cut(traces, n_frames), _cut(new.traces, n_frames)
    data = ExperimentData(
        traces, targets, probe_values(traces), new_traces, new_targets, old.tree
    )
    return data, notes


def _new_targets(old: LabelledData, new: LabelledData, targets: Targets) -> Targets:
    rates = (old.traces.sampling_frequency, new.traces.sampling_frequency)
    if rates[0] and rates[1] and abs(rates[0] / rates[1] - 1) > SAME_RATE:
        raise LabelError(
            f"{old.name} has {rates[0]:g} frames per second and {new.name} "
            f"{rates[1]:g}; bring both to the lower rate with --resample "
            f"{min(rates[0], rates[1]):g}."
        )
    both = Targets.of([*old.traces.labels, *new.traces.labels], old.tree)
    if both.classes != targets.classes:
        strange = sorted(set(both.classes) ^ set(targets.classes))
        raise LabelError(
            f"{new.name} is labelled with {', '.join(strange)}, which {old.name} does "
            "not tell apart; leave these cells out, or label the first data set as "
            "finely."
        )
    rows = np.arange(len(old.traces), len(old.traces) + len(new.traces))
    return both.take(rows)


def _cut(traces: TraceSet, n_frames: int) -> TraceSet:
    return replace(traces, traces=traces.traces[:, :n_frames])


def _experiment(request: ExperimentRequest, data: ExperimentData) -> Experiment:
    if request.experiment == "evaluate":
        return evaluate_experiment(
            data, request.classifiers, request.protocol, request.training
        )
    layout = PAPER_EXPERIMENTS.get(request.experiment)
    if layout is None:
        raise CellTypeError(
            f"There is no experiment {request.experiment!r}; choose evaluate, "
            f"{', '.join(PAPER_EXPERIMENTS)}."
        )
    return layout(data, request.protocol, request.training)
