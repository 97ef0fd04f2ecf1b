"""Measure the bundled models on neurons whose cell type is known.

    python benchmarks/real_cells.py [FOLDER]

FOLDER holds `real_cells.csv` and the recordings that it names: one MATLAB file per
neuron with a struct array `CAttached`, one element per trial, whose `fluo_time` (s)
and `fluo_mean` (dF/F) are read. Every score stands inside one preparation and
indicator, beside what single numbers reach on the same cells: the threshold for each
cell is set on the other cells. These cells measure models; none was trained or tuned on
them.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import periodogram
from scipy.stats import skew
from sklearn.tree import DecisionTreeClassifier

from napari_celltype.classifiers import (
    CellTypeModel,
    list_models,
    load_model,
    predict_recording_traces,
)
from napari_celltype.classifiers.preparation import (
    area_average,
    frames_after_averaging,
)
from napari_celltype.recording import Segment
from napari_celltype.workflows.shares import (
    prior_shares,
    reweigh,
    training_shares,
)

sys.path.insert(0, str(Path(__file__).parent))
from known_cells import RealCell, load_cells
from scoring import (
    accuracy,
    auroc,
    balanced_accuracy,
    by_cell,
    confusion,
    groups,
)

SLOWER_THAN = 0.1  # Hz; the power below is the probe that is hardest to beat
FEW = 2  # a type with fewer cells than this has no balanced score
WINDOW_SECONDS = 60.0

CAUTION = (
    "Pyramidal cells are V1 in vivo, most interneurons are brain slices with KCl "
    "puffs; none is CA1. Only scores inside one preparation and indicator say anything "
    "about cell type, and only next to the one-number probes. Cells of one batch of "
    "recordings are counted as independent, so the intervals are too narrow. No score "
    "on these cells chose a number of the simulator, but scores of an earlier version "
    "had been printed before two of its numbers were last changed."
)


def predict_cells(
    model: CellTypeModel, cells: Sequence[RealCell]
) -> NDArray[np.float64]:
    """Return class probabilities (n_cells, n_classes); NaN for cells left out.

    Left out are cells recorded slower than the model and cells without a trial of the
    length of a window.
    """
    answers = np.full((len(cells), len(model.card.classes)), np.nan)
    assert model.card.sampling_frequency is not None
    for row, cell in enumerate(cells):
        longest = max(trial.size for trial in cell.trials) / cell.sampling_frequency
        too_slow = cell.sampling_frequency < model.card.sampling_frequency * 0.99
        if too_slow or longest < WINDOW_SECONDS:
            continue
        ends = np.cumsum([trial.size for trial in cell.trials]).tolist()
        starts = [0, *ends[:-1]]
        segments = [Segment(a, b) for a, b in zip(starts, ends, strict=True)]
        answers[row] = predict_recording_traces(
            model,
            np.concatenate(cell.trials)[None],
            cell.sampling_frequency,
            segments,
            device="cpu",
        ).probabilities[0]
    return answers


def probe_values(
    cells: Sequence[RealCell], sampling_frequency: float
) -> dict[str, NDArray[np.float64]]:
    """Return the single numbers that compete with a model, each (n_cells,)."""
    values: dict[str, list[float]] = {
        "slow power": [],
        "skewness": [],
        "noise": [],
        "native rate": [],
        "length": [],
    }
    for cell in cells:
        ratio = max(cell.sampling_frequency / sampling_frequency, 1.0)
        rate = cell.sampling_frequency / ratio
        slow = total = 0.0
        traces = []
        for trial in cell.trials:
            n_out = frames_after_averaging(trial.size, ratio)
            trace = area_average(trial[None].astype(np.float64), ratio, n_out)[0]
            frequency, power = periodogram(trace, rate, detrend="constant")
            slow += float(power[frequency < SLOWER_THAN].sum())
            total += float(power.sum())
            traces.append(trace)
        differences = np.concatenate([np.abs(np.diff(trial)) for trial in cell.trials])
        nu = 100 * np.median(differences) / np.sqrt(cell.sampling_frequency)
        values["slow power"].append(slow / total)
        values["skewness"].append(float(skew(np.concatenate(traces))))
        values["noise"].append(float(nu))
        values["native rate"].append(cell.sampling_frequency)
        values["length"].append(cell.seconds)
    return {name: np.array(numbers) for name, numbers in values.items()}


def probe_guesses(
    values: NDArray[np.float64], truth: NDArray[np.str_]
) -> NDArray[np.str_]:
    """Guess each cell by thresholds on one number, set on the other cells."""
    guess = truth.copy()
    for cell in range(truth.size):
        others = np.arange(truth.size) != cell
        tree = DecisionTreeClassifier(
            max_leaf_nodes=np.unique(truth).size,
            class_weight="balanced",
            random_state=0,
        )
        tree.fit(values[others, None], truth[others])
        guess[cell] = tree.predict(values[[cell], None])[0]
    return guess


def score_cells(model: CellTypeModel, cells: Sequence[RealCell]) -> dict[str, Any]:
    """Score a model inside each preparation and indicator, beside the probes."""
    assert model.card.sampling_frequency is not None
    probabilities = as_shown(model, predict_cells(model, cells))
    kinds = sorted({(cell.preparation, cell.indicator) for cell in cells})
    scores: dict[str, Any] = {"caution": CAUTION}
    scores["cells left out (too slow or too short)"] = int(
        np.isnan(probabilities[:, 0]).sum()
    )
    for preparation, indicator in kinds:
        rows = [
            row
            for row, cell in enumerate(cells)
            if (cell.preparation, cell.indicator) == (preparation, indicator)
            and np.isfinite(probabilities[row]).all()
        ]
        if rows:
            scores[f"{preparation}, {indicator}"] = _score_kind(
                model, [cells[row] for row in rows], probabilities[rows]
            )
    return scores


def as_shown(
    model: CellTypeModel, probabilities: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return probabilities with the shares that the program assumes by default."""
    classes = model.card.classes
    trained = training_shares(model.card)
    shares = prior_shares(model.card.assumed_shares or {}, classes, trained)
    return reweigh(
        probabilities, [shares[c] for c in classes], [trained[c] for c in classes]
    )


