"""What training does not see, so that its scores mean something.

Whole animals are held out where enough of them hold each type, else whole sessions,
else whole cells; never single traces of cells that are trained on. Of a data set it
is known before its traces are read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import LabelError
from napari_celltype.labels import DataSet, Targets, TraceSet
from napari_celltype.labels.notes import counted
from napari_celltype.labels.trace_set import identity
from napari_celltype.protocol.groups import COLUMNS, split_groups
from napari_celltype.protocol.splits import PaperProtocol, draw_splits

# What is held out, from the strictest; "auto" is the strictest possible.
_HELD_OUT = ("subject", "session", "cell")
_VALIDATIONS = ("auto", *_HELD_OUT, "none")


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Which examples are trained on, and which are scored."""

    train: NDArray[np.int64]
    # Empty where nothing could be held out; `way` is then None.
    test: NDArray[np.int64]
    # "by-subject", "by-session" or "by-cell".
    way: str | None
    # What was held out, and why not something stricter.
    sentence: str


def held_out_for(
    data: DataSet,
    held_out: str = "auto",
    units: Mapping[str, Mapping[str, int]] | None = None,
) -> str:
    """Return what can be held out: the strictest of `_HELD_OUT` for two types."""
    # Anything but ``auto`` is returned as it is.
    if held_out != "auto":
        return held_out
    units = units_of(data) if units is None else units
    classes = [c for c in data.classes if c not in data.untested]
    for level in _HELD_OUT:
        if sum(units[level].get(name, 0) >= 2 for name in classes) >= 2:
            return level
    return "cell" if units["cell"] or not classes else "none"


def units_of(data: DataSet) -> dict[str, dict[str, int]]:
    """Count the animals, sessions and cells of each label, as training groups them."""
    # A level is empty where not all of them are known. A tracked neuron counts once,
    # and so do the sessions that it joins: none is held out without the others.
    cells = data.chosen_cells()
    found: dict[str, dict[str, int]] = {level: {} for level in _HELD_OUT}
    if cells is None:
        return found
    for level in _HELD_OUT:
        with suppress(LabelError):
            groups = split_groups(cells, f"by-{level}")
            pairs = set(zip(cells.labels.tolist(), groups.tolist(), strict=True))
            found[level] = Counter(label for label, _ in pairs)
    return found


def hold_out(
    cells: TraceSet,
    targets: Targets,
    validation: str = "auto",
    *,
    untested: Iterable[str] = (),
    random_state: int = 0,
) -> HeldOut:
    """Choose the cells that training does not see, about a fifth, in whole groups."""
    everything, nothing = np.arange(len(cells)), np.arange(0)
    if validation == "none":
        sentence = "Nothing was held out, as asked; the model was tested on nothing."
        return HeldOut(everything, nothing, None, sentence)
    if validation not in _VALIDATIONS:
        raise LabelError(
            f"{validation!r} cannot be held out; use one of {', '.join(_VALIDATIONS)}."
        )
    refused: list[str] = []
    for way in COLUMNS if validation == "auto" else (f"by-{validation}",):
        try:
            return _hold_out(
                cells, targets, way, tuple(untested), random_state, refused
            )
        except LabelError as error:
            if validation != "auto":
                raise
            refused.append(f"{error}{_joined(cells, way)}")
    sentence = "Nothing could be held out, so the model was tested on nothing."
    return HeldOut(everything, nothing, None, " ".join([sentence, *refused]))


def _hold_out(
    cells: TraceSet,
    targets: Targets,
    way: str,
    untested: tuple[str, ...],
    random_state: int,
    refused: list[str],
) -> HeldOut:
    column, what = COLUMNS[way]
    groups = split_groups(cells, way)
    left = np.isin(targets.classes, untested)
    # Groups with a cell of an untested class are trained on, whatever else they hold.
    anyway = np.flatnonzero((targets.allowed[:, left]).any(axis=1) & targets.single)
    if np.isin(groups, groups[anyway]).all():
        raise LabelError(
            f"Every {what} holds {' or '.join(untested)}, of which all cells are "
            "trained on."
        )
    classes = tuple(n for n in targets.classes if n not in untested)
    tested = Targets(classes, targets.allowed[:, ~left])
    protocol = PaperProtocol(way, n_splits=1, random_state=random_state)
    (split, *_), _ = draw_splits(cells, tested, protocol, trained=anyway)
    unit = ""
    names = identity(cells, column)
    if way != "by-cell" and names is not None:
        n_tested, n_all = (len(np.unique(of)) for of in (names[split.test], names))
        unit = f" of {n_tested} of {n_all} {what}s"
    sentence = (
        f"Held out and scored: {counted(len(split.test), 'cell')}{unit}; no {what} is "
        "both trained on and scored."
    )
    if way != "by-subject" and _several_sessions(cells):
        sentence += (
            " A neuron that was recorded in several sessions is known to be the same "
            "only where its labels name it (cell_id)."
        )
    if refused:
        sentence += f" Not stricter, because: {' '.join(refused)}"
    return HeldOut(split.train, split.test, way, sentence)


def _several_sessions(cells: TraceSet) -> bool:
    """Tell whether an animal, or an unknown one, was recorded in several sessions."""
    sessions, animals = (identity(cells, n) for n in ("session_id", "subject_id"))
    n_animals = 1 if animals is None else len(np.unique(animals))
    return sessions is not None and len(np.unique(sessions)) > n_animals


def _joined(cells: TraceSet, way: str) -> str:
    """Say that tracked cells join groups, by which there are fewer than it seems."""
    column, what = COLUMNS[way]
    names = identity(cells, column)
    if way == "by-cell" or names is None or (getattr(cells, column) == "").any():
        return ""
    if len(np.unique(split_groups(cells, way))) == len(np.unique(names)):
        return ""
    return f" Note that {what}s that share a tracked cell count as one."
