"""Write docs/validation.md from what the validation benchmarks have measured.

    python benchmarks/report.py

Reads what `two_sample.py`, `difficulty.py`, `street.py` and `real_cells.py`
wrote into the work folder. What is not there is said not to have been
measured.
"""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from cell_scores import LOWEST
from difficulty import FIGURE, MODELS
from provenance import ROOT, WORK
from real_cells import aims

from napari_celltype.models import Score, network_title
from napari_celltype.simulation import SIMULATOR_VERSION

PAGE = ROOT / "docs" / "validation.md"
NAMES = ("two_sample", "street", "difficulty", "real_cells")
TYPES = ("PY", "PV", "SOM", "VIP", "all")
CLEAREST = 3  # numbers that tell two sets of traces apart, at most
CLEAR = 0.65  # AUROC, or its mirror image, from which a number is worth naming

COMMANDS = """\
python scripts/train_bundled.py --real-cells FOLDER  # hours; models and cards
make validate                                      # the numbers, and this page"""

INTRODUCTION = """\
The models are trained on the simulator alone. **Agreement with the simulator is not
evidence about real cells**: it shows that the software works and where it begins to
fail. Intervals are 95 %; `n` counts cells. Scores on unseen simulated sessions:
[cards of the models](models/README.md).
"""


def page(found: Mapping[str, Any]) -> str:
    """Return the whole page."""
    sections = {
        "Real cells of known type": ("real_cells", real_cells),
        "Simulated against real traces": ("two_sample", two_sample),
        "From movie to cell types": ("street", street),
        "What makes it difficult": ("difficulty", difficulty),
    }
    parts = ["# Validation", INTRODUCTION.rstrip(), *stale(found)]
    for title, (name, section) in sections.items():
        parts.append(f"## {title}")
        parts += section(found[name]) if name in found else [not_measured(name)]
    parts += ["## What could not be measured", *unmeasured(found)]
    parts += ["## To measure it again", "```sh\n" + COMMANDS + "\n```"]
    parts.append(
        "`NAPARI_CELLTYPE_TEST_DATA` names the folder of the real cells, which are not "
        "part of this\nproject."
    )
    return "\n\n".join(parts) + "\n"


def not_measured(name: str) -> str:
    """Say that a benchmark has not run."""
    return f"Not measured (`benchmarks/{name}.py` has not been run)."


def stale(found: Mapping[str, Any]) -> Iterator[str]:
    """Name what was measured with another version of the simulator."""
    old = sorted(
        name
        for name, results in found.items()
        if results.get("made by", {}).get("simulator") != SIMULATOR_VERSION
    )
    yield f"Version of the simulator: {SIMULATOR_VERSION}."
    if old:
        yield paragraph(f"Measured with another version: {', '.join(old)}.")


def two_sample(results: Mapping[str, Any]) -> Iterator[str]:
    """Render the two-sample tests."""
    against = results["real against simulated"]
    within = results["real against real"]
    yield paragraph(
        """For each real neuron, two of its type were simulated with its indicator,
        preparation (in vivo: awake), frame rate, length and noise. Randomised trees
        were trained to tell real from simulated by features of pieces of 60 s at 10 Hz,
        and tested on cells or batches that they had not seen, nor their simulated
        twins. AUROC by cell: 0.5, simulated traces pass for real; 1, every cell is
        told. "Shape" sees the z-scored trace, as the models do; "size" also the size of
        dF/F. V1 is raw fluorescence of unknown offset: shape only, noise drawn as for
        training. The simulator was measured on, or widened after, some of these cells
        (see simulation.md), which are therefore not unseen."""
    )
    if against:
        told = [r["z-scored"] for r in against.values()]
        n_told = sum(score["low"] > 0.5 for score in told)
        values = [score["value"] for score in told]
        text = (
            f"Told apart better than by chance: {n_told} of {len(told)} kinds of cells "
            f"(shape: {min(values):.2f} to {max(values):.2f})."
        )
        if within:
            values = [r["z-scored"]["value"] for r in within.values()]
            text += (
                f" Two real data sets of one type, indicator and preparation: "
                f"{min(values):.2f} to {max(values):.2f}."
            )
        yield paragraph(text)
    titles = {
        "real against simulated": "By type, indicator and preparation",
        "one data set against simulated": "Each real data set by itself",
        "real against simulated, noise as in training": (
            "Noise drawn as for training instead of matched"
        ),
        "real against real": "Between two real data sets",
    }
    for key, title in titles.items():
        if not results[key]:
            continue
        yield f"### {title}"
        yield table(
            ["", "cells", "AUROC, shape", "AUROC, with size", "what tells them apart"],
            [
                [
                    name,
                    " and ".join(str(n) for n in r["cells"]),
                    interval(r["z-scored"]),
                    interval(r["with size of dF/F"]),
                    _clearest(r["features"]),
                ]
                for name, r in results[key].items()
            ],
        )
    yield paragraph(
        f"""Last column: up to {CLEAREST} features with an AUROC of {CLEAR} or more by
        themselves, higher or lower in the real cells (or the first data set)."""
    )


