"""Plan and run an experiment on labelled data, keep its request, write its report."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_celltype import progress
from napari_celltype.celltypes import prior_shares
from napari_celltype.errors import LabelError, OutputError
from napari_celltype.files import place_from, without_places, write_text_atomically
from napari_celltype.labels import LabelledData, Targets, TraceSet
from napari_celltype.labels.reading import Reading
from napari_celltype.parameters import (
    build,
    jobs_parameter,
    labelled_data_parameter,
    parameter,
    parameters,
    scheduler_parameter,
    values_of,
)
from napari_celltype.protocol.experiment import COMPARED, ExperimentData, Plan, known
from napari_celltype.protocol.experiments import (
    EPOCHS,
    PAPER_EXPERIMENTS,
    Training,
    plan_experiment,
)
from napari_celltype.protocol.scores import SplitRow, split_row
from napari_celltype.protocol.splits import PaperProtocol
from napari_celltype.recording import SAME_RATE

if TYPE_CHECKING:
    from napari_celltype.protocol.report import Report


PAPER = PaperProtocol()


@dataclass(frozen=True, eq=False)
class ExperimentRequest:
    """An experiment, the data, and where and how it is computed."""

    data: str | Path | TraceSet = labelled_data_parameter()
    experiment: str = parameter(
        "evaluate",
        "A table or figure of the paper.",
        argument=True,
        needed=True,
        choices=("evaluate", *PAPER_EXPERIMENTS),
        metavar="|".join(PAPER_EXPERIMENTS),
    )
    folder: Path | None = parameter(
        None,
        "Run folder; the same command on it goes on where it stopped.",
        label="Run folder",
        option=("-o", "--output"),
        metavar="RUN",
        needed=True,
    )
    classifiers: tuple[str, ...] = parameter(
        COMPARED,
        f"Of {', '.join(known())}; those in -search find their parameters themselves.",
        choices=known(),
        free=True,
        metavar="NAME,...",
    )
    protocol: PaperProtocol = PAPER
    training: Training = field(default_factory=Training)
    reading: Reading = field(default_factory=Reading)
    new_data: str | Path | TraceSet | None = parameter(
        None, "For new-dataset: labelled data that are only tested.", metavar="FILE"
    )
    jobs: int = jobs_parameter()
    scheduler: str | None = scheduler_parameter()
    threads: int | None = parameter(
        None,
        "Threads of each worker, on which the last bits of scores depend (one with "
        "several workers, else all).",
        minimum=1,
    )
    force: bool = parameter(False, "Write into a folder that holds files of others.")
    score_card: Path | None = parameter(
        None,
        "Also write a card of the scores to share; it holds no traces, names or paths.",
        option=("--scorecard",),
        metavar="FILE",
    )
    learning_curve: bool = parameter(
        False,
        "Also train on fewer animals, cells and minutes, and say how many more would "
        "make 90 % of the cells called a type right. Takes several times as long.",
    )
    prior: Mapping[str, float] | None = parameter(
        None,
        "Also state the precision of each type where types are as common as this, such "
        "as IN=0.11 (all neurons of CA1); a learning curve's is at these shares.",
        label="Prevalence",
        metavar="TYPE=SHARE,...",
        example="IN=0.1",
    )
    # The command line of this request, for the report.
    command: str | None = None


def _configuration(
    request: ExperimentRequest, old: LabelledData, new: LabelledData | None
) -> dict[str, Any]:
    """Return all that the scores depend on, in words that a refusal can use."""
    protocol, training = request.protocol, request.training
    named = request.experiment == "evaluate"
    by_default = EPOCHS[-1 if request.experiment == "epochs" else 0]
    return {
        "experiment": request.experiment,
        "classifiers": list(request.classifiers) if named else "its own",
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


def plan_request(request: ExperimentRequest, data: ExperimentData) -> Plan:
    """Lay out what is asked for on data that are read, and draw its splits."""
    how = (request.protocol, request.training, request.classifiers)
    more = request.learning_curve
    return plan_experiment(request.experiment, data, *how, learning_curve=more)


def experiment_data(
    old: LabelledData, new: LabelledData | None = None
) -> tuple[ExperimentData, tuple[str, ...]]:
    """Return the data of an experiment, and a sentence for each thing done to them."""
    from napari_celltype.protocol.rivals import probe_values

    targets = Targets.of(old.traces.labels, old.tree)
    if new is None:
        data = ExperimentData(old.traces, targets, probe_values(old.traces))
        return data, old.notes
    notes = (*old.notes, *(f"{new.name}: {note}" for note in new.notes))
    lengths = old.traces.n_frames, new.traces.n_frames
    shortest = min(lengths)
    if max(lengths) > shortest:
        notes = (*notes, f"Both data sets are cut to {shortest} frames.")
    traces, new_traces = (
        replace(of.traces, traces=of.traces.traces[:, :shortest]) for of in (old, new)
    )
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
    new_targets = both.take(np.arange(len(traces), len(both.index)))
    probes = probe_values(traces)
    return ExperimentData(traces, targets, probes, new_traces, new_targets), notes


def _shareable(command: str | None) -> str | None:
    """Return a command without the folders of this machine, for the report."""
    try:
        words = shlex.split(command or "")
    except (ValueError, AttributeError):  # Of a request that was edited by hand.
        return None
    # -o/tmp/run is -o and /tmp/run.
    apart = [part for w in words for part in re.split(r"(?<=^-\w)(?=[\\/]|\w:)", w)]
    return shlex.join(without_places(apart)) or None


def new_run_folder(data: Path, now: datetime | None = None) -> Path:
    """Return a folder that is not there yet, and is not made.

    It is beside the data (a trace set, a recording list or a suite2p folder), or, where
    one cannot write there, among the user's own data of this program.
    """
    import platformdirs

    data = data.expanduser().resolve()
    beside = data.parent
    if not os.access(beside, os.W_OK):
        beside = platformdirs.user_data_path("napari-celltype", appauthor=False)
        beside = beside / "evaluations"
    stem = data.stem if data.suffix in (".npz", ".csv") else data.name
    name = f"{stem}-evaluation-{now or datetime.now():%Y%m%d-%H%M}"
    folder, number = beside / name, 1
    while folder.exists():
        number += 1
        folder = beside / f"{name}-{number}"
    return folder


NAME = "request.json"
FORMAT = "napari-celltype request 1"
# Kept as seen from the folder where they lie in it or beside it, so that both may move.
_PATHS = ("data", "new_data", "labels")
# What may differ the next time, and does not belong to what was asked.
_NOT_KEPT = ("folder", "jobs", "scheduler", "threads", "force", "score_card")


def _write_request(request: ExperimentRequest, folder: Path) -> None:
    """Keep a request in its run folder; traces in memory have no path to be kept."""
    kept = {
        "format": FORMAT,
        **values_of(request),
        "command": _shareable(request.command),
    }
    for name in _NOT_KEPT:
        del kept[name]
    for name in _PATHS:
        path = kept[name]
        kept[name] = None
        if isinstance(path, str | Path):
            path = Path(path).expanduser().resolve()
            kept[name] = place_from(folder, path) or str(path)
    text = json.dumps(kept, indent=2, ensure_ascii=False)
    write_text_atomically(folder / NAME, f"{text}\n")


def read_request(folder: Path, data: Path | None = None) -> ExperimentRequest:
    """Return the request of a run folder; the same request on it goes on.

    `data` is used if the folder does not say where the data are, or they are not there
    any more.

    Raises
    ------
    OutputError
        If the folder is no run folder, or nobody knows where its data are.
    """
    try:
        kept = json.loads((folder / NAME).read_bytes())
        if kept["format"] != FORMAT:
            raise ValueError(f"format {kept['format']!r}")
        for name, one in parameters(ExperimentRequest).items():
            if name in _PATHS and kept[name] is not None:
                kept[name] = (folder / kept[name]).resolve()
            elif name in kept and name not in _PATHS:
                kept[name] = one.kept(kept[name])
        request = replace(build(ExperimentRequest, kept), folder=folder)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise OutputError(
            f"{folder} is not the folder of a run of this version ({error}); choose "
            "the folder that an evaluation made."
        ) from None
    if isinstance(request.data, Path) and request.data.exists():
        return request
    if data is None:
        gone = f"{request.data} is not there any more"
        what = gone if request.data else "it does not say"
        raise OutputError(
            f"The run in {folder} has no data: {what}; choose the data that it was "
            "started with, then resume it."
        )
    return replace(request, data=data)


def evaluate(
    data: str | Path | TraceSet,
    classifiers: Sequence[str] = COMPARED,
    protocol: PaperProtocol = PAPER,
    *,
    on_progress: progress.OnProgress = progress.ignore_progress,
    should_stop: progress.ShouldStop = progress.never_stop,
    **options: Any,
) -> Report:
    """Train and test classifiers by the paper's split protocol and a stricter one.

    Parameters
    ----------
    data : str, Path or TraceSet
        A trace set ``.npz``, a recording list ``.csv``, a suite2p folder with labels,
        or labelled traces in memory.
    classifiers : sequence of str
        Of networks (keys of `models.NETWORKS`), svm-rbf, svm-linear, svm-poly,
        adaboost, the same with "-search", and features.
    protocol : PaperProtocol
        How the data are split; by default as in Sections IV-B and IV-C.
    on_progress, should_stop : callable, optional
        See `napari_celltype.progress`.
    **options
        Of `Training` (epochs, normalization, device, slow), of `labels.reading.Reading`
        (labels, timesteps, resample, sampling_frequency, neuropil, plane, joins,
        with_predictions, merged, left_out) and of `ExperimentRequest`: folder (the run
        folder, on which the same call resumes), learning_curve, prior, jobs, scheduler,
        threads, force.

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
    known = parameters(ExperimentRequest).keys() - parameters(PaperProtocol).keys()
    unknown = sorted(options.keys() - (known - {"experiment", "new_data"}))
    if unknown:
        raise TypeError(f"evaluate has no option {', '.join(unknown)}.")
    for name in ("folder", "labels", "score_card"):
        if options.get(name) is not None:
            options[name] = Path(options[name])
    options |= {"data": data, "classifiers": tuple(classifiers)}
    request = replace(build(ExperimentRequest, options), protocol=protocol)
    return run_experiment(request, on_progress=on_progress, should_stop=should_stop)


