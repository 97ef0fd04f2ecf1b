"""Measure the bundled models on neurons whose cell type is known.

    python benchmarks/real_cells.py [FOLDER] [--models NAME...] [--json FILE]

FOLDER holds `real_cells.csv`, the recordings that it names, and `real_invivo` (see
`known_cells.py`). These cells measure; no network was trained on them.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from cell_scores import AREA, CAUTION, LOWEST, invivo_rows, lowest, stratum_rows
from known_cells import load_cells, load_invivo
from provenance import DATA, write_results

from napari_celltype.models import Score, list_models, load_model
from napari_celltype.models.card import score_table

AIMS = (
    ("V1 PY", "called PY", 0.9),
    ("V1 PY", LOWEST, 0.75),
    ("S1 VIP", "called IN", 0.7),
)


def aims(rows: Sequence[Score]) -> list[str]:
    """Say of each aim whether a model reaches it."""
    said = []
    for row in rows:
        title = f"{row.data}, {row.measure} {row.value:.2f}:"
        if row.data.startswith("in vivo") and row.measure == AREA:
            said.append(f"{title} {_verdict(row)}")
        for data, measure, aim in AIMS:
            if row.data.startswith(data) and row.measure == measure:
                reached = "reached" if row.value >= aim else "missed"
                said.append(f"{title} aim of {aim:g} {reached}")
    return said


def _verdict(row: Score) -> str:
    assert row.low is not None
    assert row.probe_value is not None
    if row.value <= row.probe_value:
        return f"not above {row.probe} ({row.probe_value:.2f})"
    # The interval of the model's score is wide enough for so few cells.
    if row.low <= row.probe_value:
        return f"above {row.probe} by less than so few cells can prove"
    return f"above {row.probe}"


def main() -> int:
    options = _options()
    if not (options.folder / "real_cells.csv").exists():
        print(f"Skipped: there is no real_cells.csv in {options.folder}.")
        return 0
    cells, invivo = load_cells(options.folder), load_invivo(options.folder)
    print(textwrap.fill(CAUTION, 88))
    models = {}
    for name in options.models or [
        card.name for card in list_models() if card.origin == "simulation"
    ]:
        model = load_model(name)
        rows = stratum_rows(model, cells)
        by_mouse = []
        for overall, *mice in invivo_rows(model, invivo):
            rows += [overall, *lowest(mice)]
            by_mouse += mice
        print(f"\n{name}", *score_table(rows), "", sep="\n")
        print(*score_table(by_mouse), "", *aims(rows), sep="\n", flush=True)
        models[name] = [asdict(row) for row in rows]
    if options.json:
        results = {"caution": CAUTION, "models": models}
        write_results(options.json.stem, results, options.json.parent)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("folder", type=Path, nargs="?", default=DATA)
    add("--models", nargs="+", metavar="NAME", help="default: every bundled one")
    add("--json", type=Path, metavar="FILE", help="write the rows here, too")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