def _clearest(features: Mapping[str, float]) -> str:
    named = [
        f"{'higher' if value > 0.5 else 'lower'} {name} ({max(value, 1 - value):.2f})"
        for name, value in features.items()
        if max(value, 1 - value) >= CLEAR
    ]
    return "; ".join(named[:CLEAREST]) or "no single number"


def street(results: Mapping[str, Any]) -> Iterator[str]:
    """Render what happens from movie to label."""
    movies, cells = results["movies"], results["found"]["all"]
    seconds = sorted({movie["frames"] / 10 for movie in movies})
    yield paragraph(
        f"""{len(movies)} simulated movies of
        {" or ".join(f"{s:g}" for s in seconds)} s at 10 Hz with {cells["n"]} cells,
        given to suite2p with its default settings. A ROI matches a cell if the masks
        overlap by half (intersection over union). Simulated cells are rounder and
        lonelier than real ones: the share found is a best case."""
    )
    yield table(
        ["movie", "indicator", "noise, % / sqrt(Hz)", "ROIs", "cells found"],
        [
            [
                movie["regime"],
                movie["indicator"],
                f"{movie['noise']:g}",
                str(movie["ROIs"]),
                f"{movie['found']} of {movie['cells']}",
            ]
            for movie in movies
        ],
    )
    yield table(
        ["type", "found by suite2p", "found and kept by its `iscell`"],
        [
            [name, share_of(results["found"][name]), share_of(results["iscell"][name])]
            for name in TYPES
        ],
    )
    strays = results["of these, iscell"]
    yield paragraph(
        f"""{results["ROIs that match no cell"]} ROIs matched no cell; `iscell` kept
        {strays["count"]} of them."""
    )
    yield paragraph(
        """Right among the found cells, from suite2p's traces and from the simulator's
        traces of the same cells: PY or interneuron (chance 0.5) and type (chance 0.25).
        Wilson's interval takes cells of a movie as independent, which makes it too
        narrow."""
    )
    yield table(
        ["model", "traces", "group right", "type right"],
        [
            [
                name,
                source,
                interval(said["all"]["group"]),
                interval(said["all"]["type"]),
            ]
            for name, answers in results["models"].items()
            for source, said in answers.items()
        ],
    )


def difficulty(results: Mapping[str, Any]) -> Iterator[str]:
    """Render the curves as figure and tables."""
    yield paragraph(
        f"""{results["sessions"]} simulated sessions of {results["cells per session"]}
        cells at each point, unseen in training, types equally common, the same traces
        for all models. One thing changes at a time; else four windows (240 s) at 10 Hz,
        drawn as for training. Intervals resample sessions. Nothing was tuned towards
        published percentages."""
    )
    relative = FIGURE.relative_to(PAGE.parent).as_posix()
    yield f"![Accuracy over noise, length, frame rate and more]({relative})"
    yield paragraph(
        """Group: balanced accuracy of PY against interneuron (chance 0.5); type:
        accuracy among four types (chance 0.25). First and last value of each:"""
    )
    head = [
        "",
        *(f"{network_title(m)}, {q}" for m in MODELS for q in ("group", "type")),
    ]
    questions = ("PY against interneuron", "four types")
    yield table(
        head,
        [
            [
                f"{curve['title']} {curve['values'][end]:g}",
                *(
                    interval(curve[m][question][end])
                    for m in MODELS
                    for question in questions
                ),
            ]
            for curve in results["curves"].values()
            for end in dict.fromkeys((0, len(curve["values"]) - 1))
        ],
    )
    rates = results["curves"].get("frame rate")
    if rates:
        yield "Models taken by the program:"
        yield table(
            ["Hz", *map(network_title, MODELS)],
            [
                [f"{value:g}", *(rates[m]["used"][i] for m in MODELS)]
                for i, value in enumerate(rates["values"])
            ],
        )


