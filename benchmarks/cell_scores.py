"""What a model scores on neurons of known type, beside all that could explain it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from known_cells import RealCell
from numpy.typing import NDArray
from probes import probe_guesses, probe_values
from scoring import (
    auroc,
    balanced,
    balanced_accuracy,
    by_cell,
    coin_tosses,
    confusion,
    groups,
    shuffled,
    widened,
)
from surrogates import blocks_shuffled, high_passed, phase_randomised

from napari_celltype.classifiers import (
    CellTypeModel,
    ModelCard,
    predict_recording_traces,
)
from napari_celltype.errors import RecordingError, SamplingFrequencyError
from napari_celltype.recording import Segment
from napari_celltype.workflows.shares import prior_shares, reweigh, training_shares

FEW = 2  # a type with fewer cells than this has no balanced score
SURROGATES = 5  # random seeds of each kind
PERMUTATIONS_OF_PROBES = 100

REFIT = "refit without these cells (the reported score)"
SHIPPED = (
    "this model (its simulator's parameters were estimated on some of these cells)"
)
WITHOUT_SLICE = "trained without slice-like sessions"
HIGH_PASSED = "traces high-passed at 0.1 Hz"
PHASES = f"phase-randomised traces (mean of {SURROGATES})"
BLOCKS = f"shuffled one-second blocks (mean of {SURROGATES})"
ABSENT = "not trained"
MINUS_PROBE = "model minus best probe"
NOT_ON_CARDS = (MINUS_PROBE,)

GROUP = "PY against interneuron, balanced (chance 0.5)"
GROUP_SHARES = "group, share right by true group (chance 0.5)"

CAUTION = (
    "Pyramidal cells are V1 in vivo, most interneurons are brain slices with KCl "
    "puffs; none is CA1. Only scores inside one preparation and indicator say anything "
    "about cell type, and only next to the one-number probes. Intervals resample "
    "batches where they are known, cells otherwise, and are rather too narrow with so "
    "few. Guesses are those under the shares that the card assumes, as the program "
    "shows them. The best probe was chosen on the cells that it is scored on. No score "
    "on these cells chose a number of the simulator, but scores of earlier versions "
    "had been seen while it was changed."
)

Probabilities = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Versions:
    """The same cells as recorded, without what is slow, and as surrogates."""

    cells: Sequence[RealCell]
    high_passed: Sequence[RealCell]
    phases: Sequence[Sequence[RealCell]]
    blocks: Sequence[Sequence[RealCell]]

    @classmethod
    def of(cls, cells: Sequence[RealCell], surrogates: int = SURROGATES) -> Versions:
        """Make `surrogates` seeded copies of each kind."""

        def copies(
            make: Callable[[RealCell, np.random.Generator], RealCell],
        ) -> list[list[RealCell]]:
            seeds = [np.random.default_rng(seed) for seed in range(surrogates)]
            return [[make(cell, random) for cell in cells] for random in seeds]

        return cls(
            cells,
            [high_passed(cell) for cell in cells],
            copies(phase_randomised),
            copies(blocks_shuffled),
        )


@dataclass(frozen=True, eq=False)
class _Question:
    """What is asked about some cells, and how probabilities answer it."""

    title: str
    rows: NDArray[np.bool_]
    truth: NDArray[np.str_]
    guess: Callable[[Probabilities], NDArray[np.str_]]
    p_in: Callable[[Probabilities], NDArray[np.float64]] | None = None


def score_cells(
    model: CellTypeModel,
    cells: Sequence[RealCell],
    *,
    refits: Mapping[str, CellTypeModel] | None = None,
) -> dict[str, Any]:
    """Score a model inside each preparation and indicator, as much as a card holds.

    Parameters
    ----------
    model : CellTypeModel
    cells : sequence of RealCell
    refits : mapping of str to CellTypeModel, optional
        The same network trained with other simulators: "without slice", and "without
        in vivo, OGB1" for each preparation and indicator, with parameters estimated
        without its cells. Of what is not there the scores say so.
    """
    full = measure_cells(model, Versions.of(cells, 0), refits=refits)
    return {
        name: {title: _for_card(part) for title, part in stratum.items()}
        if isinstance(stratum, Mapping)
        else stratum
        for name, stratum in full.items()
    }


def _for_card(part: Any) -> Any:
    """Shorten the scores of one question to what a reader of a card needs."""
    if not isinstance(part, Mapping) or "probes" not in part:
        return part
    short = {name: value for name, value in part.items() if name not in NOT_ON_CARDS}
    short["probes"] = ", ".join(
        f"{name} {score['value']:.2f}" for name, score in part["probes"].items()
    )
    for name in ("shuffled labels", "best probe with shuffled labels"):
        if name in part:
            short[name] = ", ".join(f"{k} {v:.2g}" for k, v in part[name].items())
    if "AUROC" in part:
        short["AUROC"] = {
            name: score for name, score in part["AUROC"].items() if "value" in score
        }
    return short


def measure_cells(
    model: CellTypeModel,
    versions: Versions,
    *,
    refits: Mapping[str, CellTypeModel] | None = None,
) -> dict[str, Any]:
    """Score a model as `score_cells` does, on surrogate traces too."""
    # Of a variant only the network differs; answers are softened as the model's are.
    refits = {
        name: replace(
            other, card=replace(other.card, calibration=model.card.calibration)
        )
        for name, other in (refits or {}).items()
    }
    cells = versions.cells
    shares = _assumed_shares(model.card)
    own = predict_cells(model, cells)

    def shown(other: CellTypeModel, those: Sequence[RealCell]) -> Probabilities:
        return as_shown(other.card, predict_cells(other, those), shares)

    answers: dict[str, list[Probabilities]] = {
        SHIPPED: [as_shown(model.card, own, shares)],
        HIGH_PASSED: [shown(model, versions.high_passed)],
        PHASES: [shown(model, those) for those in versions.phases],
        BLOCKS: [shown(model, those) for those in versions.blocks],
        WITHOUT_SLICE: [
            shown(refits[name], cells) for name in ["without slice"] if name in refits
        ],
    }
    usable = np.isfinite(own).all(axis=1)
    scores: dict[str, Any] = {
        "caution": CAUTION,
        "cells left out (too slow or too short)": int((~usable).sum()),
    }
    for stratum in sorted({stratum_of(cell) for cell in cells}):
        rows = np.array([stratum_of(cell) == stratum for cell in cells]) & usable
        if not rows.any():
            continue
        chosen = [cell for cell, inside in zip(cells, rows, strict=True) if inside]
        refit = refits.get(f"without {stratum}")
        these = {
            REFIT: [shown(refit, chosen)] if refit else [],
            **{name: [p[rows] for p in many] for name, many in answers.items()},
        }
        scores[stratum] = _stratum_scores(model.card, chosen, these)
    return scores


def stratum_of(cell: RealCell) -> str:
    """Return the preparation and indicator, such as "in vivo, OGB1"."""
    return f"{cell.preparation}, {cell.indicator}"


def predict_cells(model: CellTypeModel, cells: Sequence[RealCell]) -> Probabilities:
    """Return class probabilities (n_cells, n_classes).

    NaN for cells that the program refuses: recorded slower than the model, or without a
    trial of the length of a window.
    """
    answers = np.full((len(cells), len(model.card.classes)), np.nan)
    for row, cell in enumerate(cells):
        traces, segments = _recording(cell)
        try:
            said = predict_recording_traces(
                model, traces, cell.sampling_frequency, segments, device="cpu"
            )
        except (RecordingError, SamplingFrequencyError):
            continue
        answers[row] = said.probabilities[0]
    return answers


def _recording(cell: RealCell) -> tuple[NDArray[np.float32], list[Segment]]:
    """Return a cell as a recording of one ROI whose segments are the trials."""
    ends = np.cumsum([trial.size for trial in cell.trials]).tolist()
    segments = [
        Segment(a, b) for a, b in zip([0, *ends[:-1]], ends, strict=True) if b > a
    ]
    return np.concatenate(cell.trials)[None], segments


def as_shown(
    card: ModelCard, probabilities: Probabilities, shares: Mapping[str, float]
) -> Probabilities:
    """Return probabilities with the shares that the program assumes by default."""
    trained = training_shares(card)
    return reweigh(
        probabilities,
        [shares[c] for c in card.classes],
        [trained[c] for c in card.classes],
    )


def _assumed_shares(card: ModelCard) -> dict[str, float]:
    return prior_shares(
        card.assumed_shares or {"PY": 0.5}, card.classes, training_shares(card)
    )


def _stratum_scores(
    card: ModelCard,
    cells: Sequence[RealCell],
    answers: Mapping[str, Sequence[Probabilities]],
) -> dict[str, Any]:
    assert card.sampling_frequency is not None
    classes = np.array(card.classes)
    types = np.array([cell.cell_type for cell in cells])
    batches = np.array([cell.batch or cell.file for cell in cells])
    probes = probe_values(cells, card.sampling_frequency)
    own = answers[SHIPPED][0]
    names, counts = np.unique(types, return_counts=True)
    scores: dict[str, Any] = {
        "cells": dict(zip(names.tolist(), counts.tolist(), strict=True)),
        "batches": int(np.unique(batches).size),
        "guesses": confusion(types, classes[own.argmax(axis=1)], classes.tolist()),
    }
    for question in _questions(classes, types):
        rows = question.rows
        those = {name: [p[rows] for p in many] for name, many in answers.items()}
        among = {name: values[rows] for name, values in probes.items()}
        scores[question.title] = _answer(question, those, among, batches[rows])
    return scores


def _questions(
    classes: NDArray[np.str_], types: NDArray[np.str_]
) -> Sequence[_Question]:
    """Return what these cells can answer: group, type, type of interneuron."""
    everyone = np.full(types.size, True)
    interneurons = types != "PY"
    kinds, sizes = np.unique(types[interneurons], return_counts=True)

    def p_in(p: Probabilities) -> NDArray[np.float64]:
        total: NDArray[np.float64] = p[:, classes != "PY"].sum(axis=1)
        return total

    def group(p: Probabilities) -> NDArray[np.str_]:
        return np.where(p_in(p) > 0.5, "IN", "PY")

    def four(p: Probabilities) -> NDArray[np.str_]:
        return np.asarray(classes[p.argmax(axis=1)])

    def subtype(p: Probabilities) -> NDArray[np.str_]:
        among = np.isin(classes, kinds)
        return np.asarray(classes[among][p[:, among].argmax(axis=1)])

    true_group = groups(types)
    asked = [
        _Question(
            GROUP if _balanced(true_group) else GROUP_SHARES,
            everyone,
            true_group,
            group,
            p_in,
        )
    ]
    if np.unique(types).size > 1 or types[0] == "PY":
        title = "four types, balanced over those present (chance 0.25)"
        if not _balanced(types):
            title = "four types, share right by true type (chance 0.25)"
        asked.append(_Question(title, everyone, types, four))
    if kinds.size > 1 and sizes.min() >= FEW:
        title = f"interneuron subtype, balanced (chance {1 / kinds.size:.2f})"
        asked.append(_Question(title, interneurons, types[interneurons], subtype))
    return asked


def _balanced(truth: NDArray[np.str_]) -> bool:
    names, counts = np.unique(truth, return_counts=True)
    return names.size > 1 and int(counts.min()) >= FEW


def _answer(
    question: _Question,
    answers: Mapping[str, Sequence[Probabilities]],
    probes: Mapping[str, NDArray[np.float64]],
    batches: NDArray[np.str_],
) -> dict[str, Any]:
    truth = question.truth
    guesses = {
        name: np.stack([question.guess(p) for p in many], axis=1)
        for name, many in answers.items()
        if many
    }
    measured = {name: _score(truth, many, batches) for name, many in guesses.items()}
    scores: dict[str, Any] = {
        name: measured.get(name, ABSENT)
        for name in answers
        if name in measured or name in (REFIT, WITHOUT_SLICE)
    }
    if not _balanced(truth):
        return scores
    reported = REFIT if REFIT in guesses else SHIPPED
    scores["shuffled labels"] = shuffled(truth, guesses[reported][:, 0])
    by_probe = {
        name: probe_guesses(values, truth, batches) for name, values in probes.items()
    }
    levels = {
        name: balanced(truth, guess[:, None], batches)
        for name, guess in by_probe.items()
    }
    best = max(levels, key=lambda name: levels[name]["value"])
    scores["best probe"] = {best: levels[best]}
    scores["probes"] = levels
    both = np.stack([guesses[reported][:, 0], by_probe[best]], axis=1)
    scores[MINUS_PROBE] = by_cell(_difference, truth, both, batches)
    if question.p_in is not None:
        n_py, n_in = int((truth == "PY").sum()), int((truth == "IN").sum())
        scores = {
            "how far to trust it": how_wide(n_py, n_in),
            **scores,
            "best probe with shuffled labels": _best_probe_by_chance(probes, truth),
            "AUROC": _aurocs(
                {
                    name: np.stack([question.p_in(p) for p in answers[name]], axis=1)
                    for name in guesses
                },
                probes,
                truth,
                batches,
            ),
        }
    return scores


def _score(
    truth: NDArray[np.str_], guesses: NDArray[np.str_], batches: NDArray[np.str_]
) -> Any:
    """Score (n_cells, n_seeds) guesses: balanced, else share right by true name."""
    if _balanced(truth):
        return balanced(truth, guesses, batches)
    return {
        str(name): balanced(truth[rows], guesses[rows], batches[rows])
        for name in np.unique(truth)
        for rows in [truth == name]
    }


def _difference(truth: NDArray[np.str_], both: NDArray[np.str_]) -> float:
    return balanced_accuracy(truth, both[:, 0]) - balanced_accuracy(truth, both[:, 1])


def _best_probe_by_chance(
    probes: Mapping[str, NDArray[np.float64]], truth: NDArray[np.str_]
) -> dict[str, float]:
    """Return what the best of the probes reaches where there is nothing to find."""
    rng = np.random.default_rng(0)
    reached = []
    for _ in range(PERMUTATIONS_OF_PROBES):
        mixed = rng.permutation(truth)
        reached.append(
            max(
                balanced_accuracy(mixed, probe_guesses(values, mixed))
                for values in probes.values()
            )
        )
    return {
        "mean": round(float(np.mean(reached)), 4),
        "95th percentile": round(float(np.quantile(reached, 0.95)), 4),
    }


def _aurocs(
    p_in: Mapping[str, NDArray[np.float64]],
    probes: Mapping[str, NDArray[np.float64]],
    truth: NDArray[np.str_],
    batches: NDArray[np.str_],
) -> dict[str, Any]:
    """Return how well interneurons outscore PY; probes whichever way is better.

    Intervals are widened to the one that follows from as many trials as the smaller
    group has cells: resampling two groups that are apart never finds them mixed.
    """
    interneurons = int((truth == "IN").sum())
    trials = min(interneurons, truth.size - interneurons)

    def area(kind: NDArray[np.str_], value: NDArray[np.float64]) -> float:
        return auroc(kind == "IN", value)

    def mean_area(kind: NDArray[np.str_], repeats: NDArray[np.float64]) -> float:
        return float(np.mean([area(kind, value) for value in repeats.T]))

    turned = {
        name: values if area(truth, values) >= 0.5 else -values
        for name, values in probes.items()
    }
    return {
        **{
            name: widened(by_cell(mean_area, truth, p, batches), trials)
            for name, p in p_in.items()
        },
        "probes, whichever way round": {
            name: widened(by_cell(area, truth, values, batches), trials)
            for name, values in turned.items()
        },
    }


def how_wide(n_py: int, n_in: int) -> str:
    """Say what so few cells can tell."""
    step = 1 / (2 * min(n_py, n_in))
    return (
        f"{n_py} PY and {n_in} interneurons: one cell moves the score by up to "
        f"{step:.2f}, and coin tosses reach {coin_tosses(n_py, n_in):.2f} in one of 20 "
        "tries"
    )
