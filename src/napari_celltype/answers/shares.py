"""The shares of the types: assumed, given by the user, and what they change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_celltype.celltypes import DEFAULT_TYPES, prior_shares

if TYPE_CHECKING:
    from napari_celltype.models import ModelCard


# Least probability that is told from 0, and least difference of two shares that counts.
_LEAST = 1e-200
_NO_DIFFERENCE = 0.005


def training_shares(card: ModelCard) -> dict[str, float]:
    """Return the share of each class in a model's training data; equal if unknown."""
    counts = card.training_data.get("class_counts") or dict.fromkeys(card.classes, 1)
    total = sum(counts.values())
    return {name: counts[name] / total for name in card.classes}


def reweigh(
    probabilities: NDArray[np.float64],
    shares: Sequence[float],
    trained: Sequence[float],
) -> NDArray[np.float64]:
    """Recalculate probabilities (n_rois, n_classes) for other shares (Bayes' rule)."""
    # A probability may be too small for a float, and a share may be 0: the rest of the
    # types still have to share the 1 among them.
    floored = np.maximum(probabilities, _LEAST)
    weighted = floored * (np.asarray(shares) / np.asarray(trained))
    new: NDArray[np.float64] = weighted / weighted.sum(axis=1, keepdims=True)
    return new


def group_shares(shares: Mapping[str, float]) -> dict[str, float]:
    """Return the share of each root type (PY, IN) from those of the types."""
    tree = DEFAULT_TYPES.including(shares)
    groups: dict[str, float] = {}
    for name in tree.in_order(shares):
        group = tree.group(name)
        groups[group] = groups.get(group, 0.0) + shares[name]
    return groups


def share_text(shares: Mapping[str, float]) -> str:
    """Return shares by group, such as ``PY 50 %``, and unequal ones by type."""
    tree = DEFAULT_TYPES.including(shares)
    names = tree.in_order(shares)
    texts = []
    for group, share in group_shares(shares).items():
        text = _percent(group, share)
        types = [name for name in names if tree.group(name) == group]
        if any(abs(shares[t] - shares[types[0]]) > _NO_DIFFERENCE for t in types):
            text += f" ({', '.join(_percent(t, shares[t]) for t in types)})"
        texts.append(text)
    return ", ".join(texts)


def _percent(name: str, share: float) -> str:
    return f"{name} {100 * share:.3g} %"


CA1_INTERNEURONS = 0.11
CA1_SOURCE = "Bezaire and Soltesz 2013"


@dataclass(frozen=True)
class Prevalence:
    """One assumption on the shares of the types, to be chosen by the user."""

    label: str
    # What `ClassifyRequest.prior` and `Predictions.with_prior` take.
    prior: Mapping[str, float] | None
    # Where it comes from and what it means.
    note: str
    # Whether the user gives the share of interneurons, see `stating`.
    is_stated: bool = False

    def stating(self, interneurons: float) -> Prevalence:
        """Return the same choice with a share of interneurons, 0 to 1."""
        return replace(self, prior={"IN": interneurons})


def prevalence_choices(card: ModelCard) -> tuple[Prevalence, ...]:
    """Return what can be assumed on the shares of the types that a model knows.

    The card's assumption comes first. All neurons of CA1 and a stated share are there
    only where the model tells pyramidal cells from interneurons.
    """
    tree = DEFAULT_TYPES.including(card.classes)
    classes = tree.in_order(card.classes)
    assumed = prior_shares(card.assumed_shares or {}, classes, training_shares(card))
    choices = [
        Prevalence(
            "As in the model's card",
            None,
            f"{share_text(assumed)}: an assumption, not a measurement of your tissue.",
        )
    ]
    both = {"PY", "IN"} <= {tree.group(name) for name in classes}
    if both:
        choices.append(
            Prevalence(
                "All neurons of CA1",
                {"IN": CA1_INTERNEURONS},
                f"{100 * CA1_INTERNEURONS:g} % interneurons ({CA1_SOURCE}).",
            )
        )
    choices += [
        Prevalence(
            f"{name} line only",
            {name: 1.0},
            f"Only {name} cells carry the indicator, so each is named {name} by the "
            "line, not by the trace.",
        )
        for name in classes
        if tree.group(name) == "IN" != name
    ]
    if both:
        choices.append(
            Prevalence(
                "Share of IN",
                {"IN": CA1_INTERNEURONS},
                "What you know about your tissue and line.",
                is_stated=True,
            )
        )
    return tuple(choices)
