"""Run an experiment on labelled data, and write its report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_celltype.errors import CellTypeError, LabelError
from napari_celltype.labels import LabelledData, Targets, TraceSet
from napari_celltype.progress import (
    OnProgress,
    Progress,
    ShouldStop,
    ignore_progress,
    never_stop,
)
from napari_celltype.protocol.experiment import Experiment, ExperimentData
from napari_celltype.protocol.experiments import (
    EPOCHS,
    PAPER_EXPERIMENTS,
    Training,
    evaluate_experiment,
    plan,
)
from napari_celltype.protocol.paper_protocol import PaperProtocol
from napari_celltype.protocol.run_folder import GROWING
from napari_celltype.workflows.labelled import Reading

if TYPE_CHECKING:
    from napari_celltype.protocol.report import Report

# Frame rates that differ by less than this share count as the same.
RATE_TOLERANCE = 0.01
PAPER = PaperProtocol()


@dataclass(frozen=True, eq=False)
class ExperimentRequest:
    """An experiment, the data, and where and how it is computed.

    Attributes
    ----------
    data : str, Path or TraceSet
    experiment : str
        "evaluate" or a key of `experiments.PAPER_EXPERIMENTS`.
    folder : Path or None
        Run folder; the same request on it resumes. None keeps nothing on disk.
    classifiers : tuple of str
        For "evaluate"; the experiments of the paper have their own.
    protocol : PaperProtocol
    training : Training
    reading : Reading
    new_data : str, Path, TraceSet or None
        The second data set of "new-dataset".
    jobs : int
        Processes on this machine.
    scheduler : str or None
        Address of a Dask scheduler, instead.
    threads : int or None
        Threads of each worker.
    together : bool
        Train the networks of several splits at once, see docs/gpu.md.
    force : bool
        Use a folder that holds somebody else's files.
    command : str or None
        The command line of this request, for the report.
    """

    data: str | Path | TraceSet
    experiment: str = "evaluate"
    folder: Path | None = None
    classifiers: tuple[str, ...] = ("cnn", "rnn", "lstm")
    protocol: PaperProtocol = PAPER
    training: Training = field(default_factory=Training)
    reading: Reading = field(default_factory=Reading)
    new_data: str | Path | TraceSet | None = None
    jobs: int = 1
    scheduler: str | None = None
    threads: int | None = None
    together: bool = False
    force: bool = False
    command: str | None = None


def evaluate(
    data: str | Path | TraceSet,
    classifiers: Sequence[str] = ("cnn", "rnn", "lstm"),
    protocol: PaperProtocol = PAPER,
    *,
    folder: str | Path | None = None,
    epochs: int = 20,
    normalization: str = "training-set",
    device: str = "auto",
    jobs: int = 1,
    scheduler: str | None = None,
    threads: int | None = None,
    together: bool = False,
    labels: str | Path | None = None,
    timesteps: int | None = None,
    resample: float | None = None,
    sampling_frequency: float | None = None,
    neuropil: str | float = "none",
    plane: int | None = None,
    with_predictions: bool = False,
    force: bool = False,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> Report:
    """Train and test classifiers by the paper's split protocol and a stricter one.

    Parameters
    ----------
    data : str, Path or TraceSet
        A trace set ``.npz``, a recording list ``.csv``, a suite2p folder with labels,
        or labelled traces in memory.
    classifiers : sequence of str
        Of cnn, rnn, lstm, svm-rbf, svm-linear, svm-poly, svm-rbf-search and adaboost.
    protocol : PaperProtocol
        How the data are split; by default as in Sections IV-B and IV-C.
    folder : str or Path, optional
        Run folder: gets the finished splits as they come, then the report; the same
        call on it resumes.
    epochs : int
        Of the networks.
    normalization : {"training-set", "training-set-per-timestep", "trace"}
        Z-score by the training set (Section IV-B), or by each trace itself.
    device : str
        ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
    jobs : int
        Processes on this machine.
    scheduler : str, optional
        Address of a Dask scheduler, such as ``tcp://host:8786``, instead.
    threads : int, optional
        Threads of each worker: by default one with several workers, else all.
    together : bool
        Train the networks of several splits at once, which is meant for a CUDA GPU and
        was never timed on one.
    labels : str or Path, optional
        A label table, or a folder of label files, for a suite2p folder.
    timesteps : int, optional
        Frames of each trace; by default all are cut to the shortest.
    resample : float, optional
        Bring all recordings down to this rate, Hz.
    sampling_frequency : float, optional
        Hz, where the files do not say or say it wrong.
    neuropil : {"none"} or float
        Raw F, or C for F - C * Fneu.
    plane : int, optional
        Take only this plane.
    with_predictions : bool
        Also train on labels that are accepted predictions; no test set holds them.
    force : bool
        Use a folder that holds somebody else's files.
    on_progress, should_stop : callable, optional
        See `napari_celltype.progress`.

    Returns
    -------
    Report
        `scores`, `confusion(classifier)`, `summary()`.

    Raises
    ------
    CellTypeError
        With one sentence that says what to do.
    Stopped
        If `should_stop` answered True; what is finished stays in the folder.
    """
    request = ExperimentRequest(
        data,
        folder=None if folder is None else Path(folder),
        classifiers=tuple(classifiers),
        protocol=protocol,
        training=Training(epochs, device, normalization),
        reading=Reading(
            None if labels is None else Path(labels),
            timesteps,
            resample,
            sampling_frequency,
            neuropil,
            plane,
            with_predictions,
        ),
        jobs=jobs,
        scheduler=scheduler,
        threads=threads,
        together=together,
        force=force,
    )
    return run_experiment(request, on_progress=on_progress, should_stop=should_stop)


def run_experiment(
    request: ExperimentRequest,
    *,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> Report:
    """Do what is not done yet of an experiment, and report on all of it.

    Raises
    ------
    CellTypeError
        With one sentence that says what to do.
    Stopped
        If `should_stop` answered True; what is finished stays in the folder.
    """
    from napari_celltype.protocol.report import make_report
    from napari_celltype.protocol.report_files import write_report
    from napari_celltype.protocol.run_folder import RunFolder
    from napari_celltype.protocol.running import run_tasks

    load = partial(
        request.reading.load, on_progress=on_progress, should_stop=should_stop
    )
    old = load(request.data)
    new = None
    if request.new_data is not None:
        new = load(request.new_data, only_tested=True)
    on_progress(Progress("Planning the experiment"))
    data, notes = experiment_data(old, new)
    experiment = _experiment(request, data)
    tasks = plan(experiment, data, request.protocol)
    folder = RunFolder.open(
        request.folder,
        _configuration(request, old, new),
        force=request.force,
    )
    outcomes = run_tasks(
        tasks,
        data,
        folder,
        jobs=request.jobs,
        scheduler=request.scheduler,
        threads=request.threads,
        together=request.together,
        on_progress=on_progress,
        should_stop=should_stop,
    )
    on_progress(Progress("Writing the report"))
    report = make_report(
        experiment,
        data,
        request.protocol,
        tasks,
        outcomes,
        name=old.name,
        notes=(*notes, *tasks.notes),
        command=request.command,
    )
    if request.folder is not None:
        write_report(report, request.folder)
    return report


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
    from napari_celltype.protocol.probes import probe_values

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
    if rates[0] and rates[1] and abs(rates[0] / rates[1] - 1) > RATE_TOLERANCE:
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


def _configuration(
    request: ExperimentRequest, old: LabelledData, new: LabelledData | None
) -> dict[str, Any]:
    """Return all that the scores depend on, in words that a refusal can use."""
    protocol, training = request.protocol, request.training
    by_default = EPOCHS[-1 if request.experiment == "epochs" else 0]
    named = request.experiment == "evaluate"
    return {
        "experiment": request.experiment,
        GROWING: list(request.classifiers) if named else "its own",
        "split": protocol.split,
        "number of splits": protocol.n_splits,
        "train size": protocol.train_size,
        "test size": protocol.test_size,
        "seed": protocol.random_state,
        "epochs": training.epochs or by_default,
        "normalization": training.normalization,
        "device": training.device,
        "slow": training.slow,
        "frames": old.traces.n_frames,
        "data": old.fingerprint,
        "new data": None if new is None else new.fingerprint,
    }
