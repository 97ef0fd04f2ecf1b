"""Two classifiers on the same splits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from napari_celltype.protocol.scores import Score
from napari_celltype.protocol.words import differences

# More classifiers than this are compared with the best only.
ALL_PAIRS = 4
# What a search of the parameters adds to a classifier, beside the parameters that are
# reported as found on all data.
SELECTION, SEARCH = "selection", "-search"


@dataclass(frozen=True)
class Difference:
    """Difference in balanced accuracy, with the Nadeau-Bengio corrected interval.

    Attributes
    ----------
    way : str
    one, other : str
        Names; the difference is `one` less `other`.
    mean, low, high, p : float
        NaN where there are too few splits.
    n_splits : int
    name : str
        "selection" for a search inside the training sets against the parameters that
        the paper reports; else empty.
    """

    way: str
    one: str
    other: str
    mean: float
    low: float
    high: float
    p: float
    n_splits: int
    name: str = ""


def compare(scores: Sequence[Score]) -> tuple[Difference, ...]:
    """Compare the classifiers of one way, the better one first.

    Only pairs that were asked to train on as many examples are compared, as their
    splits are the same then.
    """
    from napari_celltype.protocol.intervals import corrected_interval

    ranked = sorted(scores, key=lambda s: -s.interval.value)
    pairs = list(combinations(ranked, 2))
    if len(ranked) > ALL_PAIRS:
        pairs = [
            (one, other)
            for one, other in pairs
            if one is ranked[0] or _is_selection(one, other)
        ]
    found = []
    for one, other in pairs:
        if one.n_asked != other.n_asked:
            continue
        values = np.array(differences(one, other))
        values = values[np.isfinite(values)]
        if len(values) < 2:
            continue
        corrected = corrected_interval(values, one.n_train, one.n_test)
        found.append(
            Difference(
                one.way,
                one.name,
                other.name,
                corrected.mean,
                corrected.low,
                corrected.high,
                corrected.p,
                len(values),
                SELECTION if _is_selection(one, other) else "",
            )
        )
    return tuple(found)


def _is_selection(one: Score, other: Score) -> bool:
    names = {one.classifier, other.classifier}
    return any(name + SEARCH in names for name in names)
