"""Estimate the simulator's parameters on neurons recorded with their spikes.

    python scripts/estimate_parameters.py [--real-cells FOLDER]
        [--leave-out "in vivo, OGB-1" ...] [--json FILE] [--check]

FOLDER holds `real_cells.csv` and the recordings that it names. `--leave-out` drops
whole strata (preparation, indicator) as if they had never been seen: what then has no
data is reported as absent. `--check` compares the estimates with the numbers that
`napari_celltype.simulation.parameters` calls "measured on ...".
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from paired_cells import (
    Array,
    Fit,
    PairedCell,
    burst_lengths,
    fit,
    local_variation,
    read_cells,
    shot_noise,
)

FITS_WELL = 0.2  # share of variance that spikes must explain before a fit is used
FEW = 2  # a spread over fewer cells than this is not given


@dataclass(frozen=True)
class Estimate:
    """One number measured on real cells; low and high are 5 % and 95 % of the cells.

    `parameter` is the place in `simulation/parameters.py`, or, where the simulator has
    no such number, starts with "-".
    """

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
    fit: Fit
    noise: float
    rate: float
    variation: float
    bursts: float
    burst_spikes: float


def measure(cell: PairedCell) -> Measured:
    lengths = burst_lengths(cell)
    long = lengths[lengths > 1]
    return Measured(
        cell,
        fit(cell),
        shot_noise(cell),
        cell.n_spikes / cell.seconds,
        local_variation(cell),
        long.size / max(lengths.size, 1),
        float(long.mean() - 1) if long.size else float("nan"),
    )


def estimate(cells: Sequence[PairedCell]) -> dict[str, Estimate]:
    """Estimate all parameters that these cells tell something about."""
    table = Table([measure(cell) for cell in cells])
    add_indicators(table)
    add_noise(table)
    add_firing(table)
    return table.estimates


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
        well: bool = False,
    ) -> list[Measured]:
        return [
            m
            for m in self.measured
            if (types is None or m.cell.cell_type in types)
            and (indicator is None or m.cell.indicator == indicator)
            and (preparation is None or m.cell.preparation == preparation)
            and (not well or m.fit.explained >= FITS_WELL)
        ]

    def add(
        self,
        parameter: str,
        meaning: str,
        unit: str,
        measured: Sequence[Measured],
        value: Callable[[Measured], float],
        *,
        within: bool = False,
        log: bool = True,
    ) -> None:
        """Add the spread of a value over cells; `within`: over its dataset's median."""
        values = np.array([value(m) for m in measured])
        datasets = np.array([m.cell.dataset for m in measured])
        keep = np.isfinite(values) & ((values > 0) | (not log))
        values, datasets = values[keep], datasets[keep]
        if within:
            kept = [d for d in np.unique(datasets) if (datasets == d).sum() > FEW]
            values, datasets = (
                values[np.isin(datasets, kept)],
                datasets[np.isin(datasets, kept)],
            )
            for dataset in kept:
                values[datasets == dataset] /= np.median(values[datasets == dataset])
        if values.size < FEW:
            return
        low, middle, high = spread(values, log=log)
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


def spread(values: Array, *, log: bool) -> tuple[float, float, float]:
    """Return the 5 % point, median and 95 % point of a distribution.

    The points of log-normal numbers come from the median and the middle half, so that
    a cell with a broken baseline does not set them.
    """
    if not log:
        low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
        return float(low), float(middle), float(high)
    lower, middle, upper = np.quantile(np.log(values), [0.25, 0.5, 0.75])
    deviation = (upper - lower) / 1.349
    points = np.exp(middle + 1.645 * deviation * np.array([-1, 0, 1]))
    return float(points[0]), float(points[1]), float(points[2])


