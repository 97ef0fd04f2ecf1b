"""How often a bundled model's explanation depends on what its network learnt.

    python benchmarks/attribution.py               # one minute

Simulated sessions whose regime, indicator and noise are drawn as for training, raw
traces at 10 Hz, four minutes. For the best guess of each ROI: the largest rank
correlation of the explanation with those of networks with random weights, and how many
ROIs stay below the limit from which on nothing is shown.
"""

from __future__ import annotations

import argparse

import numpy as np

from napari_celltype.classifiers import list_models, load_model
from napari_celltype.classifiers.attribution import LIMIT, attribute
from napari_celltype.classifiers.prediction import (
    mean_probabilities,
    window_log_probabilities,
)
from napari_celltype.classifiers.windows import plan_windows
from napari_celltype.simulation import simulate_session

TYPES = ("PV", "PY", "SOM", "VIP")
SEED = 7151  # of no other script
RATE, SECONDS = 10.0, 241.0


def main() -> None:
    """Print one line per bundled model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=10)
    parser.add_argument("--cells", type=int, default=12, help="of each session")
    asked = parser.parse_args()
    traces = []
    for number in range(asked.sessions):
        stream = np.random.default_rng([SEED, number])
        truth = stream.choice(TYPES, asked.cells)
        session = simulate_session(truth, round(SECONDS * RATE), RATE, stream)
        traces.append(session.fluorescence.raw_traces)
    raw = np.concatenate(traces)
    print(f"{len(raw)} ROIs of {asked.sessions} simulated sessions, limit {LIMIT:g}")
    print(f"{'model':10}  passed  median  95th percentile  largest")
    for card in list_models():
        if card.origin == "user":
            continue
        model = load_model(card.name)
        plan = plan_windows(card, raw.shape[1], RATE, ())
        windows = plan.cut(raw)
        logs, alive = window_log_probabilities(model, windows, "cpu")
        shares = mean_probabilities(logs, alive, card.calibration)
        found = np.array(
            [
                attribute(model, own, card.classes[best]).correlation
                for own, best in zip(windows, shares.argmax(axis=1), strict=True)
            ]
        )
        print(
            f"{card.name:10}  {(found < LIMIT).sum():6}  {np.median(found):6.2f}  "
            f"{np.quantile(found, 0.95):15.2f}  {found.max():7.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
