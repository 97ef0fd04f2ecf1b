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
    "probability",
    "prediction_set",
)
_AFTER = (
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
    # A class IN has the column p_IN already.
    return [*_BEFORE, *(f"p_{name}" for name in classes if name != "IN"), *_AFTER]


def class_columns(columns: Iterable[str]) -> list[str]:
    """Return the `p_<TYPE>` columns of a table.

    `p_IN` sums the interneuron types, and is a class only where there is none of them.
    """
    found = [c for c in columns if c.startswith("p_")]
    finer = [c for c in found if c not in ("p_PY", "p_IN")]
    return [c for c in found if c != "p_IN" or not finer]


def missing_columns(columns: Iterable[str]) -> list[str]:
    """Return what a table lacks of the output table's columns."""
    present = set(columns)
    return [c for c in (*_BEFORE, *_AFTER) if c not in present]
