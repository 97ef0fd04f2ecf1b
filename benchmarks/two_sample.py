"""Can a classifier tell simulated traces from real ones of the same cell type?

    python benchmarks/two_sample.py [FOLDER]       # about two minutes

For each real neuron (see `known_cells.py` for FOLDER) a session with its indicator,
preparation, frame rate, length and noise is simulated (in vivo: awake). Randomised
trees learn to tell pieces of 60 s at 10 Hz apart by `trace_features`, and are tested on
cells or batches that they did not see, nor their simulated twins; AUROC by cell. The
same test between two real data sets of one type says how much of that is normal.
Writes `two_sample.json` for `report.py`.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import find_peaks, periodogram
from scipy.stats import kurtosis, skew
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import StratifiedGroupKFold

from napari_celltype.recording import (
    area_average,
    frames_after_averaging,
)
from napari_celltype.simulation import simulate_session
from napari_celltype.simulation.behaviour import draw_regime

sys.path.insert(0, str(Path(__file__).parent))
from known_cells import RealCell, load_cells, load_invivo
from provenance import DATA, WORK, write_results
from scoring import auroc, by_cell

RATE = 10.0  # Hz
SECONDS = 60.0
PIECES = 4  # of one cell, at most
TWINS = 2  # simulated cells for each real one
FEWEST = 4  # cells; fewer cannot be divided into what is learnt and what is tested
FOLDS = 5
SEED = 7001  # of no other script
AROUND = ("PY", "PY", "PY", "PV", "SOM", "VIP")  # neighbours that make the neuropil
INDICATORS = {"OGB1": "OGB-1"}
# Published in-vivo dF/F is corrected for neuropil, that of slices is not.
NEUROPIL_COEFFICIENT = {"in vivo": 0.7, "slice": 0.0}
AWAKE = ("running", "quiet")
AMPLITUDE = "size of dF/F"

Pieces = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Cell:
    """Pieces (n_pieces, n_frames) of one real or simulated neuron."""

    group: str
    pieces: Pieces


def real_pieces(cell: RealCell) -> Pieces:
    """Cut a real neuron's trials into pieces at 10 Hz; none if too slow."""
    ratio = cell.sampling_frequency / RATE
    if ratio < 0.99:
        return np.empty((0, round(RATE * SECONDS)), dtype=np.float32)
    parts = [_pieces(trial[None], max(ratio, 1.0)) for trial in cell.trials]
    return np.concatenate(parts)[:PIECES]


def _pieces(traces: NDArray[np.floating[Any]], ratio: float) -> Pieces:
    size = round(RATE * SECONDS)
    n_out = frames_after_averaging(traces.shape[1], ratio)
    averaged = area_average(traces, ratio, n_out)
    used = n_out // size * size
    pieces = averaged[:, :used].reshape(-1, size)
    # The program does not look at windows without any change either.
    return pieces[np.ptp(pieces, axis=1) > 0]


def simulated_pieces(
    cell: RealCell, n_pieces: int, rng: np.random.Generator, *, match_noise: bool = True
) -> Pieces:
    """Simulate a neuron that was recorded as `cell` was; dF/F pieces at 10 Hz."""
    regime = "slice" if cell.preparation == "slice" else draw_regime(rng, AWAKE)
    n_frames = int(np.ceil((n_pieces * SECONDS + 1) * cell.sampling_frequency))
    session = simulate_session(
        np.array([cell.cell_type, *AROUND]),
        n_frames,
        cell.sampling_frequency,
        rng,
        regime=regime,
        indicator=INDICATORS.get(cell.indicator, cell.indicator),
        noise=cell.shot_noise if match_noise and not cell.raw else None,
    )
    coefficient = NEUROPIL_COEFFICIENT[cell.preparation]
    trace = session.traces(coefficient)[:1]
    raw = session.traces()[:1]
    # Where neuropil outshines the soma, little would be left to divide by.
    rest = max(np.percentile(trace, 20), 0.1 * np.percentile(raw, 20))
    return _pieces((trace - rest) / rest, max(cell.sampling_frequency / RATE, 1.0))


