"""What the data can tell at all: which animals, sessions and lines hold which types."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_celltype.labels import Targets, TraceSet
from napari_celltype.protocol.groups import codes, identity
from napari_celltype.protocol.splits import ground_truth

UNITS = {
    "cells": "cell_id",
    "sessions": "session_id",
    "subjects": "subject_id",
    "lines": "line",
}
_WORDS = {"subjects": "animal", "sessions": "session", "lines": "mouse line"}
INSEPARABLE = "Type and animal cannot be separated in these data."


@dataclass(frozen=True)
class DesignRow:
    """Examples and units of one label; None where the data do not say.

    Attributes
    ----------
    label : str
        A class, a parent or a negation.
    examples : int
    cells, sessions, subjects, lines : int or None
        Different ones.
    """

    label: str
    examples: int
    cells: int | None
    sessions: int | None
    subjects: int | None
    lines: int | None


@dataclass(frozen=True)
class Design:
    """The table that stands first in every report.

    Attributes
    ----------
    rows : tuple of DesignRow
        Classes first, then parents and negations. Accepted predictions are not counted.
    exclusive : dict of str to float or None
        Share of "subjects", "sessions" and "lines" that hold one type only; None where
        unknown.
    separable : bool or None
        Whether any subject holds two types; None if subjects are unknown.
    sentences : tuple of str
        What this means for the scores.
    """

    rows: tuple[DesignRow, ...]
    exclusive: dict[str, float | None]
    separable: bool | None
    sentences: tuple[str, ...]


def describe_design(traces: TraceSet, targets: Targets) -> Design:
    """Count examples, cells, sessions, subjects and lines per label.

    Parameters
    ----------
    traces : TraceSet
    targets : Targets
        Of the same examples.
    """
    measured = np.ones(len(traces), dtype=bool)
    if traces.label_source is not None:
        measured = traces.label_source != "prediction"
    truth = ground_truth(traces, targets)
    units = {unit: _known(traces, column) for unit, column in UNITS.items()}
    partial = sorted(set(traces.labels[measured].tolist()) - set(targets.classes))
    rows = tuple(
        _row(name, measured & (traces.labels == name), units)
        for name in (*targets.classes, *partial)
    )
    shares = {unit: _exclusive(units[unit], truth >= 0, truth) for unit in _WORDS}
    exclusive = {u: None if s is None else s[0] / s[1] for u, s in shares.items()}
    subjects = exclusive["subjects"]
    return Design(
        rows,
        exclusive,
        None if subjects is None else subjects < 1,
        (*_origin_sentences(shares), *_label_sentences(targets, measured, rows)),
    )


def _known(traces: TraceSet, column: str) -> NDArray[np.int64] | None:
    """Return a number for each unit, -1 where it is not given, (n_examples,)."""
    names = identity(traces, column)
    if names is None:
        return None
    given = (getattr(traces, column) != "") | (column == "cell_id")
    return np.where(given, codes(names), -1)


def _row(
    label: str, held: NDArray[np.bool_], units: dict[str, NDArray[np.int64] | None]
) -> DesignRow:
    counts = {
        unit: None if of is None else len(np.unique(of[held & (of >= 0)]))
        for unit, of in units.items()
    }
    return DesignRow(label, int(held.sum()), **counts)


def _exclusive(
    unit: NDArray[np.int64] | None, counted: NDArray[np.bool_], index: NDArray[np.int64]
) -> tuple[int, int] | None:
    """Count the units that hold one type only, and all units."""
    if unit is None or not (counted & (unit >= 0)).any():
        return None
    counted = counted & (unit >= 0)
    pairs = np.unique(np.stack([unit[counted], index[counted]]), axis=1)
    _, types = np.unique(pairs[0], return_counts=True)
    return int((types == 1).sum()), len(types)


def _origin_sentences(shares: dict[str, tuple[int, int] | None]) -> list[str]:
    sentences = []
    subjects = shares["subjects"]
    inseparable = subjects is not None and subjects[0] == subjects[1]
    for unit, word in _WORDS.items():
        share = shares[unit]
        if share is None:
            if unit != "lines":
                sentences.append(
                    f"No {word} is given, so whether one {word} holds more than one "
                    f"type is unknown."
                )
            continue
        single, n = share
        if unit == "subjects" and inseparable:
            sentences.append(INSEPARABLE)
        elif single == n:
            sentences.append(
                f"Every {word} holds one type only, so type and {word} cannot be "
                f"separated either."
                if unit == "lines" and inseparable
                else f"Every {word} holds one type only, so a score may come from the "
                f"{word} and not from the type."
            )
        elif single:
            sentences.append(
                f"{single} of {n} {word}s hold{'s' * (single == 1)} one type only, so "
                f"a score may partly come from the {word} and not from the type."
            )
    return sentences


def _label_sentences(
    targets: Targets, measured: NDArray[np.bool_], rows: tuple[DesignRow, ...]
) -> list[str]:
    sentences = []
    partial = rows[len(targets.classes) :]
    if partial:
        names = ", ".join(f"{row.examples} {row.label}" for row in partial)
        sentences.append(
            f"Labels that name no single type ({names}) train the networks and are "
            f"scored apart."
        )
    predicted = int((~measured).sum())
    if predicted:
        sentences.append(
            f"{predicted} label{'s' * (predicted != 1)} accepted from predictions only "
            f"train and {'is' if predicted == 1 else 'are'} never tested on."
        )
    return sentences
