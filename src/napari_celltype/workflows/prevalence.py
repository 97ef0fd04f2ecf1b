"""How common the types are in a recording: what can be assumed, and in whose name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_celltype.celltypes import DEFAULT_TYPES
from napari_celltype.workflows.shares import prior_shares, share_text, training_shares

if TYPE_CHECKING:
    from napari_celltype.classifiers import ModelCard

CA1_INTERNEURONS = 0.11
CA1_SOURCE = "Bezaire and Soltesz 2013"


@dataclass(frozen=True)
class Prevalence:
    """One assumption on the shares of the types, to be chosen by the user.

    Attributes
    ----------
    label : str
        A few words, for a list.
    prior : mapping of str to float or None
        What `ClassifyRequest.prior` and `Predictions.with_prior` take.
    note : str
        A sentence that says where it comes from and what it means.
    is_stated : bool
        Whether the user gives the share of interneurons: see `stating`.
    """

    label: str
    prior: Mapping[str, float] | None
    note: str
    is_stated: bool = False

    def stating(self, interneurons: float) -> Prevalence:
        """Return the same choice with a share of interneurons, 0 to 1."""
        return replace(self, prior={"IN": interneurons})


def prevalence_choices(card: ModelCard) -> tuple[Prevalence, ...]:
    """Return what can be assumed on the shares of the types that a model knows.

    Parameters
    ----------
    card : ModelCard

    Returns
    -------
    tuple of Prevalence
        The card's assumption first. All neurons of CA1 and a stated share only where
        the model tells pyramidal cells from interneurons; one Cre line for each of its
        interneuron types.
    """
    tree = DEFAULT_TYPES.including(card.classes)
    classes = tree.in_order(card.classes)
    groups = {name: tree.group(name) for name in classes}
    interneurons = [name for name in classes if groups[name] == "IN"]
    assumed = prior_shares(card.assumed_shares or {}, classes, training_shares(card))
    choices = [
        Prevalence(
            "As the model's card assumes",
            None,
            f"{share_text(assumed)}: an assumption, not a measurement of your tissue.",
        )
    ]
    both = {"PY", "IN"} <= set(groups.values())
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
        for name in interneurons
        if name != "IN"
    ]
    if both:
        choices.append(
            Prevalence(
                "A stated share of interneurons",
                {"IN": CA1_INTERNEURONS},
                "What you know about your tissue and line.",
                is_stated=True,
            )
        )
    return tuple(choices)
