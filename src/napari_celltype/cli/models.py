"""`napari-celltype models`: the bundled and the user's models with their cards."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import typer

from napari_celltype.cli.options import verb
from napari_celltype.cli.terminal import say
from napari_celltype.parameters import parameter

models_app = typer.Typer(rich_markup_mode="rich")


@dataclass(frozen=True)
class ModelRequest:
    """A model in the list, and a file."""

    name: str = parameter(
        "", "A name in the list, or a file.", argument=True, needed=True, metavar="NAME"
    )
    file: Path = parameter(
        Path(), "A .safetensors file.", argument=True, needed=True, metavar="FILE"
    )
    force: bool = parameter(False, "Replace a file that this program did not write.")


@models_app.callback(invoke_without_command=True)
def models(context: typer.Context) -> None:
    """List the bundled and your own models, show their cards, carry them along.

    Example: napari-celltype models show cnn
    """
    if context.invoked_subcommand is None:
        list_()


@verb(models_app, "list", example="models list")
def list_() -> None:
    """List all models, one line each."""
    from napari_celltype.models import list_models

    for card in list_models(on_notice=say):
        rate = card.sampling_frequency
        typer.echo(
            f"{card.name:<16} {', '.join(card.classes):<20} "
            f"{'? Hz' if rate is None else f'{rate:g} Hz'}  {card.trained_on}"
        )


@verb(models_app, without=("file", "force"), example="models show cnn")
def show(request: ModelRequest) -> None:
    """Print the card of a model: what it was trained on and what it scored."""
    from napari_celltype.models import describe, find_model

    file = find_model(request.name)
    typer.echo(describe(file.card, file.sha256))


@verb(
    models_app, without=("name", "force"), example="models verify mymodel.safetensors"
)
def verify(request: ModelRequest) -> None:
    """Check that a model file is whole and unchanged."""
    from napari_celltype.models import verify_model

    verified = verify_model(request.file)
    typer.echo(f"{verified.card.name} is whole; SHA-256 {verified.sha256}")


@verb(models_app, example="models pack cnn-10hz cnn.safetensors")
def pack(request: ModelRequest) -> None:
    """Write a model to one file that another lab can add."""
    from napari_celltype.models import pack_model

    pack_model(request.name, request.file, force=request.force)
    say(f"written: {request.file}")


@verb(models_app, without=("name",), example="models add cnn.safetensors")
def add(request: ModelRequest) -> None:
    """Add a model file to your own models."""
    from napari_celltype.models import add_model

    say(f"added: {add_model(request.file, force=request.force).card.name}")
