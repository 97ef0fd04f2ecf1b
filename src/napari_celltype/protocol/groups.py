"""Which examples belong together, and which groups are tested."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import LabelError
from napari_celltype.labels import Cells, TraceSet
from napari_celltype.labels.trace_set import identity

# Column of the trace set, and the word for one of them.
COLUMNS = {
    "by-subject": ("subject_id", "animal"),
    "by-session": ("session_id", "session"),
    "by-cell": ("cell_id", "cell"),
}
# Column of what a learning curve counts, and of what is resampled.
UNIT_COLUMNS = {f"{word}s": column for column, word in COLUMNS.values()}


def codes(names: NDArray[Any]) -> NDArray[np.int64]:
    """Return a number from 0 for each name, shape (n_examples,)."""
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def names_of(traces: TraceSet, column: str) -> NDArray[np.str_]:
    """Return the animal, session or cell of each example, else its own number."""
    names = identity(traces, column)
    return np.arange(len(traces)).astype(str) if names is None else names


def split_groups(traces: TraceSet | Cells, way: str) -> NDArray[np.int64]:
    """Return the group of each example that has to stay on one side, from 0.

    Sessions and animals that share a cell are one group.

    Returns
    -------
    ndarray of int64, shape (n_examples,)

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
    if way == "by-cell" or cells is None:
        return groups
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    # The parts that shared cells connect.
    n = int(groups.max()) + 1
    nodes = n + codes(cells)
    size = int(nodes.max()) + 1
    shared = coo_array((np.ones(len(groups)), (groups, nodes)), shape=(size, size))
    parts: NDArray[np.int32] = connected_components(shared, directed=False)[1]
    return parts[groups].astype(np.int64)


# Random orders of the groups that are tried for each split, and how many choices among
# the new ones are compared.
_TRIES = 400
_COMPARED = 8
# Mean difference from the asked share of each class that is near enough.
_NEAR = 0.01


def draw_test_groups(
    table: NDArray[np.int64],
    classes: Sequence[str],
    way: str,
    share: float,
    generators: Iterable[np.random.Generator],
    trained: Collection[int] = (),
) -> Iterator[NDArray[np.int64]]:
    """Choose the test groups of one split after the other, each choice once."""
    word = COLUMNS[way][1]
    held = dict(zip(classes, (table > 0).sum(axis=0).tolist(), strict=True))
    for name, n in held.items():
        if n < 2:
            raise LabelError(
                f"All examples of {name} are of {n} {word}, so no {way} split has "
                f"{name} on both sides; add {word}s or choose another way."
            )
    seen: set[tuple[int, ...]] = set()
    times = np.zeros(len(table), dtype=np.int64)
    for generator in generators:
        chosen = _nearest_new(table, share, generator, seen, times, trained)
        if chosen is None and not seen:
            counts = ", ".join(f"{n} of {name}" for name, n in held.items())
            raise LabelError(
                f"No {way} split puts every type on both sides ({word}s: {counts}); "
                f"add {word}s or choose another way."
            )
        if chosen is None:
            return
        seen.add(chosen)
        times[list(chosen)] += 1
        yield np.array(chosen, dtype=np.int64)


def _nearest_new(
    table: NDArray[np.int64],
    share: float,
    generator: np.random.Generator,
    seen: set[tuple[int, ...]],
    times: NDArray[np.int64],
    trained: Collection[int],
) -> tuple[int, ...] | None:
    filled = np.flatnonzero(table.any(axis=1))
    filled = filled[~np.isin(filled, list(trained))]
    total = table.sum(axis=0)
    best, best_distance, compared = None, np.inf, 0
    for attempt in range(_TRIES):
        order = generator.permutation(filled)
        if attempt < _TRIES // 2:
            order = order[np.argsort(times[order], kind="stable")]
        chosen = _choose(table, order, share)
        if chosen is None or chosen in seen:
            continue
        tested = table[list(chosen)].sum(axis=0)
        if seen and 2 * tested.sum() > total.sum():
            continue
        distance = float(np.abs(tested / total - share).mean())
        if distance < best_distance:
            best, best_distance = chosen, distance
        compared += 1
        if compared == _COMPARED or best_distance < _NEAR:
            break
    return best


def _choose(
    table: NDArray[np.int64], order: NDArray[np.int64], share: float
) -> tuple[int, ...] | None:
    """Take groups in order: those that bring a class, then those that come nearer."""
    total = table.sum(axis=0)
    wanted = share * total
    tested = np.zeros_like(total)
    chosen: list[int] = []
    for group in order.tolist():
        if tested.all():
            break
        more = tested + table[group]
        if (table[group][tested == 0] > 0).any() and (more < total).all():
            tested = more
            chosen.append(group)
    if not tested.all():
        return None
    taken = set(chosen)
    for group in order.tolist():
        if (tested >= wanted).all():
            break
        more = tested + table[group]
        if group in taken or not (more < total).all():
            continue
        gain = np.abs(tested / total - share).sum() - np.abs(more / total - share).sum()
        if gain > 0:
            tested = more
            chosen.append(group)
    return tuple(sorted(chosen))
