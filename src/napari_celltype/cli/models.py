"""`napari-celltype models`: the bundled and the user's models with their cards."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_celltype.cli.options import Force
from napari_celltype.cli.terminal import door, say

models_app = typer.Typer(rich_markup_mode="rich")
Name = Annotated[str, typer.Argument(metavar="NAME", show_default=False)]
File = Annotated[Path, typer.Argument(metavar="FILE", show_default=False)]


@models_app.callback(invoke_without_command=True)
def models(context: typer.Context) -> None:
    """List the bundled and your own models, show their cards, carry them along.

    Example: napari-celltype models show cnn
    """
    if context.invoked_subcommand is None:
        list_()


@models_app.command(name="list")
@door
def list_() -> None:
    """List all models, one line each.

    Example: napari-celltype models list
    """
    from napari_celltype.models import list_models

    for card in list_models(on_notice=say):
        typer.echo(
            f"{card.name:<16} {', '.join(card.classes):<20} "
            f"{card.sampling_frequency or 0:g} Hz  {card.trained_on}"
        )


@models_app.command()
@door
def show(name: Name) -> None:
    """Print the card of a model: what it was trained on and what it scored.

    Example: napari-celltype models show cnn
    """
    from napari_celltype.models import show_model

    typer.echo(show_model(name))


@models_app.command()
@door
def verify(file: File) -> None:
    """Check that a model file is whole and unchanged.

    Example: napari-celltype models verify mymodel.safetensors
    """
    from napari_celltype.models import verify_model

    verified = verify_model(file)
    typer.echo(f"{verified.card.name} is whole; SHA-256 {verified.sha256}")


@models_app.command()
@door
def pack(name: Name, file: File, force: Force = False) -> None:
    """Write a model to one file that another lab can add.

    Example: napari-celltype models pack cnn-10hz cnn.safetensors
    """
    from napari_celltype.models import pack_model

    pack_model(name, file, force=force)
    say(f"written: {file}")


@models_app.command()
@door
def add(file: File, force: Force = False) -> None:
    """Add a model file to your own models.

    Example: napari-celltype models add cnn.safetensors
    """
    from napari_celltype.models import add_model

    say(f"added: {add_model(file, force=force).card.name}")
