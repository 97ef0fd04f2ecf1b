"""The one count of ROIs, and what it says in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_celltype.answers.columns import UNPROVEN
from napari_celltype.answers.shares import (
    CA1_INTERNEURONS,
    CA1_SOURCE,
    group_shares,
    share_text,
)
from napari_celltype.celltypes import DEFAULT_TYPES, UNSURE

if TYPE_CHECKING:
    import pandas as pd

_UNCALIBRATED = "not calibrated: how many are right is not known"
# From this change of the expected share of right cells on, the summary speaks of it.
_MUCH = 0.1
# Of fewer ROIs no share of right ones is told.
_FEWEST = 5
# The group in "of 19 ..." and in "called ...".
_WORDS = {"PY": ("pyramidal cells", "pyramidal"), "IN": ("interneurons", "interneuron")}


@dataclass(frozen=True)
class _RoiCounts:
    """How many ROIs there are, and how many have each name; see `count_rois`."""

    n_rois: int
    # Predicted names, `unsure` among them; empty where no model has run.
    groups: Counter[str]
    types: Counter[str]
    why_unsure: Counter[str]
    # Ground truth; accepted predictions are none.
    labels: Counter[str]


def count_rois(table: pd.DataFrame) -> _RoiCounts:
    """Count the ROIs of an output table; a merged ROI counts, its parts do not."""
    whole = table[table["merged_into"].isna()]
    truth = whole[whole["label_source"] != "prediction"]

    def numbers(rows: pd.DataFrame, column: str) -> Counter[str]:
        return Counter(filter(None, rows[column])) if column in rows else Counter()

    return _RoiCounts(
        n_rois=len(whole),
        groups=numbers(whole, "group"),
        types=numbers(whole, "predicted"),
        why_unsure=numbers(whole, "why_unsure"),
        labels=numbers(truth, "label"),
    )


@dataclass(frozen=True)
class Called:
    """How many ROIs got one name, and how many of them are expected to be right."""

    rois: int
    # Sum of their calibrated probabilities; None without a calibration.
    expected_right: float | None = None
    # The same for the same ROIs, if interneurons are as rare as among all neurons of
    # CA1; only where the card's assumption on the shares is in use.
    expected_right_ca1: float | None = None

    def __add__(self, other: Called) -> Called:
        return Called(
            self.rois + other.rois,
            _sum(self.expected_right, other.expected_right),
            _sum(self.expected_right_ca1, other.expected_right_ca1),
        )


@dataclass(frozen=True)
class Summary:
    """What one model says about the ROIs of one or more recordings."""

    n_rois: int
    groups: Mapping[str, Called]  # by name, `unsure` last
    types: Mapping[str, Called]
    why_unsure: Mapping[str, int]  # the most frequent reason first
    shares: tuple[Mapping[str, float], ...]  # of the types, in use
    shares_assumed: bool  # by the card, because the user gave none
    basis: tuple[str, ...]  # of the calibration; empty without one
    subtypes_proven: bool  # or there are no types below the groups

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
                return _UNCALIBRATED
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
            lines.append(f"The model is {_UNCALIBRATED}.")
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
        # The shares alone say that all cells are of the group.
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


def combine(summaries: Sequence[Summary]) -> Summary:
    """Return the summary of several recordings together, at least one."""
    shares = {tuple(shares.items()): shares for s in summaries for shares in s.shares}
    reasons: Counter[str] = Counter()
    for summary in summaries:
        reasons.update(summary.why_unsure)
    return Summary(
        n_rois=sum(s.n_rois for s in summaries),
        groups=_added([s.groups for s in summaries]),
        types=_added([s.types for s in summaries]),
        why_unsure=dict(reasons.most_common()),
        shares=tuple(shares.values()),
        shares_assumed=any(s.shares_assumed for s in summaries),
        basis=tuple(dict.fromkeys(text for s in summaries for text in s.basis)),
        subtypes_proven=all(s.subtypes_proven for s in summaries),
    )


def _added(parts: Sequence[Mapping[str, Called]]) -> dict[str, Called]:
    """Add the numbers of each name; ``unsure`` stays last."""
    added: dict[str, Called] = {}
    for part in parts:
        for name, called in part.items():
            added[name] = added[name] + called if name in added else called
    return {**added, UNSURE: added.pop(UNSURE)}


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other
