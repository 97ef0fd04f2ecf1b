"""The model card: what a saved model is, expects, was trained on, and is good for.

Read and written without torch, so that lists and docks can show cards at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_celltype.celltypes import UNSURE
from napari_celltype.errors import ModelError

if TYPE_CHECKING:
    from napari_celltype.classifiers.estimator import TraceClassifier

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
        A key of `networks.NETWORKS`.
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
    min_probability : float
        Below it a label is `unsure`.
    assumed_shares : mapping or None
        Shares of types or parents that are assumed where the user gives none, such as
        PY 0.5 and IN 0.5; None for those of the training data.
    prediction_set : mapping or None
        coverage, calibrated_on, and per class the least probability that keeps a class
        in the set of possible types (thresholds).
    scores : mapping
        Measured scores by data set, see `describe`.
    temperature : float
        Log-odds are divided by it, so that probabilities are calibrated.
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
    min_probability: float
    intended_use: str
    not_for: str
    created: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    training_data: Mapping[str, Any] = field(default_factory=dict)
    assumed_shares: Mapping[str, float] | None = None
    prediction_set: Mapping[str, Any] | None = None
    scores: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    temperature: float = 1.0

    def __post_init__(self) -> None:
        for name, (fits, wanted) in _RULES.items():
            value = getattr(self, name)
            if not fits(value):
                raise ModelError(
                    f"The model card says {name} = {value!r:.80}, but it must be "
                    f"{wanted}; correct it, or get the model again from its source."
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
        return cls(**values)


_OPTIONAL = {
    "parameters",
    "training_data",
    "assumed_shares",
    "prediction_set",
    "scores",
    "versions",
    "temperature",
}


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


def _is_prediction_set(value: object) -> bool:
    if value is None:
        return True
    if not isinstance(value, Mapping):
        return False
    thresholds = value.get("thresholds")
    return (
        _is_probability(value.get("coverage"))
        and _is_text(value.get("calibrated_on"))
        and isinstance(thresholds, Mapping)
        and all(_is_text(k) and _is_probability(p) for k, p in thresholds.items())
    )


_TEXT = (_is_text, "a text that is not empty")
_MAPPING = (lambda value: isinstance(value, Mapping), "a mapping")
_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
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
    "min_probability": (_is_probability, "a number from 0 to 1"),
    "intended_use": _TEXT,
    "not_for": _TEXT,
    "created": _TEXT,
    "parameters": _MAPPING,
    "training_data": _MAPPING,
    "assumed_shares": (_are_shares, "null, or shares from 0 to 1 by type"),
    "prediction_set": (
        _is_prediction_set,
        "null, or a mapping with coverage, calibrated_on and thresholds",
    ),
    "scores": _MAPPING,
    "versions": (
        lambda value: (
            isinstance(value, Mapping)
            and all(isinstance(v, str) for v in value.values())
        ),
        "a mapping of names to version texts",
    ),
    "temperature": (_is_positive, "a positive number"),
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
    min_probability: float = 0.5,
    assumed_shares: Mapping[str, float] | None = None,
    prediction_set: Mapping[str, Any] | None = None,
    scores: Mapping[str, Any] | None = None,
    temperature: float = 1.0,
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
        min_probability=min_probability,
        assumed_shares=assumed_shares,
        intended_use=intended_use,
        not_for=not_for,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        parameters=parameters,
        training_data={**_class_counts(classifier), **(training_data or {})},
        prediction_set=prediction_set,
        scores=dict(scores or {}),
        versions=_versions(),
        temperature=temperature,
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
