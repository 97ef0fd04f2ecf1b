"""The verbs of the terminal, one function each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_celltype.cli import options as opt
from napari_celltype.cli.experiments import evaluate, paper, train
from napari_celltype.cli.export import export
from napari_celltype.cli.models import models_app
from napari_celltype.cli.result_lines import result_lines
from napari_celltype.cli.terminal import (
    STOPPED,
    WRONG_INPUT,
    debug,
    door,
    interruptible,
    say,
    shown_progress,
)
from napari_celltype.errors import SamplingFrequencyError
from napari_celltype.models import DEFAULT_MODEL

app = typer.Typer(
    name="napari-celltype",
    help="Tell pyramidal, PV, SOM and VIP neurons apart by their calcium traces.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
app.add_typer(models_app, name="models")
for verb in (export, train, evaluate, paper):
    app.command()(verb)


def _show_version(asked: bool) -> None:
    if asked:
        from napari_celltype import __version__

        typer.echo(f"napari-celltype {__version__}")
        raise typer.Exit


@app.callback()
def program(
    show_traceback: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Tell pyramidal, PV, SOM and VIP neurons apart by their calcium traces."""
    debug.set(show_traceback)


@app.command()
@door
def demo(
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="Where results go.")
    ] = Path("celltype-demo"),
    headless: Annotated[
        bool, typer.Option("--headless", help="Save files and exit; no window waits.")
    ] = False,
    seed: opt.Seed = 0,
    device: opt.Device = "auto",
    verbose: opt.Verbose = False,
    force: opt.Force = False,
) -> None:
    """Simulate a two-photon movie, run suite2p on it, classify its ROIs, show them.

    Example: napari-celltype demo --headless -o demo
    """
    from napari_celltype.cli.demo import run_demo
    from napari_celltype.cli.window import open_window, save_screenshot

    with interruptible() as should_stop, shown_progress() as on_progress:
        result = run_demo(
            output,
            random_state=seed,
            device=device,
            force=force,
            on_progress=on_progress,
            should_stop=should_stop,
        )
    if headless:
        screenshot = output / "screenshot.png"
        missing = save_screenshot(
            result.recording_path, screenshot, model=DEFAULT_MODEL
        )
        result.add_to_summary(
            f"The window: {screenshot}" if missing is None else f"No window: {missing}"
        )
    typer.echo(result.summary_file.read_text(encoding="utf-8"))
    if verbose:
        typer.echo("\n".join(result.details))
    if not headless:
        raise typer.Exit(open_window(result.recording_path, model=DEFAULT_MODEL))


@app.command(name="open")
@door
def open_(
    path: opt.RecordingPath,
    movie: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The imaging stack, a TIFF.")
    ] = None,
    fs: opt.Fs = None,
    neuropil: opt.Neuropil = "model",
    plane: opt.Plane = None,
) -> None:
    """Open napari with a recording and the docks.

    Example: napari-celltype open data/mouse1/suite2p
    """
    from napari_celltype.cli.window import open_window
    from napari_celltype.recording.folder import find_recordings

    find_recordings([path], plane)  # a wrong path is told before napari starts
    chosen = opt.parse_neuropil(neuropil)
    raise typer.Exit(
        open_window(path, movie=movie, fs=fs, plane=plane, neuropil=chosen)
    )


@app.command()
@door
def classify(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...",
            help="Recordings, or folders that hold many.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="OUT",
            help="A .csv, .parquet or .json file; without it CSV on standard output.",
        ),
    ] = None,
    model: opt.Model = DEFAULT_MODEL,
    only_iscell: opt.OnlyIscell = False,
    min_probability: opt.MinProbability = 0.0,
    prior: opt.Prior = None,
    fs: opt.Fs = None,
    neuropil: opt.Neuropil = "model",
    plane: opt.Plane = None,
    device: opt.Device = "auto",
    jobs: opt.Jobs = 1,
    scheduler: opt.Scheduler = None,
    verbose: opt.Verbose = False,
    force: opt.Force = False,
) -> None:
    """Classify every ROI of the recordings and write one table.

    Example: napari-celltype classify data/ -o cell_types.csv
    """
    from napari_celltype.answers.classify import ClassifyRequest, classify_many
    from napari_celltype.export import check_table_path, table_to_csv, write_table
    from napari_celltype.recording.folder import find_recordings

    request = ClassifyRequest(
        model,
        device,
        opt.parse_neuropil(neuropil),
        min_probability,
        only_iscell,
        opt.parse_prior(prior),
    )
    if output is not None:
        check_table_path(output, force=force)
    found = find_recordings(paths, plane)
    with interruptible() as should_stop, shown_progress() as on_progress:
        result = classify_many(
            found.planes,
            request,
            sampling_frequency=fs,
            jobs=jobs,
            scheduler=scheduler,
            on_progress=on_progress,
            should_stop=should_stop,
        )
    if result.done:
        if output is None:
            typer.echo(table_to_csv(result.table), nl=False)
        else:
            origin = result.provenance(request)
            write_table(result.table, output, force=force, provenance=origin)
    for line in result_lines(result, asked=len(found.planes), in_full=verbose):
        say(line)
    failures = (*found.failures, *result.failures)
    for failure in failures:
        say(f"error: {failure.reason}")
    if result.stopped:
        raise typer.Exit(STOPPED)
    if failures:
        raise typer.Exit(WRONG_INPUT)


