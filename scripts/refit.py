"""The simulator as if some of the real cells had never been seen.

    from refit import use_without
    use_without(["in vivo, OGB-1"])

changes the tables of `napari_celltype.simulation.parameters` in this process: a number
that was measured is measured again on the other cells, and where they tell nothing
falls back to the literature.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from estimate_parameters import default_folder
from estimation import estimate
from paired_cells import read_cells

from napari_celltype.simulation import parameters
from napari_celltype.simulation.parameters import Parameter

FEWEST = 5  # cells; the spread of fewer says too little to replace the literature

# Estimates whose names in the simulator's tables differ.
OTHER_NAMES = {
    "SLICE.rest_rate": "-RATE.slice.resting",
    "SLICE.response": "-MODULATION.puff.peak_rate",
    "SPIKING.PV basket.regularity": "SPIKING.PV.regularity",
    "SPIKING.PV axo-axonic.regularity": "SPIKING.PV.regularity",
}


def use_without(strata: Collection[str]) -> None:
    """Put the simulator into the state it has without the cells of these strata.

    Parameters
    ----------
    strata : collection of str
        Preparation and indicator, such as "in vivo, OGB-1".

    Raises
    ------
    ValueError
        If no cell belongs to one of them.
    """
    cells = read_cells(default_folder())
    denied = {stratum.replace("OGB1", "OGB-1") for stratum in strata}
    unknown = denied - {cell.stratum for cell in cells}
    if unknown:
        raise ValueError(f"No real cell belongs to {sorted(unknown)}.")
    found = estimate([cell for cell in cells if cell.stratum not in denied])
    for path, table, key in measured_numbers():
        number, new = table[key], found.get(OTHER_NAMES.get(path, path))
        if new is None or new.n_cells < FEWEST:
            assert number.literature is not None
            table[key] = replace(number.literature, literature=number.literature)
            continue
        single = number.low == number.high
        low, high = (new.value, new.value) if single else (new.low, new.high)
        words = f"{', '.join(new.datasets)} ({new.n_cells} cells)"
        table[key] = number.measured(rounded(low), rounded(high), words)


def measured_numbers() -> Iterator[tuple[str, dict[str, Parameter], str]]:
    """Yield name, table and key of each number that stands in place of literature."""
    tables = {
        name: getattr(parameters, name)
        for name in ("BEHAVIOUR", "SLICE", "CALCIUM", "KINETICS", "NUISANCES")
    }
    for kind, table in parameters.SPIKING.items():
        tables[f"SPIKING.{kind}"] = table
    for indicator, table in parameters.INDICATORS.items():
        tables[f"INDICATORS.{indicator}"] = table
    for name, table in tables.items():
        for key, number in table.items():
            if number.literature is not None:
                yield f"{name}.{key}", table, key


def rounded(value: float) -> float:
    """Round to two digits, as the tables are written."""
    return float(f"{value:.2g}")
