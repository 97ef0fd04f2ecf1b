"""From class probabilities to names: best guess, group, `unsure` and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_celltype.celltypes import DEFAULT_TYPES, UNSURE, TypeTree
from napari_celltype.workflows.thresholds import Thresholds

# Why an ROI is unsure. Counted in summaries, so they are the same words everywhere.
NO_TRACE = "no usable trace"
MERGED = "part of a merged ROI"
BETWEEN_GROUPS = "between PY and interneuron"
TYPE_BELOW = "type below its threshold"
NEVER_NAMED = "{} is never named by this model"
NOT_FROM_SO_MANY = "{} is not named from this number of windows"
NOT_WITH_SHARES = "{} is not named with these shares"


@dataclass(frozen=True)
class Decisions:
    """What is said about each ROI.

    Attributes
    ----------
    probabilities : ndarray of float64, shape (n_rois, n_classes)
        The given ones; the shares where the trace could not be used.
    best_guess : list of str
        The most probable type.
    predicted : list of str
        `best_guess`, or ``unsure``.
    group : list of str
        The root type (PY, IN) whose summed probability reaches its threshold, or
        ``unsure``.
    p_in : ndarray of float64, shape (n_rois,)
        Summed probability of the interneuron types.
    why_unsure : list of str
        Why `predicted` is ``unsure``, in a few words; empty where a type is named.
    """

    probabilities: NDArray[np.float64]
    best_guess: list[str]
    predicted: list[str]
    group: list[str]
    p_in: NDArray[np.float64]
    why_unsure: list[str]


def decide(
    probabilities: NDArray[np.float64],
    classes: Sequence[str],
    thresholds: float | Thresholds,
    shares: Mapping[str, float] | None = None,
    tree: TypeTree = DEFAULT_TYPES,
) -> Decisions:
    """Turn class probabilities into names.

    A type is named when its probability reaches the type's threshold and its group is
    named, too.

    Parameters
    ----------
    probabilities : ndarray, shape (n_rois, n_classes)
        Rows sum to 1; rows of NaN are ROIs without a usable trace.
    classes : sequence of str
        The classes, in column order.
    thresholds : float or Thresholds
        The least probability that is enough: one number for every type and group, or
        one of each name and ROI. 0 names every ROI.
    shares : mapping of str to float, optional
        Share of every class, all that is known without a usable trace; equal ones when
        not given.
    tree : TypeTree, optional
        Where the classes stand.
    """
    usable: NDArray[np.bool_] = np.asarray(np.isfinite(probabilities).all(axis=1))
    known = [shares[c] if shares else 1 / len(classes) for c in classes]
    probabilities = np.where(usable[:, None], probabilities, known)
    tree = tree.including(classes)
    groups = [tree.group(c) for c in classes]
    roots = list(dict.fromkeys(groups))
    if not isinstance(thresholds, Thresholds):
        thresholds = Thresholds.same(
            thresholds, len(probabilities), classes, tuple(roots)
        )
    by_root = np.stack(
        [probabilities[:, [g == root for g in groups]].sum(axis=1) for root in roots],
        axis=1,
    )
    rows = np.arange(len(probabilities))
    column, root = probabilities.argmax(axis=1), by_root.argmax(axis=1)
    type_limit = thresholds.types[rows, column]
    group_limit = np.stack([thresholds.groups[r] for r in roots], axis=1)[rows, root]
    group_named = usable & (by_root[rows, root] >= group_limit)
    # The likeliest type may lie outside the likelier group (PY 0.4, PV and SOM 0.3
    # each). That is no name, unless every ROI is to have one.
    own_root = np.array([roots.index(g) for g in groups])[column]
    in_group = group_named & ((own_root == root) | (type_limit <= 0))
    named = in_group & (probabilities[rows, column] >= type_limit)
    types = np.array(classes, dtype=object)[column]
    root_names = np.array(roots, dtype=object)[root]
    why = np.select(
        [
            named,
            ~usable,
            ~in_group & np.isinf(group_limit),
            ~in_group,
            np.isinf(type_limit),
        ],
        [
            np.full(len(rows), "", dtype=object),
            np.full(len(rows), NO_TRACE, dtype=object),
            _not_named(roots, thresholds.groups_at_times, thresholds.groups_at_shares)[
                root
            ],
            np.full(len(rows), BETWEEN_GROUPS, dtype=object),
            _not_named(classes, thresholds.types_at_times, thresholds.types_at_shares)[
                column
            ],
        ],
        TYPE_BELOW,
    )
    return Decisions(
        probabilities,
        types.tolist(),
        np.where(named, types, UNSURE).tolist(),
        np.where(group_named, root_names, UNSURE).tolist(),
        probabilities[:, [g == "IN" for g in groups]].sum(axis=1),
        why.tolist(),
    )


def prediction_sets(
    probabilities: NDArray[np.float64],
    classes: Sequence[str],
    thresholds: NDArray[np.float64],
) -> list[str]:
    """Return each ROI's prediction set, types joined by ``|``.

    A type belongs to the set when its probability reaches the card's threshold for it
    (split-conformal, per class); the most probable type always does, and every type
    does where the trace could not be used.

    Parameters
    ----------
    probabilities : ndarray, shape (n_rois, n_classes)
        The model's own, under the shares of its training data.
    classes : sequence of str
        The classes, in column order.
    thresholds : ndarray, shape (n_rois, n_classes) or (n_classes,)
        As `set_thresholds` returns them.
    """
    inside = probabilities >= thresholds
    inside |= ~np.isfinite(probabilities).all(axis=1, keepdims=True)
    inside[np.arange(len(inside)), np.nan_to_num(probabilities).argmax(axis=1)] = True
    return [
        "|".join(c for c, yes in zip(classes, row, strict=True) if yes)
        for row in inside
    ]


def _not_named(
    names: Sequence[str], at_times: frozenset[str], at_shares: frozenset[str]
) -> NDArray[np.object_]:
    """Return why each name is not given, whatever its probability."""
    return np.array(
        [
            (
                NOT_FROM_SO_MANY
                if name in at_times
                else NOT_WITH_SHARES
                if name in at_shares
                else NEVER_NAMED
            ).format(name)
            for name in names
        ],
        dtype=object,
    )