def _require_score_card(path: Path) -> None:
    from napari_celltype.protocol.report import SCORE_CARD

    if not path.is_file() or SCORE_CARD.encode() not in path.read_bytes():
        raise OutputError(
            f"{path} is there already and is no score card; choose another name, or "
            "replace it with --force (force=True)."
        )


def run_experiment(
    request: ExperimentRequest,
    *,
    on_split: Callable[[SplitRow], None] = lambda row: None,
    on_progress: progress.OnProgress = progress.ignore_progress,
    should_stop: progress.ShouldStop = progress.never_stop,
) -> Report:
    """Do what is not done yet of an experiment, and report on all of it.

    `on_split` is called with the `SplitRow` of each training: first of those that the
    run folder held before, then of the others as they finish.

    Raises
    ------
    CellTypeError
        With one sentence that says what to do.
    Stopped
        If `should_stop` answered True; what is finished stays in the folder.
    """
    from napari_celltype.protocol.report import make_report, write_json, write_report
    from napari_celltype.protocol.running import RunFolder, run_tasks

    load = partial(
        request.reading.load, on_progress=on_progress, should_stop=should_stop
    )
    old, new = load(request.data), None
    if request.new_data is not None:
        new = load(request.new_data, only_tested=True)
    on_progress(progress.Progress("Planning the experiment"))
    data, notes = experiment_data(old, new)
    planned = plan_request(request, data)
    # Better now than after all trainings.
    prior_shares(request.prior or {}, data.targets.classes)
    card = request.score_card
    if card is not None and card.exists() and not request.force:
        _require_score_card(card)
    folder = RunFolder.open(
        request.folder, _configuration(request, old, new), force=request.force
    )
    if request.folder is not None:
        _write_request(request, request.folder)
    outcomes = run_tasks(
        planned.tasks,
        data,
        folder,
        jobs=request.jobs,
        scheduler=request.scheduler,
        threads=request.threads,
        on_outcome=lambda task, outcome: on_split(split_row(task, outcome, data)),
        on_progress=on_progress,
        should_stop=should_stop,
    )
    on_progress(progress.Progress("Writing the report"))
    notes = tuple(without_places(notes))
    report = make_report(
        planned,
        request.protocol,
        outcomes,
        name=old.name,
        preparation=(*request.reading.traces_are(request.data), *notes),
        notes=notes,
        command=_shareable(request.command),
        prior=request.prior,
    )
    if request.folder is not None:
        write_report(report, request.folder)
    if card is not None:
        write_json(report.score_card(), card)
    return report
