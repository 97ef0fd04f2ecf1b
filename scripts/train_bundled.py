"""Train, calibrate and measure the bundled models; write their weights and cards.

    python scripts/train_bundled.py [--real-cells FOLDER]

CNN, RNN and LSTM in the form of the paper, at 10 Hz and 5 Hz, on simulated sessions
only. Finished networks are kept in the work folder, so that a run that was killed goes
on. Cards are written here and nowhere else; real cells only measure.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from bundled_sessions import (
    CALIBRATION,
    CELLS_PER_SESSION,
    NEUROPIL_COEFFICIENTS,
    SPEED_UP,
    TEST,
    WINDOW_SECONDS,
    Answers,
    ask,
    training_windows,
)
from calibration import (
    COVERAGE,
    RISK,
    apply_temperature,
    set_threshold,
    temperature,
    unsure_threshold,
)

from napari_celltype.classifiers import (
    Calibration,
    CalibrationStep,
    CellTypeModel,
    ModelCard,
    TraceClassifier,
    card_for,
    read_model,
    save_model,
)
from napari_celltype.progress import Progress
from napari_celltype.simulation import parameters

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))
from real_cells import load_cells, p_in_when_even, score_cells, table  # noqa: E402
from scoring import (  # noqa: E402
    accuracy,
    auroc,
    balanced_accuracy,
    by_session,
    confusion,
    groups,
)

ARCHITECTURES = ("cnn", "rnn", "lstm")
RATES = (10.0, 5.0)

# A type is named when it is likelier than all the others together.
NAMED_FROM = 0.5

# The training shares are the simulation's; a recording's are unknown. So both groups
# are taken to be equally common unless the user knows better.
ASSUMED_SHARES = {"PY": 0.5, "IN": 0.5}

INTENDED_USE = (
    "A first guess at PY against interneuron, and at the interneuron type, in "
    "two-photon recordings of at least 60 s; check it against labelled cells of your "
    "own lab, or train a model on them."
)
NOT_FOR = (
    "Histology's place, cell counts, or any conclusion about PV, SOM or VIP cells: "
    "trained on a simulation, and interneuron subtypes are unproven on real cells. Not "
    "for denoised, deconvolved or one-photon traces, other brain regions' cell types, "
    "or recordings shorter than 60 s."
)


def _simulator_digest() -> str:
    """Return a digest of the code and the numbers that make traces."""
    folder = Path(parameters.__file__).parent
    parts = ("parameters", "behaviour", "spiking", "fluorescence", "session")
    code = b"".join((folder / f"{part}.py").read_bytes() for part in parts)
    return hashlib.sha256(code).hexdigest()[:12]


# Of the code that is loaded now, whatever is edited while networks are trained.
SIMULATOR_SHA256 = _simulator_digest()


def main() -> int:
    options = _options()
    options.work.mkdir(parents=True, exist_ok=True)
    cells = load_cells(options.real_cells) if options.real_cells else []
    for rate in RATES:
        for architecture in ARCHITECTURES:
            started = time.monotonic()
            trained = _train(architecture, rate, options)
            model, simulated = _calibrate(trained, rate, options)
            scores: dict[str, Any] = {"simulated sessions, unseen": simulated}
            if cells:
                scores["real cells"] = score_cells(model, cells)
            card = replace(model.card, scores=scores)
            path = options.out / f"{card.name}.safetensors"
            save_model(model.classifier, card, path)
            print(table(card.name, scores))
            print(f"{path.name}: {time.monotonic() - started:.0f} s\n", flush=True)
    total = sum(path.stat().st_size for path in options.out.glob("*.safetensors"))
    print(f"All weights: {total / 1e6:.1f} MB")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add(
        "--real-cells", type=Path, help="folder with real_cells.csv; measured, not used"
    )
    add("--seed", type=int, default=1)
    add("--epochs", type=int, default=3)
    add("--training-sessions", type=int, default=1600)
    add("--calibration-sessions", type=int, default=80)
    add("--test-sessions", type=int, default=60)
    add("--device", default="cpu")
    add("--work", type=Path, default=ROOT / "build" / "bundled")
    bundled = ROOT / "src" / "napari_celltype" / "classifiers" / "bundled"
    add("--out", type=Path, default=bundled)
    return parser.parse_args()


def _train(
    architecture: str, rate: float, options: argparse.Namespace
) -> CellTypeModel:
    """Train one network, or read it where an earlier run has trained the same."""
    name = f"{architecture}-{rate:g}hz"
    data = _training_data(rate, options)
    digest = hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:12]
    kept = options.work / f"{name}-{options.epochs}-{digest}.safetensors"
    if kept.exists():
        print(f"{name}: already trained", flush=True)
        return read_model(kept)
    traces, labels = training_windows(options.seed, rate, options.training_sessions)
    print(f"{name}: {len(traces)} windows", flush=True)
    classifier = TraceClassifier(
        architecture,
        epochs=options.epochs,
        random_state=options.seed,
        device=options.device,
    )
    classifier.fit(traces, labels, on_progress=_say)
    card = card_for(
        classifier,
        name=name,
        sampling_frequency=rate,
        trained_on=(
            f"Simulation only: {data['cells']} simulated neurons of "
            f"{data['sessions']} sessions, no real one."
        ),
        training_data=data,
        origin="simulation",
        subtypes_proven=False,
        intended_use=INTENDED_USE,
        not_for=NOT_FOR,
    )
    save_model(classifier, card, kept)
    return read_model(kept)


def _say(progress: Progress) -> None:
    print(f"  {progress.message} ({progress.done}/{progress.total})", flush=True)


def _training_data(rate: float, options: argparse.Namespace) -> dict[str, Any]:
    return {
        "sessions": options.training_sessions,
        "cells": options.training_sessions * CELLS_PER_SESSION,
        "windows": "one per cell, cut at a random offset",
        "window_seconds": WINDOW_SECONDS,
        "types": "PY, PV, SOM and VIP in equal shares",
        "recorded_at_hz": [round(rate * factor, 2) for factor in SPEED_UP],
        "neuropil_coefficients": list(NEUROPIL_COEFFICIENTS),
        "regimes": list(parameters.REGIMES),
        "indicators": list(parameters.INDICATORS),
        "seed": options.seed,
        "simulator_sha256": SIMULATOR_SHA256,
    }


def _calibrate(
    trained: CellTypeModel, rate: float, options: argparse.Namespace
) -> tuple[CellTypeModel, dict[str, Any]]:
    """Return the model with its calibrated card, and its scores on test sessions."""
    classes = np.array(trained.card.classes)
    answers = ask(
        trained, options.seed, CALIBRATION, rate, options.calibration_sessions
    )
    columns = np.searchsorted(classes, answers.truth)
    divisor = temperature(answers.probabilities, columns)
    probabilities = apply_temperature(answers.probabilities, divisor)
    guess = classes[probabilities.argmax(axis=1)]
    sessions = answers.rows_by_session()
    least = unsure_threshold(
        probabilities.max(axis=1), guess == answers.truth, sessions
    )
    thresholds = {}
    for column, name in enumerate(classes):
        own = np.flatnonzero(answers.truth == name)
        among = [
            np.flatnonzero(answers.session[own] == s) for s in range(len(sessions))
        ]
        voting = [rows for rows in among if rows.size]
        thresholds[str(name)] = set_threshold(probabilities[own, column], voting)
    calibrated: ModelCard = replace(
        trained.card,
        min_probability=NAMED_FROM,
        assumed_shares=ASSUMED_SHARES,
        calibration=Calibration(
            calibrated_on="simulation",
            coverage=COVERAGE,
            risk=NAMED_FROM,
            sessions=len(sessions),
            cells=answers.truth.size,
            shares=dict.fromkeys(thresholds, 1 / classes.size),
            steps=(
                CalibrationStep(
                    n_windows=1,
                    temperature=divisor,
                    prediction_set=thresholds,
                    named_from=dict.fromkeys(thresholds, NAMED_FROM),
                    group_named_from={"PY": NAMED_FROM, "IN": NAMED_FROM},
                ),
            ),
        ),
    )
    model = replace(trained, card=calibrated)
    unseen = ask(model, options.seed, TEST, rate, options.test_sessions)
    scores = _simulated_scores(calibrated, unseen)
    # What --min-probability would have to be for one wrong name in ten.
    scores[f"probability from which at most {RISK:g} of the named are wrong"] = (
        "none" if least is None else least
    )
    return model, scores


def _simulated_scores(card: ModelCard, answers: Answers) -> dict[str, Any]:
    classes = np.array(card.classes)
    probabilities, truth = answers.probabilities, answers.truth
    sessions = answers.rows_by_session()
    guess = classes[probabilities.argmax(axis=1)]
    best = probabilities.max(axis=1)
    p_in = probabilities[:, classes != "PY"].sum(axis=1)
    group = groups(truth)
    even = np.where(p_in > p_in_when_even(classes), "IN", "PY")
    named = best >= card.min_probability
    assert card.calibration is not None
    thresholds = card.calibration.steps[0].prediction_set
    limits = np.array([thresholds[name] for name in classes])
    inside = probabilities >= limits
    inside[np.arange(guess.size), probabilities.argmax(axis=1)] = True
    covered = inside[np.arange(guess.size), np.searchsorted(classes, truth)]

    def share(values: Any) -> dict[str, Any]:
        return by_session(lambda v: float(v.mean()), sessions, values)

    def share_among(values: Any, among: Any) -> dict[str, Any]:
        def measure(v: Any, a: Any) -> float:
            return float(v[a].mean()) if a.any() else float("nan")

        return {**by_session(measure, sessions, values, among), "n": int(among.sum())}

    scores: dict[str, Any] = {
        "sessions": len(sessions),
        "accuracy (chance 0.25)": by_session(accuracy, sessions, truth, guess),
        "balanced accuracy (chance 0.25)": by_session(
            balanced_accuracy, sessions, truth, guess
        ),
        "PY against interneuron, balanced (chance 0.5)": by_session(
            balanced_accuracy, sessions, group, even
        ),
        "PY against interneuron, AUROC (chance 0.5)": by_session(
            lambda kind, p: auroc(kind == "IN", p), sessions, group, p_in
        ),
        "recall": {
            str(name): share_among(guess == truth, truth == name) for name in classes
        },
        "by regime, accuracy": {
            str(name): share_among(guess == truth, answers.regime == name)
            for name in parameters.REGIMES
        },
        "by minutes, accuracy": {
            f"{minutes} min": share_among(guess == truth, answers.n_windows == minutes)
            for minutes in np.unique(answers.n_windows)
        },
        "guesses": confusion(truth, guess, classes.tolist()),
        f"prediction set holds the type (aim {COVERAGE:g})": {
            **{str(n): share_among(covered, truth == n) for n in classes},
            "mean number of types": float(round(inside.sum(axis=1).mean(), 3)),
        },
        "cells that get a name, types equally common": share(named),
    }
    if named.any():
        scores["wrong among named cells, types equally common"] = share_among(
            guess != truth, named
        )
    return scores


if __name__ == "__main__":
    raise SystemExit(main())
