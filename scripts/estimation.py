"""Estimates of the simulator's parameters from neurons recorded with their spikes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from measured_cells import Estimate, Measured, Table, Value, measure
from paired_cells import Array, PairedCell

FITS_WELL = 0.2  # share of variance that spikes must explain before a fit is used
FAST = 30  # Hz; slower recordings do not show the rise


def estimate(cells: Sequence[PairedCell]) -> dict[str, Estimate]:
    """Estimate all parameters that these cells tell something about."""
    table = Table(measure(cells))
    add_indicators(table)
    add_spread_of_response(table)
    add_nuisances(table)
    add_firing(table)
    return table.estimates


def add_indicators(table: Table) -> None:
    for indicator in ("GCaMP6f", "GCaMP6s", "OGB-1"):
        cells = table.where(types=["PY"], indicator=indicator, preparation="in vivo")
        well = [m for m in cells if m.response.explained >= FITS_WELL]
        fast = [m for m in well if m.cell.sampling_frequency > FAST]
        tailed = [m for m in well if m.response.tail > 0]
        name = f"INDICATORS.{indicator}"
        rows: list[tuple[str, str, str, list[Measured], Value]] = [
            ("amplitude", "dF/F of one spike", "", cells, amplitude),
            ("rise", "rise time", "s", fast, lambda m: m.response.rise),
            ("decay", "decay time", "s", well, lambda m: m.response.decay),
            ("exponent", "exponent for all PY", "", well, lambda m: m.exponent),
            ("saturation", "saturation for all PY", "", well, lambda m: m.saturation),
            ("tail", "share of the slow tail", "", well, lambda m: m.response.tail),
            ("slow", "decay of the tail", "s", tailed, lambda m: m.response.slow),
        ]
        for field, meaning, unit, rows_of, value in rows:
            table.add(f"{name}.{field}", meaning, unit, rows_of, value)
        table.add(
            f"-{name}.exponent of single cells",
            "exponent that suits the cell best",
            "",
            well,
            lambda m: m.own_exponent,
        )
        for n, words in ((1, "one spike"), (2, "two spikes"), (3, "three spikes")):
            table.add(
                f"-{name}.isolated {words}",
                f"mean dF/F after {words} in 50 ms among silence, no fit",
                "",
                cells,
                isolated(n),
            )
        table.add(
            f"-{name}.explained",
            "share of variance that spikes explain",
            "",
            cells,
            lambda m: m.response.explained,
        )


def add_spread_of_response(table: Table) -> None:
    cells = table.where(types=["PY"], preparation="in vivo")
    well = [m for m in cells if m.response.explained >= FITS_WELL]
    fast = [m for m in well if m.cell.sampling_frequency > FAST]
    table.add(
        "KINETICS.decay_factor",
        "a cell's decay time over its dataset's",
        "",
        well,
        lambda m: m.response.decay,
        within=True,
    )
    table.add(
        "KINETICS.rise_factor",
        "a cell's rise time over its dataset's",
        "",
        fast,
        lambda m: m.response.rise,
        within=True,
    )
    table.add(
        "KINETICS.tail_factor",
        "a cell's slow tail over its dataset's, where it has one",
        "",
        [m for m in well if m.response.tail > 0],
        lambda m: m.response.tail,
        within=True,
    )
    table.add(
        "-KINETICS.cell_expression",
        "a cell's dF/F of one spike over its dataset's",
        "",
        cells,
        amplitude,
        within=True,
    )
    middle = {i: median_amplitude(table, i) for i in {m.cell.indicator for m in cells}}
    by_dataset: dict[str, list[Measured]] = {}
    for m in cells:
        by_dataset.setdefault(m.cell.dataset, []).append(m)
    session = {
        dataset: float(np.median([amplitude(m) for m in members]))
        for dataset, members in by_dataset.items()
    }
    # one value for each dataset, so that the largest of them does not decide
    first = [members[0] for members in by_dataset.values()]
    several = [
        m for m in first if sum(n.cell.indicator == m.cell.indicator for n in first) > 1
    ]
    table.add(
        "KINETICS.expression",
        "a dataset's dF/F of one spike over its indicator's (counts datasets)",
        "",
        several,
        lambda m: session[m.cell.dataset] / middle[m.cell.indicator],
    )
    table.add(
        "CALCIUM.PY",
        "a cell's calcium per spike over its dataset's",
        "",
        cells,
        lambda m: m.calcium(session[m.cell.dataset]),
    )
    for cell_type in ("PV", "SOM", "VIP"):
        for indicator, preparation in (
            ("OGB-1", "in vivo"),
            ("GCaMP6f", "in vivo"),
            ("GCaMP6f", "slice"),
        ):
            if indicator not in middle:
                continue
            same = indicator == "OGB-1"
            name = f"CALCIUM.{cell_type}"
            table.add(
                name if same else f"-{name}.{indicator}.{preparation}",
                f"calcium per spike over PY's in vivo, {preparation}, {indicator}",
                "",
                table.where(
                    types=[cell_type], indicator=indicator, preparation=preparation
                ),
                lambda m: m.calcium(middle[m.cell.indicator]),
            )
    slice_cells = [
        m for m in table.where(preparation="slice") if m.response.explained >= FITS_WELL
    ]
    table.add(
        "-INDICATORS.GCaMP6f.decay.slice",
        "decay time in slices, all types",
        "s",
        slice_cells,
        lambda m: m.response.decay,
    )


def isolated(n_spikes: int) -> Value:
    """Return what reads the mean dF/F after so many spikes that stand alone."""
    return lambda m: float(m.isolated[n_spikes - 1])


def amplitude(m: Measured) -> float:
    return m.response.amplitude


def median_amplitude(table: Table, indicator: str) -> float:
    cells = table.where(types=["PY"], indicator=indicator, preparation="in vivo")
    return float(np.median([amplitude(m) for m in cells]))


def add_nuisances(table: Table) -> None:
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
        "deviation of the silent cell's dF/F, in bins of 5 s",
        "dF/F",
        table.where(preparation="in vivo"),
        lambda m: m.drift,
    )


def add_firing(table: Table) -> None:
    for preparation in ("in vivo", "slice"):
        for cell_type in ("PY", "PV", "SOM", "VIP"):
            here = table.where(types=[cell_type], preparation=preparation)
            name, where = f"SPIKING.{cell_type}", ""
            if preparation == "slice":
                name, where = f"-{name}", ".slice"
            words = f"{cell_type}, {preparation}"
            rows: list[tuple[str, str, str, Value]] = [
                ("rest_rate", "mean rate", "Hz", lambda m: m.rate),
                ("regularity", "gamma order from LV", "", lambda m: m.order),
                ("burst_share", "events that are bursts", "", lambda m: m.bursts),
                ("burst_spikes", "further spikes", "", lambda m: m.burst_spikes),
            ]
            for field, meaning, unit, value in rows:
                table.add(
                    f"{name}.{field}{where}", f"{words}: {meaning}", unit, here, value
                )
    slice_cells = table.where(preparation="slice")
    table.add(
        "-RATE.slice.resting",
        "rate outside responses, all types",
        "Hz",
        slice_cells,
        lambda m: m.episodes.resting,
    )
    table.add(
        "BEHAVIOUR.puff_interval",
        "median time between responses, all types",
        "s",
        slice_cells,
        lambda m: median(m.episodes.intervals),
    )
    table.add(
        "BEHAVIOUR.puff_decay",
        "median time to 1/e of a response, all types",
        "s",
        slice_cells,
        lambda m: median(m.episodes.decays),
    )
    table.add(
        "-MODULATION.puff.peak_rate",
        "median peak rate of a response, all types",
        "Hz",
        slice_cells,
        lambda m: median(m.episodes.peaks),
    )
    table.add(
        "MODULATION.puff",
        "peak over resting rate of a response, all types",
        "",
        slice_cells,
        lambda m: median(m.episodes.peaks) / max(m.episodes.resting, 0.01),
    )


def median(values: Array) -> float:
    return float(np.median(values)) if values.size else float("nan")
