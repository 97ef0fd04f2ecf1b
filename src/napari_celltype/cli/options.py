"""The options of a verb, from the parameters of its requests."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import is_dataclass, replace
from typing import Annotated, Any, get_type_hints

import typer

from napari_celltype.cli.terminal import door
from napari_celltype.parameters import Parameter, build, parameters


def verb(
    app: typer.Typer,
    called: str | None = None,
    *,
    example: str,
    first: str = "",
    without: Collection[str] = (),
    choices: Mapping[str, Iterable[str]] | None = None,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a verb of a function whose arguments are requests."""

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        requests: dict[str, Any] = {
            n: h for n, h in get_type_hints(function).items() if is_dataclass(h)
        }
        taken: dict[str, Parameter] = {}
        for request in requests.values():
            taken |= parameters(request)
        taken = {
            name: one
            for name, one in taken.items()
            if name not in without and (one.options or one.argument)
        }
        for name, values in (choices or {}).items():
            known = {value: value for value in values}
            taken[name] = replace(taken[name], choices=known, metavar="|".join(known))

        def run(**typed: Any) -> None:
            read = {name: _read(one, typed[name]) for name, one in taken.items()}
            given = {name: value for name, value in read.items() if value is not None}
            function(**{n: build(one, given) for n, one in requests.items()})

        names = sorted(taken, key=lambda name: name != first)
        arguments = [_argument(taken[name]) for name in names]
        run.__doc__ = f"{function.__doc__}\n\nExample: napari-celltype {example}"
        run.__name__ = function.__name__
        # Typer reads these.
        run.__annotations__ = {a.name: a.annotation for a in arguments}
        run.__signature__ = inspect.Signature(arguments)  # type: ignore[attr-defined]
        return app.command(called)(door(run))

    return decorate


def _argument(one: Parameter) -> inspect.Parameter:
    """Return a parameter as an argument that Typer understands."""
    kind: Any = bool if bool in one.types else list[str] if one.repeated else str
    info: Any
    if one.argument:
        info = typer.Argument(help=one.about, metavar=one.metavar, show_default=False)
    elif kind is bool:
        info = typer.Option(*one.options, help=one.about)
    else:
        info = typer.Option(*one.options, help=one.about, metavar=one.metavar)
    default: Any = inspect.Parameter.empty
    if not one.needed:
        default = one.default if kind is bool else one.text(one.default) or None
        kind = kind if default is not None else kind | None
    annotation = Annotated[kind, info]
    place = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(one.name, place, default=default, annotation=annotation)


def _read(one: Parameter, typed: Any) -> Any:
    """Return the value of what was typed; None where nothing was."""
    if typed is None or isinstance(typed, bool):
        return typed
    texts = typed if isinstance(typed, list) else [typed]
    try:
        return one.read(*texts) if texts else None
    except ValueError as error:
        raise typer.BadParameter(
            str(error), param_hint=one.options[-1] if one.options else one.metavar
        ) from None
