"""Measure the bundled models on neurons whose cell type is known.

    python benchmarks/real_cells.py [FOLDER] [--models NAME...] [--refits FOLDER]

FOLDER holds `real_cells.csv` and the recordings that it names (see `load_cells`). Every
score stands inside one preparation and indicator, beside what single numbers reach on
the same cells, shuffled labels, traces without what is slow, and surrogate traces.
--refits names the folder with the same networks trained with other simulators, such as
cnn-10hz--without-slice.safetensors and cnn-10hz--without-in-vivo-OGB1.safetensors (its
parameters estimated without those cells). These cells measure; no network was trained
on them.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from cell_scores import (
    ABSENT,
    GROUP,
    GROUP_SHARES,
    REFIT,
    SHIPPED,
    Versions,
    measure_cells,
    score_cells,
    stratum_of,
)
from known_cells import RealCell, load_cells
from probes import probe_guesses, probe_values
from scoring import balanced_accuracy, groups

from napari_celltype.classifiers import (
    CellTypeModel,
    list_models,
    load_model,
    read_model,
)

__all__ = [
    "RealCell",
    "load_cells",
    "measure_cells",
    "score_cells",
    "table",
]


def load_refits(
    folder: Path, name: str, cells: Sequence[RealCell]
) -> dict[str, CellTypeModel]:
    """Read the variants of one model that lie in a folder, by what they go without."""
    wanted = ["without slice"]
    wanted += [f"without {stratum}" for stratum in {stratum_of(c) for c in cells}]
    files = {w: folder / f"{name}--{_file_word(w)}.safetensors" for w in wanted}
    return {w: read_model(file) for w, file in files.items() if file.exists()}


def _file_word(words: str) -> str:
    return words.replace(",", "").replace(" ", "-")


def pooling(cells: Sequence[RealCell]) -> str:
    """Say what the probes reach where preparations are pooled, and why that is void."""
    lines = [
        "Warning about pooling: over preparations single numbers tell PY from "
        "interneurons by how the cells were recorded (balanced accuracy, one threshold "
        "set on the other cells). No score below is pooled.",
    ]
    for indicator in ("GCaMP6f", "OGB1"):
        pool = [cell for cell in cells if cell.indicator == indicator]
        truth = groups(np.array([cell.cell_type for cell in pool]))
        if np.unique(truth).size < 2:
            continue
        batches = np.array([cell.batch for cell in pool])
        reached = {
            name: balanced_accuracy(truth, probe_guesses(values, truth, batches))
            for name, values in probe_values(pool, 10.0).items()
        }
        slices = sum(cell.preparation == "slice" for cell in pool)
        lines.append(
            f"  {indicator}, {(truth == 'PY').sum()} PY and {(truth == 'IN').sum()} "
            f"interneurons, {slices} of them in slices: "
            + ", ".join(f"{name} {value:.2f}" for name, value in reached.items())
        )
    return "\n".join(lines)


def aim(scores: Mapping[str, Any]) -> list[str]:
    """Say for each preparation whether the model tells groups better than a probe."""
    lines = []
    for stratum, values in scores.items():
        if not isinstance(values, Mapping) or "cells" not in values:
            continue
        counts = ", ".join(f"{n} {name}" for name, n in values["cells"].items())
        start = f"PY against interneuron, {stratum} ({counts}):"
        if GROUP not in values:
            if "in vivo" in stratum:
                shares = _reported(values[GROUP_SHARES])
                right = ", ".join(f"{n} {_interval(v)}" for n, v in shares.items())
                lines.append(
                    f"{start} too few of one group for a score, only shares put into "
                    f"the right group: {right}"
                )
            continue
        group = values[GROUP]
        refitted = group[REFIT] != ABSENT
        name, probe = next(iter(group["best probe"].items()))
        better = group["model minus best probe"]
        # The difference of a few cells that were all right varies too little when they
        # are resampled; the interval of the model's score is wide enough for that.
        if better["value"] <= 0:
            verdict = "does not beat the best probe"
        elif better["low"] <= 0 or _reported(group)["low"] <= probe["value"]:
            verdict = "above the best probe by less than so few cells can prove"
        else:
            verdict = "beats the best probe"
        whose = (
            f"(refit; the model that ships {_interval(group[SHIPPED])})"
            if refitted
            else "(no refit; its simulator saw these cells)"
        )
        lines.append(
            f"{start} model {_interval(_reported(group))} {whose}, best probe "
            f"({name}) {_interval(probe)}: {verdict}"
        )
    return lines


def _reported(scores: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the score of the refit, or of the model itself where there is none."""
    found: Mapping[str, Any] = scores[SHIPPED if scores[REFIT] == ABSENT else REFIT]
    return found


def _interval(score: Mapping[str, Any]) -> str:
    return f"{score['value']:.2f} [{score['low']:.2f}, {score['high']:.2f}]"


def table(name: str, scores: Mapping[str, Any]) -> str:
    """Render scores as indented text."""
    lines = [name, "=" * len(name)]

    def add(values: Mapping[str, Any], depth: int) -> None:
        for key, value in values.items():
            start = f"{'  ' * depth}{key}"
            if isinstance(value, Mapping) and "value" in value:
                lines.append(f"{start:<60} {_interval(value)}  n = {value['n']}")
            elif isinstance(value, Mapping) and all(
                isinstance(item, int) for item in value.values()
            ):
                counts = ", ".join(f"{word} {n}" for word, n in value.items())
                lines.append(f"{start}: {counts}")
            elif isinstance(value, Mapping):
                lines.append(start)
                add(value, depth + 1)
            elif isinstance(value, float):
                lines.append(f"{start:<60} {value:.3g}")
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
    options = _options()
    if not (options.folder / "real_cells.csv").exists():
        print(f"Skipped: there is no real_cells.csv in {options.folder}.")
        return 0
    cells = load_cells(options.folder)
    print(pooling(cells), "\n", flush=True)
    versions = Versions.of(cells)
    everything, aims = {}, []
    for name in options.models or [
        card.name for card in list_models() if card.origin == "simulation"
    ]:
        refits = load_refits(options.refits, name, cells) if options.refits else {}
        scores = measure_cells(load_model(name), versions, refits=refits)
        print(table(name, scores), "\n", flush=True)
        everything[name] = scores
        aims += [f"{name}: {line}" for line in aim(scores)]
    print("The aim that counts", *aims, sep="\n")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(everything, indent=1) + "\n")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("folder", type=Path, nargs="?", default=default_folder())
    add("--models", nargs="+", metavar="NAME", help="default: every bundled one")
    add("--refits", type=Path, metavar="FOLDER", help="with the variants' weights")
    add("--json", type=Path, metavar="FILE", help="write the scores here, too")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