@app.command()
@door
def simulate(
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="DIR", help="A labelled recording."),
    ] = None,
    cells: Annotated[int, typer.Option(metavar="N", min=4)] = 40,
    frames: Annotated[int, typer.Option(metavar="N", min=1)] = 4000,
    fs: Annotated[float, typer.Option("--fs", metavar="HZ", min=1.0)] = 30.0,
    movie: Annotated[
        bool, typer.Option("--movie", help="Write the two-photon movie, too.")
    ] = False,
    dataset: Annotated[
        Path | None,
        typer.Option(metavar="FILE.npz", help="A labelled trace set instead."),
    ] = None,
    counts: Annotated[
        str, typer.Option(metavar="TYPE=N,...", help="Traces per type, with --dataset.")
    ] = "PY=1000,PV=947,SOM=1000,VIP=1000",
    seed: opt.Seed = 0,
    force: opt.Force = False,
) -> None:
    """Write a simulated recording, or a set of simulated traces, with known truth.

    Example: napari-celltype simulate -o simulated --cells 40 --frames 1500 --movie
    """
    from napari_celltype.cli.simulate import (
        simulate_dataset_file,
        simulate_folder,
    )

    if (output is None) == (dataset is None):
        raise typer.BadParameter("give either -o DIR or --dataset FILE.npz")
    if dataset is not None:
        simulate_dataset_file(
            dataset,
            opt.parse_counts(counts),
            n_frames=frames,
            sampling_frequency=fs,
            random_state=seed,
            force=force,
        )
        say(f"written: {dataset}")
    elif output is not None:
        with interruptible() as should_stop, shown_progress() as on_progress:
            written = simulate_folder(
                output,
                n_cells=cells,
                n_frames=frames,
                sampling_frequency=fs,
                movie=movie,
                random_state=seed,
                force=force,
                on_progress=on_progress,
                should_stop=should_stop,
            )
        for file in written:
            say(f"written: {file}")


@app.command(name="suite2p")
@door
def suite2p_(
    movie: Annotated[Path, typer.Argument(metavar="MOVIE", show_default=False)],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR")],
    fs: opt.Fs = None,
    tau: Annotated[
        float, typer.Option(metavar="S", help="Decay time of the indicator, seconds.")
    ] = 1.0,
) -> None:
    """Run suite2p on a TIFF and leave a normal suite2p folder.

    Example: napari-celltype suite2p movie.tif -o data/mouse1 --fs 30 --tau 0.7
    """
    from napari_celltype.recording import run_suite2p, tiff_sampling_frequency

    frequency = fs or tiff_sampling_frequency(movie)
    if frequency is None:
        raise SamplingFrequencyError(
            f"{movie} does not say its frame rate; give the rate per plane (--fs HZ)."
        )
    with interruptible() as should_stop, shown_progress() as on_progress:
        folder = run_suite2p(
            movie,
            output,
            sampling_frequency=frequency,
            tau=tau,
            on_progress=on_progress,
            should_stop=should_stop,
        )
    say(f"written: {folder}")


@app.command()
@door
def doctor() -> None:
    """Say what is installed, what is missing, and the line that mends it.

    Example: napari-celltype doctor
    """
    from napari_celltype.cli.doctor import doctor as examine

    findings = examine()
    width = max(len(f.name) for f in findings)
    for finding in findings:
        mark = "ok " if finding.ok else "-- "
        typer.echo(f"{mark}{finding.name:<{width}}  {finding.value}")
        if not finding.ok:
            typer.echo(f"   {'':<{width}}  to mend: {finding.remedy}")
