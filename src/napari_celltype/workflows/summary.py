"""What was found, in numbers and in sentences: counts, what to expect, and doubts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_celltype.celltypes import DEFAULT_TYPES, UNSURE
from napari_celltype.workflows.prevalence import CA1_INTERNEURONS, CA1_SOURCE
from napari_celltype.workflows.shares import (
    group_shares,
    same_shares,
    settled_names,
    share_text,
)
from napari_celltype.workflows.thresholds import checked_names

if TYPE_CHECKING:
    from napari_celltype.classifiers.calibration import NamesFrom
    from napari_celltype.workflows.predictions import Predictions

SIMULATION = "simulation"
# From this change of the expected share of right cells on, the summary speaks of it.
_MUCH = 0.1
# The group in "called ..." and in "if 50 % of the cells are ...".
_WORDS = {"PY": ("pyramidal", "pyramidal"), "IN": ("interneuron", "interneurons")}

T = TypeVar("T")


@dataclass(frozen=True)
class Called:
    """How many ROIs got one name, and how many of them are expected to be right.

    Attributes
    ----------
    rois : int
    expected_right : float or None
        Sum of their calibrated probabilities; None without a calibration, and where
        the shares alone give the name.
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
    groups, types : mapping of str to Called
        By name, ``unsure`` last.
    why_unsure : mapping of str to int
        ROIs without a type for each reason, the most frequent first.
    shares : tuple of mapping of str to float
        The shares of the types that are in use.
    shares_assumed : bool
        Whether the card assumes them, because the user gave none.
    basis : tuple of str
        What the probabilities were calibrated on; empty if they were not.
    naming : tuple of str
        From which probability names are given, and what that promises: sentences.
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
    naming: tuple[str, ...]
    subtypes_proven: bool

    def sentences(self) -> list[str]:
        """Return it in sentences, groups before types."""
        shares = "; ".join(dict.fromkeys(share_text(s) for s in self.shares))
        unproven = (
            ""
            if self.subtypes_proven
            else " (interneuron types unproven on real cells)"
        )
        lines = [f"{self.n_rois} ROIs: {_counted(self.groups)}"]
        lines += self.expectations()
        lines.append(
            f"Assumed shares: {shares}. They are an assumption of the model's card, no "
            "measurement; --prior, or Prevalence in the dock, states what you know."
            if self.shares_assumed
            else f"Given shares: {shares}."
        )
        lines.append(f"Types{unproven}: {_counted(self.types)}")
        expected = [
            f"{_about(called.expected_right)} of {called.rois} {name}"
            for name, called in self.types.items()
            if name not in self.groups
            and called.rois
            and called.expected_right is not None
        ]
        if expected:
            lines.append(
                f"Expected to be right (on {' and '.join(self.basis)}, with the same "
                f"shares): about {', '.join(expected)}."
            )
        if self.why_unsure:
            reasons = (f"{reason} ({n})" for reason, n in self.why_unsure.items())
            lines.append(f"Why unsure: {', '.join(reasons)}.")
        return [*lines, *self.naming]

    def expectations(self) -> list[str]:
        """Return how many of each group are expected to be right, in sentences."""
        groups = self.groups.items()
        return [
            line for name, called in groups for line in self._expected(name, called)
        ]

    def _expected(self, name: str, called: Called) -> list[str]:
        if not called.rois or called.expected_right is None:
            return []
        one, many = _WORDS.get(name, (name, name))
        shares = dict.fromkeys(
            f"{100 * group_shares(s).get(name, 0):.3g} %" for s in self.shares
        )
        lines = [
            f"Of the {called.rois} called {one} about {_about(called.expected_right)} "
            f"are expected to be right (on {' and '.join(self.basis)}, if "
            f"{' or '.join(shares)} of the cells are {many})."
        ]
        rare = called.expected_right_ca1
        if rare is not None and called.expected_right - rare > _MUCH * called.rois:
            lines.append(
                f"With {100 * CA1_INTERNEURONS:g} % interneurons, as among all neurons "
                f"of CA1 ({CA1_SOURCE}), about {_about(rare)} of these {called.rois} "
                f"would be right (on {' and '.join(self.basis)})."
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
        One threshold for every name, instead of the request's or the card's.
    """
    said = predictions.decisions(min_probability)
    shown = predictions.shown
    classes = predictions.classes
    tree = DEFAULT_TYPES.including(classes)
    types = {name: [name] for name in classes}
    groups: dict[str, list[str]] = {}
    for name in classes:
        groups.setdefault(tree.group(name), []).append(name)
    calibration = predictions.card.calibration
    settled = settled_names(predictions.shares)
    posterior = rare = None
    if calibration is not None:
        posterior = said.probabilities
        assumed = predictions.prior is None and {"PY", "IN"} <= set(groups)
        if assumed and calibration.calibrated_on == SIMULATION:
            rare = predictions.with_prior({"IN": CA1_INTERNEURONS}).probabilities

    def called(given: list[str], members: Mapping[str, list[str]]) -> dict[str, Called]:
        found = {}
        for name, inside in members.items():
            rows = shown & (np.array(given, dtype=object) == name)
            columns = [classes.index(c) for c in inside]
            found[name] = (
                Called(int(rows.sum()))
                if name in settled
                else Called(
                    int(rows.sum()),
                    _total(posterior, rows, columns),
                    _total(rare, rows, columns),
                )
            )
        unsure = shown & (np.array(given, dtype=object) == UNSURE)
        return {**found, UNSURE: Called(int(unsure.sum()))}

    reasons = Counter(filter(None, compress(said.why_unsure, shown)))
    return Summary(
        n_rois=int(shown.sum()),
        groups=called(said.group, groups),
        types=called(said.predicted, types),
        why_unsure=dict(reasons.most_common()),
        shares=(predictions.shares,),
        shares_assumed=predictions.prior is None,
        basis=() if calibration is None else (calibration.calibrated_on,),
        naming=(_naming(predictions, min_probability),),
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
        naming=_distinct(text for s in summaries for text in s.naming),
        subtypes_proven=all(s.subtypes_proven for s in summaries),
    )


def _naming(predictions: Predictions, min_probability: float | None) -> str:
    """Say from which probability names are given, and what that promises."""
    settled = settled_names(predictions.shares)
    if not settled:
        return _promise(predictions, min_probability)
    name, is_type = settled[-1], settled[-1] in predictions.classes
    only = not is_type and len(group_shares(predictions.shares)) == 1
    why = "the model knows no other group" if only else "its share is 100 %"
    line = f"Every cell is taken for {name}, because {why}; no trace has to show it."
    return line if is_type else f"{line} {_promise(predictions, min_probability)}"


# Advice at the end of `naming`.
NAME_MORE = (
    "A minimum probability of your own (--min-probability 0.5, or Min. probability in "
    "the dock) names more, without a promise."
)


def _promise(predictions: Predictions, min_probability: float | None) -> str:
    if min_probability is None:
        min_probability = predictions.min_probability
    if min_probability is not None:
        return (
            f"Names are given from a probability of {min_probability:g} on, which "
            "promises nothing about how many of them are right."
        )
    calibration = predictions.card.calibration
    if calibration is None:
        raise ValueError("a model without calibration has one threshold")
    on = f"on {calibration.calibrated_on}"
    wrong = f"at most {100 * calibration.risk:g} % of the cells"
    found = checked_names(calibration, predictions.shares)
    checked = {group: names for group, names in found.items() if names is not None}
    if not checked:
        every = "; ".join(share_text(names.shares) for names in calibration.names)
        return (
            f"No name is given: names were checked {on} with {every}; with other "
            "shares, as here, nothing is promised. The best guesses stand. "
            f"{NAME_MORE}"
        )
    given = {g: n for g, n in checked.items() if _is_given(g, n)}
    where = _where({g: share_text(n.shares) for g, n in (given or checked).items()})
    if not given:
        return (
            f"This model names no cell: from no probability on are {wrong} of a name "
            f"wrong ({on}, {where}). The best guesses stand. {NAME_MORE}"
        )
    if not all(same_shares(n.shares, predictions.shares) for n in given.values()):
        where += "; with the shares here no more of them are"
    too_few = "".join(
        f" {group} is not named: no threshold was checked with so few {group}."
        for group, names in found.items()
        if names is None and any(_is_given(group, n) for n in calibration.names)
    )
    return (
        f"Each name is given from the probability at which {wrong} of that name are "
        f"wrong ({on}, {where}).{too_few} {NAME_MORE}"
    )


def _where(shares: Mapping[str, str]) -> str:
    """Say with which shares the names of each group were checked."""
    if len(set(shares.values())) == 1:
        return f"with {next(iter(shares.values()))}"
    return ", ".join(f"{group} with {text}" for group, text in shares.items())


def _is_given(group: str, names: NamesFrom) -> bool:
    """Tell whether a group, or a type of it, has any threshold."""
    tree = DEFAULT_TYPES.including(names.shares)
    return any(
        limit is not None and tree.group(name) == group
        for step in (*names.group_named_from, *names.named_from)
        for name, limit in step.items()
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


def _counted(called: Mapping[str, Called]) -> str:
    return ", ".join(f"{c.rois} {name}" for name, c in called.items() if c.rois)


def _about(number: float) -> str:
    return f"{number:.0f}" if number >= 10 else f"{number:.2g}"
