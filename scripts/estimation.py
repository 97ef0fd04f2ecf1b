"""Estimates of the simulator's parameters from neurons recorded with their spikes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from firing_statistics import Episodes, burst_lengths, episodes, local_variation
from paired_cells import Array, PairedCell, shot_noise, slow_drift
from spike_responses import (
    CellFit,
    Response,
    best_nonlinearity,
    fit_response,
    nonlinearity_scores,
)

FITS_WELL = 0.2  # share of variance that spikes must explain before a fit is used
FAST = 30  # Hz; slower recordings do not show the rise
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
    exponent: float
    saturation: float
    noise: float
    drift: float
    rate: float
    order: float
    bursts: float
    burst_spikes: float
    episodes: Episodes

    @property
    def amplitude(self) -> float:
        return self.response.amplitude

    def calcium(self, reference: float) -> float:
        """Return calcium per spike, if `reference` dF/F is one unit of calcium."""
        return float((self.amplitude / reference) ** (1 / self.exponent))


Value = Callable[[Measured], float]
# Name, meaning and unit of an estimate, and what gives the value of a cell.
Row = tuple[str, str, str, Value]


def measure(cells: Sequence[PairedCell]) -> list[Measured]:
    """Measure all cells; an indicator has one exponent and saturation, set by PY."""
    measured = []
    for indicator in sorted({cell.indicator for cell in cells}):
        here = [cell for cell in cells if cell.indicator == indicator]
        fits = [CellFit(cell) for cell in here]
        scores = [nonlinearity_scores(fit) for fit in fits]
        reference = [
            score
            for score, cell in zip(scores, here, strict=True)
            if (cell.cell_type, cell.preparation) == ("PY", "in vivo")
        ]
        exponent, saturation = best_nonlinearity(reference or scores)
        for fit, cell in zip(fits, here, strict=True):
            lengths = burst_lengths(cell)
            long = lengths[lengths > 1]
            measured.append(
                Measured(
                    cell,
                    fit_response(fit, exponent, saturation),
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


def estimate(cells: Sequence[PairedCell]) -> dict[str, Estimate]:
    """Estimate all parameters that these cells tell something about.

    Names that begin with "-" are for comparison; no parameter has them.
    """
    table = _Table(measure(cells))
    _indicators(table)
    _spread_of_response(table)
    _nuisances(table)
    _firing(table)
    return table.estimates


class _Table:
    """Collects estimates over groups of measured cells."""

    def __init__(self, measured: Sequence[Measured]) -> None:
        self.measured = measured
        self.estimates: dict[str, Estimate] = {}

    def where(self, **wanted: str) -> list[Measured]:
        return [
            m
            for m in self.measured
            if all(getattr(m.cell, name) == value for name, value in wanted.items())
        ]

    def add(
        self, measured: Sequence[Measured], *rows: Row, within: bool = False
    ) -> None:
        """Add the spread of values over cells; `within`: over its dataset's median."""
        for parameter, meaning, unit, value in rows:
            values = np.array([value(m) for m in measured])
            datasets = np.array([m.cell.dataset for m in measured])
            keep = np.isfinite(values)
            if within:
                names, sizes = np.unique(datasets[keep], return_counts=True)
                keep &= np.isin(datasets, names[sizes >= FEW])
            values, datasets = values[keep], datasets[keep]
            if within:
                for dataset in np.unique(datasets):
                    here = datasets == dataset
                    values[here] /= np.median(values[here])
            if values.size:
                low, middle, high = np.quantile(values, [0.05, 0.5, 0.95]).tolist()
                named = tuple(np.unique(datasets).tolist())
                self.estimates[parameter] = Estimate(
                    parameter, meaning, low, middle, high, unit, values.size, named
                )


def _well(measured: Sequence[Measured]) -> list[Measured]:
    return [m for m in measured if m.response.explained >= FITS_WELL]


def _fast(measured: Sequence[Measured]) -> list[Measured]:
    return [m for m in measured if m.cell.sampling_frequency > FAST]


def _tailed(measured: Sequence[Measured]) -> list[Measured]:
    return [m for m in measured if m.response.tail > 0]


def _indicators(table: _Table) -> None:
    for indicator in ("GCaMP6f", "GCaMP6s", "OGB-1"):
        cells = table.where(cell_type="PY", indicator=indicator, preparation="in vivo")
        well, name = _well(cells), f"INDICATORS.{indicator}"
        table.add(
            cells,
            (f"{name}.amplitude", "dF/F of one spike", "", lambda m: m.amplitude),
        )
        table.add(
            well,
            (f"{name}.decay", "decay time", "s", lambda m: m.response.decay),
            (f"{name}.exponent", "exponent for all PY", "", lambda m: m.exponent),
            (f"{name}.saturation", "saturation for all PY", "", lambda m: m.saturation),
            (f"{name}.tail", "share of the slow tail", "", lambda m: m.response.tail),
        )
        table.add(
            _fast(well), (f"{name}.rise", "rise time", "s", lambda m: m.response.rise)
        )
        table.add(
            _tailed(well),
            (f"{name}.slow", "decay of the tail", "s", lambda m: m.response.slow),
        )


