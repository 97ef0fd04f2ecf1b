"""Precision where types are as common as the user says, not as in the tests."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from napari_celltype.protocol.metrics import precision_at
from napari_celltype.protocol.report_table import Table
from napari_celltype.protocol.scores import Score


def shares_in_tests(score: Score) -> dict[str, float]:
    """Return how common each type was among the tested answers; sums to 1.

    Parameters
    ----------
    score : Score
    """
    tested = np.array(score.counts).sum(axis=1)
    total = max(int(tested.sum()), 1)
    shares = (tested / total).tolist()
    return dict(zip(score.per_class, shares, strict=True))


def prevalence_table(score: Score, shares: Mapping[str, float]) -> Table:
    """Return the precision of each type at other shares than those of the tests.

    Precision: of the cells that would be called so, the share that is so. It rests on
    the answers of all splits together, as the confusion matrix does; "called so" counts
    those that named the type.

    Parameters
    ----------
    score : Score
        Of one classifier under one way of splitting.
    shares : mapping of str to float
        How common each type is in the user's tissue; any scale.

    Raises
    ------
    LabelError
        If a name is no class, a share is negative, or all are zero.
    """
    classes = tuple(score.per_class)
    counts = np.array(score.counts, dtype=np.int64)
    there = precision_at(counts, classes, shares)
    called = dict(zip(classes, counts.sum(axis=0).tolist(), strict=True))
    total = sum(shares.values())
    return Table(
        "prevalence",
        "Precision at your shares",
        ("type", "precision", "by chance", "called so"),
        tuple(
            (
                name,
                there[name],
                shares.get(name, 0.0) / total,
                called[name],
            )
            for name in classes
        ),
        f"From the confusion matrix of {score.name} over all splits, without an "
        "interval.",
    )
