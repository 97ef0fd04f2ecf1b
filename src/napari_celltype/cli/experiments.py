"""`train`, `evaluate` and `paper`: networks on labelled cells of the user's own."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_celltype.cli import options as opt
from napari_celltype.cli.terminal import door, interruptible, say, shown_progress
from napari_celltype.errors import Stopped
from napari_celltype.models import NETWORKS

if TYPE_CHECKING:
    from napari_celltype.labels.reading import Reading
    from napari_celltype.protocol.evaluate import ExperimentRequest


@door
def train(
    data: opt.LabelledPath,
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", metavar="MODEL", help="A .safetensors file with its card."
        ),
    ],
    architecture: opt.Architecture = "cnn",
    base: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help=f"Start from this model (of {', '.join(NETWORKS)}, or a name or a "
            "file) and train its last layers only.",
        ),
    ] = None,
    tuned_layers: Annotated[
        int,
        typer.Option(metavar="N", min=1, help="Layers that are trained with --base."),
    ] = 1,
    validation: Annotated[
        opt.Validation,
        typer.Option(
            help="What is held out, a fifth in whole groups, and scored after each "
            "epoch; auto takes the strictest possible."
        ),
    ] = opt.Validation.AUTO,
    untested: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TYPE",
            help="Train on all cells of a type that is too rare to test; may be "
            "repeated.",
        ),
    ] = None,
    merge: opt.Merge = None,
    leave_out: opt.LeaveOut = None,
    epochs: opt.Epochs = None,
    normalization: Annotated[
        opt.Normalization,
        typer.Option(help="Z-score by the trace itself, or as the paper does."),
    ] = opt.Normalization.TRACE,
    labels: opt.Labels = None,
    timesteps: opt.TraceLength = None,
    resample: opt.Resample = None,
    fs: opt.Fs = None,
    neuropil: Annotated[
        str,
        typer.Option(
            metavar="none|C",
            help="Raw F, or F - C * Fneu; of a trace set, what its traces are.",
        ),
    ] = "none",
    plane: opt.Plane = None,
    with_predictions: opt.WithPredictions = False,
    seed: opt.Seed = 0,
    device: opt.Device = "auto",
    force: opt.Force = False,
) -> None:
    """Train a network on labelled data and save it as a model.

    Example: napari-celltype train recordings.csv --base cnn -o mine.safetensors
    """
    from napari_celltype.training.train import TrainRequest, train_model

    request = TrainRequest(
        data,
        output,
        architecture,
        epochs or 20,
        normalization.value,
        replace(
            _reading(
                labels, timesteps, resample, fs, neuropil, plane, with_predictions
            ),
            merged=opt.parse_pairs(merge, "VIP=IN"),
            left_out=tuple(leave_out or ()),
        ),
        seed,
        device,
        force,
        base,
        tuned_layers,
        validation.value,
        tuple(untested or ()),
    )
    with _goes_on(), interruptible() as should_stop, shown_progress() as on_progress:
        trained = train_model(request, on_progress=on_progress, should_stop=should_stop)
    for note in trained.notes:
        say(f"note: {note}")
    say(f"written: {output}")
    for sentence in trained.summary():
        say(sentence)
    if base is None:
        say(
            f"`napari-celltype evaluate {data} --classifiers {architecture} "
            f"--normalization {normalization.value} -o RUN` says how well its kind "
            "does over many splits."
        )


@door
def evaluate(
    data: opt.LabelledPath,
    output: opt.RunFolder,
    classifiers: opt.Classifiers = opt.COMPARED_NAMES,
    splits: opt.Splits = 10,
    split: opt.Split = opt.Way.PAPER,
    train_size: opt.TrainSize = None,
    test_size: opt.TestSize = None,
    epochs: opt.Epochs = None,
    normalization: opt.PaperNormalization = opt.Normalization.TRAINING_SET,
    labels: opt.Labels = None,
    timesteps: opt.TraceLength = None,
    resample: opt.Resample = None,
    fs: opt.Fs = None,
    neuropil: opt.RawOrCoefficient = "none",
    plane: opt.Plane = None,
    with_predictions: opt.WithPredictions = False,
    merge: opt.Merge = None,
    leave_out: opt.LeaveOut = None,
    seed: opt.Seed = 0,
    device: opt.Device = "auto",
    jobs: opt.Jobs = 1,
    scheduler: opt.Scheduler = None,
    threads: opt.Threads = None,
    slow: opt.Slow = False,
    force: opt.ForceFolder = False,
) -> None:
    """Train and test classifiers as the paper does, and more strictly.

    Example: napari-celltype evaluate traces.npz --classifiers cnn,svm-rbf -o run
    """
    from napari_celltype.protocol import PaperProtocol
    from napari_celltype.protocol.evaluate import ExperimentRequest
    from napari_celltype.protocol.experiments import Training

    _run(
        ExperimentRequest(
            data,
            classifiers=opt.parse_names(classifiers),
            protocol=PaperProtocol(split.value, splits, train_size, test_size, seed),
            training=Training(epochs, device, normalization.value, slow),
            reading=replace(
                _reading(
                    labels, timesteps, resample, fs, neuropil, plane, with_predictions
                ),
                merged=opt.parse_pairs(merge, "VIP=IN"),
                left_out=tuple(leave_out or ()),
            ),
            jobs=jobs,
            scheduler=scheduler,
            threads=threads,
            force=force,
        ),
        output,
    )


@door
def paper(
    experiment: Annotated[
        opt.PaperExperiment,
        typer.Argument(help="A table or figure of the paper.", show_default=False),
    ],
    data: opt.LabelledPath,
    output: opt.RunFolder,
    new_data: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="For new-dataset: labelled data that are only tested."
        ),
    ] = None,
    splits: opt.Splits = 10,
    split: opt.Split = opt.Way.PAPER,
    epochs: opt.Epochs = None,
    normalization: opt.PaperNormalization = opt.Normalization.TRAINING_SET,
    labels: opt.Labels = None,
    timesteps: opt.TraceLength = None,
    resample: opt.Resample = None,
    fs: opt.Fs = None,
    neuropil: opt.RawOrCoefficient = "none",
    plane: opt.Plane = None,
    with_predictions: opt.WithPredictions = False,
    seed: opt.Seed = 0,
    device: opt.Device = "auto",
    jobs: opt.Jobs = 1,
    scheduler: opt.Scheduler = None,
    threads: opt.Threads = None,
    slow: opt.Slow = False,
    force: opt.ForceFolder = False,
) -> None:
    """Run one experiment of the paper on your data, laid out as the paper does.

    Example: napari-celltype paper table4 traces.npz --splits 3 -o table4
    """
    from napari_celltype.protocol import PaperProtocol
    from napari_celltype.protocol.evaluate import ExperimentRequest
    from napari_celltype.protocol.experiments import Training

    if (new_data is None) is (experiment is opt.PaperExperiment.NEW_DATASET):
        raise typer.BadParameter("new-dataset, and it alone, takes --new-data FILE")
    if slow and experiment is not opt.PaperExperiment.TABLE1:
        raise typer.BadParameter("--slow belongs to table1 and evaluate")
    _run(
        ExperimentRequest(
            data,
            experiment.value,
            protocol=PaperProtocol(split.value, splits, random_state=seed),
            training=Training(epochs, device, normalization.value, slow),
            reading=_reading(
                labels, timesteps, resample, fs, neuropil, plane, with_predictions
            ),
            new_data=new_data,
            jobs=jobs,
            scheduler=scheduler,
            threads=threads,
            force=force,
        ),
        output,
    )


def _reading(
    labels: Path | None,
    timesteps: int | None,
    resample: float | None,
    fs: float | None,
    neuropil: str,
    plane: int | None,
    with_predictions: bool,
) -> Reading:
    """Return how labelled data are read."""
    from napari_celltype.labels.reading import Reading

    coefficient = opt.parse_coefficient(neuropil)
    return Reading(
        labels, timesteps, resample, fs, coefficient, plane, with_predictions
    )


def _run(request: ExperimentRequest, folder: Path) -> None:
    """Run an experiment and print what it found."""
    from napari_celltype.protocol.evaluate import run_experiment

    command = shlex.join(["napari-celltype", *sys.argv[1:]])
    request = replace(request, folder=folder, command=command)
    with _goes_on(), interruptible() as should_stop, shown_progress() as on_progress:
        report = run_experiment(
            request, on_progress=on_progress, should_stop=should_stop
        )
    typer.echo(report.summary())
    for note in report.notes:
        say(f"note: {note}")
    say(f"written: {folder / 'report.html'}")


@contextmanager
def _goes_on() -> Iterator[None]:
    """Say what becomes of work that is stopped."""
    try:
        yield
    except (Stopped, KeyboardInterrupt):
        say("The same command goes on from here.")
        raise
