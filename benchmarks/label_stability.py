"""Does stability tell wrong labels from right ones, on simulated sessions?

    python benchmarks/label_stability.py           # two minutes

A label is wrong if the best guess (or its group) is not the simulated type. Shown is
the AUROC of 1 - stability and of 1 - probability for being wrong, on the same unseen
sessions, raw traces at 10 Hz. Writes `label_stability.json` for `report.py`;
`real_cells.py` measures the same on real cells.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.classifiers import (
    CellTypeModel,
    load_model,
    predict_recording_traces,
)
from napari_celltype.classifiers.stability import stability
from napari_celltype.simulation import simulate_session
from napari_celltype.workflows.shares import prior_shares, training_shares

sys.path.insert(0, str(Path(__file__).parent))
from difficulty import MODELS, TYPES
from provenance import WORK, write_results
from scoring import auroc, by_session

SEED = 7003  # of no other script
RATE, SECONDS = 10.0, 241.0  # four windows


@dataclass(frozen=True, eq=False)
class Recorded:
    """Raw traces and neuropil of one session, and what the cells are."""

    truth: NDArray[np.str_]
    raw: NDArray[np.float32]
    neuropil: NDArray[np.float32]


def sessions(number: int, cells: int) -> list[Recorded]:
    """Simulate sessions whose regime, indicator and noise are drawn as for training."""
    made = []
    for session_number in range(number):
        stream = np.random.default_rng([SEED, session_number])
        truth = stream.choice(TYPES, cells)
        session = simulate_session(truth, round(SECONDS * RATE), RATE, stream)
        signals = session.fluorescence
        made.append(Recorded(truth, signals.raw_traces, signals.neuropil))
    return made


def measure(model: CellTypeModel, recorded: Sequence[Recorded]) -> dict[str, Any]:
    """Score stability and probability as signs of a wrong label."""
    classes, trained = model.card.classes, training_shares(model.card)
    shares = prior_shares(model.card.assumed_shares or {}, classes, trained)
    weights = np.array([shares[name] / trained[name] for name in classes])
    is_in = np.array([name != "PY" for name in classes])
    answers, steady = [], []
    for one in recorded:
        said = predict_recording_traces(model, one.raw, RATE, (), device="cpu")
        weighed = said.probabilities * weights
        answers.append(weighed / weighed.sum(axis=1, keepdims=True))
        steady.append(
            stability(
                model, one.raw, one.neuropil, RATE, (), weights=weights, device="cpu"
            )
        )
    truth = np.concatenate([one.truth for one in recorded])
    probability, stable = np.concatenate(answers), np.concatenate(steady)
    p_in = probability[:, is_in].sum(axis=1)
    best = probability.max(axis=1)
    wrong_type = np.array(classes)[probability.argmax(axis=1)] != truth
    wrong_group = (p_in > 0.5) == (truth == "PY")
    ends = np.cumsum([one.truth.size for one in recorded])[:-1]
    rows = np.split(np.arange(truth.size), ends)
    results: dict[str, Any] = {}
    for name, wrong, sure in (
        ("type", wrong_type, best),
        ("group", wrong_group, np.maximum(p_in, 1 - p_in)),
    ):
        results[f"wrong {name}"] = by_session(_mean, rows, wrong)
        results[f"wrong {name}, AUROC of stability"] = by_session(
            auroc, rows, wrong, 1 - stable
        )
        results[f"wrong {name}, AUROC of the probability"] = by_session(
            auroc, rows, wrong, 1 - sure
        )
        results[f"wrong {name}, stability minus probability"] = by_session(
            _difference, rows, wrong, 1 - stable, 1 - sure
        )
    return results


def _mean(values: NDArray[np.bool_]) -> float:
    return float(values.mean())


def _difference(
    wrong: NDArray[np.bool_], one: NDArray[np.float64], other: NDArray[np.float64]
) -> float:
    return auroc(wrong, one) - auroc(wrong, other)


def compare(
    number: int, cells: int, *, say: Callable[[str], object] = print
) -> dict[str, Any]:
    """Measure every model on the same sessions."""
    recorded = sessions(number, cells)
    results: dict[str, Any] = {"sessions": number, "cells": number * cells}
    results["models"] = {}
    for family in MODELS:
        model = load_model(family, RATE)
        results["models"][model.name] = measure(model, recorded)
        for name, score in results["models"][model.name].items():
            say(f"{model.name}, {name}: {score['value']:.2f}")
    return results


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--sessions", type=int, default=30)
    add("--cells", type=int, default=40, help="in each session")
    add("--work", type=Path, default=WORK, help="where the numbers are written")
    options = parser.parse_args()
    results = compare(options.sessions, options.cells)
    print(write_results("label_stability", results, options.work))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
