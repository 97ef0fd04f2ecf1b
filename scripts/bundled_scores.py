"""What a calibrated model scores on unseen simulated sessions.

Intervals resample whole sessions: cells of one session share its regime, indicator and
noise, and a user brings a session, not a cell.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.classifiers import ModelCard
from napari_celltype.classifiers.calibration import probabilities_of
from napari_celltype.workflows.shares import (
    prior_shares,
    reweigh,
    training_shares,
)

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))
from scoring import auroc, by_session, confusion, groups

WINDOWS = (1, 4, 16)  # minutes after which everything is scored
SHARES = {"PY": 0.5, "IN": 0.5}  # that the card assumes
RESAMPLES = 1000
BINS = np.array([0.25, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])

Score = dict[str, Any]
Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Answers:
    """Log-probabilities of every window (n_cells, n_windows, n_classes), and truth."""

    log_probabilities: Array
    truth: Array
    session: Array
    regime: Array
    indicator: Array

    @property
    def rows_by_session(self) -> list[Array]:
        """Return the rows of each session."""
        return [np.flatnonzero(self.session == s) for s in np.unique(self.session)]

    def probabilities(self, card: ModelCard, n_windows: int) -> Array:
        """Return the model's probabilities after the first windows of each cell."""
        logs = self.log_probabilities[:, :n_windows].mean(axis=1)
        return probabilities_of(logs, self.windows(n_windows), card.calibration)

    def windows(self, n_windows: int) -> NDArray[np.int64]:
        """Return that number for each cell."""
        return np.full(self.truth.size, n_windows)


def simulated_scores(card: ModelCard, answers: Answers) -> dict[str, Any]:
    """Return all scores on unseen sessions, as the card shows them."""
    scores: dict[str, Any] = {
        "sessions": len(answers.rows_by_session),
        "cells": int(answers.truth.size),
        "interval": "95 %, whole sessions resampled",
        "guesses": "the four types taken to be equally common",
    }
    for n_windows in WINDOWS:
        scores[f"after {minutes(n_windows)}"] = _scores_after(card, answers, n_windows)
    middle = WINDOWS[1]
    p = answers.probabilities(card, middle)
    for title, kind in (("regime", answers.regime), ("indicator", answers.indicator)):
        scores[f"by {title}, after {minutes(middle)}"] = {
            str(name): _accuracies(card, answers, p, kind == name)
            for name in np.unique(kind)
        }
    return scores


def minutes(n_windows: int) -> str:
    """Return a number of one-minute windows in words."""
    return "1 minute" if n_windows == 1 else f"{n_windows} minutes"


def _scores_after(card: ModelCard, answers: Answers, n_windows: int) -> dict[str, Any]:
    classes = np.array(card.classes)
    p = answers.probabilities(card, n_windows)
    guess = classes[p.argmax(axis=1)]
    tables = _tables(answers.truth, guess, answers.rows_by_session, classes)
    return {
        **_accuracies(card, answers, p, np.ones(guess.size, bool)),
        "recall": {
            str(name): resampled(
                lambda t, i=i: _ratio(t[..., i, i], t[..., i, :].sum(-1)),
                tables,
                tables[:, i].sum(),
            )
            for i, name in enumerate(classes)
        },
        "precision": {
            str(name): resampled(
                lambda t, i=i: _ratio(t[..., i, i], t[..., :, i].sum(-1)),
                tables,
                tables[:, :, i].sum(),
            )
            for i, name in enumerate(classes)
        },
        "guesses": confusion(answers.truth, guess, classes.tolist()),
        "prediction set": _sets(card, answers, n_windows),
    }


def _accuracies(
    card: ModelCard, answers: Answers, p: Array, among: Array
) -> dict[str, Any]:
    """Score PY against interneuron, both equally common, and the four types."""
    classes = np.array(card.classes)
    rows = [r[among[r]] for r in answers.rows_by_session]
    rows = [r for r in rows if r.size]
    even = _under(card, p, _all_shares(card, SHARES))
    p_in = even[:, classes != "PY"].sum(axis=1)
    group = groups(answers.truth)
    called = np.where(p_in > 0.5, "IN", "PY")
    by_group = _tables(group, called, rows, np.array(["PY", "IN"]))
    by_type = _tables(answers.truth, classes[p.argmax(axis=1)], rows, classes)
    return {
        "sessions": len(rows),
        "PY against interneuron, balanced (chance 0.5)": resampled(_balanced, by_group),
        "PY against interneuron, AUROC (chance 0.5)": _curve_area(group, p_in, rows),
        "four types, balanced (chance 0.25)": resampled(_balanced, by_type),
    }


def _curve_area(group: Array, p_in: Array, rows: Sequence[Array]) -> Score:
    found = by_session(lambda g, p: auroc(g == "IN", p), rows, group, p_in)
    return {key: found[key] for key in ("value", "low", "high", "n")}


def _sets(card: ModelCard, answers: Answers, n_windows: int) -> dict[str, Any]:
    """Score prediction sets: do they hold the type, and how many types do they hold."""
    assert card.calibration is not None
    classes = np.array(card.classes)
    p = answers.probabilities(card, n_windows)
    limits = card.calibration.step(n_windows).prediction_set
    inside = p >= np.array([limits[name] for name in card.classes])
    inside[np.arange(len(p)), p.argmax(axis=1)] = True
    column = np.searchsorted(classes, answers.truth)
    held = inside[np.arange(len(p)), column]
    every = np.ones(len(p), bool)
    rows = answers.rows_by_session
    return {
        f"aim: holds the type of {card.calibration.coverage:.0%}": {
            "all": share(held, every, rows),
            **{str(name): share(held, answers.truth == name, rows) for name in classes},
        },
        "mean number of types": share(inside.sum(axis=1), every, rows),
    }


