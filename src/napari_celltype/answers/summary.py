"""What was found, in numbers and in sentences: counts, what to expect, and doubts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_celltype.answers.shares import (
    CA1_INTERNEURONS,
    CA1_SOURCE,
    group_shares,
    share_text,
)
from napari_celltype.celltypes import DEFAULT_TYPES, UNSURE

if TYPE_CHECKING:
    from napari_celltype.answers.predictions import Predictions

SIMULATION = "simulation"
UNPROVEN = "unproven on real cells"
UNCALIBRATED = "not calibrated: how many are right is not known"
# From this change of the expected share of right cells on, the summary speaks of it.
_MUCH = 0.1
# Of fewer ROIs no share of right ones is told.
_FEWEST = 5
# The group in "of 19 ..." and in "called ...".
_WORDS = {"PY": ("pyramidal cells", "pyramidal"), "IN": ("interneurons", "interneuron")}

T = TypeVar("T")


@dataclass(frozen=True)
class Called:
    """How many ROIs got one name, and how many of them are expected to be right.

    Attributes
    ----------
    rois : int
    expected_right : float or None
        Sum of their calibrated probabilities; None without a calibration.
    expected_right_ca1 : float or None
        The same for the same ROIs, if interneurons are as rare as among all neurons
        of CA1; only where the card's assumption on the shares is in use.
    """

    rois: int
    expected_right: float | None = None
    expected_right_ca1: float | None = None


@dataclass(frozen=True)
class Summary:
    """What one model says about the ROIs of one or more recordings.

    Attributes
    ----------
    n_rois : int
        Parts of merged ROIs are not counted; the merged ROI is.
    groups, types : mapping of str to Called
        By name, ``unsure`` last.
    why_unsure : mapping of str to int
        ROIs without a name for each reason, the most frequent first.
    shares : tuple of mapping of str to float
        The shares of the types that are in use.
    shares_assumed : bool
        Whether the card assumes them, because the user gave none.
    basis : tuple of str
        What the probabilities were calibrated on; empty if they were not.
    subtypes_proven : bool
        Whether the interneuron types were shown on real cells, or there are none.
    """

    n_rois: int
    groups: Mapping[str, Called]
    types: Mapping[str, Called]
    why_unsure: Mapping[str, int]
    shares: tuple[Mapping[str, float], ...]
    shares_assumed: bool
    basis: tuple[str, ...]
    subtypes_proven: bool

    @property
    def counts(self) -> str:
        """The counts, such as ``60 ROIs: 24 PY, 36 IN (20 PV, 16 SOM)``."""
        tree = DEFAULT_TYPES.including(n for n in self.types if n != UNSURE)
        parts = []
        for group, called in self.groups.items():
            finer = [
                f"{of_type.rois} {name}"
                for name, of_type in self.types.items()
                if name not in (group, UNSURE) and tree.group(name) == group
            ]
            if finer and not self.subtypes_proven:
                finer.append(UNPROVEN)
            if not called.rois and (group == UNSURE or not finer):
                continue
            inside = f" ({', '.join(finer)})" if finer else ""
            parts.append(f"{called.rois} {group}{inside}")
        return f"{self.n_rois} ROIs: {', '.join(parts)}"

    @property
    def expectation(self) -> str:
        """How many are expected to be right, in one line; empty for a few ROIs."""
        for name in ("IN", *self.groups):
            called = self.groups.get(name)
            if called is None or called.rois < _FEWEST or self._is_given(name):
                continue
            if called.expected_right is None:
                return UNCALIBRATED
            many, _ = _WORDS.get(name, (name, name))
            return (
                f"of {called.rois} {many} about {called.expected_right:.0f} expected "
                f"right (on {' and '.join(self.basis)})"
            )
        return ""

    def details(self) -> list[str]:
        """Return what the counts and the expectation rest on, in sentences."""
        lines = [
            line
            for name, called in self.groups.items()
            for line in self._expected(name, called)
        ]
        expected = [
            f"{called.expected_right:.0f} of {called.rois} {name}"
            for name, called in self.types.items()
            if name not in self.groups
            and called.rois >= _FEWEST
            and called.expected_right is not None
        ]
        if expected:
            lines.append(f"Expected to be right by type: about {', '.join(expected)}.")
        if not self.basis:
            lines.append(f"The model is {UNCALIBRATED}.")
        shares = "; ".join(dict.fromkeys(share_text(s) for s in self.shares))
        lines.append(
            f"Assumed shares of the types: {shares}. They are an assumption of the "
            "model's card, no measurement."
            if self.shares_assumed
            else f"Given shares of the types: {shares}."
        )
        if self.why_unsure:
            reasons = (f"{reason} ({n})" for reason, n in self.why_unsure.items())
            lines.append(f"Why unsure: {', '.join(reasons)}.")
        return lines

    def _is_given(self, group: str) -> bool:
        """Tell whether the shares alone say that all cells are of a group."""
        return any(group_shares(s).get(group, 0) >= 1 - 1e-9 for s in self.shares)

    def _expected(self, name: str, called: Called) -> list[str]:
        if called.rois < _FEWEST or called.expected_right is None:
            return []
        if self._is_given(name):
            return [f"Every cell is {name} by the shares; no trace has to show it."]
        many, one = _WORDS.get(name, (name, name))
        shares = dict.fromkeys(
            f"{100 * group_shares(s).get(name, 0):.3g} %" for s in self.shares
        )
        basis = " and ".join(self.basis)
        lines = [
            f"Of the {called.rois} called {one} about {called.expected_right:.0f} are "
            f"expected to be right (on {basis}, if the share of {many} is "
            f"{' or '.join(shares)})."
        ]
        rare = called.expected_right_ca1
        if rare is not None and called.expected_right - rare > _MUCH * called.rois:
            lines.append(
                f"With {100 * CA1_INTERNEURONS:g} % interneurons, as among all neurons "
                f"of CA1 ({CA1_SOURCE}), about {rare:.0f} of these {called.rois} would "
                f"be right (on {basis})."
            )
        return lines


def summarise(
    predictions: Predictions, min_probability: float | None = None
) -> Summary:
    """Count what is said about a recording's ROIs, and what is to be expected of it.

    Parameters
    ----------
    predictions : Predictions
    min_probability : float, optional
        Instead of that of the predictions.
    """
    said = predictions.decisions(min_probability)
    counted = predictions.shown & ~predictions.merged_parts
    classes = predictions.classes
    tree = DEFAULT_TYPES.including(classes)
    types = {name: [name] for name in classes}
    groups: dict[str, list[str]] = {}
    for name in classes:
        groups.setdefault(tree.group(name), []).append(name)
    calibration = predictions.card.calibration
    posterior = rare = None
    if calibration is not None:
        posterior = predictions.probabilities
        assumed = predictions.prior is None and {"PY", "IN"} <= set(groups)
        if assumed and calibration.calibrated_on == SIMULATION:
            rare = predictions.with_prior({"IN": CA1_INTERNEURONS}).probabilities

    def called(given: list[str], members: Mapping[str, list[str]]) -> dict[str, Called]:
        found = {}
        for name, inside in members.items():
            rows = counted & (np.array(given, dtype=object) == name)
            columns = [classes.index(c) for c in inside]
            found[name] = Called(
                int(rows.sum()),
                _total(posterior, rows, columns),
                _total(rare, rows, columns),
            )
        unsure = counted & (np.array(given, dtype=object) == UNSURE)
        return {**found, UNSURE: Called(int(unsure.sum()))}

    reasons = Counter(filter(None, compress(said.why_unsure, counted)))
    return Summary(
        n_rois=int(counted.sum()),
        groups=called(said.group, groups),
        types=called(said.predicted, types),
        why_unsure=dict(reasons.most_common()),
        shares=(predictions.shares,),
        shares_assumed=predictions.prior is None,
        basis=() if calibration is None else (calibration.calibrated_on,),
        subtypes_proven=predictions.card.subtypes_proven or set(classes) <= set(groups),
    )


def combine(summaries: Sequence[Summary]) -> Summary:
    """Return the summary of several recordings together.

    Parameters
    ----------
    summaries : sequence of Summary
        At least one.
    """
    reasons: Counter[str] = Counter()
    for summary in summaries:
        reasons.update(summary.why_unsure)
    return Summary(
        n_rois=sum(s.n_rois for s in summaries),
        groups=_merged([s.groups for s in summaries]),
        types=_merged([s.types for s in summaries]),
        why_unsure=dict(reasons.most_common()),
        shares=_distinct(shares for s in summaries for shares in s.shares),
        shares_assumed=any(s.shares_assumed for s in summaries),
        basis=_distinct(text for s in summaries for text in s.basis),
        subtypes_proven=all(s.subtypes_proven for s in summaries),
    )


def _total(
    probabilities: NDArray[np.float64] | None,
    rows: NDArray[np.bool_],
    columns: Sequence[int],
) -> float | None:
    if probabilities is None:
        return None
    return float(probabilities[rows][:, list(columns)].sum())


def _merged(parts: Sequence[Mapping[str, Called]]) -> dict[str, Called]:
    """Add the numbers of each name; ``unsure`` stays last."""
    names = [n for n in _distinct(n for part in parts for n in part) if n != UNSURE]
    return {
        name: Called(
            sum(part[name].rois for part in parts if name in part),
            _sum(part[name].expected_right for part in parts if name in part),
            _sum(part[name].expected_right_ca1 for part in parts if name in part),
        )
        for name in (*names, UNSURE)
    }


def _sum(numbers: Iterable[float | None]) -> float | None:
    """Return the sum; None if one of them is not known."""
    total = 0.0
    for number in numbers:
        if number is None:
            return None
        total += number
    return total


def _distinct(values: Iterable[T]) -> tuple[T, ...]:
    found: list[T] = []
    for value in values:
        if value not in found:
            found.append(value)
    return tuple(found)
