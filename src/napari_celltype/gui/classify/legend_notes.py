"""The sentences below the legend: what is expected, assumed, and not sure."""

from __future__ import annotations

from napari_celltype.gui.counts import Counts
from napari_celltype.workflows import Predictions, share_text


def legend_notes(
    predictions: Predictions, counts: Counts, min_probability: float | None
) -> tuple[str, ...]:
    """Return what to know about the counts.

    Parameters
    ----------
    predictions : Predictions
    counts : Counts
    min_probability : float or None
        The user's own threshold; None for that of the card.
    """
    summary = predictions.summary(min_probability)
    return (
        *summary.expectations(),
        f"{'Assumed' if predictions.prior is None else 'Given'} shares: "
        f"{share_text(predictions.shares)}",
        *(f"{n} unsure: {reason}" for reason, n in counts.reasons.items()),
        *summary.naming,
    )
