"""The parameters of a request, declared once: default, limits, choices and help.

A request is a frozen dataclass whose fields are made by `parameter`. Options of the
terminal, forms of the docks, run folders and command lines are derived from them. A
request may hold others; their parameters are its own.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

R = TypeVar("R")

REQUIRED: Any = MISSING  # stands for the default of what has none
_KEY = "parameter"
_METAVARS = {int: "N", float: "X", Path: "PATH"}


@dataclass(frozen=True)
class Parameter:
    """One parameter of a request."""

    name: str  # of the field
    about: str  # help at the terminal and tooltip in a form
    default: Any = None
    label: str = ""  # in a form
    # Values that are allowed (others only if it is free), and their words in a form.
    choices: Mapping[Any, str] = field(default_factory=dict)
    free: bool = False
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    unit: str = ""  # in a form
    metavar: str = ""  # stands for the value in help
    example: str = ""  # a value, for help with a wrong one
    options: tuple[str, ...] = ()  # at the terminal; none for what only a form has
    argument: bool = False  # at the terminal without an option's name
    needed: bool = False  # at the terminal
    repeated: bool = False  # an option for each value, not one joined by commas
    types: tuple[type, ...] = (str,)  # of the value, without None

    def read(self, *texts: str) -> Any:
        """Return the value that texts stand for; one, unless it is repeated.

        Raises
        ------
        ValueError
            If they stand for none, or for one that is not allowed; says why.
        """
        if not {tuple, dict} & set(self.types):
            return self._one(*texts)
        if not self.repeated:
            texts = tuple(part.strip() for text in texts for part in text.split(","))
        parts = filter(None, texts)
        if dict in self.types:
            return dict(map(self._pair, parts))
        return tuple(map(self._one, parts))

    def kept(self, value: Any) -> Any:
        """Return a value that was kept as JSON; `ValueError` if it is none of these."""
        parts: Iterable[Any] = (value,)
        types = {*self.types} - {tuple, dict}
        if isinstance(value, Mapping) and dict in self.types:
            parts = value.values()
        elif isinstance(value, list) and tuple in self.types:
            parts = value = tuple(value)
        elif value is None and self.default in (None, REQUIRED):
            return None
        elif types != {*self.types}:
            parts = (None,)
        for part in parts:
            if type(part) not in types and not (type(part) is int and float in types):
                raise ValueError(f"{self.name} is {str(value)[:60]!r}")
            self._allowed(part)
        return value

    def text(self, value: Any) -> str:
        """Return the text that stands for a value; none for None."""
        if value is None:
            return ""
        if isinstance(value, Mapping):
            return ",".join(f"{name}={_plain(v)}" for name, v in value.items())
        if isinstance(value, tuple | list):
            return ",".join(map(str, value))
        return _plain(value)

    def arguments(self, value: Any) -> list[str]:
        """Return a value as it is typed at the terminal."""
        if value is None or value is False:
            return []
        if self.argument:
            return [self.text(value)]
        if value is True:
            return [self.options[-1]]
        if not self.repeated:
            return [self.options[-1], self.text(value)]
        parts = [{n: v} for n, v in value.items()] if dict in self.types else value
        return [w for part in parts for w in (self.options[-1], self.text(part))]

    def _one(self, text: str) -> Any:
        if Path in self.types:
            return Path(text)
        number = self._number()
        if number is None or text in self.choices:
            return self._allowed(text)
        try:
            value = number(text)
        except ValueError:
            wanted = f"a number such as {self.example or 10}"
            if self.choices:
                named = ", ".join(map(repr, self.choices))
                wanted = f"one of {named}, nor {wanted}"
            raise ValueError(f"{text!r} is not {wanted}") from None
        return self._allowed(value)

    def _pair(self, text: str) -> tuple[str, Any]:
        name, _, value = (part.strip() for part in text.partition("="))
        with suppress(ValueError):
            if name and value:
                return name, self._allowed((self._number() or str)(value))
        form = self.metavar.replace(",...", "")
        raise ValueError(f"{text!r} is not of the form {form}, such as {self.example}")

    def _number(self) -> type[int] | type[float] | None:
        return int if int in self.types else float if float in self.types else None

    def _allowed(self, value: Any) -> Any:
        limited = self.choices and not self.free and isinstance(value, str)
        if limited and value not in self.choices:
            named = ", ".join(map(str, self.choices))
            raise ValueError(f"{value!r} is not one of {named}")
        if isinstance(value, int | float):
            finite = isinstance(value, int) or math.isfinite(value)
            if self.minimum is not None and not finite:
                raise ValueError(f"{value} is no number")
            if self.minimum is not None and value < self.minimum:
                raise ValueError(f"{value} is below {_plain(self.minimum)}")
            if self.maximum is not None and value > self.maximum:
                raise ValueError(f"{value} is above {_plain(self.maximum)}")
        return value


def parameter(
    default: Any,
    about: str,
    *,
    option: str | Sequence[str] | None = "",
    choices: Mapping[Any, str] | Iterable[Any] | Callable[[], Mapping[Any, str]] = (),
    **more: Any,
) -> Any:
    """Declare a field of a request as a parameter, with the attributes of `Parameter`.

    Its option at the terminal is called as the field unless named; None for nowhere.
    Choices that are callable are asked each time, where more may be registered.
    """
    named: Any = choices
    if not callable(choices) and not isinstance(choices, Mapping):
        named = {choice: str(choice) for choice in choices}
    options = (option,) if isinstance(option, str) else tuple(option or ())
    declared = Parameter("", about, default, choices=named, options=options, **more)
    metadata = {_KEY: declared}
    if isinstance(default, dict):
        return field(default_factory=default.copy, metadata=metadata)
    return field(default=default, metadata=metadata)


def parameters(request: Any) -> dict[str, Parameter]:
    """Return the parameters of a request by the names of their fields."""
    found: dict[str, Parameter] = {}
    hints = get_type_hints(request)
    for one in fields(request):
        hint = hints[one.name]
        if _KEY in one.metadata:
            found[one.name] = _completed(one.metadata[_KEY], one.name, hint)
        elif isinstance(hint, type) and is_dataclass(hint):
            found |= parameters(hint)
    return found


def build(request: Callable[..., R], values: Mapping[str, Any]) -> R:
    """Return a request from values by the names of fields; others have defaults."""
    hints = get_type_hints(request)
    given = {}
    for one in fields(request):  # type: ignore[arg-type]
        hint = hints[one.name]
        if one.name in values:
            given[one.name] = values[one.name]
        elif isinstance(hint, type) and is_dataclass(hint):
            given[one.name] = build(hint, values)
    return request(**given)


def values_of(request: Any) -> dict[str, Any]:
    """Return the values of the parameters of a request by the names of fields."""
    found: dict[str, Any] = {}
    for one in fields(request):
        value = getattr(request, one.name)
        if _KEY in one.metadata:
            found[one.name] = value
        elif is_dataclass(value):
            found |= values_of(value)
    return found


def terminal_arguments(request: Any) -> list[str]:
    """Return a request as it is typed at a terminal; defaults are not said."""
    typed: list[str] = []
    declared = parameters(type(request))
    for name, value in values_of(request).items():
        one = declared[name]
        if (one.options or one.argument) and value != one.default:
            typed += one.arguments(value)
    return typed


def command_line(verb: str, request: Any) -> str:
    """Return the command that asks for the same, of data on disk, at a terminal."""
    return shlex.join(["napari-celltype", verb, *terminal_arguments(request)])


def _completed(declared: Parameter, name: str, hint: Any) -> Parameter:
    """Add to a declaration what the field says: its name and its types."""
    spelt = f"--{name.replace('_', '-')}"
    types = _types(hint)
    choices = declared.choices() if callable(declared.choices) else declared.choices
    named = "" if declared.free else "|".join(map(str, choices))
    return replace(
        declared,
        name=name,
        choices=choices,
        label=declared.label or name.replace("_", " ").capitalize(),
        options=()
        if declared.argument
        else tuple(o or spelt for o in declared.options),
        metavar=declared.metavar
        or named
        or next((text for kind, text in _METAVARS.items() if kind in types), "TEXT"),
        needed=declared.needed or declared.default is REQUIRED,
        types=types,
    )


def _types(hint: Any) -> tuple[type, ...]:
    """Return the types that a field's value may have, those inside it included."""
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return tuple(t for one in get_args(hint) for t in _types(one))
    if origin is tuple:
        return (tuple, *_types(get_args(hint)[0]))
    if origin is not None and issubclass(origin, Mapping):
        return (dict, *_types(get_args(hint)[1]))
    return () if hint is NoneType else (hint,)