def _spread_of_response(table: _Table) -> None:
    cells = table.where(cell_type="PY", preparation="in vivo")
    well = _well(cells)
    for name, words, measured, value in (
        ("KINETICS.decay_factor", "decay time", well, lambda m: m.response.decay),
        ("KINETICS.rise_factor", "rise time", _fast(well), lambda m: m.response.rise),
        ("KINETICS.tail_factor", "slow tail", _tailed(well), lambda m: m.response.tail),
    ):
        meaning = f"a cell's {words} over its dataset's"
        table.add(measured, (name, meaning, "", value), within=True)

    def medians(attribute: str) -> dict[str, float]:
        return {
            key: float(
                np.median(
                    [m.amplitude for m in cells if getattr(m.cell, attribute) == key]
                )
            )
            for key in {getattr(m.cell, attribute) for m in cells}
        }

    middle, session = medians("indicator"), medians("dataset")
    # One value for each dataset, so that the largest of them does not decide.
    first = list({m.cell.dataset: m for m in reversed(cells)}.values())
    several = [
        m for m in first if sum(n.cell.indicator == m.cell.indicator for n in first) > 1
    ]
    table.add(
        several,
        (
            "KINETICS.expression",
            "a dataset's dF/F of one spike over its indicator's (counts datasets)",
            "",
            lambda m: session[m.cell.dataset] / middle[m.cell.indicator],
        ),
    )
    table.add(
        cells,
        (
            "CALCIUM.PY",
            "a cell's calcium per spike over its dataset's",
            "",
            lambda m: m.calcium(session[m.cell.dataset]),
        ),
    )
    for cell_type in ("PV", "SOM", "VIP"):
        for indicator, preparation in (
            ("OGB-1", "in vivo"),
            ("GCaMP6f", "in vivo"),
            ("GCaMP6f", "slice"),
        ):
            if indicator not in middle:
                continue
            name = f"CALCIUM.{cell_type}"
            if indicator != "OGB-1":
                name = f"-{name}.{indicator}.{preparation}"
            meaning = f"calcium per spike over PY's in vivo, {preparation}, {indicator}"
            table.add(
                table.where(
                    cell_type=cell_type, indicator=indicator, preparation=preparation
                ),
                (name, meaning, "", lambda m: m.calcium(middle[m.cell.indicator])),
            )


def _nuisances(table: _Table) -> None:
    nu, spread = "shot noise nu", "a cell's shot noise over its dataset's"
    drift = "deviation of the silent cell's dF/F, in bins of 5 s"
    table.add(
        table.measured, ("NUISANCES.noise", nu, "% / sqrt(Hz)", lambda m: m.noise)
    )
    table.add(
        table.measured,
        ("NUISANCES.noise_spread", spread, "", lambda m: m.noise),
        within=True,
    )
    table.add(
        table.where(preparation="in vivo"),
        ("NUISANCES.drift", drift, "dF/F", lambda m: m.drift),
    )


def _firing(table: _Table) -> None:
    for cell_type in ("PY", "PV", "SOM", "VIP"):
        name = f"SPIKING.{cell_type}"
        table.add(
            table.where(cell_type=cell_type, preparation="in vivo"),
            (f"{name}.rest_rate", "mean rate", "Hz", lambda m: m.rate),
            (f"{name}.regularity", "gamma order from LV", "", lambda m: m.order),
            (f"{name}.burst_share", "events that are bursts", "", lambda m: m.bursts),
            (f"{name}.burst_spikes", "further spikes", "", lambda m: m.burst_spikes),
        )
    resting = "rate outside responses, all types"
    interval = "median time between responses, all types"
    decay = "median time to 1/e of a response, all types"
    peak = "median peak rate of a response, all types"
    relative = "peak over resting rate of a response, all types"
    table.add(
        table.where(preparation="slice"),
        ("-RATE.slice.resting", resting, "Hz", lambda m: m.episodes.resting),
        (
            "BEHAVIOUR.puff_interval",
            interval,
            "s",
            lambda m: _median(m.episodes.intervals),
        ),
        ("BEHAVIOUR.puff_decay", decay, "s", lambda m: _median(m.episodes.decays)),
        (
            "-MODULATION.puff.peak_rate",
            peak,
            "Hz",
            lambda m: _median(m.episodes.peaks),
        ),
        (
            "MODULATION.puff",
            relative,
            "",
            lambda m: _median(m.episodes.peaks) / max(m.episodes.resting, 0.01),
        ),
    )


def _median(values: Array) -> float:
    return float(np.median(values)) if values.size else float("nan")
