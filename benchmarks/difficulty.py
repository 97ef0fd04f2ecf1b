"""How well the bundled models do on simulated sessions that get harder.

    python benchmarks/difficulty.py                # a few minutes

Noise, length, frame rate, expression and neuropil subtraction change one at a time; all
else is drawn as for training, from seeds that no training has seen. Along noise and
expression the same cells fire the same spikes, and every model sees the same traces.
Writes `difficulty.json` for `report.py`, and the figure of the documentation.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.answers.shares import training_shares
from napari_celltype.models import (
    CellTypeModel,
    list_models,
    load_model,
    network_title,
    predict_recording_traces,
)
from napari_celltype.simulation import Session, simulate_session
from napari_celltype.simulation.behaviour import draw_regime

sys.path.insert(0, str(Path(__file__).parent))
from provenance import ROOT, WORK, write_results
from scoring import accuracy, balanced_accuracy, by_session

FIGURE = ROOT / "docs" / "images" / "validation-difficulty.png"

MODELS = tuple(
    dict.fromkeys(card.family for card in list_models() if card.origin == "simulation")
)
TYPES = ("PY", "PV", "SOM", "VIP")
SEED = 7002  # of no other script
WINDOW = 60.0  # s
RATE = 10.0  # Hz, and the other things that stay while one changes
WINDOWS = 4
AWAKE = ("running", "quiet")
COEFFICIENTS = (0.0, 0.7)  # raw traces, or with suite2p's subtraction, at random

VALUES: dict[str, tuple[float, ...]] = {
    "noise": (0.5, 1.0, 2.0, 4.0, 8.0, 16.0),
    "length": (1, 2, 4, 8, 16),
    "frame rate": (5.0, 7.5, 10.0, 15.0, 30.0, 60.0),
    "expression": (0.25, 0.5, 1.0, 2.0),
    "neuropil": (0.0, 0.35, 0.7, 1.0),
}
TITLES = {
    "noise": "shot noise nu, % / sqrt(Hz)",
    "length": "length, windows of 60 s",
    "frame rate": "frame rate, Hz",
    "expression": "response over the indicator's",
    "neuropil": "share of neuropil subtracted",
}


@dataclass(frozen=True, eq=False)
class Seen:
    """Cells of one session as a user would give them to a model."""

    truth: NDArray[np.int64]
    traces: NDArray[np.float32]
    sampling_frequency: float


def _simulate(
    number: int, cells: int, rate: float, windows: float, **fixed: Any
) -> Any:
    stream = np.random.default_rng([SEED, number])
    truth = stream.integers(0, len(TYPES), cells)
    coefficient = float(stream.choice(COEFFICIENTS))
    # One second more, so that no window is lost where rates do not divide.
    n_frames = int(np.ceil((windows * WINDOW + 1) * rate))
    session: Session = simulate_session(
        np.array(TYPES)[truth],
        n_frames,
        rate,
        stream,
        regime=draw_regime(stream, AWAKE),
        **fixed,
    )
    return truth, session, coefficient


def points(
    axis: str, n_sessions: int, cells: int, *, most: int
) -> Iterator[tuple[float, list[Seen]]]:
    """Yield the values along one axis, each with the sessions seen there."""
    values = VALUES[axis][:most]

    def made(rate: float = RATE, windows: float = WINDOWS, **fixed: Any) -> list[Any]:
        return [_simulate(n, cells, rate, windows, **fixed) for n in range(n_sessions)]

    if axis == "length":
        long = made(windows=max(values))
        for windows in values:
            stop = int(windows * WINDOW * RATE)
            yield windows, [Seen(t, s.traces(c)[:, :stop], RATE) for t, s, c in long]
    elif axis == "neuropil":
        drawn = made()
        for value in values:
            yield value, [Seen(t, s.traces(value), RATE) for t, s, _ in drawn]
    else:
        for value in values:
            rate = value if axis == "frame rate" else RATE
            fixed = {} if axis == "frame rate" else {axis: value}
            yield (
                value,
                [Seen(t, s.traces(c), rate) for t, s, c in made(rate, **fixed)],
            )


def guesses(
    model: CellTypeModel, traces: NDArray[np.float32], sampling_frequency: float
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return whether each cell is called PY, and which of `TYPES` it is called."""
    order = [model.card.classes.index(name) for name in TYPES]
    shares = predict_recording_traces(
        model, traces, sampling_frequency, (), device="cpu"
    ).probabilities[:, order]
    trained = np.array([training_shares(model.card)[name] for name in TYPES])
    is_py = shares[:, 0] / trained[0] > shares[:, 1:].sum(axis=1) / trained[1:].sum()
    return is_py, (shares / trained).argmax(axis=1)