def add_indicators(table: Table) -> None:
    for indicator in ("GCaMP6f", "GCaMP6s", "OGB-1"):
        here = table.where(
            types=["PY"], indicator=indicator, preparation="in vivo", well=True
        )
        name = f"INDICATORS.{indicator}"
        table.add(
            f"{name}.amplitude", "dF/F per spike", "", here, lambda m: m.fit.amplitude
        )
        table.add(f"{name}.rise", "rise time", "s", here, lambda m: m.fit.rise)
        table.add(f"{name}.decay", "decay time", "s", here, lambda m: m.fit.decay)
    pyramidal = table.where(types=["PY"], preparation="in vivo", well=True)
    table.add(
        "KINETICS.decay_factor",
        "a cell's decay time over its dataset's",
        "",
        pyramidal,
        lambda m: m.fit.decay,
        within=True,
    )
    table.add(
        "KINETICS.rise_factor",
        "a cell's rise time over its dataset's",
        "",
        pyramidal,
        lambda m: m.fit.rise,
        within=True,
    )
    table.add(
        "KINETICS.expression",
        "a cell's dF/F per spike over its dataset's",
        "",
        pyramidal,
        lambda m: m.fit.amplitude,
        within=True,
    )
    for indicator in ("OGB-1", "GCaMP6f"):
        reference = [
            m.fit.amplitude
            for m in table.where(
                types=["PY"], indicator=indicator, preparation="in vivo", well=True
            )
        ]
        for cell_type in ("PV", "SOM") if reference else ():
            name = f"CALCIUM.{cell_type}"
            table.add(
                name if indicator == "OGB-1" else f"-{name}.{indicator}",
                f"{cell_type}: dF/F per spike over PY's, in vivo, {indicator}",
                "",
                table.where(
                    types=[cell_type], indicator=indicator, preparation="in vivo"
                ),
                lambda m, middle=float(np.median(reference)): m.fit.amplitude / middle,
            )


def add_noise(table: Table) -> None:
    cells = table.measured
    table.add(
        "NUISANCES.noise", "shot noise nu", "% / sqrt(Hz)", cells, lambda m: m.noise
    )
    table.add(
        "NUISANCES.noise_spread",
        "a cell's shot noise over its dataset's",
        "",
        cells,
        lambda m: m.noise,
        within=True,
    )
    table.add(
        "NUISANCES.drift",
        "deviation of dF/F below 0.1 Hz that spikes do not explain",
        "dF/F",
        table.where(preparation="in vivo"),
        lambda m: m.fit.drift,
    )


def add_firing(table: Table) -> None:
    groups = [(t, p) for p in ("in vivo", "slice") for t in ("PY", "PV", "SOM", "VIP")]
    for cell_type, preparation in groups:
        here = table.where(types=[cell_type], preparation=preparation)
        v1 = preparation == "in vivo" and cell_type == "PY"
        name = f"{'' if v1 else '-'}SPIKING.{cell_type}"
        suffix = "" if v1 else f".{preparation}"
        words = f"{cell_type}, {preparation}"
        table.add(
            f"{name}.rest_rate{suffix}",
            f"{words}: mean rate",
            "Hz",
            here,
            lambda m: m.rate,
        )
        table.add(
            f"{name}.variation{suffix}",
            f"{words}: LV of intervals",
            "",
            here,
            lambda m: m.variation,
            log=False,
        )
        table.add(
            f"{name}.burst_share{suffix}",
            f"{words}: share of events that are bursts (< 15 ms)",
            "",
            here,
            lambda m: m.bursts,
            log=False,
        )
        table.add(
            f"{name}.burst_spikes{suffix}",
            f"{words}: further spikes in a burst",
            "",
            here,
            lambda m: m.burst_spikes,
            log=False,
        )


def as_table(estimates: dict[str, Estimate]) -> str:
    lines = [
        f"{'parameter':<42}{'5 %':>9}{'median':>9}{'95 %':>9}  {'unit':<14}{'cells':>5}"
        "  meaning; datasets"
    ]
    for e in estimates.values():
        lines.append(
            f"{e.parameter:<42}{e.low:>9.3g}{e.value:>9.3g}{e.high:>9.3g}  {e.unit:<14}"
            f"{e.n_cells:>5}  {e.meaning}; {', '.join(e.datasets)}"
        )
    return "\n".join(lines)


def default_folder() -> Path:
    given = os.environ.get("NAPARI_CELLTYPE_TEST_DATA")
    root = Path(__file__).resolve().parent.parent
    return Path(given) if given else root.parent / "shared" / "data"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real-cells", type=Path, default=default_folder())
    parser.add_argument("--leave-out", nargs="*", default=[], metavar="STRATUM")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    folder = arguments.real_cells
    if not (folder / "real_cells.csv").exists():
        print(f"Skipped: there is no real_cells.csv in {folder}.")
        return 0
    cells = read_cells(folder)
    kept = [cell for cell in cells if cell.stratum not in arguments.leave_out]
    estimates = estimate(kept)
    print(as_table(estimates))
    if arguments.json:
        content = {name: asdict(e) for name, e in estimates.items()}
        arguments.json.write_text(json.dumps(content, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
