"""The columns of the output table, in their order."""

from __future__ import annotations

from collections.abc import Iterable

_BEFORE = (
    "recording",
    "plane",
    "roi_id",
    "y",
    "x",
    "n_pixels",
    "iscell",
    "label",
    "label_source",
    "group",
    "p_IN",
    "predicted",
    "best_guess",
    "probability",
    "prediction_set",
)
_AFTER = (
    "stability",
    "warnings",
    "merged_into",
    "cell_id",
    "model",
    "model_sha256",
    "n_frames_used",
)
TEXT_COLUMNS = (
    "recording",
    "label",
    "label_source",
    "group",
    "predicted",
    "best_guess",
    "prediction_set",
    "warnings",
    "cell_id",
    "model",
    "model_sha256",
)
INTEGER_COLUMNS = ("plane", "roi_id", "n_pixels", "n_frames_used")
OPTIONAL_INTEGER_COLUMNS = ("merged_into",)
OPTIONAL_BOOLEAN_COLUMNS = ("iscell",)


def output_columns(classes: Iterable[str]) -> list[str]:
    """Return the columns of the output table of a model with these classes.

    Parameters
    ----------
    classes : iterable of str
        Class names in tree order.
    """
    return [*_BEFORE, *(f"p_{name}" for name in classes), *_AFTER]


def class_columns(columns: Iterable[str]) -> list[str]:
    """Return the `p_<TYPE>` columns of a table, without the parent `p_IN`."""
    return [c for c in columns if c.startswith("p_") and c != "p_IN"]


def missing_columns(columns: Iterable[str]) -> list[str]:
    """Return what a table lacks of the output table's columns."""
    present = set(columns)
    return [c for c in (*_BEFORE, *_AFTER) if c not in present]