def real_cells(results: Mapping[str, Any]) -> Iterator[str]:
    """Render the scores on real cells, one table for the models of each rate."""
    models = {
        name: [Score(**row) for row in rows] for name, rows in results["models"].items()
    }
    yield paragraph(results["caution"])
    by_rate: dict[str, list[str]] = {}
    for name in models:
        by_rate.setdefault(name.rpartition("-")[2], []).append(name)
    for names in by_rate.values():
        found: dict[tuple[str, str], dict[str, Score]] = {}
        for name in names:
            for row in models[name]:
                # The lowest mouse is another one for another model.
                data = (
                    row.data.rpartition(", ")[0] if row.measure == LOWEST else row.data
                )
                found.setdefault((data, row.measure), {})[name] = row
        rows = [
            [
                *key,
                *(_with_n(scores.get(name)) for name in names),
                # Models that take other cells may have another best number.
                "; ".join(
                    dict.fromkeys(row.cells[-1] for row in scores.values() if row.probe)
                ),
            ]
            for key, scores in found.items()
        ]
        yield table(["cells", "measure", *names, "best number"], rows)
    yield "The number of cells stands after each score. Aims, by model:"
    verdicts: dict[str, dict[str, list[str]]] = {}
    for name, rows_of in models.items():
        for line in aims(rows_of):
            score, _, verdict = line.partition(": ")
            aim, _, value = score.rpartition(" ")
            seen = verdicts.setdefault(aim, {}).setdefault(verdict, [])
            seen.append(f"{name} {value}")
    yield table(
        ["cells, measure", "verdict", "models"],
        [
            [aim, verdict, ", ".join(names)]
            for aim, by_verdict in verdicts.items()
            for verdict, names in by_verdict.items()
        ],
    )


def _with_n(score: Score | None) -> str:
    if score is None:
        return "-"
    mouse = f" ({score.data.rpartition(', ')[2]})" if score.measure == LOWEST else ""
    return f"{score.cells[2]}, {score.n}{mouse}"


def unmeasured(found: Mapping[str, Any]) -> Iterator[str]:
    """List what no number here can tell."""
    points = [
        "Cells of the hippocampus: no real cell is from CA1, and the recordings of the "
        "paper are not public.",
        "PV and SOM cells in vivo: too few to judge a type; most are from slices, "
        "driven by a puff of potassium. VIP cells in vivo come from another laboratory "
        "than any PY.",
        "From movie to label on real cells of known type: only simulated movies.",
        "Other indicators, one-photon recordings, denoised or deconvolved traces, "
        "other brain regions.",
    ]
    few = found.get("two_sample", {}).get("too few cells", {})
    if few:
        kinds = "; ".join(f"{kind} (n = {n})" for kind, n in few.items())
        points.append(f"Simulated against real, too few real cells: {kinds}.")
    yield "\n".join(
        textwrap.fill(point, 88, initial_indent="- ", subsequent_indent="  ")
        for point in points
    )


def paragraph(text: str) -> str:
    """Wrap prose as the other pages are wrapped."""
    return textwrap.fill(" ".join(text.split()), 88, break_on_hyphens=False)


def interval(score: Mapping[str, Any] | None) -> str:
    """Return a score with its interval, such as 0.81 [0.75, 0.86]."""
    if score is None or score.get("value") is None:
        return "-"
    return f"{score['value']:.2f} [{score['low']:.2f}, {score['high']:.2f}]"


def share_of(score: Mapping[str, Any]) -> str:
    """Return a share with counts and interval, such as 39/40, 0.98 [0.87, 1.00]."""
    if not score["n"]:
        return "none"
    return f"{score['count']}/{score['n']}, {interval(score)}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=WORK, help="where the numbers are")
    parser.add_argument("--page", type=Path, default=PAGE)
    options = parser.parse_args()
    files = {name: options.work / f"{name}.json" for name in NAMES}
    found = {
        name: json.loads(file.read_text(encoding="utf-8"))
        for name, file in files.items()
        if file.exists()
    }
    options.page.write_text(page(found), encoding="utf-8")
    absent = sorted(set(NAMES) - set(found))
    print(options.page, f"(not measured: {', '.join(absent) or 'nothing'})")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
