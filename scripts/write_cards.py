"""Calibrating and measuring trained networks; their cards, pages and figures.

Cards of bundled models are written here and nowhere else. Real cells only measure.
Intervals resample whole sessions: cells of one session share its regime, indicator and
noise, and a user brings a session, not a cell.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from bundled_networks import BATCH_CELLS, Training, fitted
from bundled_sessions import (
    AWAKE,
    CALIBRATION,
    CELLS_PER_SESSION,
    LONGEST,
    NEUROPIL_COEFFICIENTS,
    RECORDED_AT,
    TEST,
    TRAINING_MINUTES,
    TYPES,
    UNLIKE,
    Part,
    simulate,
)
from numpy.typing import NDArray

from napari_celltype.answers.decisions import decide, prediction_sets
from napari_celltype.answers.shares import (
    prior_shares,
    reweigh,
    training_shares,
)
from napari_celltype.models import (
    CellTypeModel,
    ModelCard,
    Score,
    TraceClassifier,
    card_for,
    describe,
    load_model,
)
from napari_celltype.models.calibration import calibrate, probabilities_of
from napari_celltype.models.domain import (
    POPULATION_PROPERTIES,
    TRACE_PROPERTIES,
    RecordingProperties,
    correlations,
    domain_of,
    unlike,
)
from napari_celltype.models.model import log_probabilities_by_roi
from napari_celltype.models.windows import blocks_of, plan_windows
from napari_celltype.recording import area_average
from napari_celltype.recording.windows import lively
from napari_celltype.simulation import SIMULATOR_VERSION, simulate_session

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))
from cell_scores import AREA, BALANCED, score_rows
from scoring import auroc, balanced_accuracy, by_session, groups

MINUTES = (1, 2, 4, 8, 16)
CALIBRATED = (0.5, *MINUTES)  # minutes, where a window is as short
SCORED = (1, 4, 16)  # after which they are scored
BINS = 10
MIDDLE = 4  # minutes, at which all is scored and recordings are compared
FOUR_TYPES, IN_SET, LARGEST_GAP = "four types", "in the set", "largest gap"
# Shares of PY among the cells of sessions that tell what is usual.
PY_SHARES = (0.1, 0.95)
MIXTURES = 4  # of the cells of each such session
# Regimes that no model was trained on, to see whether they are warned of.
STRANGE = ("slice", "anaesthesia")
# Sessions of a minute whose neuropil tells what is usual, and their random numbers.
NEUROPIL_SESSIONS, NEUROPIL = 120, 4
# Sessions that are simulated in one task.
TOGETHER = 20

INTENDED_USE = (
    "A first guess at PY against interneuron, and at the interneuron type, in "
    "two-photon recordings of awake animals; check it against labelled cells of your "
    "own lab, or train a model on them."
)
NOT_FOR = (
    "Histology's place, cell counts, or conclusions about PV, SOM or VIP cells, "
    "unproven on real cells; slices, anaesthesia, denoised, deconvolved or "
    "one-photon traces."
)


@dataclass(frozen=True)
class Measuring:
    """What is measured with, and where cards and pages go."""

    calibration_sessions: int
    test_sessions: int
    strange_sessions: int
    real_cells: Path | None
    work: Path
    out: Path
    pages: Path

    def parts(self, use: int, regimes: tuple[str, ...] = ()) -> list[Part]:
        """Return the sessions of a use, in parts that are simulated side by side."""
        sessions, minutes = {
            CALIBRATION: (self.calibration_sessions, LONGEST),
            TEST: (self.test_sessions, LONGEST),
            UNLIKE: (self.strange_sessions, MIDDLE),
        }[use]
        return [
            Part(use, first, min(TOGETHER, sessions - first), minutes, regimes)
            for first in range(0, sessions, TOGETHER)
        ]

    def all_parts(self) -> list[Part]:
        """Return all sessions that are measured on."""
        strange = [p for regime in STRANGE for p in self.parts(UNLIKE, (regime,))]
        return [*self.parts(CALIBRATION), *self.parts(TEST), *strange]


@dataclass(frozen=True, eq=False)
class Cells:
    """Cells of simulated sessions at the rate of a model."""

    windows: NDArray[np.float32]  # (n_cells, n_windows, n_frames)
    truth: NDArray[np.str_]  # the others (n_cells,)
    session: NDArray[np.int64]
    recorded_at: NDArray[np.float64]  # Hz

    @property
    def rows(self) -> list[NDArray[np.int64]]:
        """The rows of each session."""
        return [np.flatnonzero(self.session == s) for s in np.unique(self.session)]


def cells_of(parts: Sequence[Part], training: Training, work: Path) -> Cells:
    """Return the cells of some sessions as a network sees them."""
    found: dict[str, list[Any]] = {}
    for part in parts:
        with np.load(simulate(part, work / "sessions")) as data:
            for name in ("traces", "labels", "session", "recorded at"):
                if f"{name} {training.rate:g}" in data:
                    values = data[f"{name} {training.rate:g}"]
                    found.setdefault(name, []).append(values)
    traces, *others = (np.concatenate(values) for values in found.values())
    size = training.window_frames
    n_windows = traces.shape[1] // size
    windows = traces[:, : n_windows * size].reshape(len(traces), n_windows, size)
    return Cells(windows, *others)


def measure(training: Training, measuring: Measuring) -> str:
    """Calibrate and measure one network; write weights, card, page and figure."""
    started = time.monotonic()
    classifier = fitted(training, measuring.work)
    calibrated_on = cells_of(measuring.parts(CALIBRATION), training, measuring.work)
    card = _card(classifier, training, measuring.work)
    card = replace(
        card,
        calibration=calibrate(
            answers(classifier, calibrated_on, training, CALIBRATED),
            calibrated_on.truth,
            calibrated_on.session,
            card.classes,
            trained_shares=training_shares(card),
            calibrated_on="simulation",
        ),
        domain=domain(card, calibrated_on),
    )
    test = cells_of(measuring.parts(TEST), training, measuring.work)
    found = answers(classifier, test, training, SCORED)
    probabilities = {
        n: probabilities_of(logs, np.full(len(logs), n), card.calibration)
        for n, logs in found.items()
    }
    scores = _scores(card, test, probabilities)
    scores.append(_warned("simulated, awake", card, test))
    for regime in STRANGE:
        parts = measuring.parts(UNLIKE, (regime,))
        strange = cells_of(parts, training, measuring.work)
        scores.append(_warned(f"simulated, {regime}", card, strange))
    model = CellTypeModel(classifier, card, "")
    if measuring.real_cells:
        scores += score_rows(model, measuring.real_cells)
    path = measuring.out / f"{card.name}.safetensors"
    classifier.save(path, replace(card, scores=tuple(scores)))
    _write_page(load_model(path), measuring.pages)
    curves = {
        f"{minutes_of(card, n):g} min": reliability(card, test.truth, p)
        for n, p in probabilities.items()
    }
    _draw(card.name, curves, measuring.pages / f"{card.name}-reliability.png")
    return f"measured in {time.monotonic() - started:.0f} s"


def _card(classifier: TraceClassifier, training: Training, work: Path) -> ModelCard:
    cells = int(torch.load(training.path(work))["steps"]) * BATCH_CELLS
    long_sessions = (
        training.rounds * training.long_part(0).sessions
        if classifier.network_.any_length
        else 0
    )
    longer = f" and those of {long_sessions:,} sessions in {LONGEST} minutes"
    return card_for(
        classifier,
        name=training.name,
        sampling_frequency=training.rate,
        trained_on=(
            f"Simulation only: {cells:,} neurons in {TRAINING_MINUTES} minutes each"
            f"{longer if long_sessions else ''}, awake animals (running or quiet), "
            "types in equal shares; no real neuron."
        ),
        training_data={
            "cells": cells,
            "session_minutes": TRAINING_MINUTES,
            "long_sessions": long_sessions,
            "recorded_at_hz": sorted(set(RECORDED_AT)),
            "neuropil_coefficients": list(NEUROPIL_COEFFICIENTS),
            "regimes": dict(AWAKE),
            "simulator_version": SIMULATOR_VERSION,
        },
        origin="simulation",
        subtypes_proven=False,
        assumed_shares={"PY": 0.5, "IN": 0.5},
        intended_use=INTENDED_USE,
        not_for=NOT_FOR,
    )


def answers(
    classifier: TraceClassifier,
    cells: Cells,
    training: Training,
    minutes: Sequence[float],
) -> dict[int, NDArray[np.float64]]:
    """Return what a network says of cells after some minutes, by number of windows."""
    n_cells, most, size = cells.windows.shape
    numbers = [
        n for m in minutes if 0 < (n := round(60 * m * training.rate) // size) <= most
    ]
    if classifier.network_.any_length:
        return {
            n: log_probabilities_by_roi(
                classifier,
                cells.windows[:, :n].reshape(-1, size),
                np.repeat(np.arange(n_cells), n),
                n_cells,
            )
            for n in numbers
        }
    logs = classifier.predict_log_proba(cells.windows.reshape(-1, size))
    logs = logs.reshape(n_cells, most, -1)
    return {n: logs[:, :n].mean(axis=1) for n in numbers}


def minutes_of(card: ModelCard, n_windows: int) -> float:
    """Return the minutes that so many windows take."""
    assert card.sampling_frequency is not None
    return n_windows * card.window_frames / card.sampling_frequency / 60


def _scores(
    card: ModelCard, cells: Cells, probabilities: Mapping[int, NDArray[np.float64]]
) -> list[Score]:
    """Score unseen sessions, in which types are equally common, with intervals."""
    trained = training_shares(card)
    even = prior_shares(card.assumed_shares or {}, card.classes, trained)
    truth, group = cells.truth, groups(cells.truth)
    scores: list[Score] = []
    gaps = []
    for n_windows, p in probabilities.items():
        minutes = minutes_of(card, n_windows)

        def add(
            name: str, measure: Any, *arrays: Any, chance: float | None, minutes=minutes
        ) -> None:
            values = by_session(measure, cells.rows, *arrays)
            data = f"simulated, {minutes:g} min"
            scores.append(Score(data, name, unit="sessions", chance=chance, **values))

        decisions = decide(
            reweigh(p, list(even.values()), list(trained.values())), card.classes
        )
        guess = np.array(card.classes)[p.argmax(axis=1)]
        by_chance = 1 / len(card.classes)
        add(FOUR_TYPES, balanced_accuracy, truth, guess, chance=by_chance)
        add(AREA, auroc, group == "IN", decisions.p_in, chance=0.5)
        if minutes == MIDDLE:
            called = np.array(decisions.group)
            add(BALANCED, balanced_accuracy, group, called, chance=0.5)
            windows = np.full(truth.size, n_windows)
            sets = prediction_sets(p, windows, card.classes, card.calibration)
            held = [t in s.split("|") for t, s in zip(truth, sets, strict=True)]
            add(IN_SET, np.mean, np.array(held), chance=None)
        curve = reliability(card, truth, p)
        gaps.append(np.abs(np.subtract(curve["probability"], curve["right"])).max())
    worst = float(max(gaps))
    return [*scores, Score("simulated", LARGEST_GAP, worst, truth.size, "cells")]


def reliability(
    card: ModelCard, truth: NDArray[np.str_], p: NDArray[np.float64]
) -> dict[str, list[float]]:
    """Return how often the type is right, in ten bins of as many cells."""
    decisions = decide(p, card.classes)
    said = np.asarray(decisions.probability)
    right = np.array(decisions.predicted) == truth
    bins = np.array_split(np.argsort(said, kind="stable"), BINS)
    return {
        "probability": [float(said[rows].mean()) for rows in bins],
        "right": [float(right[rows].mean()) for rows in bins],
    }


def domain(card: ModelCard, cells: Cells) -> dict[str, dict[str, float]]:
    """Return what is usual in cells, and in the medians and populations of sessions."""
    # Of each session the first 1, 2, 4, 8 or 16 minutes are taken, as if it had been no
    # longer; of recordings four, with few and with many PY among the cells.
    found: dict[str, list[Any]] = {}
    rng = np.random.default_rng(0)
    for number, rows in enumerate(cells.rows):
        minutes = MINUTES[number % len(MINUTES)]
        for name, values in _properties(card, cells, rows, minutes).items():
            if name not in (*POPULATION_PROPERTIES, "neuropil"):
                found.setdefault(name, []).append(values)
        session = _properties(card, cells, rows, MIDDLE)
        for name in POPULATION_PROPERTIES:
            found.setdefault(name, []).append(session[name][:1])
        is_py = cells.truth[rows] == "PY"
        for _ in range(MIXTURES):
            share = rng.uniform(*PY_SHARES)
            chances = np.where(is_py, share, 1 - share) / np.where(
                is_py, max(is_py.sum(), 1), max((~is_py).sum(), 1)
            )
            chosen = rng.choice(rows.size, rows.size, p=chances / chances.sum())
            for name in TRACE_PROPERTIES:
                median = np.median(session[name][chosen])
                found.setdefault(f"median {name}", []).append([median])
    assert card.sampling_frequency is not None
    correlated = _neuropil_correlations(card.sampling_frequency)
    found["neuropil"] = [[np.median(of_cells)] for of_cells in correlated]
    return domain_of({name: np.concatenate(parts) for name, parts in found.items()})


def _neuropil_correlations(rate: float) -> Iterator[NDArray[np.float64]]:
    """Yield the correlations of raw traces with their neuropil, session by session."""
    for number in range(NEUROPIL_SESSIONS):
        rng = np.random.default_rng([NEUROPIL, number])
        labels = rng.choice(TYPES, CELLS_PER_SESSION)
        recorded_at = float(rng.choice([r for r in RECORDED_AT if r >= rate]))
        size, ratio = round(60 * rate), recorded_at / rate
        regime = str(rng.choice(list(AWAKE), p=list(AWAKE.values())))
        n_frames = int(np.ceil(61 * recorded_at))
        session = simulate_session(labels, n_frames, recorded_at, rng, regime=regime)
        seen = session.fluorescence
        yield correlations(
            area_average(seen.raw_traces, ratio, size),
            area_average(seen.neuropil, ratio, size),
        )


def _properties(
    card: ModelCard, cells: Cells, rows: NDArray[np.int64], minutes: int
) -> dict[str, NDArray[np.float64]]:
    """Return the properties of a session, of which some minutes were recorded."""
    assert card.sampling_frequency is not None
    traces = cells.windows[rows].reshape(rows.size, -1)
    traces = traces[:, : round(60 * minutes * card.sampling_frequency)]
    plan = plan_windows(card, traces.shape[1], card.sampling_frequency, ())
    measured = RecordingProperties(plan, card.sampling_frequency, rows.size, None)
    for some, block in blocks_of(traces):
        windows = plan.cut(block)
        measured.add(some, windows, lively(windows))
    # The sessions were averaged down to the model's rate beforehand.
    return {**measured.values(), "frame rate": cells.recorded_at[rows]}


def _warned(data: str, card: ModelCard, cells: Cells) -> Score:
    """Score the share of sessions that are said to be unlike the training."""
    assert card.domain is not None
    warned = [
        bool(unlike(card.domain, _properties(card, cells, rows, MIDDLE))[0])
        for rows in cells.rows
    ]
    share = float(np.mean(warned))
    return Score(data, "warned of", share, cells.truth.size, "sessions")


def _write_page(model: CellTypeModel, pages: Path) -> None:
    pages.mkdir(parents=True, exist_ok=True)
    name = model.card.name
    text = describe(model.card, model.sha256)
    figure = f"![Reliability of {name} on simulation]({name}-reliability.png)\n"
    (pages / f"{name}.md").write_text(f"{text}\n{figure}", encoding="utf-8")


def _draw(name: str, curves: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Draw how often the type is right, by the probability it was given."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.5, 4.5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="0.7", linestyle="--", label="as promised")
    for when, curve in curves.items():
        axes.plot(curve["probability"], curve["right"], "o-", label=when)
    axes.set_xlabel("probability of the predicted type")
    axes.set_ylabel("share that is right")
    axes.set_title(f"{name}, unseen simulated sessions")
    axes.legend()
    # Without the date and the version, so that the same curves are the same file.
    figure.savefig(path, dpi=110, metadata={"Software": None})


def write_index(models: Mapping[str, CellTypeModel], pages: Path) -> None:
    """Write the page that lists the models with their main scores."""
    shown = [
        (f"simulated, {minutes} min", measure)
        for minutes in (4, 16)
        for measure in (FOUR_TYPES, AREA)
    ]
    lines = [
        "# Cards of the bundled models",
        "",
        "Written by `scripts/train_bundled.py`; the same text as `napari-celltype "
        "models show NAME`. [What the models are and how they are used]"
        "(../models.md). Scores on unseen simulated sessions, with 95 % intervals over "
        "sessions, say nothing about real cells; the cards do.",
        "",
        "| model | " + " | ".join(f"{m}, {d.split(', ')[1]}" for d, m in shown) + " |",
        "|" + "---|" * (len(shown) + 1),
    ]
    for name, model in models.items():
        found = {(s.data, s.measure): s for s in model.card.scores}
        cells = [
            f"{s.value:.2f} ({s.low:.2f} to {s.high:.2f})"
            for key in shown
            if (s := found.get(key)) is not None
        ]
        lines.append(f"| [{name}]({name}.md) | {' | '.join(cells)} |")
    (pages / "README.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
