"""Calibrating and measuring trained networks; their cards, pages and figures.

Cards are written here and nowhere else. Real cells only measure.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from bundled_networks import FIRST_SEED, Network, networks, read_network
from bundled_scores import (
    SHARES,
    Answers,
    minutes,
    reliability,
    simulated_scores,
    spread,
)
from bundled_sessions import (
    CALIBRATION,
    PLAIN,
    TEST,
    WINDOW_SECONDS,
    Part,
    simulate_long,
)
from refit import measured_numbers

from napari_celltype.classifiers import (
    Calibration,
    CellTypeModel,
    ModelCard,
    describe,
    read_model,
    save_model,
)
from napari_celltype.classifiers.calibration import STEPS, calibrate
from napari_celltype.classifiers.domain import domain_of, trace_properties
from napari_celltype.labels.atomic import write_atomically
from napari_celltype.workflows.shares import training_shares

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))
from real_cells import load_cells, score_cells, table


@dataclass(frozen=True)
class Measuring:
    """What is measured with, and where cards and pages go.

    Attributes
    ----------
    training_sessions, epochs, seeds, variants
        Of the networks, as in `bundled_networks.networks`.
    calibration_sessions, test_sessions : int
    real_cells : Path or None
        Folder with `real_cells.csv`.
    work, out, pages : Path
        Of what is kept between runs, of the weights, of the documentation.
    device : str
    """

    training_sessions: int
    epochs: int
    seeds: tuple[int, ...]
    variants: tuple[str, ...]
    calibration_sessions: int
    test_sessions: int
    real_cells: Path | None
    work: Path
    out: Path
    pages: Path
    device: str

    def networks(self) -> list[Network]:
        """Return all networks that are measured."""
        return networks(
            sessions=self.training_sessions,
            epochs=self.epochs,
            seeds=self.seeds,
            variants=self.variants,
        )

    def parts(self, rate: float) -> tuple[Part, Part]:
        """Return the calibration and the test sessions for models of a rate."""
        return (
            Part(CALIBRATION, rate, FIRST_SEED, self.calibration_sessions),
            Part(TEST, rate, FIRST_SEED, self.test_sessions),
        )


def simulate_sessions_of(part: Part, work: Path) -> None:
    """Simulate sessions to calibrate or test on, where they are not kept yet."""
    simulate_long(part, work / "sessions")


def measure(architecture: str, rate: float, measuring: Measuring) -> None:
    """Calibrate and measure one model, and write weights, card, page and figure."""
    started = time.monotonic()
    own = {
        (network.part.seed, network.part.variant): network
        for network in measuring.networks()
        if (network.architecture, network.part.rate) == (architecture, rate)
    }
    shipped = own[FIRST_SEED, PLAIN]
    model = read_network(shipped, measuring.work)
    if model is None:
        raise SystemExit(f"{shipped.title} is not trained; run without --measure-only.")
    model = _calibrated(model, shipped, measuring)
    test = measuring.parts(rate)[1]
    answers = ask(model, shipped, test, measuring)
    scores: dict[str, Any] = {
        "simulated sessions, unseen": simulated_scores(model.card, answers),
        "reliability on simulation": reliability(model.card, answers),
    }
    others = {
        key: found
        for key, network in own.items()
        if (found := read_network(network, measuring.work)) is not None
    }
    by_seed = {
        seed: ask(found, own[seed, variant], test, measuring)
        for (seed, variant), found in others.items()
        if variant == PLAIN
    }
    if len(by_seed) > 1:
        scores["spread over networks of other seeds"] = spread(model.card, by_seed)
    refits = {
        variant: replace(
            found, card=replace(found.card, calibration=model.card.calibration)
        )
        for (_, variant), found in others.items()
        if variant != PLAIN
    }
    _keep_refits(refits, measuring.work / "refits")
    if measuring.real_cells:
        scores["real cells"] = score_cells(
            model, load_cells(measuring.real_cells), refits=refits
        )
    card = replace(model.card, scores=scores)
    path = measuring.out / f"{card.name}.safetensors"
    save_model(model.classifier, card, path)
    write_page(read_model(path), measuring.pages)
    print(table(card.name, scores))
    print(f"{path.name}: {time.monotonic() - started:.0f} s\n", flush=True)


def ask(
    model: CellTypeModel, network: Network, part: Part, measuring: Measuring
) -> Answers:
    """Return what a network says about every window; kept in the work folder."""
    kept = (
        measuring.work / "answers" / f"{network.path(Path()).stem}-on-{part.name}.npy"
    )
    with np.load(simulate_long(part, measuring.work / "sessions")) as data:
        if kept.exists():
            logs = np.load(kept)
        else:
            windows = data["windows"]
            n_cells, n_windows, size = windows.shape
            logs = model.classifier.predict_log_proba(
                windows.reshape(-1, size), device=measuring.device
            ).reshape(n_cells, n_windows, -1)
            write_atomically(kept, partial(np.save, arr=logs))
        return _answers(logs, data)


def _answers(logs: Any, data: Mapping[str, Any]) -> Answers:
    of_cells = (data[name] for name in ("labels", "session", "regime", "indicator"))
    return Answers(logs, *of_cells)


def _calibrated(
    model: CellTypeModel, network: Network, measuring: Measuring
) -> CellTypeModel:
    """Return the model with temperature and prediction sets."""
    part = measuring.parts(network.part.rate)[0]
    answers = ask(model, network, part, measuring)
    card = replace(
        model.card,
        assumed_shares=SHARES,
        training_data={
            **model.card.training_data,
            "real cells behind the simulator's parameters": measured_on(),
        },
        calibration=calibration_of(model.card, answers),
        domain=domain(part, measuring.work),
    )
    return replace(model, card=card)


def calibration_of(card: ModelCard, answers: Answers) -> Calibration:
    """Return what a model may promise, by its answers on the calibration sessions."""
    return calibrate(
        answers.log_probabilities,
        answers.truth,
        answers.session,
        card.classes,
        trained_shares=training_shares(card),
        calibrated_on="simulation",
    )


def measured_on() -> str:
    """Return the data sets of real cells behind the simulator's measured numbers."""
    sources = " ".join(table[key].source for _, table, key in measured_numbers())
    return ", ".join(sorted(set(re.findall(r"DS\d+", sources))))


