"""How many ROIs of a recording have each type and each group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from napari_celltype.celltypes import DEFAULT_TYPES, UNSURE, TypeTree
from napari_celltype.workflows import Predictions
from napari_celltype.workflows.decisions import Decisions

UNPROVEN = "unproven on real cells"


@dataclass(frozen=True)
class Counts:
    """Number of ROIs by name; `unsure` is the last of each.

    Attributes
    ----------
    groups, types : mapping of str to int
    reasons : mapping of str to int
        Why types are unsure, the most frequent reason first.
    """

    groups: Mapping[str, int]
    types: Mapping[str, int]
    reasons: Mapping[str, int]


def count_rois(
    predictions: Predictions, said: Decisions, tree: TypeTree = DEFAULT_TYPES
) -> Counts:
    """Count the ROIs of each type and group; parts of merged ROIs are left out.

    Parameters
    ----------
    predictions : Predictions
    said : Decisions
        The names that the ROIs got.
    tree : TypeTree, optional
    """
    merged_into = predictions.recording.merged_into
    part = merged_into >= 0 if len(merged_into) else np.zeros(len(said.group), bool)
    counted = []
    for by_group, given in ((True, said.group), (False, said.predicted)):
        names, _ = class_shares(predictions, by_group=by_group, tree=tree)
        found = Counter(compress(given, ~part))
        counted.append({name: found[name] for name in (*names, UNSURE)})
    reasons = Counter(filter(None, compress(said.why_unsure, ~part)))
    groups, types = counted
    return Counts(groups, types, dict(reasons.most_common()))


def subtypes_of(
    predictions: Predictions, tree: TypeTree = DEFAULT_TYPES
) -> frozenset[str]:
    """Return the classes that are a type within a group, such as PV within IN."""
    tree = tree.including(predictions.classes)
    return frozenset(c for c in predictions.classes if tree.group(c) != c)


def class_shares(
    predictions: Predictions, *, by_group: bool, tree: TypeTree = DEFAULT_TYPES
) -> tuple[list[str], NDArray[np.float64]]:
    """Return names and probabilities of the types, or of their groups.

    Returns
    -------
    names : list of str
    shares : ndarray of float64, shape (n_rois, n_names)
        NaN rows for ROIs that were not classified.
    """
    names, shares = list(predictions.classes), predictions.probabilities
    if not by_group:
        return names, shares
    tree = tree.including(names)
    groups = [tree.group(name) for name in names]
    roots = list(dict.fromkeys(groups))
    belongs = np.array([[g == root for root in roots] for g in groups], dtype=float)
    return roots, shares @ belongs


def best_class(
    shares: NDArray[np.float64],
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the most probable class of each ROI and its probability.

    Returns
    -------
    best : ndarray of int, shape (n_rois,)
        Column of `shares`; 0 for ROIs that were not classified.
    probability : ndarray of float64, shape (n_rois,)
        -1 for ROIs that were not classified, so that no threshold lets them pass.
    """
    known = np.isfinite(shares).all(axis=1, keepdims=True)
    filled = np.where(known, shares, -1.0)
    return filled.argmax(axis=1), filled.max(axis=1)
