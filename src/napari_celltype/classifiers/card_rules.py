"""What each field of a model card must look like, and how that is said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from napari_celltype.celltypes import DEFAULT_TYPES, UNSURE
from napari_celltype.classifiers.calibration import (
    Calibration,
    CalibrationStep,
    NamesFrom,
)
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
        and _is_probability(value.risk)
        and all(_is_count(n) for n in (value.sessions, value.cells))
        and _are_limits(value.shares, or_never=False)
        and isinstance(value.steps, tuple)
        and all(_is_step(step) for step in value.steps)
        and _ascends_from_one([step.n_windows for step in value.steps])
        and isinstance(value.more_shares, tuple)
        and all(_are_names(names, len(value.steps)) for names in value.more_shares)
    )


def _are_names(names: object, n_steps: int) -> bool:
    return (
        isinstance(names, NamesFrom)
        and _are_limits(names.shares, or_never=False)
        and all(
            isinstance(steps, tuple)
            and len(steps) == n_steps
            and all(_are_limits(limits) for limits in steps)
            for steps in (names.named_from, names.group_named_from)
        )
    )


def _is_step(step: object) -> bool:
    return (
        isinstance(step, CalibrationStep)
        and _is_count(step.n_windows)
        and _is_positive(step.temperature)
        and _are_limits(step.prediction_set, or_never=False)
        and _are_limits(step.named_from)
        and _are_limits(step.group_named_from)
    )


def _are_limits(value: object, *, or_never: bool = True) -> bool:
    return isinstance(value, Mapping) and all(
        _is_probability(limit) or (or_never and limit is None)
        for limit in value.values()
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


def names_in_calibration(card: ModelCard) -> str | None:
    """Return what is wrong with the names of a card's calibration, if anything."""
    if card.calibration is None:
        return None
    try:
        tree = DEFAULT_TYPES.including(card.classes)
        roots = {tree.group(name) for name in card.classes}
    except LabelError as error:
        return str(error)
    classes = set(card.classes)
    named = [
        (what, limits, wanted)
        for names in card.calibration.names
        for what, steps, wanted in (
            ("shares", (names.shares,), classes),
            ("named_from", names.named_from, classes),
            ("group_named_from", names.group_named_from, roots),
        )
        for limits in steps
    ]
    named += [
        ("prediction_set", step.prediction_set, classes)
        for step in card.calibration.steps
    ]
    for what, limits, wanted in named:
        if set(limits) != wanted:
            return f"{what} does not name {', '.join(sorted(wanted))}"
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
    "min_probability": (_is_probability, "a number from 0 to 1"),
    "intended_use": _TEXT,
    "not_for": _TEXT,
    "created": _TEXT,
    "parameters": _MAPPING,
    "training_data": _MAPPING,
    "assumed_shares": (_are_shares, "null, or shares from 0 to 1 by type"),
    "scores": _MAPPING,
    "versions": (
        lambda value: (
            isinstance(value, Mapping)
            and all(isinstance(v, str) for v in value.values())
        ),
        "a mapping of names to version texts",
    ),
    "calibration": (
        _is_calibration,
        "null, or a calibration with probabilities from 0 to 1, positive temperatures, "
        "steps that ascend from 1 window, and as many steps for each of its shares",
    ),
    "domain": (_is_domain, "null, or a mapping of properties to low and high"),
}
