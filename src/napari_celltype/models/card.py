"""The model card: what a saved model is, expects, was trained on, and is good for.

Read and written without torch, so that lists and docks can show cards at once.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_celltype.celltypes import DEFAULT_TYPES, UNSURE
from napari_celltype.errors import LabelError, ModelError
from napari_celltype.models import network_title
from napari_celltype.models.calibration import (
    Calibration,
    CalibrationStep,
    read_calibration,
)
from napari_celltype.models.score import Score, read_scores, score_table

if TYPE_CHECKING:
    from napari_celltype.models.estimator import TraceClassifier


CARD_FORMAT = 1


@dataclass(frozen=True)
class ModelCard:
    """Everything about a saved model but its weights.

    Attributes
    ----------
    name : str
        Such as "cnn-10hz".
    family : str
        What users call it without its rate: "cnn".
    classes : tuple of str
        Class names, in the order of the network's outputs.
    architecture : str
        A key of `classifiers.NETWORKS`.
    parameters : mapping
        The other constructor parameters of `TraceClassifier`, in plain values.
    window_frames : int
        Frames of one trace that the network takes.
    sampling_frequency : float or None
        Frames per second of those, Hz; None if whoever trained it did not say.
    normalization : str
        As in `TraceClassifier`; statistics of a training set are with the weights.
    neuropil : str or float
        "none" for raw F, else the coefficient c of F - c * Fneu.
    trained_on : str
        One sentence.
    training_data : mapping
        The same in numbers.
    origin : str
        "simulation" or "user".
    subtypes_proven : bool
        Whether PV, SOM and VIP were told apart on real cells.
    assumed_shares : mapping or None
        Shares of types or parents that are assumed where the user gives none, such as
        PY 0.5 and IN 0.5; None for those of the training data.
    calibration : Calibration or None
        Temperatures and prediction sets; None if nothing was calibrated.
    domain : mapping or None
        Of each property of `domain.PROPERTIES` what is usual in the training data, as
        {"low": ..., "high": ...}.
    scores : tuple of Score
        What was measured, a row each.
    versions : mapping
        Of the software that trained it.
    created : str
        ISO 8601 date and time.
    intended_use, not_for : str
        A sentence or two each.
    """

    name: str
    family: str
    classes: tuple[str, ...]
    architecture: str
    window_frames: int
    sampling_frequency: float | None
    normalization: str
    neuropil: str | float
    trained_on: str
    origin: str
    subtypes_proven: bool
    intended_use: str
    not_for: str
    created: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    training_data: Mapping[str, Any] = field(default_factory=dict)
    assumed_shares: Mapping[str, float] | None = None
    calibration: Calibration | None = None
    domain: Mapping[str, Mapping[str, float]] | None = None
    scores: tuple[Score, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, (fits, wanted) in RULES.items():
            value = getattr(self, name)
            if not fits(value):
                raise ModelError(
                    f"The model card says {name} = {value!r:.80}, but it must be "
                    f"{wanted}; correct it, or get the model again from its source."
                )
        if wrong := names_in_calibration(self):
            raise ModelError(
                f"The calibration on the card of {self.name!r} does not belong to its "
                f"classes ({wrong}); calibrate the model again."
            )

    def to_json(self) -> str:
        """Return the card as JSON text with sorted keys.

        Raises
        ------
        ModelError
            If a value has no JSON form (NaN and infinity have none).
        """
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
        """Read a card.

        Raises
        ------
        ModelError
            If the text is no card, lacks a field or holds an impossible value.
        """
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ModelError(
                "The model card is no JSON text; take the model from where it came "
                "from again."
            ) from error
        if not isinstance(values, dict):
            raise ModelError("The model card is no JSON object; the file is no model.")
        found_format = values.pop("format", None)
        if found_format != CARD_FORMAT:
            raise ModelError(
                f"The model card has format {found_format!r:.20}, this version reads "
                f"{CARD_FORMAT}; update napari-celltype or save the model again."
            )
        known = {f.name for f in fields(cls)}
        required = {name for name in known if name not in _OPTIONAL}
        if strange := sorted(set(values) - known):
            raise ModelError(
                f"The model card has an unknown field {strange[0]!r:.60}; update "
                "napari-celltype or save the model again."
            )
        if missing := sorted(required - set(values)):
            raise ModelError(
                f"The model card lacks {', '.join(missing)}; save the model again."
            )
        if isinstance(values["classes"], list):
            values["classes"] = tuple(values["classes"])
        if "calibration" in values:
            values["calibration"] = read_calibration(values["calibration"])
        if "scores" in values:
            values["scores"] = read_scores(values["scores"])
        return cls(**values)


_OPTIONAL = {
    "parameters",
    "training_data",
    "assumed_shares",
    "calibration",
    "domain",
    "scores",
    "versions",
}


def card_for(
    classifier: TraceClassifier,
    *,
    name: str,
    sampling_frequency: float | None,
    family: str | None = None,
    neuropil: str | float = "none",
    trained_on: str = "Traces that a user labelled.",
    training_data: Mapping[str, Any] | None = None,
    origin: str = "user",
    subtypes_proven: bool = False,
    assumed_shares: Mapping[str, float] | None = None,
    calibration: Calibration | None = None,
    domain: Mapping[str, Mapping[str, float]] | None = None,
    scores: Sequence[Score] = (),
    intended_use: str = (
        "Recordings that resemble those it was trained on: the same indicator, region, "
        "preparation and processing."
    ),
    not_for: str = (
        "Anything that has not been checked against labelled cells of the same kind; "
        "a predicted label is no histology."
    ),
) -> ModelCard:
    """Make the card of a fitted classifier; what it is comes from the classifier.

    Parameters
    ----------
    classifier : TraceClassifier
        Fitted.
    name, sampling_frequency, ...
        As in `ModelCard`; `family` is the architecture when not given.

    Raises
    ------
    ModelError
        If a value is impossible.
    """
    random_state = classifier.random_state
    parameters = {
        "epochs": int(classifier.epochs),
        "batch_size": int(classifier.batch_size),
        "learning_rate": float(classifier.learning_rate),
        "random_state": (
            int(random_state) if isinstance(random_state, int | np.integer) else None
        ),
        **{
            key: list(value) if isinstance(value, tuple) else value
            for key, value in classifier.network_.settings.items()
        },
    }
    return ModelCard(
        name=name,
        family=family or classifier.architecture,
        classes=tuple(str(c) for c in classifier.classes_),
        architecture=classifier.architecture,
        window_frames=int(classifier.n_features_in_),
        sampling_frequency=sampling_frequency,
        normalization=classifier.normalization,
        neuropil=neuropil,
        trained_on=trained_on,
        origin=origin,
        subtypes_proven=subtypes_proven,
        assumed_shares=assumed_shares,
        intended_use=intended_use,
        not_for=not_for,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        parameters=parameters,
        training_data={**_class_counts(classifier), **(training_data or {})},
        calibration=calibration,
        domain=domain,
        scores=tuple(scores),
        versions=_versions(),
    )


def _class_counts(classifier: TraceClassifier) -> dict[str, dict[str, int]]:
    """Return how many examples of each class were trained on, where that is known."""
    counts = getattr(classifier, "class_counts_", None)
    if counts is None:
        return {}
    names = (str(c) for c in classifier.classes_)
    return {"class_counts": dict(zip(names, counts.tolist(), strict=True))}


def _versions() -> dict[str, str]:
    found = {}
    for package in ("napari-celltype", "torch", "numpy"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and len(value) < 10_000


def _is_name(value: object) -> bool:
    """Tell whether a text can be a file name anywhere and a word in a terminal."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= 100
        and value[0].isalnum()
        and all(c.isalnum() or c in "-_." for c in value)
    )


