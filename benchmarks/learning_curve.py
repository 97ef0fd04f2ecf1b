"""Whether a learning curve foretells what more animals, cells and minutes give.

    python benchmarks/learning_curve.py                      # ten minutes of one core
    python benchmarks/learning_curve.py --classifier features --cases 12
    python benchmarks/learning_curve.py --json cases.json    # also each case

A pool of animals of three simulated sessions each is drawn from again and again: six
animals of which some cells are labelled, recorded for two minutes. The plan and the
curve of `evaluate --learning-curve` foretell the scores of a classifier that is trained
on two and four times as many animals, cells of the same animals, or minutes. Achieved
is what it scores on thirty other animals. Prints, by the width of the forecast's 95 %
interval, in how many cases the two are within five points, at equal shares of the types
and at those of CA1; in how many the score of the six as it was is; and in how many the
interval holds what is achieved.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from napari_celltype.labels import Targets, TraceSet
from napari_celltype.models import NETWORKS, TraceClassifier
from napari_celltype.protocol.experiment import ExperimentData, Outcome, Plan
from napari_celltype.protocol.experiments import Training, plan_experiment
from napari_celltype.protocol.features import boosted_trees, trace_features
from napari_celltype.protocol.learning import BALANCED, learning_curves
from napari_celltype.protocol.metrics import (
    balanced_accuracy,
    confusion_counts,
    precision_at,
)
from napari_celltype.protocol.splits import PaperProtocol
from napari_celltype.recording import area_average
from napari_celltype.simulation import simulate_session

SEED = 7022  # of no other script
TYPES = ("PV", "PY", "SOM", "VIP")
RATE, KNOWN_FRAMES, MORE = 5.0, 600, (2, 4)
RECORDED_AT = (6.0, 7.5, 10.0, 15.6)
CELLS, SESSIONS = 40, 3  # of a session, of an animal
ANIMALS, TESTED, KNOWN = 90, 30, 6
LABELLED = (20, 40, 80)  # cells of an animal, in turn
NEAR = 0.05
WIDTHS = (0, 10, 20, 30, 101)  # of intervals, points
KINDS = {"equal": "precision, equal shares", "CA1": "precision, CA1"}
SHARES: Mapping[str, Mapping[str, float]] = {
    "equal": dict.fromkeys(TYPES, 0.25),
    "CA1": {"PY": 0.89, **dict.fromkeys(("PV", "SOM", "VIP"), 0.11 / 3)},
}


@dataclass(frozen=True, eq=False)
class Pool:
    """Simulated cells of animals; inputs (n_cells, n_numbers) by frames."""

    labels: NDArray[np.str_]
    inputs: Mapping[int, NDArray[np.float32]]

    def rows(self, animals: Iterable[int], cells: int, draw: int) -> NDArray[np.int64]:
        """Draw so many cells of each animal; fewer are among more."""
        found = []
        for animal in animals:
            rng = np.random.default_rng([SEED, 2, draw, animal])
            size = CELLS * SESSIONS
            found.append(animal * size + rng.permutation(size)[:cells])
        return np.concatenate(found)


def simulate(frames: Iterable[int], animals: int, *, traces: bool) -> Pool:
    """Simulate so many animals; as traces, or as named numbers of them."""
    labels, inputs = [], {n: [] for n in frames}
    most = max(inputs)
    for number in range(animals * SESSIONS):
        rng = np.random.default_rng([SEED, 0, number])
        of = rng.choice(TYPES, CELLS)
        recorded_at = float(rng.choice(RECORDED_AT))
        coefficient = float(rng.choice((0.0, 0.7)))
        regime = str(rng.choice(("running", "quiet"), p=(5 / 7, 2 / 7)))
        n_frames = int(np.ceil((most / RATE + 1) * recorded_at))
        session = simulate_session(of, n_frames, recorded_at, rng, regime=regime)
        whole = session.traces(coefficient)
        whole = area_average(whole, recorded_at / RATE, most)
        labels.append(of)
        for n, parts in inputs.items():
            part = whole[:, :n]
            if not traces:
                part = np.nan_to_num(trace_features(part, RATE)[0], nan=-10.0)
                part = part.clip(-1e3, 1e3)
            parts.append(part.astype(np.float32))
    return Pool(
        np.concatenate(labels), {n: np.concatenate(p) for n, p in inputs.items()}
    )


def plant(frames: Iterable[int], animals: int) -> Pool:
    """Draw numbers that differ by type, by animal and, less when longer, by chance."""
    rng = np.random.default_rng([SEED, 4])
    n_cells = animals * SESSIONS * CELLS
    types = rng.integers(0, len(TYPES), n_cells)
    means = 0.25 * rng.normal(size=(len(TYPES), 60))[types]
    of_animal = 0.5 * rng.normal(size=(animals, 60)).repeat(SESSIONS * CELLS, axis=0)
    fixed, chance = (rng.normal(size=means.shape) for _ in range(2))
    inputs = {
        n: means + of_animal + 0.7 * (fixed + np.sqrt(KNOWN_FRAMES / n) * chance)
        for n in frames
    }
    return Pool(
        np.array(TYPES)[types], {n: of.astype(np.float32) for n, of in inputs.items()}
    )


def build(classifier: str, seed: int) -> Any:
    """Return a classifier of the inputs, not yet trained."""
    if classifier in NETWORKS:
        return TraceClassifier(classifier, normalization="trace", random_state=seed)
    if classifier == "features":
        return boosted_trees(seed, RATE)["model"]
    linear = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    return make_pipeline(StandardScaler(), linear)


def trained(classifier: str, pool: Pool, rows: NDArray[np.int64], frames: int) -> Any:
    """Return a classifier that has learnt from some cells."""
    return build(classifier, 0).fit(pool.inputs[frames][rows], pool.labels[rows])


def plan_of(pool: Pool, rows: NDArray[np.int64], seed: int) -> Plan:
    """Plan the learning curve of labelled cells, whose traces are not looked at."""
    animal = (rows // (CELLS * SESSIONS)).astype(str)
    empty = np.zeros((len(rows), KNOWN_FRAMES), dtype=np.float32)
    cells = TraceSet(empty, pool.labels[rows], animal, sampling_frequency=RATE)
    data = ExperimentData(cells, Targets.of(cells.labels))
    how = PaperProtocol("by-subject", random_state=seed), Training(), ("features",)
    return plan_experiment("evaluate", data, *how, learning_curve=True)


def scores_of(counts: NDArray[np.int64]) -> dict[str, float]:
    """Return the balanced accuracy and the precision of each type at each shares."""
    found = {BALANCED: balanced_accuracy(counts)}
    for name, shares in SHARES.items():
        precision = precision_at(counts, TYPES, shares)
        found |= {f"{kind}, {name}": value for kind, value in precision.items()}
    return found


def case(classifier: str, pool: Pool, number: int) -> list[dict[str, Any]]:
    """Foretell from six animals, and see what more of them give."""
    rng = np.random.default_rng([SEED, 1, number])
    labelled = LABELLED[number % len(LABELLED)]
    animals = rng.permutation(ANIMALS)[: KNOWN * max(MORE)]
    rows = pool.rows(animals[:KNOWN], labelled, number)
    plan = plan_of(pool, rows, number)
    outcomes = []
    for task in plan.tasks:
        one, split = task.condition, task.split
        if one.role == "curve" or one.name == "features":
            frames = one.n_frames or KNOWN_FRAMES
            model = trained(classifier, pool, rows[split.train], frames)
            guess = model.predict(pool.inputs[frames][rows[split.test]])
            guess = np.searchsorted(TYPES, guess).tolist()
            outcomes.append(
                Outcome(one.name, split.number, 0.0, split.test.tolist(), guess)
            )
    found = []
    tested = np.arange(ANIMALS * SESSIONS * CELLS, len(pool.labels))
    for times in MORE:
        more = pool.rows(animals[: KNOWN * times], labelled, number)
        cells = pool.rows(animals[:KNOWN], labelled * times, number)
        known, frames = KNOWN_FRAMES, KNOWN_FRAMES * times
        asked = {
            "animals": (KNOWN * times, more, known),
            "cells": (len(cells), cells, known),
            "minutes": (frames / RATE / 60, rows, frames),
        }
        for unit, (size, learned, n_frames) in asked.items():
            if unit == "cells" and labelled * times > CELLS * SESSIONS:
                continue
            model = trained(classifier, pool, learned, n_frames)
            guess = np.searchsorted(TYPES, model.predict(pool.inputs[n_frames][tested]))
            truth = np.searchsorted(TYPES, pool.labels[tested])
            counts = confusion_counts(truth, guess, len(TYPES))
            found.append((unit, times, size, scores_of(counts)))
    results = []
    for name, shares in SHARES.items():
        for curve in learning_curves(plan, outcomes, shares):
            for at, score in enumerate(curve.names):
                key = f"{score}, {name}" if at else score
                fit = curve.fit(score)
                results += [
                    {
                        "case": number,
                        "labelled": len(rows),
                        "unit": unit,
                        "times": times,
                        "score": key,
                        "predicted": expected.value,
                        "low": float(expected.low),
                        "high": float(expected.high),
                        "achieved": scores[key],
                        "sizes": curve.sizes,
                        "scores": curve.scores[:, at].tolist(),
                        "size": size,
                    }
                    for unit, times, size, scores in found
                    if unit == curve.unit and (at or name == "equal")
                    for expected in [curve.interval(fit.at(size))]
                ]
    return results


def frames_of(pool: Pool) -> tuple[int, ...]:
    """Return the lengths that the curve of two minutes and the answers need."""
    rows = pool.rows(range(KNOWN), CELLS, 0)
    plan = plan_of(pool, rows, 0)
    planned = {one.n_frames for one in plan.conditions if one.n_frames}
    return tuple(sorted({*planned, *(KNOWN_FRAMES * times for times in (1, *MORE))}))


def table(results: list[dict[str, Any]]) -> Iterable[str]:
    """Yield how often a score is foretold, by the width of the 95 % interval."""
    yield (
        "| interval, points | score | within 5 points | as it was | in the interval "
        "| mean error (SD), points | forecasts |"
    )
    foretold = [r for r in results if np.isfinite(r["predicted"])]
    for least, most in (*itertools.pairwise(WIDTHS), (WIDTHS[0], WIDTHS[-1])):
        for kind in (BALANCED, *SHARES):
            some = [
                r
                for r in foretold
                if r["score"].endswith(kind)
                and least <= 100 * (r["high"] - r["low"]) < most
            ]
            if some:
                width = f"{least}-{most}" if most < WIDTHS[-1] else f"from {least}"
                yield f"| {width} | {KINDS.get(kind, kind)} | {_near(some)} |"


def _near(results: list[dict[str, Any]]) -> str:
    """Return what `table` says of some forecasts."""
    low, high, predicted, achieved = np.array(
        [[r[key] for key in ("low", "high", "predicted", "achieved")] for r in results]
    ).T
    off = predicted - achieved
    stays = np.array([r["scores"][-1] for r in results]) - achieved
    near, same = (100 * np.mean(np.abs(x) <= NEAR) for x in (off, stays))
    inside = 100 * np.mean((low <= achieved) & (achieved <= high))
    return (
        f"{near:.0f} % | {same:.0f} % | {inside:.0f} % | {100 * off.mean():+.1f} "
        f"({100 * off.std():.1f}) | {len(results)}"
    )


def main() -> None:
    """Simulate, foretell, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--classifier", default="linear")
    parser.add_argument("--cases", type=int, default=120)
    parser.add_argument("--planted", action="store_true", help="much to be learnt")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    empty = Pool(np.tile(TYPES, ANIMALS * CELLS * SESSIONS), {})
    lengths, animals = frames_of(empty), ANIMALS + TESTED
    if options.planted:
        pool = plant(lengths, animals)
    else:
        pool = simulate(lengths, animals, traces=options.classifier in NETWORKS)
    results: list[dict[str, Any]] = []
    for number in range(options.cases):
        results += case(options.classifier, pool, number)
        if options.json:
            options.json.write_text(json.dumps(results))
    print("\n".join(table(results)))


if __name__ == "__main__":
    main()