def score(model: CellTypeModel, sessions: Sequence[Seen]) -> dict[str, Any]:
    """Score a model on sessions; intervals resample sessions."""
    answers = [guesses(model, s.traces, s.sampling_frequency) for s in sessions]
    is_py, kind = (np.concatenate(parts) for parts in zip(*answers, strict=True))
    truth = np.concatenate([seen.truth for seen in sessions])
    borders = np.cumsum([seen.truth.size for seen in sessions])[:-1]
    rows = np.split(np.arange(truth.size), borders)
    return {
        "PY against interneuron": by_session(
            balanced_accuracy, rows, truth == 0, is_py
        ),
        "four types": by_session(accuracy, rows, truth, kind),
    }


def curves(
    axes: Sequence[str],
    n_sessions: int,
    cells: int,
    *,
    most: int = 99,
    say: Callable[[str], object] = print,
) -> dict[str, Any]:
    """Score every model along every axis."""
    results: dict[str, Any] = {"sessions": n_sessions, "cells per session": cells}
    results["curves"] = {}
    for axis in axes:
        curve: dict[str, Any] = {"title": TITLES[axis], "values": []}
        for family in MODELS:
            curve[family] = {"used": [], "PY against interneuron": [], "four types": []}
        for value, sessions in points(axis, n_sessions, cells, most=most):
            curve["values"].append(value)
            for family in MODELS:
                model = load_model(family, sessions[0].sampling_frequency)
                curve[family]["used"].append(model.card.name)
                for question, answer in score(model, sessions).items():
                    curve[family][question].append(answer)
            groups = "  ".join(
                f"{family} {curve[family]['PY against interneuron'][-1]['value']:.2f} "
                f"{curve[family]['four types'][-1]['value']:.2f}"
                for family in MODELS
            )
            say(f"{TITLES[axis]} {value:g}: {groups}")
        results["curves"][axis] = curve
    return results


def draw(results: Mapping[str, Any], path: Path) -> None:
    """Draw the curves with their 95 % intervals."""
    from matplotlib.figure import Figure

    # Colours that colour-blind readers tell apart (Okabe and Ito), and unlike marks.
    looks = (("#0072B2", "o"), ("#E69F00", "s"), ("#009E73", "^"), ("#CC79A7", "D"))
    styles = dict(zip(MODELS, looks, strict=False))
    questions = {"PY against interneuron": 0.5, "four types": 0.25}
    wide = {
        axis: curve
        for axis, curve in results["curves"].items()
        if len(curve["values"]) > 1
    }
    figure = Figure(figsize=(2.6 * len(wide) + 0.6, 5.2), layout="constrained")
    panels = figure.subplots(2, len(wide), sharey="row", sharex="col", squeeze=False)
    for column, (axis, curve) in enumerate(wide.items()):
        for row, (question, chance) in enumerate(questions.items()):
            panel = panels[row, column]
            places = np.arange(len(curve["values"]))
            for shift, (family, (colour, mark)) in enumerate(styles.items()):
                scores = curve[family][question]
                ends = ("value", "low", "high")
                value, low, high = (np.array([s[e] for s in scores]) for e in ends)
                panel.errorbar(
                    places + 0.12 * (shift - (len(styles) - 1) / 2),
                    value,
                    [value - low, high - value],
                    color=colour,
                    marker=mark,
                    markersize=4,
                    linewidth=1.2,
                    label=network_title(family),
                )
            panel.axhline(chance, color="0.4", linewidth=1, linestyle=":")
            panel.set_xticks(places, [f"{v:g}" for v in curve["values"]])
            panel.set_ylim(chance - 0.05, 1.0)
            panel.spines[["top", "right"]].set_visible(False)
            panel.grid(axis="y", color="0.9")
        panels[1, column].set_xlabel(TITLES[axis])
    panels[0, 0].set_ylabel("PY against interneuron,\nbalanced accuracy")
    panels[1, 0].set_ylabel("four types,\naccuracy")
    panels[0, 0].legend(frameon=False, fontsize="small")
    panels[1, -1].annotate(
        "dotted: chance", (1, 0.02), xycoords="axes fraction", ha="right", fontsize=8
    )
    figure.savefig(path, dpi=120)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--sessions", type=int, default=30)
    add("--cells", type=int, default=40, help="in each session")
    add("--work", type=Path, default=WORK, help="where difficulty.json is written")
    options = parser.parse_args()
    results = curves(list(TITLES), options.sessions, options.cells)
    path = write_results("difficulty", results, options.work)
    draw(results, FIGURE)
    print(f"{path}\n{FIGURE}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
