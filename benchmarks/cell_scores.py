"""What a model says of neurons of known type, beside the best single number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from known_cells import RealCell, load_cells, load_invivo
from numpy.typing import NDArray
from probes import probe_guesses, probe_values
from scoring import auroc, balanced, balanced_accuracy, by_cell, groups, share, widened

from napari_celltype.answers.shares import reweigh, training_shares
from napari_celltype.celltypes import prior_shares
from napari_celltype.errors import RecordingError, SamplingFrequencyError
from napari_celltype.models import (
    CellTypeModel,
    Score,
    predict_recording_traces,
)
from napari_celltype.recording import Segment

CHANCE = 0.5  # of every score here
FEW = 2  # cells of a group; a threshold is set on one when the other is left out
AREA, BALANCED, LOWEST = "AUROC of p_IN", "balanced PY/IN", "lowest mouse"

CAUTION = (
    "Interneurons in vivo are few, those in slices are driven by KCl puffs and outside "
    "the domain of the models, and none of the cells is from CA1. Scores stay inside "
    "one preparation and indicator; PY of V1 and VIP of S1 come from different "
    "laboratories and never share a score. Groups are called under the shares that the "
    "card assumes. The best single number was chosen on the cells that it is scored "
    "on. Intervals resample batches or mice where known, else cells. Numbers of the "
    "simulator were measured on some of these cells; none was chosen by a score on "
    "them, but scores of earlier versions had been seen."
)

Probabilities = NDArray[np.float64]


def score_rows(model: CellTypeModel, folder: Path) -> list[Score]:
    """Score a model on all real cells, for its card."""
    rows = stratum_rows(model, load_cells(folder))
    for overall, *mice in invivo_rows(model, load_invivo(folder)):
        rows += [overall, *lowest(mice)]
    return rows


def stratum_rows(model: CellTypeModel, cells: Sequence[RealCell]) -> list[Score]:
    """Score PY against interneuron inside each preparation and indicator."""
    cells, p_in = _answered(model, cells)
    rows = []
    strata = {stratum_of(cell): cell.preparation == "slice" for cell in cells}
    for stratum in sorted(strata, key=lambda name: (strata[name], name)):
        inside = np.array([stratum_of(cell) == stratum for cell in cells])
        chosen = [cell for cell, here in zip(cells, inside, strict=True) if here]
        rows += _rows(stratum, chosen, p_in[inside], model.card.sampling_frequency)
    return rows


def stratum_of(cell: RealCell) -> str:
    """Return preparation and indicator, such as "in vivo, OGB1"."""
    if cell.preparation == "slice":
        return f"{cell.indicator} slice, outside"
    return f"{cell.preparation}, {cell.indicator}"


def invivo_rows(model: CellTypeModel, cells: Sequence[RealCell]) -> list[list[Score]]:
    """Return what share of each data set's types is called right: overall, by mouse."""
    cells, p_in = _answered(model, cells)
    kinds = np.array([f"{cell.dataset} {cell.cell_type}" for cell in cells])
    truth = groups(np.array([cell.cell_type for cell in cells]))
    right = _called(p_in) == truth
    mice = np.array([cell.batch for cell in cells])
    found = []
    for kind in np.unique(kinds):
        here = kinds == kind
        measure = f"called {truth[here][0]}"
        score = share(right[here], mice[here])
        overall = Score(str(kind), measure, unit="mice", chance=CHANCE, **score)
        by_mouse = [
            Score(
                f"{kind}, {mouse}",
                measure,
                unit="cells",
                chance=CHANCE,
                **share(right[here & (mice == mouse)]),
            )
            for mouse in np.unique(mice[here])
        ]
        found.append([overall, *by_mouse])
    return found


def lowest(mice: Sequence[Score]) -> list[Score]:
    """Return the score of the mouse with the lowest one; none of a single mouse."""
    if len(mice) < 2:
        return []
    return [replace(min(mice, key=lambda score: score.value), measure=LOWEST)]


def predict_cells(model: CellTypeModel, cells: Sequence[RealCell]) -> Probabilities:
    """Return class probabilities (n_cells, n_classes)."""
    answers = np.full((len(cells), len(model.card.classes)), np.nan)
    for row, cell in enumerate(cells):
        ends = np.cumsum([trial.size for trial in cell.trials]).tolist()
        trials = [
            Segment(a, b) for a, b in zip([0, *ends[:-1]], ends, strict=True) if b > a
        ]
        try:
            said = predict_recording_traces(
                model,
                np.concatenate(cell.trials)[None],
                cell.sampling_frequency,
                trials,
                device="cpu",
            )
        except (RecordingError, SamplingFrequencyError):
            continue
        answers[row] = said.probabilities[0]
    return answers


def _answered(
    model: CellTypeModel, cells: Sequence[RealCell]
) -> tuple[list[RealCell], NDArray[np.float64]]:
    """Return the cells that the program takes, and their p_IN as it shows it."""
    card = model.card
    said = predict_cells(model, cells)
    trained = training_shares(card)
    shares = prior_shares(card.assumed_shares or {"PY": 0.5}, card.classes, trained)
    usable = np.isfinite(said).all(axis=1)
    shown = reweigh(
        said[usable],
        [shares[c] for c in card.classes],
        [trained[c] for c in card.classes],
    )
    p_in = shown[:, np.array(card.classes) != "PY"].sum(axis=1)
    return [cell for cell, taken in zip(cells, usable, strict=True) if taken], p_in


def _called(p_in: NDArray[np.float64]) -> NDArray[np.str_]:
    return np.where(p_in > 0.5, "IN", "PY")


def _rows(
    stratum: str,
    cells: Sequence[RealCell],
    p_in: NDArray[np.float64],
    sampling_frequency: float | None,
) -> list[Score]:
    truth = groups(np.array([cell.cell_type for cell in cells]))
    batches = np.array([cell.batch or cell.file for cell in cells])
    unit = "batches" if np.unique(batches).size < len(cells) else "cells"
    called = _called(p_in)
    n_cells = {name: int((truth == name).sum()) for name in ("PY", "IN")}
    fewest = min(n_cells.values())
    rows: list[Score] = []

    def add(
        measure: str, score: Any, probes: Mapping[str, float] | None = None
    ) -> None:
        row = Score(stratum, measure, unit=unit, chance=CHANCE, **score)
        if probes:
            best = max(probes, key=lambda name: probes[name])
            row = replace(row, probe=best, probe_value=round(probes[best], 4))
        rows.append(row)

    if fewest:
        assert sampling_frequency is not None
        probes = probe_values(cells, sampling_frequency)

        def area(kind: NDArray[np.str_], value: NDArray[np.float64]) -> float:
            return auroc(kind == "IN", value)

        # Resampling two groups that are apart never finds them mixed.
        score = widened(by_cell(area, truth, p_in, batches), fewest)
        # A number may be higher or lower in interneurons.
        reached = {
            name: max(area(truth, values), area(truth, -values))
            for name, values in probes.items()
        }
        add(AREA, score, reached)
    if fewest >= FEW:
        score = balanced(truth, called, batches)
        reached = {
            name: balanced_accuracy(truth, probe_guesses(values, truth, batches))
            for name, values in probes.items()
        }
        add(BALANCED, score, reached)
    for name in (name for name, n in n_cells.items() if n):
        here = truth == name
        add(f"{name} called {name}", share(called[here] == name, batches[here]))
    return rows
