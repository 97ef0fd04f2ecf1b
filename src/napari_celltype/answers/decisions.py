"""From class probabilities to names: the group, the type inside it, and `unsure`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from napari_celltype.celltypes import DEFAULT_TYPES, UNSURE
from napari_celltype.models.card import Calibration


class UnsureReason(StrEnum):
    """Why an ROI is unsure, in the words that tables and summaries show."""

    NO_TRACE = "no usable trace"
    MERGED = "part of a merged ROI"
    BELOW = "below the minimum probability"


@dataclass(frozen=True)
class Decisions:
    """The names of the ROIs; numbers are NaN without a usable trace."""

    # The root type with the larger summed probability (IN only if `p_in` is above that
    # of PY), and the most probable type inside it; or `unsure` both.
    group: list[str]
    predicted: list[str]
    # Of that type and of its group, `unsure` or not.
    probability: NDArray[np.float64]
    group_probability: NDArray[np.float64]
    # Summed over the interneuron types.
    p_in: NDArray[np.float64]
    # None where there is a name.
    why_unsure: list[UnsureReason | None]


def decide(
    probabilities: NDArray[np.float64],
    classes: Sequence[str],
    min_probability: float = 0.0,
) -> Decisions:
    """Turn class probabilities, (n_rois, n_classes), into a group and a type inside it.

    Rows of NaN are ROIs without a usable trace. A type below the minimum is ``unsure``.
    """
    usable: NDArray[np.bool_] = np.asarray(np.isfinite(probabilities).all(axis=1))
    filled = np.where(usable[:, None], probabilities, 0.0)
    tree = DEFAULT_TYPES.including(classes)
    groups = [tree.group(c) for c in classes]
    roots = tree.in_order(dict.fromkeys(groups))
    belongs = np.array([[g == root for root in roots] for g in groups], dtype=float)
    of_groups = filled @ belongs
    rows, root = np.arange(len(filled)), of_groups.argmax(axis=1)
    inside = np.array([roots.index(g) for g in groups]) == root[:, None]
    column = np.where(inside, filled, -1.0).argmax(axis=1)
    probability = np.where(usable, filled[rows, column], np.nan)
    named = probability >= min_probability
    why = [
        None if has_name else UnsureReason.BELOW if has_trace else UnsureReason.NO_TRACE
        for has_name, has_trace in zip(named, usable, strict=True)
    ]
    p_in = of_groups[:, roots.index("IN")] if "IN" in roots else np.zeros(len(filled))
    return Decisions(
        np.where(named, np.array(roots, dtype=object)[root], UNSURE).tolist(),
        np.where(named, np.array(classes, dtype=object)[column], UNSURE).tolist(),
        probability,
        np.where(usable, of_groups[rows, root], np.nan),
        np.where(usable, p_in, np.nan),
        why,
    )


def prediction_sets(
    probabilities: NDArray[np.float64],
    n_windows: NDArray[np.int64],
    classes: Sequence[str],
    calibration: Calibration | None,
) -> list[str]:
    """Return each ROI's prediction set, types joined by ``|``.

    A type belongs to the set when its probability reaches the card's threshold for it
    and for that number of windows (split-conformal, per class); the most probable type
    always does, and every type does where the trace could not be used. Without a
    calibration the sets are empty. Probabilities, (n_rois, n_classes), are the model's
    own, under the shares of its training data.
    """
    if calibration is None:
        return [""] * len(probabilities)
    limits = [[step.prediction_set[c] for c in classes] for step in calibration.steps]
    inside = probabilities >= np.array(limits)[calibration.row(n_windows)]
    inside |= ~np.isfinite(probabilities).all(axis=1, keepdims=True)
    inside[np.arange(len(inside)), np.nan_to_num(probabilities).argmax(axis=1)] = True
    return [
        "|".join(c for c, yes in zip(classes, row, strict=True) if yes)
        for row in inside
    ]
