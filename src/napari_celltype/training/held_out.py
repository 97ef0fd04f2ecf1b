"""What training does not see, so that its scores mean something.

Whole animals are held out where enough of them hold each type, else whole sessions,
else whole cells; never single traces of cells that are trained on. Of a collection it
can be told beforehand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import LabelError
from napari_celltype.labels import Targets, TraceSet
from napari_celltype.labels.notes import counted
from napari_celltype.protocol.groups import COLUMNS, identity, split_groups
from napari_celltype.protocol.splits import PaperProtocol, draw_splits
from napari_celltype.training.collecting import CollectedRecording
from napari_celltype.training.collection import Collection

# What is held out, from the strictest; "auto" is the strictest possible.
HELD_OUT = ("subject", "session", "cell")
WORDS = {"subject": "animal", "session": "session", "cell": "cell"}

VALIDATIONS = ("auto", *HELD_OUT, "none")


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Which examples are trained on, and which are scored.

    Attributes
    ----------
    train, test : ndarray of int64
        Rows of the examples; `test` is empty where nothing could be held out.
    way : str or None
        ``by-subject``, ``by-session``, ``by-cell``; None where nothing is held out.
    sentence : str
        What was held out and why not something stricter.
    """

    train: NDArray[np.int64]
    test: NDArray[np.int64]
    way: str | None
    sentence: str


def held_out_for(collection: Collection, held_out: str = "auto") -> str:
    """Return what can be held out: the strictest of `HELD_OUT` for two types or more.

    Anything but ``auto`` is returned as it is.

    Parameters
    ----------
    collection : Collection
    held_out : str

    Returns
    -------
    str
        One of `HELD_OUT`; ``none`` where even cells are not told apart.
    """
    if held_out != "auto":
        return held_out
    units = collection.units
    classes = [c for c in collection.classes if c not in collection.untested]
    for level in HELD_OUT:
        if sum(units[level].get(name, 0) >= 2 for name in classes) >= 2:
            return level
    return "cell" if units["cell"] or not classes else "none"


def labelled_of(collection: Collection) -> list[CollectedRecording]:
    """Return the recordings with labels that count."""
    return [r for r in collection.recordings if r.examples is not None]


def units_of(collection: Collection) -> dict[str, dict[str, int]]:
    """Count the animals, sessions and cells of each label, as training groups them.

    A level is empty where not all of them are known.
    A neuron that was tracked over days counts once, and so do the sessions that it
    joins: none of them could be held out without the others.
    """
    examples = examples_of(collection)
    return {level: _count(examples, f"by-{level}") for level in HELD_OUT}


def examples_of(collection: Collection) -> TraceSet | None:
    """Return the labelled ROIs after the user's choices, without their traces."""
    whole = collection.trace_set
    joined = _rows_of(collection) if whole is None else whole.examples
    if joined is None:
        return None
    names, at = np.unique(joined.labels, return_inverse=True)
    labels = np.array([collection.label_of(n) or "" for n in names.tolist()])[at]
    kept = labels != ""
    return replace(joined, labels=labels).take(kept) if kept.any() else None


def _rows_of(collection: Collection) -> TraceSet | None:
    parts = [(r, r.examples) for r in collection.recordings if r.examples is not None]
    if not parts:
        return None
    n_cells = [len(examples) for _, examples in parts]
    subjects = [collection.subject_of(recording) for recording, _ in parts]
    sessions = [recording.session or recording.name for recording, _ in parts]
    cells = np.concatenate([np.asarray(examples.cell_id) for _, examples in parts])
    own = np.char.add("ROI ", np.arange(len(cells)).astype(str))
    return TraceSet(
        np.zeros((len(cells), 1), dtype=np.float32),
        np.concatenate([examples.labels for _, examples in parts]),
        # One animal that nobody knows may be any of the others.
        subject_id=np.repeat(subjects, n_cells) if all(subjects) else None,
        session_id=np.repeat(sessions, n_cells),
        cell_id=np.where(cells == "", own, cells),
    )


def _count(examples: TraceSet | None, way: str) -> dict[str, int]:
    if examples is None:
        return {}
    try:
        groups = split_groups(examples, way)
    except LabelError:
        return {}
    pairs = set(zip(examples.labels.tolist(), groups.tolist(), strict=True))
    return dict(Counter(label for label, _ in pairs))


def hold_out(
    cells: TraceSet,
    targets: Targets,
    validation: str = "auto",
    *,
    untested: Iterable[str] = (),
    random_state: int = 0,
) -> HeldOut:
    """Choose the cells that training does not see, about a fifth, in whole groups.

    Parameters
    ----------
    cells : TraceSet
        One row for each labelled ROI.
    targets : Targets
        Of the same rows.
    validation : str
        ``auto`` (the strictest possible, nothing where nothing is), ``subject``,
        ``session``, ``cell`` or ``none``.
    untested : iterable of str
        Classes whose animals (sessions, cells) are all trained on.
    random_state : int

    Raises
    ------
    LabelError
        If what was asked for cannot be held out, or is none of `VALIDATIONS`.
    """
    everything, nothing = np.arange(len(cells)), np.arange(0)
    if validation == "none":
        said = "Nothing was held out, as asked; the model was tested on nothing."
        return HeldOut(everything, nothing, None, said)
    if validation not in VALIDATIONS:
        raise LabelError(
            f"{validation!r} cannot be held out; use one of {', '.join(VALIDATIONS)}."
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
            reason = str(error).split(";")[0].rstrip(".")
            refused.append(reason + _joined(cells, way))
    reasons = ". ".join(refused)
    return HeldOut(
        everything,
        nothing,
        None,
        f"Nothing could be held out, so the model was tested on nothing. {reasons}.",
    )


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
    tested = Targets(
        tuple(n for n in targets.classes if n not in untested),
        targets.allowed[:, ~left],
    )
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
    if _may_return(cells, split.train, split.test):
        sentence += (
            " A neuron that was recorded in several sessions is known to be the same "
            "only where its labels name it (cell_id)."
        )
    if refused:
        sentence += f" Not stricter, because: {'. '.join(refused)}."
    return HeldOut(split.train, split.test, way, sentence)


def _may_return(
    cells: TraceSet, train: NDArray[np.int64], test: NDArray[np.int64]
) -> bool:
    """Tell whether an animal of the test was trained on in another session."""
    sessions = identity(cells, "session_id")
    if sessions is None:
        return False
    animals = identity(cells, "subject_id")
    animal = np.zeros(len(cells)) if animals is None else animals
    origin = list(zip(animal.tolist(), sessions.tolist(), strict=True))
    tested, trained = ({origin[n] for n in rows.tolist()} for rows in (test, train))
    return any(a == b and s != t for a, s in tested for b, t in trained)


def _joined(cells: TraceSet, way: str) -> str:
    """Say that tracked cells join groups, by which there are fewer than it seems."""
    column, what = COLUMNS[way]
    names = identity(cells, column)
    if way == "by-cell" or names is None or (getattr(cells, column) == "").any():
        return ""
    if len(np.unique(split_groups(cells, way))) == len(np.unique(names)):
        return ""
    return f" ({what}s that share a tracked cell count as one)"
