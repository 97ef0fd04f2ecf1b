"""Which examples belong together: the same cell, recording or animal."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import LabelError
from napari_celltype.labels import TraceSet

# Column of the trace set, and the word for one of them.
COLUMNS = {
    "by-subject": ("subject_id", "subject"),
    "by-session": ("session_id", "session"),
    "by-cell": ("cell_id", "cell"),
}


def codes(names: NDArray[Any]) -> NDArray[np.int64]:
    """Return a number from 0 for each name, shape (n_examples,)."""
    return np.unique(names, return_inverse=True)[1].ravel().astype(np.int64)


def identity(traces: TraceSet, column: str) -> NDArray[np.str_] | None:
    """Return names that differ where the origins do, shape (n_examples,).

    Day 1 of two animals is two sessions, and cell 7 of two animals is two cells, so
    both carry the animal where it is known. An empty cell name means that nothing is
    known, and such an example is a cell of its own.
    """
    names: NDArray[np.str_] | None = getattr(traces, column)
    if names is None or not (names != "").any():
        return None
    if column not in ("session_id", "cell_id"):
        return names
    full = names
    if traces.subject_id is not None:
        full = np.char.add(np.char.add(traces.subject_id, "\x1f"), names)
    if column == "cell_id":
        own = np.char.add("\x1f\x1f", np.arange(len(names)).astype(str))
        full = np.where(names == "", own, full)
    return full


def split_groups(traces: TraceSet, way: str) -> NDArray[np.int64]:
    """Return the group of each example that has to stay on one side.

    Sessions and subjects that share a cell are one group.

    Parameters
    ----------
    traces : TraceSet
    way : str
        "by-subject", "by-session" or "by-cell".

    Returns
    -------
    ndarray of int64, shape (n_examples,)
        From 0.

    Raises
    ------
    LabelError
        If the data do not say which animal, session or cell an example is of.
    """
    column, word = COLUMNS[way]
    names = identity(traces, column)
    if names is None:
        raise LabelError(
            f"No {word} is given for these traces, so {way} splits cannot be drawn; "
            f"add {column} or choose another way."
        )
    unknown = int((getattr(traces, column) == "").sum())
    if unknown and way != "by-cell":
        raise LabelError(
            f"{unknown} of {len(traces)} examples have no {column}, so {way} splits "
            f"cannot be drawn; add it or leave these examples out."
        )
    groups = codes(names)
    cells = identity(traces, "cell_id")
    if way != "by-cell" and cells is not None:
        groups = _joined(groups, codes(cells))
    return groups


def _joined(groups: NDArray[np.int64], cells: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return numbers of the parts that shared groups and cells connect."""
    parts = groups
    while True:
        # The smallest number goes from each group to its cells, and back.
        of_cell = np.full(cells.max() + 1, len(groups))
        np.minimum.at(of_cell, cells, parts)
        of_group = np.full(groups.max() + 1, len(groups))
        np.minimum.at(of_group, groups, of_cell[cells])
        if (of_group[groups] == parts).all():
            return codes(parts)
        parts = of_group[groups]
