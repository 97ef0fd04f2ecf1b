"""What is measured in each neuron, and the spread of it over neurons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from firing_statistics import Episodes, burst_lengths, episodes, local_variation
from paired_cells import Array, PairedCell, shot_noise, slow_drift
from spike_responses import (
    EXPONENTS,
    CellFit,
    Response,
    best_nonlinearity,
    fit_response,
    isolated_responses,
    nonlinearity_scores,
)

FEW = 3  # a dataset with fewer cells than this has no middle to compare its cells with


@dataclass(frozen=True)
class Estimate:
    """One number measured on real cells; low and high are 5 % and 95 % of the cells."""

    parameter: str
    meaning: str
    low: float
    value: float
    high: float
    unit: str
    n_cells: int
    datasets: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Measured:
    """A cell and what was measured in it."""

    cell: PairedCell
    response: Response
    isolated: Array
    own_exponent: float
    exponent: float
    saturation: float
    noise: float
    drift: float
    rate: float
    order: float
    bursts: float
    burst_spikes: float
    episodes: Episodes

    def calcium(self, reference: float) -> float:
        """Return calcium per spike, if `reference` dF/F is one unit of calcium."""
        return float((self.response.amplitude / reference) ** (1 / self.exponent))


def is_reference(cell: PairedCell) -> bool:
    """Tell whether a cell may set its indicator's response: PY in vivo."""
    return cell.cell_type == "PY" and cell.preparation == "in vivo"


def measure(cells: Sequence[PairedCell]) -> list[Measured]:
    """Measure all cells; an indicator has one exponent and saturation, set by PY."""
    measured = []
    for indicator in sorted({cell.indicator for cell in cells}):
        here = [cell for cell in cells if cell.indicator == indicator]
        fits = [CellFit(cell) for cell in here]
        scores = [nonlinearity_scores(fit) for fit in fits]
        pyramidal = [s for s, c in zip(scores, here, strict=True) if is_reference(c)]
        exponent, saturation = best_nonlinearity(pyramidal or scores)
        for row, cell in enumerate(here):
            lengths = burst_lengths(cell)
            long = lengths[lengths > 1]
            measured.append(
                Measured(
                    cell,
                    fit_response(fits[row], exponent, saturation),
                    isolated_responses(cell),
                    float(EXPONENTS[scores[row].max(axis=1).argmax()]),
                    exponent,
                    saturation,
                    shot_noise(cell),
                    slow_drift(cell),
                    cell.n_spikes / cell.seconds,
                    (3 / local_variation(cell) - 1) / 2,
                    long.size / max(lengths.size, 1),
                    float(long.mean() - 1) if long.size else float("nan"),
                    episodes(cell),
                )
            )
    return measured


Value = Callable[[Measured], float]


class Table:
    """Collects estimates over groups of measured cells."""

    def __init__(self, measured: Sequence[Measured]) -> None:
        self.measured = measured
        self.estimates: dict[str, Estimate] = {}

    def where(
        self,
        *,
        types: Sequence[str] | None = None,
        indicator: str | None = None,
        preparation: str | None = None,
    ) -> list[Measured]:
        return [
            m
            for m in self.measured
            if (types is None or m.cell.cell_type in types)
            and (indicator is None or m.cell.indicator == indicator)
            and (preparation is None or m.cell.preparation == preparation)
        ]

    def add(
        self,
        parameter: str,
        meaning: str,
        unit: str,
        measured: Sequence[Measured],
        value: Value,
        *,
        within: bool = False,
    ) -> None:
        """Add the spread of a value over cells; `within`: over its dataset's median."""
        values = np.array([value(m) for m in measured])
        datasets = np.array([m.cell.dataset for m in measured])
        keep = np.isfinite(values)
        values, datasets = values[keep], datasets[keep]
        if within:
            kept = [d for d in np.unique(datasets) if (datasets == d).sum() >= FEW]
            values, datasets = (
                values[np.isin(datasets, kept)],
                datasets[np.isin(datasets, kept)],
            )
            for dataset in kept:
                values[datasets == dataset] /= np.median(values[datasets == dataset])
        if values.size == 0:
            return
        low, middle, high = spread(values)
        self.estimates[parameter] = Estimate(
            parameter,
            meaning,
            low,
            middle,
            high,
            unit,
            int(values.size),
            tuple(np.unique(datasets).tolist()),
        )


def spread(values: Array) -> tuple[float, float, float]:
    """Return the 5 % point, median and 95 % point over cells."""
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
    return float(low), float(middle), float(high)
