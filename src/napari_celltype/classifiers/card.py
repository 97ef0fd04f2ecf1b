"""The model card: what a saved model is, expects, was trained on, and is good for.

Read and written without torch, so that lists and docks can show cards at once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_celltype.classifiers.calibration import Calibration, read_calibration
from napari_celltype.classifiers.card_rules import RULES, names_in_calibration
from napari_celltype.classifiers.score import Score, read_scores
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
