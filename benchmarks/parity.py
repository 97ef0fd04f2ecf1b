"""Do our networks learn as well as the same networks in Keras on TensorFlow?

    python benchmarks/parity.py --dataset simulated       # hours: the paper's shape
    python benchmarks/parity.py --dataset in-vivo         # minutes each: real neurons
    python benchmarks/parity.py --dataset slice

Both are trained on the training sets of the paper's splits (Section IV-B), z-scored by
the training set, and scored on the same tests; each draws weights, order and dropout
itself, so that --repeats are averaged. Ours is level when the mean accuracies differ by
no more than the accuracies spread over the splits (the root mean square of both
deviations). Before that, both must find the same logits from the same weights, and the
same loss after one step of training without dropout.

`simulated` has the paper's 3947 traces of 4000 frames; `in-vivo` and `slice` are
windows of 60 s at 10 Hz of real neurons (see `known_cells.py`), PY against interneurons
(OGB-1) or PV, SOM and VIP (GCaMP6f). Windows of one cell fall on both sides of a split:
the accuracies compare two programs and say nothing about cell types.

Finished trainings are kept in --folder and not repeated: take a new folder when either
program has changed. `summary.json` there holds what was printed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Memory, Parallel, delayed
from numpy.typing import NDArray

from napari_celltype.labels import Targets, TraceSet, load_traces, save_traces
from napari_celltype.protocol import PaperProtocol
from napari_celltype.protocol.splits import draw_splits
from napari_celltype.recording import area_average, frames_after_averaging
from napari_celltype.simulation import SIMULATOR_VERSION, simulate_traces

sys.path.insert(0, str(Path(__file__).parent))
from known_cells import RealCell, load_cells
from provenance import DATA, ROOT

ARCHITECTURES = ("cnn", "rnn", "lstm")
PAPER_COUNTS = {"PY": 1000, "PV": 947, "SOM": 1000, "VIP": 1000}
BATCH = 32
RATE = 10.0  # Hz
WINDOW = 600  # frames
INDICATORS = {"in-vivo": "OGB1", "slice": "GCaMP6f"}
SEED = 8001  # of no other script


@dataclass(frozen=True)
class Setting:
    """What the accuracies of one file line depend on, but for the training itself."""

    dataset: str
    counts: dict[str, int]
    n_frames: int
    epochs: int
    made_by: str

    @property
    def file_name(self) -> str:
        counts = "-".join(f"{n}{name}" for name, n in self.counts.items())
        return f"{self.dataset}-{counts}-{self.n_frames}-{self.made_by}.npz"


def rhythms(counts: dict[str, int], n_frames: int) -> TraceSet:
    """Make noisy waves whose period tells the class: each twice that of the last."""
    random = np.random.default_rng(SEED)
    labels = np.repeat(list(counts), list(counts.values()))
    period = np.repeat(10.0 * 2 ** np.arange(len(counts)), list(counts.values()))
    phase = random.uniform(0, 2 * np.pi, labels.size)
    waves = np.sin(2 * np.pi * np.arange(n_frames) / period[:, None] + phase[:, None])
    noise = random.normal(scale=1.2, size=waves.shape)
    return TraceSet(
        traces=(waves + noise).astype(np.float32),
        labels=labels,
        sampling_frequency=RATE,
    )


def real_windows(cells: Sequence[RealCell], preparation: str) -> TraceSet:
    """Cut the neurons of one preparation and indicator into windows at 10 Hz."""
    parts, labels, names = [], [], []
    for cell in cells:
        ratio = cell.sampling_frequency / RATE
        if (
            cell.preparation.replace(" ", "-") != preparation
            or cell.indicator != INDICATORS[preparation]
            or ratio < 1
        ):
            continue
        cell_type = cell.cell_type
        if preparation == "in-vivo" and cell_type != "PY":
            cell_type = "IN"  # Two PV or SOM neurons are too few to be split.
        for trial in cell.trials:
            n_out = frames_after_averaging(trial.size, ratio)
            used = n_out // WINDOW * WINDOW
            pieces = area_average(trial[None], ratio, n_out)[:, :used]
            pieces = pieces.reshape(-1, WINDOW)
            parts.append(pieces)
            labels += [cell_type] * len(pieces)
            names += [cell.file] * len(pieces)
    return TraceSet(
        traces=np.concatenate(parts),
        labels=np.array(labels),
        cell_id=np.array(names),
        sampling_frequency=RATE,
    )


def data_file(setting: Setting, folder: Path) -> Path:
    """Make the data set once; every process reads the same file."""
    path = folder / setting.file_name
    if not path.exists():
        if setting.dataset in INDICATORS:
            traces = real_windows(load_cells(DATA), setting.dataset)
        elif setting.dataset == "rhythms":
            traces = rhythms(setting.counts, setting.n_frames)
        else:
            traces = simulate_traces(setting.counts, setting.n_frames, RATE, SEED)
        save_traces(traces, path)
    return path


def _learn(
    ours: bool,
    architecture: str,
    split: int,
    repeat: int,
    path: Path,
    epochs: int,
    threads: int,
) -> dict[str, Any]:
    """Train one network on one split; return its accuracy on the test."""
    use_threads(threads)
    traces = load_traces(path)
    targets = Targets.of(traces.labels.tolist())
    # A split depends on its number alone, not on how many are drawn.
    splits, _ = draw_splits(traces, targets, PaperProtocol(n_splits=split + 1))
    drawn = splits[split]
    X, y = traces.traces, targets.index
    train = train_ours if ours else train_keras
    start = time.perf_counter()
    seed = split + 1000 * repeat
    predict = train(architecture, X[drawn.train], y[drawn.train], seed, epochs)
    seconds = time.perf_counter() - start
    accuracy = float((predict(X[drawn.test]) == y[drawn.test]).mean())
    return {
        "architecture": architecture,
        "program": "ours" if ours else "keras",
        "split": split,
        "repeat": repeat,
        "accuracy": accuracy,
        "seconds": round(seconds, 3),
        "n_test": len(drawn.test),
    }


Predict = Callable[[NDArray[np.float32]], NDArray[np.int64]]


def use_threads(threads: int) -> None:
    """Give both programs of this process so many threads."""
    import torch
    from keras_networks import tensorflow

    torch.set_num_threads(threads)
    tensorflow.config.threading.set_intra_op_parallelism_threads(threads)


def train_ours(architecture, X, y, seed, epochs) -> Predict:
    from napari_celltype.models import TraceClassifier

    return (
        TraceClassifier(
            architecture,
            normalization="training-set",
            epochs=epochs,
            batch_size=BATCH,
            random_state=seed,
            device="cpu",
        )
        .fit(X, y)
        .predict
    )


def train_keras(architecture, X, y, seed, epochs) -> Predict:
    from keras_networks import build_keras, keras

    from napari_celltype.models.windows import Normalization

    class Batches(keras.utils.PyDataset):
        """The training set in an order that is new in each epoch."""

        def __init__(self):
            super().__init__()
            self.random = np.random.default_rng(seed)
            self.on_epoch_end()

        def __len__(self):
            return -(-len(y) // BATCH)

        def __getitem__(self, number):
            rows = self.order[number * BATCH :][:BATCH]
            return scored[rows], y[rows]

        def on_epoch_end(self):
            self.order = self.random.permutation(len(y))

    normalization = Normalization.fit("training-set", X)
    scored = normalization.apply(X)
    model = build_keras(architecture, X.shape[1], len(np.unique(y)), seed=seed)
    model.fit(Batches(), epochs=epochs, shuffle=False, verbose=0)

    def predict(tested):
        logits = model.predict(normalization.apply(tested), verbose=0)
        return logits.argmax(axis=1)

    return predict


def run(
    setting: Setting,
    architectures: Sequence[str],
    splits: int,
    *,
    repeats: int = 1,
    jobs: int,
    threads: int,
    folder: Path,
) -> Iterator[dict[str, Any]]:
    """Yield a line for each training; finished ones are kept in the folder."""
    path = data_file(setting, folder)
    kept = Memory(folder / "trainings", verbose=0).cache(_learn, ignore=["threads"])
    calls = [
        delayed(kept)(ours, architecture, split, repeat, path, setting.epochs, threads)
        for repeat in range(repeats)
        for split in range(splits)
        for architecture in architectures
        for ours in (True, False)
    ]
    yield from Parallel(jobs, return_as="generator_unordered")(calls)


def compare(ours: Sequence[float], keras: Sequence[float]) -> dict[str, Any]:
    """Compare accuracies of the same splits, at least two."""
    first, second = np.asarray(ours), np.asarray(keras)

    def summary(values: NDArray[np.float64]) -> dict[str, float]:
        return {"mean": float(values.mean()), "deviation": float(values.std(ddof=1))}

    spread = float(np.sqrt((first.var(ddof=1) + second.var(ddof=1)) / 2))
    return {
        "splits": len(first),
        "ours": summary(first),
        "keras": summary(second),
        "difference": summary(first - second),
        "spread": spread,
        "level": bool(abs((first - second).mean()) <= spread),
    }


def report(lines: Sequence[dict[str, Any]], architecture: str) -> dict[str, Any]:
    """Print one network's splits and verdict, and return the comparison."""
    by_key = defaultdict(list)
    for line in lines:
        if line["architecture"] == architecture:
            by_key[line["program"], line["split"]].append(line["accuracy"])
    splits = sorted({split for _, split in by_key})
    means = {
        program: [float(np.mean(by_key[program, split])) for split in splits]
        for program in ("ours", "keras")
    }
    print(f"\n{architecture}: split  ours    Keras   difference")
    for split, ours, keras in zip(splits, means["ours"], means["keras"], strict=True):
        print(f"{split:>9}  {ours:6.4f}  {keras:6.4f}  {ours - keras:+.4f}")
    found = compare(means["ours"], means["keras"])
    print(
        "     mean  "
        + "  ".join(
            f"{found[name]['mean']:.4f} +- {found[name]['deviation']:.4f}"
            for name in ("ours", "keras", "difference")
        )
    )
    words = "within" if found["level"] else "NOT within"
    print(f"  {words} the spread over splits ({found['spread']:.4f})")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--dataset",
        choices=("simulated", "rhythms", *INDICATORS),
        default="simulated",
    )
    parser.add_argument(
        "--architectures", nargs="+", choices=ARCHITECTURES, default=ARCHITECTURES
    )
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=1, help="of each training")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--counts", help="of simulated traces, as PY=1000,PV=947")
    parser.add_argument("--frames", type=int, default=4000, help="of simulated traces")
    parser.add_argument("--jobs", type=int, default=1, help="trainings at a time")
    parser.add_argument("--threads", type=int, help="of each; all cores by default")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "parity")
    options = parser.parse_args(arguments)
    if options.splits < 2:
        parser.error("a spread over splits takes at least two of them")
    is_real = options.dataset in INDICATORS
    if is_real and not (DATA / "real_cells.csv").exists():
        parser.error(f"no real neurons at {DATA}; set NAPARI_CELLTYPE_TEST_DATA")
    counts = dict(PAPER_COUNTS)
    if options.counts:
        pairs = (part.split("=") for part in options.counts.split(","))
        counts = {name: int(count) for name, count in pairs}
    setting = Setting(
        dataset=options.dataset,
        counts={} if is_real else counts,
        n_frames=WINDOW if is_real else options.frames,
        epochs=options.epochs,
        made_by="recordings" if is_real else f"simulator-{SIMULATOR_VERSION}",
    )
    threads = options.threads or max(1, (os.cpu_count() or 1) // options.jobs)
    options.folder.mkdir(parents=True, exist_ok=True)
    use_threads(threads)
    from keras_networks import TOLERANCE, agreement

    found = {name: agreement(name, setting.n_frames) for name in ARCHITECTURES}
    print("Largest differences under the same weights")
    for name, values in found.items():
        said = ", ".join(f"{key} {value:.1e}" for key, value in values.items())
        print(f"  {name}: {said}")
    lines = []
    for line in run(
        setting,
        options.architectures,
        options.splits,
        repeats=options.repeats,
        jobs=options.jobs,
        threads=threads,
        folder=options.folder,
    ):
        lines.append(line)
        print(
            f"{line['architecture']} {line['program']:<5} split {line['split']}: "
            f"{line['accuracy']:.4f} in {line['seconds']:.1f} s",
            file=sys.stderr,
        )
    compared = {name: report(lines, name) for name in options.architectures}
    summary = {
        "setting": asdict(setting),
        "repeats": options.repeats,
        "agreement": found,
        "accuracy": compared,
    }
    text = json.dumps(summary, indent=1)
    (options.folder / "summary.json").write_text(text + "\n", encoding="utf-8")
    same = all(
        value <= TOLERANCE[key]
        for each in found.values()
        for key, value in each.items()
    )
    return 0 if same and all(each["level"] for each in compared.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
