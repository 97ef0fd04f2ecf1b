"""From a movie to cell types: what suite2p finds of simulated cells, and what is said.

    python benchmarks/street.py                    # about 90 s for each of six movies

Simulates movies with known cells, runs the real suite2p on each, matches its ROIs to
the cells, and classifies the matched ROIs, beside the simulator's own traces of the
same cells. What was found in a movie is kept in the work folder, so that a run that was
killed goes on; it is made again when the simulator has changed. Writes `street.json`
for `report.py`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Memory
from numpy.typing import NDArray
from scipy.stats import binomtest

from napari_celltype.models import CellTypeModel, load_model
from napari_celltype.recording import open_recording, run_suite2p
from napari_celltype.simulation import (
    SIMULATOR_VERSION,
    match_rois,
    simulate_recording,
    write_movie,
)

sys.path.insert(0, str(Path(__file__).parent))
from difficulty import MODELS, SEED, TYPES, guesses
from provenance import WORK, write_results

RATE = 10.0  # Hz
SETTINGS = (
    ("running", "GCaMP6f", 0.8),
    ("quiet", "GCaMP6f", 1.5),
    ("quiet", "GCaMP6s", 1.0),
    ("running", "GCaMP6s", 2.5),
    ("quiet", "GCaMP7f", 1.0),
    ("running", "GCaMP6f", 4.0),
)
DECAY = {"GCaMP6f": 0.7, "GCaMP6s": 1.5, "GCaMP7f": 0.7}  # s, what suite2p is told


@dataclass(frozen=True)
class Film:
    """One movie to simulate."""

    number: int  # the seed follows from it
    regime: str
    indicator: str
    noise: float  # nu, % / sqrt(Hz)
    cells: int
    frames: int


def films(number: int, cells: int, frames: int) -> list[Film]:
    """Return movies of several regimes, indicators and noise levels."""
    return [
        Film(n, *SETTINGS[n % len(SETTINGS)], cells=cells, frames=frames)
        for n in range(number)
    ]


def counts(cells: int) -> dict[str, int]:
    """Return cells of each type: two in five are PY, to have enough of the others."""
    others = cells // 5
    return {"PY": cells - 3 * others, "PV": others, "SOM": others, "VIP": others}


def found_in(film: Film, work: Path) -> Mapping[str, NDArray[Any]]:
    """Return what suite2p found in a movie, from the work folder where it is kept."""
    kept = Memory(work / "street", verbose=0).cache(_film)
    return kept(film, SIMULATOR_VERSION)


def _film(film: Film, _simulator: int) -> dict[str, NDArray[Any]]:
    simulated = simulate_recording(
        n_frames=film.frames,
        sampling_frequency=RATE,
        counts=counts(film.cells),
        random_state=np.random.default_rng([SEED, 1, film.number]),
        regime=film.regime,
        indicator=film.indicator,
        noise=film.noise,
        expression=None,
    )
    with tempfile.TemporaryDirectory() as folder:
        movie = write_movie(simulated, Path(folder) / "movie.tif")
        run_suite2p(
            movie,
            folder,
            sampling_frequency=RATE,
            tau=DECAY[film.indicator],
            device="cpu",
        )
        recording = open_recording(folder, sampling_frequency=RATE)
        assert recording.iscell is not None
        assert recording.neuropil is not None
        return {
            "labels": simulated.labels,
            "raw": simulated.raw_traces,
            "neuropil": simulated.neuropil,
            "match": match_rois(simulated.rois, recording.rois, recording.frame_shape),
            "iscell": np.asarray(recording.iscell),
            "found_raw": np.asarray(recording.raw_traces[:]),
            "found_neuropil": np.asarray(recording.neuropil[:]),
        }


def wilson(count: int, n: int) -> dict[str, Any]:
    """Return a share with its 95 % Wilson interval."""
    if n == 0:
        return {"value": None, "low": None, "high": None, "count": 0, "n": 0}
    interval = binomtest(count, n).proportion_ci(method="wilson")
    return {
        "value": round(count / n, 4),
        "low": round(float(interval.low), 4),
        "high": round(float(interval.high), 4),
        "count": int(count),
        "n": int(n),
    }


def share(values: NDArray[np.bool_], among: NDArray[np.bool_]) -> dict[str, Any]:
    """Return the share of true `values` where `among` is true."""
    return wilson(int(values[among].sum()), int(among.sum()))


def _traces(
    model: CellTypeModel, raw: NDArray[np.float32], neuropil: NDArray[np.float32]
) -> NDArray[np.float32]:
    wanted = model.card.neuropil
    return raw if wanted == "none" else raw - np.float32(wanted) * neuropil


def measure(found: Sequence[Mapping[str, NDArray[Any]]]) -> dict[str, Any]:
    """Count matches, suite2p's verdicts and right names, per type."""
    labels = np.concatenate([f["labels"] for f in found])
    matched = np.concatenate([_is_matched(f) for f in found])
    accepted = np.concatenate([_of_cells(f, f["iscell"], False) for f in found])
    strays = np.concatenate([f["iscell"][f["match"] < 0] for f in found])
    among = {name: labels == name for name in TYPES}
    among["all"] = np.ones(labels.size, dtype=bool)
    results: dict[str, Any] = {
        "found": {name: share(matched, rows) for name, rows in among.items()},
        "iscell": {
            name: share(accepted, rows & matched) for name, rows in among.items()
        },
        "ROIs that match no cell": int(strays.size),
        "of these, iscell": share(strays, np.ones(strays.size, dtype=bool)),
        "models": {},
    }
    truth = np.array([TYPES.index(label) for label in labels])
    for family in MODELS:
        model = load_model(family, RATE)
        answers: dict[str, dict[str, Any]] = {}
        for source in ("suite2p", "simulator"):
            parts = [_said(model, f, source) for f in found]
            is_py, kind = (np.concatenate(part) for part in zip(*parts, strict=True))
            answers[source] = {
                name: {
                    "type": share(kind == truth, rows & matched),
                    "group": share(is_py == (truth == 0), rows & matched),
                }
                for name, rows in among.items()
            }
        results["models"][model.card.name] = answers
    return results


