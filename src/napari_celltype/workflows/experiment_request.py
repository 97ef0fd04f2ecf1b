"""What an experiment is asked to do: the data, the settings, the place."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from napari_celltype.labels import LabelledData, TraceSet
from napari_celltype.protocol.experiment import COMPARED
from napari_celltype.protocol.experiments import EPOCHS, Training
from napari_celltype.protocol.run_folder import GROWING
from napari_celltype.protocol.splits import PaperProtocol
from napari_celltype.workflows.labelled import Reading

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
    force : bool
        Use a folder that holds somebody else's files.
    command : str or None
        The command line of this request, for the report.
    """

    data: str | Path | TraceSet
    experiment: str = "evaluate"
    folder: Path | None = None
    classifiers: tuple[str, ...] = COMPARED
    protocol: PaperProtocol = PAPER
    training: Training = field(default_factory=Training)
    reading: Reading = field(default_factory=Reading)
    new_data: str | Path | TraceSet | None = None
    jobs: int = 1
    scheduler: str | None = None
    threads: int | None = None
    force: bool = False
    command: str | None = None


def configuration(
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