def trace_features(pieces: Pieces) -> dict[str, NDArray[np.float64]]:
    """Describe each piece (n_pieces, n_frames) of dF/F by numbers (n_pieces,)."""
    pieces = pieces.astype(np.float64)
    deviation = np.maximum(pieces.std(axis=1, keepdims=True), 1e-12)
    scored = (pieces - pieces.mean(axis=1, keepdims=True)) / deviation
    steps = np.diff(scored, axis=1)
    noise = np.median(np.abs(steps), axis=1) / (0.6745 * np.sqrt(2))
    frequency, power = periodogram(scored, RATE, axis=1)
    total = power.sum(axis=1)
    features = {
        "noise from frame to frame": noise,
        "smoothness of the noise": _autocorrelation(steps, 1),
        "skewness": skew(scored, axis=1),
        "kurtosis": kurtosis(scored, axis=1),
        "steps up larger than steps down": skew(steps, axis=1),
        "heavy tails of the steps": kurtosis(steps, axis=1),
    }
    bands = ((0, 0.05), (0.05, 0.1), (0.1, 0.3), (0.3, 1), (1, 2), (2, 5.1))
    for low, high in bands:
        inside = (frequency >= low) & (frequency < high)
        name = f"power from {low:g} to {min(high, 5):g} Hz"
        features[name] = power[:, inside].sum(axis=1) / total
    for lag in (0.2, 0.5, 1, 2, 5):
        name = f"autocorrelation after {lag:g} s"
        features[name] = _autocorrelation(scored, round(lag * RATE))
    for percent in (1, 10, 50, 90, 99):
        name = f"{percent} % point of the z-scored trace"
        features[name] = np.percentile(scored, percent, axis=1)
    third = scored.shape[1] // 3
    features["fall from the first third to the last"] = scored[:, :third].mean(
        axis=1
    ) - scored[:, -third:].mean(axis=1)
    peaks = [
        find_peaks(trace, prominence=4 * level)[0].size
        for trace, level in zip(scored, np.maximum(noise, 1e-3), strict=True)
    ]
    features["transients a minute"] = np.array(peaks) * 60 / SECONDS
    own = deviation[:, 0]
    features[f"{AMPLITUDE}: noise"] = np.log(noise * own + 1e-6)
    features[f"{AMPLITUDE}: deviation"] = np.log(own)
    spread = np.percentile(pieces, 99, axis=1) - np.percentile(pieces, 20, axis=1)
    features[f"{AMPLITUDE}: 99 % over 20 % point"] = np.log(spread + 1e-6)
    return features


def _autocorrelation(values: NDArray[np.float64], lag: int) -> NDArray[np.float64]:
    centred = values - values.mean(axis=1, keepdims=True)
    variance = np.maximum((centred**2).sum(axis=1), 1e-12)
    return np.asarray((centred[:, lag:] * centred[:, :-lag]).sum(axis=1) / variance)


def tell_apart(
    first: Sequence[Cell], second: Sequence[Cell], *, sized: bool = True
) -> dict[str, Any]:
    """Test whether cells of `first` can be told from those of `second`."""
    cells = [*first, *second]
    is_first = np.repeat([True, False], [len(first), len(second)])
    owner = np.repeat(np.arange(len(cells)), [len(cell.pieces) for cell in cells])
    features = trace_features(np.concatenate([cell.pieces for cell in cells]))
    names = [n for n in features if sized or not n.startswith(AMPLITUDE)]
    table = np.column_stack([features[name] for name in names])
    groups = np.array([cell.group for cell in cells])
    shape = np.array([not name.startswith(AMPLITUDE) for name in names])
    by_name = {
        name: auroc(is_first, _mean_of_cells(table[:, column], owner))
        for column, name in enumerate(names)
    }
    clearest = sorted(by_name, key=lambda name: -abs(by_name[name] - 0.5))

    def score(columns: NDArray[np.float64]) -> dict[str, Any]:
        said = _said_of_unseen(columns, is_first[owner], groups[owner])
        return by_cell(
            lambda truth, p: auroc(truth == "first", p),
            np.where(is_first, "first", "second"),
            _mean_of_cells(said, owner),
            groups,
        )

    return {
        "z-scored": score(table[:, shape]),
        "with size of dF/F": score(table) if sized else None,
        "features": {name: round(by_name[name], 3) for name in clearest},
        "cells": [len(first), len(second)],
        "groups": [len({c.group for c in part}) for part in (first, second)],
        "pieces": [sum(len(c.pieces) for c in part) for part in (first, second)],
    }


def _mean_of_cells(
    values: NDArray[np.float64], owner: NDArray[np.int64]
) -> NDArray[np.float64]:
    return np.bincount(owner, weights=values) / np.bincount(owner)


def _said_of_unseen(
    table: NDArray[np.float64], is_first: NDArray[np.bool_], groups: NDArray[np.str_]
) -> NDArray[np.float64]:
    """Return the probability of being a first, from forests that saw other groups."""
    fewest = min(np.unique(groups[is_first == side]).size for side in (True, False))
    folds = StratifiedGroupKFold(min(FOLDS, fewest), shuffle=True, random_state=0)
    said = np.full(is_first.size, np.nan)
    for learnt, tested in folds.split(table, is_first, groups):
        forest = ExtraTreesClassifier(
            200, min_samples_leaf=2, class_weight="balanced", random_state=0
        )
        forest.fit(table[learnt], is_first[learnt])
        (column,) = np.flatnonzero(forest.classes_)
        said[tested] = forest.predict_proba(table[tested])[:, column]
    return said