def _score_kind(
    model: CellTypeModel,
    cells: Sequence[RealCell],
    probabilities: NDArray[np.float64],
) -> dict[str, Any]:
    classes = np.array(model.card.classes)
    truth = np.array([cell.cell_type for cell in cells])
    guess = classes[probabilities.argmax(axis=1)]
    p_in = probabilities[:, classes != "PY"].sum(axis=1)
    names, counts = np.unique(truth, return_counts=True)
    scores: dict[str, Any] = {
        "cells": dict(zip(names.tolist(), counts.tolist(), strict=True)),
        "four types (chance 0.25), share right": by_cell(accuracy, truth, guess),
        "guesses": confusion(truth, guess, classes.tolist()),
    }
    assert model.card.sampling_frequency is not None
    probes = probe_values(cells, model.card.sampling_frequency)

    true_group = groups(truth)
    guessed_group = np.where(p_in > 0.5, "IN", "PY")
    sizes = [int((true_group == name).sum()) for name in ("PY", "IN")]
    if min(sizes) >= FEW:
        scores["PY against interneuron, balanced (chance 0.5)"] = {
            "this model": by_cell(balanced_accuracy, true_group, guessed_group),
            "this model, AUROC": by_cell(
                lambda kind, p: auroc(kind == "IN", p), true_group, p_in
            ),
            **{
                f"probe: {name}": by_cell(
                    balanced_accuracy, true_group, probe_guesses(values, true_group)
                )
                for name, values in probes.items()
            },
        }
    else:
        scores["share put into the right group"] = {
            str(name): by_cell(
                accuracy,
                true_group[true_group == name],
                guessed_group[true_group == name],
            )
            for name in np.unique(true_group)
        }

    kinds, sizes_of_kinds = np.unique(truth[truth != "PY"], return_counts=True)
    if kinds.size > 1 and sizes_of_kinds.min() >= FEW:
        rows = truth != "PY"
        columns = np.isin(classes, kinds)
        among = classes[columns][probabilities[rows][:, columns].argmax(axis=1)]
        title = f"interneuron subtype, balanced (chance {1 / kinds.size:.2f})"
        scores[title] = {
            "this model": by_cell(balanced_accuracy, truth[rows], among),
            **{
                f"probe: {name}": by_cell(
                    balanced_accuracy,
                    truth[rows],
                    probe_guesses(values[rows], truth[rows]),
                )
                for name, values in probes.items()
            },
        }
    return scores


def p_in_when_even(classes: NDArray[np.str_]) -> float:
    """Return the p_IN at which both groups are as likely if equally common.

    The models were trained on equal shares of the types, so on more interneurons.
    """
    return float((classes != "PY").mean())


def table(name: str, scores: Mapping[str, Any]) -> str:
    """Render scores as indented text."""
    lines = [name, "=" * len(name)]

    def add(values: Mapping[str, Any], depth: int) -> None:
        for key, value in values.items():
            start = f"{'  ' * depth}{key}"
            if isinstance(value, Mapping) and "value" in value:
                lines.append(
                    f"{start:<52}{value['value']:.2f}  "
                    f"[{value['low']:.2f}, {value['high']:.2f}]  n = {value['n']}"
                )
            elif isinstance(value, Mapping):
                lines.append(start)
                add(value, depth + 1)
            elif isinstance(value, float):
                lines.append(f"{start:<52}{value:.2f}")
            else:
                lines.append(f"{start}: {value}")

    add(scores, 0)
    return "\n".join(lines)


def default_folder() -> Path:
    """Return where the neurons lie on a developer's machine."""
    given = os.environ.get("NAPARI_CELLTYPE_TEST_DATA")
    root = Path(__file__).resolve().parent.parent
    return Path(given) if given else root.parent / "shared" / "data"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=default_folder())
    folder = parser.parse_args().folder
    if not (folder / "real_cells.csv").exists():
        print(f"Skipped: there is no real_cells.csv in {folder}.")
        return 0
    cells = load_cells(folder)
    for card in list_models():
        if card.origin == "simulation":
            print(table(card.name, score_cells(load_model(card.name), cells)), "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