def _is_number(value: object) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and -1e300 < value < 1e300
    )


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and _is_number(value) and value > 0


def _is_probability(value: object) -> bool:
    return isinstance(value, int | float) and _is_number(value) and 0 <= value <= 1


def _are_classes(value: object) -> bool:
    return (
        isinstance(value, tuple)
        and 2 <= len(value) <= 1000
        and all(_is_text(name) and name.isprintable() for name in value)
        and not any("|" in name or name == UNSURE or len(name) > 50 for name in value)
        and len(set(value)) == len(value)
    )


def _are_shares(value: object) -> bool:
    return value is None or (
        isinstance(value, Mapping)
        and bool(value)
        and all(_is_text(k) and _is_probability(v) for k, v in value.items())
    )


def _is_calibration(value: object) -> bool:
    return value is None or (
        isinstance(value, Calibration)
        and _is_text(value.calibrated_on)
        and _is_probability(value.coverage)
        and all(_is_count(n) for n in (value.sessions, value.cells))
        and isinstance(value.steps, tuple)
        and all(_is_step(step) for step in value.steps)
        and _ascends_from_one([step.n_windows for step in value.steps])
    )


def _is_step(step: object) -> bool:
    return (
        isinstance(step, CalibrationStep)
        and _is_count(step.n_windows)
        and _is_positive(step.temperature)
        and isinstance(step.prediction_set, Mapping)
        and all(map(_is_probability, step.prediction_set.values()))
    )


def _is_count(value: object) -> bool:
    return (
        isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 10**9
    )