def reliability(card: ModelCard, answers: Answers) -> dict[str, Any]:
    """Return how often the best guess is right, by the probability it was given."""
    classes = np.array(card.classes)
    curves: dict[str, Any] = {}
    for n_windows in WINDOWS:
        p = answers.probabilities(card, n_windows)
        right = classes[p.argmax(axis=1)] == answers.truth
        bins = np.clip(np.searchsorted(BINS, p.max(axis=1), "right") - 1, 0, 6)
        used = [b for b in range(len(BINS) - 1) if (bins == b).any()]
        curves[minutes(n_windows)] = {
            "probability": [
                round(float(p.max(axis=1)[bins == b].mean()), 3) for b in used
            ],
            "right": [round(float(right[bins == b].mean()), 3) for b in used],
            "cells": [int((bins == b).sum()) for b in used],
        }
    return curves


def spread(card: ModelCard, by_seed: Mapping[int, Answers]) -> dict[str, Any]:
    """Return mean and deviation of the main scores over networks of other seeds.

    All answers are softened by the card's temperatures, fitted to the network that
    ships. They do not change which type is likeliest, and the group only where PY and
    all interneurons together are about as likely.
    """
    found: dict[str, dict[str, list[float]]] = {}
    for answers in by_seed.values():
        for n_windows in WINDOWS:
            p = answers.probabilities(card, n_windows)
            scores = _accuracies(card, answers, p, np.ones(len(p), bool))
            kept = found.setdefault(f"after {minutes(n_windows)}", {})
            for title, score in scores.items():
                if title.startswith(("PY", "four")):
                    kept.setdefault(title, []).append(score["value"])
    return {
        "seeds": list(by_seed),
        **{
            when: {
                title: {
                    "mean": round(float(np.mean(values)), 4),
                    "deviation": round(float(np.std(values, ddof=1)), 4),
                }
                for title, values in scores.items()
            }
            for when, scores in found.items()
        },
    }


def _all_shares(card: ModelCard, given: Mapping[str, float]) -> dict[str, float]:
    return prior_shares(given, card.classes, training_shares(card))


def _under(card: ModelCard, p: Array, shares: Mapping[str, float]) -> Array:
    trained = training_shares(card)
    return reweigh(
        p, [shares[c] for c in card.classes], [trained[c] for c in card.classes]
    )


def _tables(
    truth: Array, guess: Array, rows: Sequence[Array], names: Array
) -> NDArray[np.float64]:
    """Count guesses of each true name in each session, (n_sessions, truth, guess)."""
    hits = (truth[:, None] == names)[:, :, None] & (guess[:, None] == names)[:, None]
    return np.array([hits[r].sum(axis=0) for r in rows], dtype=np.float64)


def share(
    values: Array, among: Array, rows: Sequence[Array], weight: Array | None = None
) -> Score | None:
    """Return the (weighted) mean of values among some cells; None if there are none.

    Where no session has any, or each has all, resampling knows no other outcome; then
    the interval is the exact one of as many sessions.
    """
    w = among * (np.ones(among.size) if weight is None else weight)
    sums = np.array([[(w * values)[r].sum(), w[r].sum()] for r in rows])
    score = resampled(lambda t: _ratio(t[..., 0], t[..., 1]), sums, among.sum())
    if score is not None and values.dtype == bool and score["low"] == score["high"]:
        rare = round(1 - 0.025 ** (1 / int((sums[:, 1] > 0).sum())), 4)
        if score["value"] == 0:
            score["high"] = rare
        elif score["value"] == 1:
            score["low"] = round(1 - rare, 4)
    return score


def resampled(
    measure: Callable[[Array], Array], tables: Array, n: float | None = None
) -> Score | None:
    """Score sums over sessions, with the 95 % interval of sessions drawn again.

    Parameters
    ----------
    measure : callable
        From a sum of `tables`, leading axes kept, to numbers.
    tables : ndarray, shape (n_sessions, ...)
        What each session adds.
    n : number, optional
        Cells; the sum of all counts when not given.
    """
    cells = int(tables.sum() if n is None else n)
    if not cells:
        return None
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(
        len(tables), np.full(len(tables), 1 / len(tables)), RESAMPLES
    )
    values = measure(np.tensordot(drawn, tables, axes=1))
    low, high = np.nanquantile(values, [0.025, 0.975])
    return {
        "value": round(float(measure(tables.sum(axis=0))), 4),
        "low": round(float(low), 4),
        "high": round(float(high), 4),
        "n": cells,
    }


def _balanced(table: Array) -> Array:
    """Return the mean recall of the types that there are."""
    sizes = table.sum(axis=-1)
    return np.nanmean(_ratio(np.diagonal(table, 0, -2, -1), sizes), axis=-1)


def _ratio(part: Array, whole: Array) -> Array:
    part, whole = np.broadcast_arrays(np.asarray(part, float), np.asarray(whole, float))
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
