"""The program: its own options, and the list of its verbs."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from napari_celltype.cli.terminal import debug

# First line of what each verb says of itself, which `--help` need not import.
VERBS = {
    "demo": "Simulate a two-photon movie, run suite2p on it, classify its ROIs, show "
    "them.",
    "open": "Open napari with a recording and the docks.",
    "classify": "Classify every ROI of the recordings and write one table.",
    "watch": "Classify ROIs while they are recorded.",
    "export": "Write the labelled ROIs as table, celltype.npy, MATLAB, NWB, figure or "
    "text.",
    "train": "Train a network on labelled data and save it as a model.",
    "evaluate": "Train and test classifiers as the paper does, and more strictly.",
    "paper": "Run one experiment of the paper on your data, laid out as the paper "
    "does.",
    "simulate": "Write a simulated recording, or a set of simulated traces, with known "
    "truth.",
    "suite2p": "Run suite2p on a TIFF and leave a normal suite2p folder.",
    "dataset": "Make a labelled trace set of public or own recordings of known types.",
    "doctor": "Say what is installed, what is missing, and the line that mends it.",
    "models": "List the bundled and your own models, show their cards, carry them "
    "along.",
}


class _Verb(TyperCommand):
    """A verb that is imported when it runs, so that `--help` has not to wait."""

    def make_context(self, *args: Any, **extra: Any) -> Any:
        """Hand over to the verb itself."""
        from napari_celltype.cli.verbs import app as verbs

        group: Any = typer.main.get_command(verbs)
        return group.commands[self.name].make_context(*args, **extra)


class _Verbs(TyperGroup):
    def __init__(self, **extra: Any) -> None:
        super().__init__(**extra)
        for name, about in VERBS.items():
            self.add_command(_Verb(name, help=about, rich_markup_mode="rich"))


app = typer.Typer(
    cls=_Verbs,
    name="napari-celltype",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


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