def _ascends_from_one(numbers: list[int]) -> bool:
    return numbers[:1] == [1] and all(a < b for a, b in pairwise(numbers))


def _is_domain(value: object) -> bool:
    return value is None or (
        isinstance(value, Mapping)
        and all(
            isinstance(limits, Mapping)
            and set(limits) == {"low", "high"}
            and _is_number(limits["low"])
            and _is_number(limits["high"])
            and limits["low"] <= limits["high"]
            for limits in value.values()
        )
    )


def _are_scores(value: object) -> bool:
    return isinstance(value, tuple) and all(map(_is_score, value))


def _is_score(score: object) -> bool:
    if not isinstance(score, Score):
        return False
    numbers = (score.low, score.high, score.chance, score.probe_value)
    return (
        all(map(_is_short, (score.data, score.measure, score.unit)))
        and _is_number(score.value)
        and _is_count(score.n)
        and all(number is None or _is_number(number) for number in numbers)
        and (score.low is None) == (score.high is None)
        and (score.low is None or score.high is None or score.low <= score.high)
        and (score.probe is None) == (score.probe_value is None)
        and (score.probe is None or _is_short(score.probe))
    )


def _is_short(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and len(value) <= 100


def names_in_calibration(card: ModelCard) -> str | None:
    """Return what is wrong with the names of a card's calibration, if anything."""
    if card.calibration is None:
        return None
    try:
        DEFAULT_TYPES.including(card.classes)
    except LabelError as error:
        return str(error)
    if any(set(s.prediction_set) != set(card.classes) for s in card.calibration.steps):
        return f"prediction_set does not name {', '.join(sorted(card.classes))}"
    return None


_TEXT = (_is_text, "a text that is not empty")
_MAPPING = (lambda value: isinstance(value, Mapping), "a mapping")
RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "name": (_is_name, "up to 100 letters, digits, '-', '_' or '.'"),
    "family": (_is_name, "up to 100 letters, digits, '-', '_' or '.'"),
    "classes": (_are_classes, "two or more different short names without '|'"),
    "architecture": _TEXT,
    "window_frames": (
        lambda n: isinstance(n, int) and not isinstance(n, bool) and 1 <= n <= 10**7,
        "a number of frames from 1 to ten million",
    ),
    "sampling_frequency": (
        lambda value: value is None or _is_positive(value),
        "a positive number of Hz, or null",
    ),
    "normalization": _TEXT,
    "neuropil": (
        lambda value: value == "none" or _is_number(value),
        "'none' or a coefficient",
    ),
    "trained_on": _TEXT,
    "origin": (lambda value: value in ("simulation", "user"), "'simulation' or 'user'"),
    "subtypes_proven": (lambda value: isinstance(value, bool), "true or false"),
    "intended_use": _TEXT,
    "not_for": _TEXT,
    "created": _TEXT,
    "parameters": _MAPPING,
    "training_data": _MAPPING,
    "assumed_shares": (_are_shares, "null, or shares from 0 to 1 by type"),
    "scores": (_are_scores, "a tuple of scores with finite numbers and short texts"),
    "versions": (
        lambda value: (
            isinstance(value, Mapping)
            and all(isinstance(v, str) for v in value.values())
        ),
        "a mapping of names to version texts",
    ),
    "calibration": (
        _is_calibration,
        "null, or a calibration with probabilities from 0 to 1, positive temperatures "
        "and steps that ascend from 1 window",
    ),
    "domain": (_is_domain, "null, or a mapping of properties to low and high"),
}


_WIDTH = 88
_Z_SCORES = {
    "trace": "of each trace that the network sees, by itself",
    "training-set": "by the mean and deviation of the training set",
    "training-set-per-timestep": "by the training set's mean and deviation per frame",
}


def describe(card: ModelCard, sha256: str | None = None) -> str:
    """Return a card as Markdown that also reads well as plain text, on one screen.

    Parameters
    ----------
    card : ModelCard
    sha256 : str, optional
        Digest to show.
    """
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
    indent = "  " if text.startswith("- ") else ""
    return textwrap.wrap(
        " ".join(text.split()),
        _WIDTH,
        subsequent_indent=indent,
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
    if card.calibration is None:
        return "no; how often a probability is right is not known."
    of = card.calibration
    # Of a user's own model the number of cells is in the words.
    user = card.origin == "user"
    size = "" if user else f", {of.sessions} sessions, {of.cells} cells"
    said = (
        f"on {of.calibrated_on}{size}; prediction sets hold the type of at least "
        f"{of.coverage:.0%} there."
    )
    if card.assumed_shares:
        shares = (f"{name} {share:.3g}" for name, share in card.assumed_shares.items())
        said += f" Shares assumed where none are given: {', '.join(shares)}."
    return said


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