@dataclass(frozen=True, eq=False)
class Pair:
    """A usable real neuron, its pieces, and its simulated twins."""

    recorded: RealCell
    real: Cell
    twins: tuple[Cell, ...]

    @property
    def kind(self) -> str:
        """Type, indicator and preparation."""
        cell = self.recorded
        return f"{cell.cell_type}, {cell.indicator}, {cell.preparation}"

    @property
    def stratum(self) -> str:
        """The kind, but raw fluorescence, whose noise is unknown, by itself."""
        cell = self.recorded
        return f"{self.kind}, {cell.dataset} raw" if cell.raw else self.kind


def pairs(
    cells: Sequence[RealCell], twins: int, *, match_noise: bool = True
) -> list[Pair]:
    """Simulate twins of every neuron that is long and fast enough."""
    found = []
    streams = np.random.default_rng(SEED).spawn(len(cells))
    for cell, stream in zip(cells, streams, strict=True):
        pieces = real_pieces(cell)
        if not len(pieces):
            continue
        # In the fold of its neuron: trees that had seen a twin would take the neuron,
        # which has the same noise, for simulated.
        simulated = [
            Cell(
                cell.batch,
                simulated_pieces(cell, len(pieces), one, match_noise=match_noise),
            )
            for one in stream.spawn(twins)
        ]
        found.append(Pair(cell, Cell(cell.batch, pieces), tuple(simulated)))
    return found


def against_twins(found: Sequence[Pair]) -> dict[str, Any]:
    """Test real neurons against their twins."""
    return tell_apart(
        [pair.real for pair in found],
        [twin for pair in found for twin in pair.twins],
        sized=not _raw(found),
    )


def compare(matched: Sequence[Pair], drawn: Sequence[Pair]) -> dict[str, Any]:
    """Run every test: each kind and data set against its twins, real against real."""
    results: dict[str, Any] = {
        "real against simulated": {},
        "real against simulated, noise as in training": {},
        "one data set against simulated": {},
        "real against real": {},
        "too few cells": {},
    }
    for stratum, here in _sorted_by(matched, lambda pair: pair.stratum).items():
        if not _enough(here):
            results["too few cells"][stratum] = len(here)
            continue
        results["real against simulated"][stratum] = against_twins(here)
        if not _raw(here):
            results["real against simulated, noise as in training"][stratum] = (
                against_twins([pair for pair in drawn if pair.stratum == stratum])
            )
        sets = _sorted_by(here, lambda pair: pair.recorded.dataset)
        if len(sets) > 1:
            for name, part in sets.items():
                if _enough(part):
                    results["one data set against simulated"][f"{stratum}, {name}"] = (
                        against_twins(part)
                    )
    for kind, here in _sorted_by(matched, lambda pair: pair.kind).items():
        sets = _sorted_by(here, lambda pair: pair.recorded.dataset)
        among = {name: part for name, part in sets.items() if _enough(part)}
        for one, other in itertools.combinations(among, 2):
            first, second = among[one], among[other]
            results["real against real"][f"{kind}, {one} against {other}"] = tell_apart(
                [pair.real for pair in first],
                [pair.real for pair in second],
                sized=not _raw([*first, *second]),
            )
    return results


def _raw(found: Sequence[Pair]) -> bool:
    return any(pair.recorded.raw for pair in found)


def _sorted_by(
    found: Sequence[Pair], key: Callable[[Pair], str]
) -> dict[str, list[Pair]]:
    parts: dict[str, list[Pair]] = {}
    for pair in found:
        parts.setdefault(key(pair), []).append(pair)
    return parts


def _enough(found: Sequence[Pair]) -> bool:
    return len(found) >= FEWEST and len({pair.real.group for pair in found}) > 1


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("folder", type=Path, nargs="?", default=DATA)
    add("--work", type=Path, default=WORK, help="where two_sample.json is written")
    options = parser.parse_args()
    if not (options.folder / "real_cells.csv").exists():
        print(f"Skipped: there is no real_cells.csv in {options.folder}.")
        return 0
    cells = load_cells(options.folder)
    cells += [cell for cell in load_invivo(options.folder) if cell.raw]
    results = compare(pairs(cells, TWINS), pairs(cells, TWINS, match_noise=False))
    write_results("two_sample", results, options.work)
    for title, tests in results.items():
        print(title)
        for name, test in tests.items():
            score = test["z-scored"] if isinstance(test, dict) else {"n = ": test}
            print(f"  {name:<44}", score)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
