"""Whether what the networks have learnt tells cells of a type that they do not know.

    python benchmarks/new_types.py                 # some four minutes of one core

The features of the bundled networks are what enters their last layer, of the CNN its
mean over time. Simulated awake sessions are drawn into three parts: for what is known,
for the margins, and for the test.

- Unknown: each type is left out of what is known. Is it told from the others by the
  relative Mahalanobis distance (Ren et al. 2021), or by the distance to the tenth
  neighbour (Sun et al. 2022)?
- Five examples: five cells of one session, of a type that is left out, or of a kind
  that was taught as its type. Are more of them found by the distance to their mean,
  against that to the nearest known type (Snell et al. 2017; features of deviation 1;
  chosen among eleven variants on the same cells)?
- Taught: as much with labels of all cells of two parts, by boosted trees.

The networks have seen all types in their training, so a user's new type is harder. The
same of sixty numbers of the true spike trains, and of their rates, is what the spikes
alone allow. Prints the rows of the tables in docs/models.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata
from sklearn.covariance import ledoit_wolf
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.neighbors import NearestNeighbors

from napari_celltype.models import load_model
from napari_celltype.models.networks import weighted_layers
from napari_celltype.protocol.features import trace_features
from napari_celltype.recording import area_average
from napari_celltype.simulation import simulate_session

sys.path.insert(0, str(Path(__file__).parent))
from scoring import auroc

SEED = 7021  # of no other script
TYPES = ("PV", "PY", "SOM", "VIP")
# Against the other kind of the same type.
KINDS = ("PV axo-axonic", "SOM O-LM")
MODELS = ("cnn-5hz", "lstm-5hz", "pooled-5hz", "rnn-5hz")
RATE, MINUTES, CELLS = 5.0, 4, 40
RECORDED_AT = (6.0, 7.5, 10.0, 15.6)
FALSE_ALARMS = 0.05
LOSS = 0.02  # of the known cells that a new type may take
EXAMPLES, NEIGHBOURS = 5, 10
DRAWS, DRAWS_OF_FIVE, DRAWS_OF_TREES = 8, 40, 2

Numbers = NDArray[np.float64]
Rows = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Cells:
    """Simulated cells; each array has a row per cell."""

    traces: NDArray[np.float32]
    spikes: NDArray[np.float32]
    types: NDArray[np.str_]
    kinds: NDArray[np.str_]
    session: NDArray[np.int64]

    def are(self, name: str) -> Rows:
        """Tell which cells are of a type or a kind."""
        return (self.kinds if name in KINDS else self.types) == name

    def beside(self, name: str) -> Rows:
        """Tell which cells a type or a kind is to be told from, and itself."""
        return np.isin(self.types, self.types[self.are(name)]) | (name in TYPES)

    def parts(self, draw: int) -> tuple[Rows, Rows, Rows]:
        """Draw sessions into three parts."""
        rng = np.random.default_rng([SEED, 1, draw])
        part = rng.permutation(self.session.max() + 1)[self.session] % 3
        return part == 0, part == 1, part == 2


def simulate(n_sessions: int) -> Cells:
    """Simulate sessions in which types are equally common."""
    found: list[tuple[Any, ...]] = []
    size = round(60 * MINUTES * RATE)
    for number in range(n_sessions):
        rng = np.random.default_rng([SEED, 0, number])
        labels = rng.choice(TYPES, CELLS)
        recorded_at = float(rng.choice(RECORDED_AT))
        coefficient = float(rng.choice((0.0, 0.7)))
        regime = str(rng.choice(("running", "quiet"), p=(5 / 7, 2 / 7)))
        n_frames = int(np.ceil((60 * MINUTES + 1) * recorded_at))
        session = simulate_session(labels, n_frames, recorded_at, rng, regime=regime)
        traces, spikes = (
            area_average(values, recorded_at / RATE, size)
            for values in (session.traces(coefficient), session.spikes)
        )
        of_session = np.full(labels.size, number)
        found.append((traces, spikes, labels, session.kinds, of_session))
    return Cells(*map(np.concatenate, zip(*found, strict=True)))


def features_of(model: str, cells: Cells) -> Numbers:
    """Return what a bundled network makes of the cells."""
    loaded = load_model(model)
    network = loaded.classifier.network_
    size, n_cells = loaded.card.window_frames, len(cells.traces)
    windows = cells.traces[:, : cells.traces.shape[1] // size * size]
    if not network.any_length:
        windows = windows.reshape(-1, size)
    found: list[Numbers] = []

    def keep(_layer: object, given: tuple[Any, ...]) -> None:
        features = given[0].numpy().astype(np.float64)
        if loaded.card.architecture == "cnn":
            # (frame, filter) order.
            n_filters = loaded.card.parameters["filters"][1]
            features = features.reshape(len(features), -1, n_filters).mean(axis=1)
        found.append(features)

    hook = weighted_layers(network)[-1].register_forward_pre_hook(keep)
    loaded.classifier.log_probabilities(windows, "cpu")
    hook.remove()
    features = np.concatenate(found)
    return features.reshape(n_cells, -1, features.shape[1]).mean(axis=1)


def features_of_spikes(cells: Cells) -> Numbers:
    """Return normal scores of numbers of the spike trains."""
    numbers, _ = trace_features(cells.spikes, RATE)
    rate = np.log(cells.spikes.mean(axis=1, keepdims=True) + 1e-3)
    numbers = np.nan_to_num(np.concatenate([numbers, rate], axis=1))
    # Normal scores, because some numbers of trains without noise are out of all bounds.
    found: Numbers = norm.ppf(rankdata(numbers, axis=0) / (len(numbers) + 1))
    return found


class Gaussians:
    """A Gaussian for each known type, of one covariance, and one for all together."""

    def __init__(self, features: Numbers, types: NDArray[np.str_]) -> None:
        rows = np.unique(types, return_inverse=True)[1]
        self._means = means_of(features, types)
        self._center = features.mean(axis=0)
        self._within = np.linalg.inv(ledoit_wolf(features - self._means[rows])[0])
        self._all = np.linalg.inv(ledoit_wolf(features)[0])

    def relative(self, features: Numbers) -> Numbers:
        """Return the relative Mahalanobis distance to what is known."""
        each = [_squared(features - mean, self._within) for mean in self._means]
        found: Numbers = np.min(each, axis=0)
        return found - _squared(features - self._center, self._all)


def means_of(features: Numbers, types: NDArray[np.str_]) -> Numbers:
    """Return the mean features of each type, sorted by name."""
    return np.stack([features[types == n].mean(axis=0) for n in np.unique(types)])


def _squared(difference: Numbers, inverse: Numbers | None = None) -> Numbers:
    weighted = difference if inverse is None else difference @ inverse
    found: Numbers = (weighted * difference).sum(axis=1)
    return found


def to_neighbour(known: Numbers, features: Numbers) -> Numbers:
    """Return the distance to the tenth nearest known cell."""
    scale = np.maximum(known.std(axis=0), 1e-9)
    search = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(known / scale)
    found: Numbers = search.kneighbors(features / scale)[0][:, -1]
    return found


def unknown(features: Numbers, cells: Cells) -> Iterator[tuple[str, ...]]:
    """Leave out each type: AUROC, false alarms and cells found, %, of both scores."""
    for name in TYPES:
        new, found = cells.are(name), []
        for draw in range(DRAWS):
            known, margin, test = cells.parts(draw)
            known &= ~new
            model = Gaussians(features[known], cells.types[known])
            row = []
            for score in (
                model.relative(features),
                to_neighbour(features[known], features),
            ):
                limit = np.quantile(score[margin & ~new], 1 - FALSE_ALARMS)
                row += [
                    auroc(new[test], score[test]),
                    100 * (score[test & ~new] > limit).mean(),
                    100 * (score[test & new] > limit).mean(),
                ]
            found.append(row)
        yield name, str(new.sum()), *_spread(found)


def five(features: Numbers, cells: Cells) -> Iterator[tuple[str, ...]]:
    """Find more of a type: AUROC, known cells lost and new ones found, %."""
    for name in (*KINDS, *TYPES):
        new, found = cells.are(name), []
        # A kind was taught as its type.
        left_out = new & (name in TYPES)
        enough = np.flatnonzero(np.bincount(cells.session[new]) >= EXAMPLES)
        for draw in range(DRAWS_OF_FIVE):
            rng = np.random.default_rng([SEED, 2, draw])
            of_session = cells.session == rng.choice(enough)
            chosen = rng.choice(np.flatnonzero(new & of_session), EXAMPLES, False)
            known, margin, test = (p & ~of_session for p in cells.parts(draw))
            known &= ~left_out
            scaled = features / np.maximum(features[known].std(axis=0), 1e-9)
            means = means_of(scaled[known], cells.types[known])
            to_known = np.min([_squared(scaled - mean) for mean in means], axis=0)
            score = to_known - _squared(scaled - scaled[chosen].mean(axis=0))
            limit = np.quantile(score[margin & ~new], 1 - LOSS)
            beside = test & cells.beside(name)
            found.append(
                [
                    auroc(new[beside], score[beside]),
                    100 * (score[test & ~new] > limit).mean(),
                    100 * (score[test & new] > limit).mean(),
                ]
            )
        yield name, str(new.sum()), *_spread(found)


def taught(features: Numbers, cells: Cells) -> Iterator[tuple[str, ...]]:
    """Learn a type from all cells of two parts: AUROC."""
    for name in (*KINDS, *TYPES):
        new, beside, found = cells.are(name), cells.beside(name), []
        for draw in range(DRAWS_OF_TREES):
            known, margin, test = cells.parts(draw)
            train, test = (known | margin) & beside, test & beside
            trees = HistGradientBoostingClassifier(
                learning_rate=0.05, max_leaf_nodes=8, max_features=0.3, random_state=0
            )
            trees.fit(features[train], new[train])
            score = trees.predict_proba(features[test])[:, 1]
            found.append([auroc(new[test], score)])
        yield name, str(new.sum()), *_spread(found)


def _spread(rows: list[list[float]]) -> list[str]:
    """Return mean and deviation over the draws of each column."""
    found = []
    for column in np.array(rows).T:
        digits = 2 if column.max() <= 1 else 0
        found.append(f"{column.mean():.{digits}f} ± {column.std():.{digits}f}")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sessions", type=int, default=90)
    parser.add_argument("--models", nargs="*", default=MODELS)
    options = parser.parse_args()
    cells = simulate(options.sessions)
    of: Mapping[str, Numbers] = {
        **{name: features_of(name, cells) for name in options.models},
        "spikes": features_of_spikes(cells),
    }
    for measure in (unknown, five, taught):
        print(f"\n{measure.__doc__}\n")
        for name, features in of.items():
            for row in measure(features, cells):
                print("|", " | ".join((name, *row)), "|", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