def _is_matched(found: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
    return np.isin(np.arange(found["labels"].size), found["match"])


def _of_cells(
    found: Mapping[str, NDArray[Any]], of_rois: NDArray[Any], otherwise: Any
) -> NDArray[Any]:
    """Put values of ROIs into the rows of the cells that they match."""
    values = np.full((found["labels"].size, *of_rois.shape[1:]), otherwise)
    good = found["match"] >= 0
    values[found["match"][good]] = of_rois[good]
    return values


def _said(
    model: CellTypeModel, found: Mapping[str, NDArray[Any]], source: str
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return guesses for every cell; those without a ROI are not counted later."""
    if source == "simulator":
        return guesses(model, _traces(model, found["raw"], found["neuropil"]), RATE)
    traces = _traces(model, found["found_raw"], found["found_neuropil"])
    is_py, kind = guesses(model, traces, RATE)
    return _of_cells(found, is_py, False), _of_cells(found, kind, -1)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--movies", type=int, default=6)
    add("--cells", type=int, default=40, help="in each movie")
    add("--frames", type=int, default=1300, help="of each movie, at 10 Hz")
    add("--work", type=Path, default=WORK, help="where street.json is written")
    options = parser.parse_args()
    chosen = films(options.movies, options.cells, options.frames)
    found = []
    for film in chosen:
        started = time.monotonic()
        found.append(found_in(film, options.work))
        n_matched = int(_is_matched(found[-1]).sum())
        print(
            f"{film.regime}, {film.indicator}, noise {film.noise:g}: "
            f"{n_matched} of {film.cells} cells found "
            f"({time.monotonic() - started:.0f} s)",
            flush=True,
        )
    results: dict[str, Any] = {
        "movies": [
            {
                **asdict(film),
                "ROIs": int(f["match"].size),
                "found": int(_is_matched(f).sum()),
            }
            for film, f in zip(chosen, found, strict=True)
        ],
        **measure(found),
    }
    path = write_results("street", results, options.work)
    for name, answers in results["models"].items():
        for source, scores in answers.items():
            said = scores["all"]
            print(
                f"{name} on {source}'s traces: group right "
                f"{said['group']['value']:.2f}, type right {said['type']['value']:.2f}"
            )
    print(path)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
