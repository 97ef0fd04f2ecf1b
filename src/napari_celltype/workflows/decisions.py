"""From class probabilities to names: best guess, `unsure`, group and prior."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_celltype.celltypes import DEFAULT_TYPES, UNSURE, TypeTree
from napari_celltype.errors import LabelError


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
        `best_guess`, or ``unsure`` below the threshold and without a usable trace.
    group : list of str
        The root type (PY, IN) whose summed probability reaches the threshold, or
        ``unsure``.
    p_in : ndarray of float64, shape (n_rois,)
        Summed probability of the interneuron types.
    """

    probabilities: NDArray[np.float64]
    best_guess: list[str]
    predicted: list[str]
    group: list[str]
    p_in: NDArray[np.float64]


def decide(
    probabilities: NDArray[np.float64],
    classes: Sequence[str],
    min_probability: float,
    shares: Mapping[str, float] | None = None,
    tree: TypeTree = DEFAULT_TYPES,
) -> Decisions:
    """Turn class probabilities into names.

    Parameters
    ----------
    probabilities : ndarray, shape (n_rois, n_classes)
        Rows sum to 1; rows of NaN are ROIs without a usable trace.
    classes : sequence of str
        The classes, in column order.
    min_probability : float
        A type or group is named when its probability is at least this.
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
    by_root = np.stack(
        [probabilities[:, [g == root for g in groups]].sum(axis=1) for root in roots],
        axis=1,
    )
    types = np.array(classes, dtype=object)[probabilities.argmax(axis=1)]
    named = usable & (probabilities.max(axis=1) >= min_probability)
    root = np.array(roots, dtype=object)[by_root.argmax(axis=1)]
    root_named = usable & (by_root.max(axis=1) >= min_probability)
    p_in = probabilities[:, [g == "IN" for g in groups]].sum(axis=1)
    return Decisions(
        probabilities,
        types.tolist(),
        np.where(named, types, UNSURE).tolist(),
        np.where(root_named, root, UNSURE).tolist(),
        p_in,
    )


def prior_shares(
    prior: Mapping[str, float],
    classes: Sequence[str],
    training_prior: Mapping[str, float] | None = None,
    tree: TypeTree = DEFAULT_TYPES,
) -> dict[str, float]:
    """Return the expected share of every class.

    A named parent's share, and what is left over for the classes that nothing names, is
    divided as in training.

    Raises
    ------
    LabelError
        If a name is unknown, a class is named twice, a share lies outside 0 to 1, or
        the shares do not add up to 1.
    """
    tree = tree.including(classes)
    trained = training_prior or {c: 1 / len(classes) for c in classes}
    shares: dict[str, float] = {}
    for label, share in prior.items():
        members = tree.allowed(label, classes)
        if not members or label.startswith("!"):
            raise LabelError(
                f"The prior names {label!r}, which is no class of this model "
                f"({', '.join(classes)}) and no parent of one."
            )
        if not (math.isfinite(share) and 0 <= share <= 1):
            raise LabelError(f"The prior {label}={share} is not between 0 and 1.")
        if twice := [m for m in members if m in shares]:
            raise LabelError(f"The prior names {twice[0]} twice; name it once.")
        total = sum(trained[m] for m in members)
        shares.update({m: share * trained[m] / total for m in members})
    rest = [c for c in classes if c not in shares]
    left = 1 - sum(shares.values())
    if left < -1e-9 or (not rest and abs(left) > 1e-9):
        raise LabelError(
            f"The prior shares add up to {sum(shares.values()):g}; they must add up to "
            "1, or to less when some types are left unnamed."
        )
    total = sum(trained[c] for c in rest)
    shares.update({c: max(left, 0.0) * trained[c] / total for c in rest})
    return {c: shares[c] for c in classes}


def reweigh(
    probabilities: NDArray[np.float64],
    shares: Sequence[float],
    trained: Sequence[float],
) -> NDArray[np.float64]:
    """Recalculate probabilities for other shares of the types (Bayes' rule).

    Parameters
    ----------
    probabilities : ndarray, shape (n_rois, n_classes)
    shares, trained : sequence of float
        Share of each class that is expected, and that the model was trained on.
    """
    weighted = probabilities * (np.asarray(shares) / np.asarray(trained))
    total = weighted.sum(axis=1, keepdims=True)
    # All the mass on a type whose share is 0: nothing is left to say.
    new: NDArray[np.float64] = np.divide(
        weighted, total, out=np.full_like(weighted, np.nan), where=total > 0
    )
    return new


def prediction_sets(
    probabilities: NDArray[np.float64],
    classes: Sequence[str],
    thresholds: Mapping[str, float],
) -> list[str]:
    """Return each ROI's prediction set, types joined by ``|``.

    A type belongs to the set when its probability reaches the card's threshold for it
    (split-conformal, per class); the most probable type always does, and every type
    does where the trace could not be used.
    """
    limits = np.array([thresholds[c] for c in classes])
    inside = probabilities >= limits
    inside |= ~np.isfinite(probabilities).all(axis=1, keepdims=True)
    inside[np.arange(len(inside)), np.nan_to_num(probabilities).argmax(axis=1)] = True
    return [
        "|".join(c for c, yes in zip(classes, row, strict=True) if yes)
        for row in inside
    ]
