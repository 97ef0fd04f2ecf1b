"""The model card: what a saved model is, expects, was trained on, and is good for.

Read and written without torch, so that lists and docks can show cards at once. The
types of the dataclasses' fields are the rules by which a card is checked.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from functools import cache, partial
from itertools import pairwise
from types import NoneType
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    get_args,
    get_origin,
    get_type_hints,
)

import numpy as np
from numpy.typing import NDArray

from napari_celltype.celltypes import DEFAULT_TYPES, UNSURE
from napari_celltype.errors import LabelError, ModelError
from napari_celltype.models.registry import network_title

CARD_FORMAT = 1
# Looked up once: of a card with hundreds of scores they take longer than its network.
_hints = cache(partial(get_type_hints, include_extras=True))


class Rule(NamedTuple):
    """What a value must fulfil beside its type, and how that is put into words."""

    fits: Callable[[Any], bool]
    wanted: str


def _is_number(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and -1e300 < value < 1e300  # type: ignore[operator]


def _are_classes(names: tuple[str, ...]) -> bool:
    plain = all(
        name.strip() and name.isprintable() and len(name) <= 50 and "|" not in name
        for name in names
    )
    different = len(set(names)) == len(names)
    return plain and different and UNSURE not in names and 2 <= len(names) <= 1000


def _ascend(steps: tuple[CalibrationStep, ...]) -> bool:
    numbers = [step.n_windows for step in steps]
    return numbers[:1] == [1] and all(a < b for a, b in pairwise(numbers))


def _belong_together(score: Score) -> bool:
    return (
        (score.low is None) == (score.high is None)
        and (score.low is None or score.high is None or score.low <= score.high)
        and (score.probe is None) == (score.probe_value is None)
    )


_Text = Annotated[
    str, Rule(lambda v: bool(v.strip()) and len(v) < 10_000, "a text, not empty")
]
_Short = Annotated[
    str, Rule(lambda v: bool(v.strip()) and len(v) <= 100, "1 to 100 letters")
]
# Can be a file name anywhere and a word in a terminal.
_Name = Annotated[
    str,
    Rule(
        lambda v: re.fullmatch(r"[^\W_][\w.-]{0,99}", v) is not None,
        "up to 100 letters, digits, '-', '_' or '.'",
    ),
]
_Number = Annotated[float, Rule(_is_number, "a finite number")]
_Positive = Annotated[_Number, Rule(lambda v: v > 0, "a number above 0")]
_Probability = Annotated[_Number, Rule(lambda v: 0 <= v <= 1, "from 0 to 1")]
_Count = Annotated[int, Rule(lambda v: 1 <= v <= 10**9, "a whole number from 1")]
_Frames = Annotated[
    int, Rule(lambda v: 1 <= v <= 10**7, "from 1 to ten million frames")
]
_Neuropil = Annotated[
    Any, Rule(lambda v: v == "none" or _is_number(v), "'none' or a coefficient")
]
_Range = Annotated[
    Mapping[str, _Number],
    Rule(
        lambda v: set(v) == {"low", "high"} and v["low"] <= v["high"],
        "a low and a high that is not below it",
    ),
]


@dataclass(frozen=True)
class CalibrationStep:
    """What holds from one number of windows of a ROI up to the next step.

    The mean log-probability over its windows is divided by `temperature`. A class whose
    probability, by the model with the shares of its training data, is at least
    `prediction_set` of it is in the set.
    """

    n_windows: _Count
    temperature: _Positive
    prediction_set: Mapping[str, _Probability]


@dataclass(frozen=True)
class Calibration:
    """The promises of a model, and the data on which they were checked.

    Of at least a share `coverage` of the cells the prediction set holds the type. It
    was `calibrated_on` ("simulation", or words about the user's own sessions) so many
    `sessions` and `cells` with at least one window. The `steps` ascend from 1 window.
    """

    calibrated_on: _Text
    coverage: _Probability
    sessions: _Count
    cells: _Count
    steps: Annotated[
        tuple[CalibrationStep, ...], Rule(_ascend, "steps that ascend from 1 window")
    ]

    def row(self, n_windows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return which step holds for ROIs of so many windows; the first for none."""
        starts = [step.n_windows for step in self.steps]
        return np.maximum(np.searchsorted(starts, n_windows, side="right") - 1, 0)


@dataclass(frozen=True)
class Score:
    """What a model reached on some cells, beside chance and a single number.

    `value` is the `measure` ("AUROC of p_IN") of `n` cells of the `data` ("in vivo,
    GCaMP6f"); `low` and `high` are its 95 % interval, resampling `unit` ("sessions");
    `chance` is the value of answers that know nothing, and `probe_value` that of
    `probe`, the single number of a trace that does best on the same cells.
    """

    data: _Short
    measure: _Short
    value: _Number
    n: _Count
    unit: _Short
    low: _Number | None = None
    high: _Number | None = None
    chance: _Number | None = None
    probe: _Short | None = None
    probe_value: _Number | None = None

    @property
    def cells(self) -> tuple[str, ...]:
        """The row of this score in a table: data, measure, score, n, chance, probe."""
        interval = "" if self.low is None else f" [{self.low:.2f}, {self.high:.2f}]"
        chance = "" if self.chance is None else f"{self.chance:.2f}"
        probe = "" if self.probe is None else f"{self.probe} {self.probe_value:.2f}"
        value = f"{self.value:.2f}{interval}"
        return self.data, self.measure, value, str(self.n), chance, probe


@dataclass(frozen=True)
class ModelCard:
    """Everything about a saved model but its weights; docs/models.md names the fields.

    An impossible value raises `ModelError`.
    """

    name: _Name
    family: _Name
    classes: Annotated[
        tuple[str, ...],
        Rule(_are_classes, "two or more different short names without '|'"),
    ]
    architecture: _Text
    window_frames: _Frames
    sampling_frequency: _Positive | None
    normalization: _Text
    neuropil: _Neuropil
    trained_on: _Text
    origin: Literal["simulation", "user"]
    subtypes_proven: bool
    intended_use: _Text
    not_for: _Text
    created: _Text
    parameters: Mapping[str, Any] = field(default_factory=dict)
    training_data: Mapping[str, Any] = field(default_factory=dict)
    assumed_shares: Mapping[str, _Probability] | None = None
    calibration: Calibration | None = None
    domain: Mapping[str, _Range] | None = None
    scores: tuple[
        Annotated[Score, Rule(_belong_together, "numbers that belong together")], ...
    ] = ()
    versions: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, kind in _hints(ModelCard).items():
            object.__setattr__(self, name, _checked(kind, getattr(self, name), name))
        if self.calibration is None:
            return
        try:
            DEFAULT_TYPES.including(self.classes)
            wrong = ""
        except LabelError as error:
            wrong = str(error)
        names = {frozenset(step.prediction_set) for step in self.calibration.steps}
        if names != {frozenset(self.classes)}:
            wrong = f"prediction_set does not name {', '.join(self.classes)}"
        if wrong:
            raise ModelError(
                f"The calibration on the card of {self.name!r} does not belong to its "
                f"classes ({wrong}); calibrate the model again."
            )

    def to_json(self) -> str:
        """Return the card as JSON text; `ModelError` if a value has no JSON form."""
        values = {**asdict(self), "format": CARD_FORMAT}
        try:
            return json.dumps(values, sort_keys=True, allow_nan=False, indent=1)
        except (TypeError, ValueError) as error:
            raise ModelError(
                f"The card of the model {self.name!r} cannot be written as JSON "
                f"({error}); give plain numbers, texts, lists and dicts."
            ) from error

    @classmethod
    def from_json(cls, text: str) -> ModelCard:
        """Read a card; `ModelError` if the text is none, or a value is impossible."""
        try:
            values = json.loads(text)
        except (ValueError, RecursionError):
            values = None
        if not isinstance(values, dict):
            raise ModelError("The model card is no JSON object; the file is no model.")
        found_format = values.pop("format", None)
        if found_format != CARD_FORMAT:
            raise ModelError(
                f"The model card has format {found_format!r:.20}, this version reads "
                f"{CARD_FORMAT}; update napari-celltype or save the model again."
            )
        try:
            return cls(**values)
        except TypeError as error:
            raise ModelError(
                f"The model card has other fields than this version ({error}); update "
                "napari-celltype or save the model again."
            ) from error


def _checked(kind: Any, value: Any, where: str) -> Any:
    """Return a value of a card in the form of its type, or refuse it by its place."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        value = _checked(arguments[0], value, where)
        for rule in arguments[1:]:
            if not rule.fits(value):
                raise _impossible(where, value, rule.wanted)
    elif NoneType in arguments:
        return None if value is None else _checked(arguments[0], value, where)
    elif origin is Literal:
        if value not in arguments:
            raise _impossible(where, value, " or ".join(map(repr, arguments)))
    elif origin is tuple:
        if not isinstance(value, tuple | list):
            raise _impossible(where, value, "a list")
        items = enumerate(value)
        return tuple(_checked(arguments[0], v, f"{where}[{row}]") for row, v in items)
    elif origin is Mapping:
        if not isinstance(value, Mapping) or not all(isinstance(k, str) for k in value):
            raise _impossible(where, value, "a mapping of names")
        kind = arguments[1]
        return {k: _checked(kind, v, f"{where}.{k:.60}") for k, v in value.items()}
    elif isinstance(kind, type) and is_dataclass(kind):
        names = [f.name for f in fields(kind)]
        if isinstance(value, kind):
            value = {name: getattr(value, name) for name in names}
        if not isinstance(value, Mapping) or set(value) != set(names):
            raise _impossible(where, value, f"{', '.join(names)} with a value each")
        hints = _hints(kind)
        return kind(**{n: _checked(hints[n], value[n], f"{where}.{n}") for n in names})
    elif kind is not Any:
        accepted = (int, float) if kind is float else kind
        wrong_bool = isinstance(value, bool) and kind is not bool
        if wrong_bool or not isinstance(value, accepted):
            raise _impossible(where, value, _WORDS[kind])
    return value


_WORDS = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
}


def _impossible(where: str, value: object, wanted: str) -> ModelError:
    return ModelError(
        f"The model card says {where} = {value!r:.80}, but it must be {wanted}; "
        "correct it, or get the model again from its source."
    )


_WIDTH = 88
_Z_SCORES = {
    "trace": "of each trace that the network sees, by itself",
    "training-set": "by the mean and deviation of the training set",
    "training-set-per-timestep": "by the training set's mean and deviation per frame",
}


def describe(card: ModelCard, sha256: str | None = None) -> str:
    """Return a card, and a digest, as Markdown that reads well as plain text."""
    classes = ", ".join(card.classes)
    what = f"Tells {classes} apart (network: {network_title(card.architecture)})."
    if not card.subtypes_proven:
        what += " Interneuron subtypes are unproven on real cells."
    used = ", ".join(f"{name} {number}" for name, number in card.versions.items())
    lines = [
        f"# {card.name}",
        "",
        *_wrapped(what),
        "",
        *_wrapped(f"- Trained on: {card.trained_on}"),
        *_wrapped(f"- Input: {_input(card)}"),
        *_wrapped(f"- Calibrated: {_calibration(card)}"),
        *_wrapped(f"- For: {card.intended_use}"),
        *_wrapped(f"- Not for: {card.not_for}"),
        "",
        *_scores(card),
        "",
        *_wrapped(f"Created {card.created}" + (f" with {used}." if used else ".")),
    ]
    if sha256:
        lines.append(f"SHA-256 {sha256}")
    # A card from elsewhere must not send control sequences to a terminal.
    return "".join(c for c in "\n".join(lines) + "\n" if c.isprintable() or c == "\n")


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(
        " ".join(text.split()),
        _WIDTH,
        subsequent_indent="  " if text.startswith("- ") else "",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _input(card: ModelCard) -> str:
    rate, seconds = "a frame rate that was not recorded", ""
    if card.sampling_frequency is not None:
        rate = f"{card.sampling_frequency:g} Hz"
        seconds = f" ({card.window_frames / card.sampling_frequency:g} s)"
    neuropil = (
        "raw fluorescence, neuropil not subtracted"
        if card.neuropil == "none"
        else f"fluorescence minus {card.neuropil:g} x neuropil"
    )
    z_score = _Z_SCORES.get(card.normalization, card.normalization)
    return (
        f"{neuropil}; windows of {card.window_frames} frames at {rate}{seconds}; "
        f"z-score {z_score}."
    )


def _calibration(card: ModelCard) -> str:
    of = card.calibration
    if of is None:
        return "no; how often a probability is right is not known."
    # Of a user's own model the number of cells is in the words.
    user = card.origin == "user"
    size = "" if user else f", {of.sessions} sessions, {of.cells} cells"
    text = (
        f"on {of.calibrated_on}{size}; prediction sets hold the type of at least "
        f"{of.coverage:.0%} there."
    )
    if card.assumed_shares:
        shares = (f"{name} {share:.3g}" for name, share in card.assumed_shares.items())
        text += f" Shares assumed where none are given: {', '.join(shares)}."
    return text


def _scores(card: ModelCard) -> list[str]:
    if not card.scores:
        return ["No scores were measured."]
    units = " or ".join(dict.fromkeys(score.unit for score in card.scores))
    return [
        *score_table(card.scores),
        "",
        *_wrapped(
            f"n: cells. In brackets the 95 % interval, resampling {units}. Best "
            "number: the single number of a trace that does best on the same cells."
        ),
    ]


def score_table(scores: Sequence[Score]) -> list[str]:
    """Return scores as the lines of a Markdown table with aligned columns."""
    header = ("data", "measure", "score", "n", "chance", "best number")
    rows = [header, *(score.cells for score in scores)]
    # Texts of a card from elsewhere must not break the table.
    plain = [[" ".join(c.split()).replace("|", "/") for c in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*plain, strict=True)]
    lines = [
        " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip()
        for row in plain
    ]
    return [lines[0], "-|-".join("-" * width for width in widths), *lines[1:]]
