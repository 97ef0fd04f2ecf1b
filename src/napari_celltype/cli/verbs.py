"""The verbs of the terminal, one function each; their options are their requests'."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import typer

from napari_celltype.answers.classify import ClassifyRequest, classify_many
from napari_celltype.answers.provenance import require_replaceable
from napari_celltype.cli.demo import DemoRequest, run_demo
from napari_celltype.cli.models import models_app
from napari_celltype.cli.options import verb
from napari_celltype.cli.simulate import SimulateRequest, write_simulation
from napari_celltype.cli.terminal import (
    STOPPED,
    WRONG_INPUT,
    interruptible,
    result_lines,
    say,
    watched,
)
from napari_celltype.cli.window import OpenRequest, open_window
from napari_celltype.datasets import DatasetRequest, make_dataset
from napari_celltype.export import (
    FORMATS,
    ExportRequest,
    NwbSession,
    export_path,
    table_format,
    table_to_csv,
    write_table,
)
from napari_celltype.files import add_line, start_lines
from napari_celltype.online import WatchRequest, follow
from napari_celltype.parameters import (
    REQUIRED,
    frame_rate_parameter,
    jobs_parameter,
    parameter,
    plane_parameter,
    scheduler_parameter,
)
from napari_celltype.progress import raise_if_stopped
from napari_celltype.protocol.evaluate import ExperimentRequest, run_experiment
from napari_celltype.protocol.experiments import PAPER_EXPERIMENTS
from napari_celltype.recording import (
    find_planes,
    find_recordings,
    require_known_rate,
    run_suite2p,
    tiff_sampling_frequency,
)
from napari_celltype.training.request import TrainRequest

app = typer.Typer(rich_markup_mode="rich")
app.add_typer(models_app, name="models")
_OUTPUT = ("-o", "--output")
_REPLACE = "Replace a file that this program did not write."


@verb(app, example="demo --headless -o demo")
def demo(request: DemoRequest) -> None:
    """Simulate a two-photon movie, run suite2p on it, classify its ROIs, show them."""
    with watched() as watching:
        session, summary = run_demo(request, **watching)
    typer.echo(summary)
    if not request.headless:
        raise typer.Exit(open_window(OpenRequest(session), "--classify"))


@verb(app, "open", example="open data/mouse1/suite2p")
def open_(request: OpenRequest) -> None:
    """Open napari with a recording and the docks."""
    # A wrong path is told before napari starts.
    find_planes(request.path, request.plane)
    raise typer.Exit(open_window(request))


@dataclass(frozen=True)
class BatchRequest:
    """Which recordings are classified, and where their table goes."""

    paths: tuple[Path, ...] = parameter(
        REQUIRED,
        "Recordings, or folders that hold many.",
        argument=True,
        repeated=True,
        metavar="PATH...",
    )
    output: Path | None = parameter(
        None,
        "A .csv, .parquet or .json file; without it CSV on standard output.",
        option=_OUTPUT,
        metavar="OUT",
    )
    sampling_frequency: float | None = frame_rate_parameter()
    plane: int | None = plane_parameter()
    jobs: int = jobs_parameter()
    scheduler: str | None = scheduler_parameter()
    verbose: bool = parameter(
        False, "Say all that the result rests on.", option=("-v", "--verbose")
    )
    force: bool = parameter(False, _REPLACE)


@verb(app, example="classify data/ -o cell_types.csv")
def classify(batch: BatchRequest, request: ClassifyRequest) -> None:
    """Classify every ROI of the recordings and write one table."""
    output, force = batch.output, batch.force
    found = find_recordings(batch.paths, batch.plane)
    if output is not None:
        table_format(output).require_one(len(found.planes))
        require_replaceable(output, force)
    with watched() as watching:
        result = classify_many(
            found.planes,
            request,
            sampling_frequency=batch.sampling_frequency,
            jobs=batch.jobs,
            scheduler=batch.scheduler,
            **watching,
        )
    if result.done:
        if output is None:
            typer.echo(table_to_csv(result.table), nl=False)
        else:
            origin = result.provenance(request)
            write_table(result.table, output, force=force, provenance=origin)
    for note in found.notes:
        say(f"note: {note}")
    for line in result_lines(result, asked=len(found.planes), in_full=batch.verbose):
        say(line)
    failures = (*found.failures, *result.failures)
    # What is wrong with all of them is said once.
    for reason in dict.fromkeys(failure.reason for failure in failures):
        say(f"error: {reason}")
    if result.stopped:
        raise typer.Exit(STOPPED)
    if failures:
        raise typer.Exit(WRONG_INPUT)


@dataclass(frozen=True)
class WatchFiles:
    """Where the answers of `watch` go."""

    output: Path | None = parameter(
        None,
        "A table (.csv, .parquet or .json) that is written anew at each new answer.",
        option=_OUTPUT,
        metavar="OUT",
    )
    jsonl: Path | None = parameter(
        None, "A file that gets a line of JSON at each update.", metavar="FILE"
    )
    force: bool = parameter(False, _REPLACE)


@verb(
    app,
    first="source",
    without=("neuropil", "joins"),
    example="watch suite2p/plane0/data.bin -o cell_types.csv --jsonl updates.jsonl",
)
def watch(
    request: WatchRequest, classifying: ClassifyRequest, files: WatchFiles
) -> None:
    """Classify ROIs while they are recorded."""
    if files.output is not None:
        table_format(files.output)
        require_replaceable(files.output, files.force)
    if files.jsonl is not None:
        start_lines(files.jsonl, force=files.force)
    n_tables = 0
    with interruptible() as should_stop:
        for update in follow(request, classifying, should_stop=should_stop):
            for finding in update.findings:
                say(f"note: {finding}")
            say(update.line)
            if files.output is not None and update.is_new:
                # What is there since the last update is this run's own.
                update.write(files.output, force=files.force or n_tables > 0)
                n_tables += 1
            if files.jsonl is not None:
                add_line(files.jsonl, update.values())
        if n_tables:
            say(f"written: {files.output}")
        raise_if_stopped(should_stop)


@dataclass(frozen=True)
class ExportFile:
    """What is exported, and where it goes."""

    path: Path = parameter(
        REQUIRED,
        "A recording, or (csv to mat) a table that `classify` wrote.",
        argument=True,
    )
    output: Path = parameter(
        REQUIRED, "The file to write.", option=_OUTPUT, metavar="OUT"
    )
    labels_only: bool = parameter(False, "Export the labels; no model runs.")
    field: dict[str, str] = parameter(
        {},
        "nwb: what is known about the session, such as subject_id=m1; may be given "
        "several times. docs/export.md lists the fields.",
        metavar="NAME=TEXT",
        example="age=P90D",
        repeated=True,
    )
    sampling_frequency: float | None = frame_rate_parameter()
    plane: int | None = plane_parameter()
    force: bool = parameter(False, _REPLACE)


@verb(
    app,
    choices={"format": FORMATS},
    example="export data/mouse1 --format nwb -o mouse1.nwb",
)
def export(
    file: ExportFile, request: ExportRequest, classifying: ClassifyRequest
) -> None:
    """Write the labelled ROIs as table, celltype.npy, MATLAB, NWB, figure or text."""
    if request.existing is not None:
        if request.format not in ("nwb", "nwb-copy"):
            raise typer.BadParameter("--into goes with --format nwb")
        request = replace(request, format="nwb-copy")
    request = replace(
        request,
        only_iscell=classifying.only_iscell or None,
        session=NwbSession.of(file.field),
    )
    with watched() as watching:
        written = export_path(
            file.path,
            request,
            file.output,
            None if file.labels_only else classifying,
            sampling_frequency=file.sampling_frequency,
            plane=file.plane,
            force=file.force,
            **watching,
        )
    say(f"written: {written}")


@verb(app, example="train recordings.csv --base cnn -o mine.safetensors")
def train(request: TrainRequest) -> None:
    """Train a network on labelled data and save it as a model."""
    from napari_celltype.training.train import train_model

    with watched(goes_on=True) as watching:
        trained = train_model(request, **watching)
    for note in trained.notes:
        say(f"note: {note}")
    say(f"written: {request.output}")
    for sentence in trained.summary():
        say(sentence)
    if request.base is None:
        say(
            f"`napari-celltype evaluate {request.data} --classifiers "
            f"{request.architecture} --normalization {request.normalization} -o RUN` "
            "says how well its kind does over many splits."
        )


@verb(
    app,
    without=("experiment", "new_data"),
    example="evaluate traces.npz --classifiers cnn,svm-rbf -o run",
)
def evaluate(request: ExperimentRequest) -> None:
    """Train and test classifiers as the paper does, and more strictly."""
    _run(request)


@verb(
    app,
    first="experiment",
    without=(
        *("classifiers", "train_size", "test_size", "merged", "left_out"),
        *("learning_curve", "prior"),
    ),
    choices={"experiment": PAPER_EXPERIMENTS},
    example="paper table4 traces.npz --splits 3 -o table4",
)
def paper(request: ExperimentRequest) -> None:
    """Run one experiment of the paper on your data, laid out as the paper does."""
    if (request.new_data is None) is (request.experiment == "new-dataset"):
        raise typer.BadParameter("new-dataset, and it alone, takes --new-data FILE")
    if request.training.slow and request.experiment != "table1":
        raise typer.BadParameter("--slow belongs to table1 and evaluate")
    _run(request)


def _run(request: ExperimentRequest) -> None:
    """Run an experiment and print what it found."""
    command = shlex.join(["napari-celltype", *sys.argv[1:]])
    request = replace(request, command=command)
    with watched(goes_on=True) as watching:
        report = run_experiment(request, **watching)
    typer.echo(report.summary())
    for note in report.notes:
        say(f"note: {note}")
    say(f"written: {request.folder}/report.html")


@verb(app, example="simulate -o simulated --cells 40 --frames 1500 --movie")
def simulate(request: SimulateRequest) -> None:
    """Write a simulated recording, or a set of simulated traces, with known truth."""
    if (request.output is None) == (request.dataset is None):
        raise typer.BadParameter("give either -o DIR or --dataset FILE.npz")
    with watched() as watching:
        written = write_simulation(request, **watching)
    for file in written:
        say(f"written: {file}")


@dataclass(frozen=True)
class Suite2pRequest:
    """Which movie suite2p is run on."""

    movie: Path = parameter(
        REQUIRED, "A TIFF, or a folder of TIFFs.", argument=True, metavar="MOVIE"
    )
    output: Path = parameter(
        REQUIRED, "Where suite2p/ is made.", option=_OUTPUT, metavar="DIR"
    )
    sampling_frequency: float | None = frame_rate_parameter()
    tau: float = parameter(
        1.0, "Decay time of the indicator, seconds.", metavar="S", unit="s"
    )


@verb(app, "suite2p", example="suite2p movie.tif -o data/mouse1 --fs 30 --tau 0.7")
def suite2p_(request: Suite2pRequest) -> None:
    """Run suite2p on a TIFF and leave a normal suite2p folder."""
    movie, rate = request.movie, request.sampling_frequency
    rate = require_known_rate(rate or tiff_sampling_frequency(movie), movie)
    with watched() as watching:
        folder = run_suite2p(
            movie, request.output, sampling_frequency=rate, tau=request.tau, **watching
        )
    say(f"written: {folder}")


@verb(
    app,
    without=("labels", "plane", "with_predictions"),
    example="dataset dandi:000535 -o flicker.npz --limit 20",
)
def dataset(request: DatasetRequest) -> None:
    """Make a labelled trace set of public or own recordings of known types."""
    with watched(goes_on=True) as watching:
        made = make_dataset(request, confirm=_agreed, **watching)
    typer.echo(made.table())
    for note in made.notes:
        say(f"note: {note}")
    for failure in made.failures:
        say(f"error: {failure}")
    rules = ", ".join(f"{r.pattern} is {r.type or 'left out'}" for r in made.rules)
    if rules:
        say(f"Types by genotype: {rules} (--types-out writes the whole table).")
    say(f"written: {made.path}")
    if made.failures:
        raise typer.Exit(WRONG_INPUT)


def _agreed(question: str) -> bool:
    """Ask at a terminal before a download."""
    return sys.stdin.isatty() and typer.confirm(f"{question} Download?")


@verb(app, example="doctor")
def doctor() -> None:
    """Say what is installed, what is missing, and the line that mends it."""
    from napari_celltype.cli.doctor import doctor as examine

    checks = list(examine())
    width = max(len(c.name) for c in checks)
    for check in checks:
        mark = "ok " if check.ok else "-- "
        typer.echo(f"{mark}{check.name:<{width}}  {check.value}")
        if not check.ok:
            typer.echo(f"   {'':<{width}}  to mend: {check.remedy}")
