"""Whether the least certain cells teach more than others, if twenty are labelled next.

    python benchmarks/label_next.py                          # six minutes of one core
    python benchmarks/label_next.py --classifier features --cases 40

A classifier knows some cells of three simulated animals. Of a fourth animal twenty of
eighty cells are labelled and join the training. Prints by how many points of balanced
accuracy this helps on forty other cells of that animal and on forty other animals, and
how much more than twenty at random: mean over cases [95 % t interval].

- least certain: the order of the key J in the Label dock
- spread: of the forty least certain, the least certain of each of twenty clusters
- k-centre: each time the cell farthest from all that are labelled (Sener and Savarese
  2018)
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t
from sklearn.cluster import KMeans
from sklearn.preprocessing import StandardScaler

from napari_celltype.protocol.metrics import balanced_accuracy, confusion_counts

sys.path.insert(0, str(Path(__file__).parent))
from learning_curve import (
    CELLS,
    KNOWN_FRAMES,
    NETWORKS,
    SEED,
    SESSIONS,
    TYPES,
    Pool,
    simulate,
    trained,
)

ANIMALS, TESTED = 160, 40
NEXT, OPEN = 20, 80
STARTS = (20, 60, 240)  # cells that are known before

Rows = NDArray[np.int64]


def choices(
    pool: Pool,
    known: Rows,
    rows: Rows,
    certainty: NDArray[np.float64],
    rng: np.random.Generator,
) -> dict[str, Rows]:
    """Choose twenty of some cells in each way."""
    scaled = StandardScaler().fit_transform(
        pool.inputs[KNOWN_FRAMES][np.r_[known, rows]]
    )
    features = scaled.clip(-5, 5)
    order = np.argsort(certainty, kind="stable")
    likely = order[: 2 * NEXT]
    cluster = KMeans(NEXT, n_init=2, random_state=0).fit_predict(
        features[len(known) :][likely]
    )
    spread = [likely[cluster == k][0] for k in range(NEXT)]
    distance = np.linalg.norm(
        features[len(known) :, None] - features[None, : len(known)], axis=2
    ).min(axis=1)
    centres = []
    for _ in range(NEXT):
        centres.append(int(distance.argmax()))
        new = features[len(known) + centres[-1]]
        distance = np.minimum(
            distance, np.linalg.norm(features[len(known) :] - new, axis=1)
        )
    found = {
        "random": rng.permutation(len(rows))[:NEXT],
        "least certain": order[:NEXT],
        "spread": np.array(spread),
        "k-centre": np.array(centres),
    }
    return {name: rows[chosen] for name, chosen in found.items()}


def case(
    classifier: str, pool: Pool, start: int, number: int
) -> dict[str, list[float]]:
    """Return the gain of each way, on the same animal and on others."""
    rng = np.random.default_rng([SEED, 3, start, number])
    *first, new = rng.permutation(ANIMALS)[:4]
    known = rng.permutation(pool.rows(first, CELLS * SESSIONS, number))
    # Of each type in turn, so that even twenty cells hold all.
    place = np.zeros(len(known))
    for name in TYPES:
        of = pool.labels[known] == name
        place[of] = np.arange(of.sum())
    known = known[np.argsort(place, kind="stable")][:start]
    rows = pool.rows([new], CELLS * SESSIONS, number)
    others = np.arange(ANIMALS * SESSIONS * CELLS, len(pool.labels))

    def scores(learned: Rows) -> NDArray[np.float64]:
        model = trained(classifier, pool, learned, KNOWN_FRAMES)
        found = []
        for tested in (rows[OPEN:], others):
            guess = model.predict(pool.inputs[KNOWN_FRAMES][tested])
            answers = (np.searchsorted(TYPES, n) for n in (pool.labels[tested], guess))
            found.append(balanced_accuracy(confusion_counts(*answers, len(TYPES))))
        return np.array(found)

    model = trained(classifier, pool, known, KNOWN_FRAMES)
    certainty = model.predict_proba(pool.inputs[KNOWN_FRAMES][rows[:OPEN]]).max(axis=1)
    before = scores(known)
    return {
        name: (scores(np.r_[known, chosen]) - before).tolist()
        for name, chosen in choices(pool, known, rows[:OPEN], certainty, rng).items()
    }


def text(values: NDArray[np.float64]) -> str:
    """Return a mean in points with its interval."""
    half = t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    mean = values.mean()
    return f"{100 * mean:+.1f} [{100 * (mean - half):+.1f}, {100 * (mean + half):+.1f}]"


def main() -> None:
    """Simulate, label, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--classifier", default="linear")
    parser.add_argument("--cases", type=int, default=150)
    options = parser.parse_args()
    pool = simulate(
        (KNOWN_FRAMES,), ANIMALS + TESTED, traces=options.classifier in NETWORKS
    )
    print("| known | chosen | same animal | others | beyond random, same | others |")
    for start in STARTS:
        cases = [case(options.classifier, pool, start, n) for n in range(options.cases)]
        gains = {name: np.array([one[name] for one in cases]) for name in cases[0]}
        for name, gain in gains.items():
            more = gain - gains["random"]
            columns = [*map(text, gain.T)] + [
                text(m) if name != "random" else "-" for m in more.T
            ]
            print(f"| {start} | {name} | {' | '.join(columns)} |", flush=True)


if __name__ == "__main__":
    main()
