"""Estimate the simulator's parameters on neurons recorded with their spikes.

    python scripts/estimate_parameters.py [--real-cells FOLDER] [--check]

FOLDER holds `real_cells.csv` and the recordings that it names. `--check` compares the
numbers that the simulator's tables call "measured on ..." with the estimates, to two
digits, and fails where they differ.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from estimation import Estimate, estimate
from paired_cells import read_cells
from provenance import DATA

from napari_celltype.simulation.parameters import PARAMETERS, Quantity

# Estimates whose names in the simulator's tables differ.
OTHER_NAMES = {
    "SLICE.rest_rate": "-RATE.slice.resting",
    "SLICE.response": "-MODULATION.puff.peak_rate",
    "SPIKING.PV basket.regularity": "SPIKING.PV.regularity",
    "SPIKING.PV axo-axonic.regularity": "SPIKING.PV.regularity",
}


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


def differences(estimates: Mapping[str, Estimate]) -> list[str]:
    """Name the measured numbers of the simulator's tables that differ from these."""
    found = []
    for path, number in measured_numbers():
        measured = estimates.get(OTHER_NAMES.get(path, path))
        if measured is None:
            found.append(f"{path} is called measured, but these cells do not tell it.")
            continue
        fixed = number.low == number.high
        low = rounded(measured.value if fixed else measured.low)
        high = rounded(measured.value if fixed else measured.high)
        if (rounded(number.low), rounded(number.high)) != (low, high):
            found.append(
                f"{path} is {number.range_text()}; measured: {low:g} to {high:g}."
            )
        named = f"{', '.join(measured.datasets)} ({measured.n_cells} cells)"
        if number.source != f"measured on {named}":
            found.append(f"{path} is {number.source}; measured on {named}.")
    return found


def measured_numbers() -> Iterator[tuple[str, Quantity]]:
    """Yield the numbers that are measured, such as INDICATORS.GCaMP6f.rise."""
    for group, members in PARAMETERS.items():
        for member, parameters in members.items():
            for name, parameter in parameters.items():
                if parameter.source.startswith("measured on"):
                    yield (
                        ".".join(filter(None, (group.upper(), member, name))),
                        parameter,
                    )


def rounded(value: float) -> float:
    """Round to two digits, as the tables are written."""
    return float(f"{value:.2g}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real-cells", type=Path, default=DATA)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    folder = arguments.real_cells
    if not (folder / "real_cells.csv").exists():
        print(f"Skipped: there is no real_cells.csv in {folder}.")
        return 0
    estimates = estimate(read_cells(folder))
    print(as_table(estimates))
    if arguments.check:
        wrong = differences(estimates)
        print("\n".join(wrong) or "The simulator's measured numbers are these.")
        return int(bool(wrong))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
