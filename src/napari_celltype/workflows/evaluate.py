"""Run an experiment on labelled data, and write its report."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari_celltype.labels import TraceSet
from napari_celltype.progress import (
    OnProgress,
    Progress,
    ShouldStop,
    ignore_progress,
    never_stop,
)
from napari_celltype.protocol.experiment import COMPARED, Outcome, Task
from napari_celltype.protocol.experiments import Training
from napari_celltype.protocol.scores import OnSplit, ignore_split, split_row
from napari_celltype.protocol.splits import PaperProtocol
from napari_celltype.workflows.experiment_request import (
    PAPER,
    ExperimentRequest,
    configuration,
)
from napari_celltype.workflows.labelled import Reading
from napari_celltype.workflows.planning import experiment_data, plan_experiment
from napari_celltype.workflows.run_record import write_request

if TYPE_CHECKING:
    from napari_celltype.protocol.report import Report


def evaluate(
    data: str | Path | TraceSet,
    classifiers: Sequence[str] = COMPARED,
    protocol: PaperProtocol = PAPER,
    *,
    folder: str | Path | None = None,
    epochs: int = 20,
    normalization: str = "training-set",
    device: str = "auto",
    jobs: int = 1,
    scheduler: str | None = None,
    threads: int | None = None,
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
        Of networks (keys of `classifiers.NETWORKS`), svm-rbf, svm-linear, svm-poly,
        adaboost, the same with "-search", and features.
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
        force=force,
    )
    return run_experiment(request, on_progress=on_progress, should_stop=should_stop)


def run_experiment(
    request: ExperimentRequest,
    *,
    on_split: OnSplit = ignore_split,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> Report:
    """Do what is not done yet of an experiment, and report on all of it.

    Parameters
    ----------
    request : ExperimentRequest
    on_split : callable, optional
        Called with the `SplitRow` of each training: first of those that the run folder
        held before, then of the others as they finish.
    on_progress, should_stop : callable, optional
        See `napari_celltype.progress`.

    Raises
    ------
    CellTypeError
        With one sentence that says what to do.
    Stopped
        If `should_stop` answered True; what is finished stays in the folder.
    """
    from napari_celltype.protocol.report import make_report, write_report
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
    planned = plan_experiment(request, data)
    experiment, tasks = planned.experiment, planned.tasks
    folder = RunFolder.open(
        request.folder, configuration(request, old, new), force=request.force
    )
    if request.folder is not None:
        write_request(request, request.folder)

    def tell(task: Task, outcome: Outcome) -> None:
        on_split(split_row(task, outcome, data))

    outcomes = run_tasks(
        tasks,
        data,
        folder,
        jobs=request.jobs,
        scheduler=request.scheduler,
        threads=request.threads,
        on_outcome=tell,
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
        preparation=(*request.reading.traces_are(request.data), *notes),
        notes=(*notes, *tasks.notes),
        command=request.command,
    )
    if request.folder is not None:
        write_report(report, request.folder)
    return report