def domain(part: Part, work: Path) -> dict[str, dict[str, float]]:
    """Return what is usual in sessions of 1 to `LONGEST` windows.

    Of each session the first windows are taken, 1, 2, 4, 8 or 16, as if it had been no
    longer.
    """
    with np.load(simulate_long(part, work / "sessions")) as data:
        windows, session = data["windows"], data["session"]
        recorded = data["sampling_frequency"]
    n_cells, n_windows, size = windows.shape
    by_window = trace_properties(windows.reshape(-1, size), part.rate)
    count = np.array(STEPS)[session % len(STEPS)]
    used = np.arange(n_windows) < count[:, None]
    found = {
        name: np.where(used, values.reshape(n_cells, n_windows), 0).sum(axis=1) / count
        for name, values in by_window.items()
    }
    found["length"] = count * float(WINDOW_SECONDS)
    found["frame rate"] = recorded
    return domain_of(found)


def _keep_refits(refits: Mapping[str, CellTypeModel], folder: Path) -> None:
    """Write the networks of other simulators where benchmarks/real_cells.py looks."""
    folder.mkdir(parents=True, exist_ok=True)
    for variant, model in refits.items():
        word = variant.replace(",", "").replace(" ", "-")
        path = folder / f"{model.card.name}--{word}.safetensors"
        save_model(model.classifier, model.card, path)


def write_page(model: CellTypeModel, pages: Path) -> None:
    """Write the card as a page, with the reliability drawn."""
    pages.mkdir(parents=True, exist_ok=True)
    name = model.card.name
    page = describe(model.card, model.sha256)
    figure = f"![Reliability of {name} on simulation]({name}-reliability.png)\n"
    (pages / f"{name}.md").write_text(f"{page}\n{figure}", encoding="utf-8")
    draw_reliability(
        name,
        model.card.scores["reliability on simulation"],
        pages / f"{name}-reliability.png",
    )


def draw_reliability(name: str, curves: Mapping[str, Any], path: Path) -> None:
    """Draw how often the best guess is right, by the probability it was given."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 6), layout="constrained")
    axes, below = figure.subplots(2, 1, height_ratios=(3, 1), sharex=True)
    axes.plot([0.25, 1], [0.25, 1], color="0.7", linestyle="--", label="as promised")
    in_order = sorted(curves.items(), key=lambda item: int(item[0].split()[0]))
    for number, (when, curve) in enumerate(in_order):
        colour = f"C{number}"
        axes.plot(curve["probability"], curve["right"], "o-", color=colour, label=when)
        below.plot(curve["probability"], curve["cells"], "o-", color=colour)
    axes.set_ylabel("share of best guesses that are right")
    axes.set_title(f"{name}, unseen simulated sessions")
    axes.legend()
    below.set_ylabel("cells")
    below.set_xlabel("probability of the best guess")
    # Without the date and the version, so that the same curves are the same file.
    figure.savefig(path, dpi=110, metadata={"Software": None})


def write_index(models: Mapping[str, CellTypeModel], pages: Path) -> None:
    """Write the page that lists the models."""
    group = "PY against interneuron, balanced (chance 0.5)"
    types = "four types, balanced (chance 0.25)"
    middle = f"after {minutes(4)}"
    lines = [
        "# Cards of the bundled models",
        "",
        "Written by `scripts/train_bundled.py`; the same text as `napari-celltype "
        "models show NAME`. [What the models are and how they are used]"
        "(../models.md).",
        "",
        f"Scores on unseen simulated sessions, {middle} of recording, with 95 % "
        "intervals over sessions. They say nothing about real cells; the cards do.",
        "",
        "| model | PY against interneuron (chance 0.5) | four types (chance 0.25) |",
        "|---|---|---|",
    ]
    for name, model in models.items():
        scores = model.card.scores["simulated sessions, unseen"][middle]
        cells = " | ".join(
            f"{s['value']:.2f} ({s['low']:.2f} to {s['high']:.2f})"
            for s in (scores[group], scores[types])
        )
        lines.append(f"| [{name}]({name}.md) | {cells} |")
    (pages / "README.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
