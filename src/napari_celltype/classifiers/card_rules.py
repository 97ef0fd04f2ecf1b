"""What each field of a model card must look like, and how that is said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from napari_celltype.celltypes import DEFAULT_TYPES, UNSURE
from napari_celltype.classifiers.calibration import Calibration, CalibrationStep
from napari_celltype.classifiers.score import Score
from napari_celltype.errors import LabelError

if TYPE_CHECKING:
    from napari_celltype.classifiers.card import ModelCard


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