def _plain(value: Any) -> str:
    return f"{value:.12g}" if isinstance(value, float) else str(value)


# What several requests ask for, each declared here alone.


def device_parameter() -> Any:
    """Return the parameter that says where networks are computed."""
    return parameter(
        "auto",
        "Where networks are computed; auto takes a GPU where there is one.",
        choices=("auto", "cpu", "cuda", "mps"),
        free=True,
        metavar="auto|cpu|cuda|cuda:N|mps",
    )


def seed_parameter() -> Any:
    """Return the parameter that fixes all chance."""
    return parameter(
        0,
        "Seed of all chance.",
        option="--seed",
        metavar="K",
        minimum=0,
        maximum=2**32 - 1,
    )


def frame_rate_parameter() -> Any:
    """Return the parameter for a frame rate that the files do not say."""
    return parameter(
        None,
        "Frames per second and plane, where the files do not say or say it wrong.",
        option="--fs",
        metavar="HZ",
        label="Frame rate",
        unit="Hz",
    )


def neuropil_parameter(default: str, choices: Collection[str], about: str) -> Any:
    """Return the parameter for what is subtracted from raw traces."""
    return parameter(
        default,
        about,
        label="Input",
        choices=choices,
        metavar=f"{'|'.join(choices)}|C",
        example="0.7",
    )


def joins_parameter() -> Any:
    """Return the parameter that says where a recording is not continuous."""
    return parameter(
        "auto",
        "Where a recording was joined: auto takes numbered files of one folder for one "
        "acquisition, continuous has no joins, break has one at each file and folder.",
        choices={
            "auto": "by folders and names of files",
            "continuous": "nowhere",
            "break": "at each file",
        },
    )


def plane_parameter() -> Any:
    """Return the parameter that chooses one plane."""
    return parameter(None, "Take only plane N.")


def jobs_parameter() -> Any:
    """Return the parameter for the number of processes."""
    return parameter(1, "Processes on this machine.", minimum=1)


def scheduler_parameter() -> Any:
    """Return the parameter for a cluster."""
    return parameter(None, "A Dask scheduler, tcp://host:port.", metavar="ADDRESS")


def labelled_data_parameter() -> Any:
    """Return the parameter for what is trained on or tested."""
    return parameter(
        REQUIRED,
        "Labelled data: a trace set .npz, a recording list .csv, or a suite2p folder "
        "with a label file.",
        argument=True,
        metavar="DATA",
    )


def normalization_parameter(default: str) -> Any:
    """Return the parameter for what traces are z-scored by."""
    return parameter(
        default,
        "Z-score each trace by itself, or by the training set as the paper does.",
        label="Z-score",
        choices={
            "trace": "each trace by itself",
            "training-set": "by training set (paper)",
            "training-set-per-timestep": "by training set, each frame",
        },
    )
