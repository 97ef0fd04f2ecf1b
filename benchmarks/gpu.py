"""Ten splits trained at once and one after the other, on a GPU.

The size is that of the paper's experiment: 3,947 traces of 4,000 frames, 3,157 of them
in each of 10 training sets, 20 epochs. Whole fits are timed, the statistics of the
z-score (on the processor) and transfers included, and their epochs alone, after a fit
of one epoch that nobody times. Traces are noise with a different sinusoid for each
type; the share of equal answers says whether both ways have learnt the same, but for
the rounding of TF32.

`--unfold` computes the convolutions of the stacked CNN as matrix products of unfolded
traces instead of as grouped convolutions, in more memory; which of the two a GPU does
faster has to be measured.

    python benchmarks/gpu.py
    python benchmarks/gpu.py --architectures cnn --unfold
    python benchmarks/gpu.py --device cpu --small
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import numpy as np
import torch

from napari_celltype.classifiers import TraceClassifier, stacked_forward
from napari_celltype.classifiers.device import choose_device
from napari_celltype.classifiers.stacked import fit_together
from napari_celltype.labels import Targets
from napari_celltype.protocol.environment import processor

# Seconds that all splits together may take on one H200.
WANTED = {"cnn": 30, "rnn": 5, "lstm": 5}


@dataclass(frozen=True)
class Size:
    splits: int
    epochs: int
    traces: int
    training: int
    frames: int


PAPER = Size(splits=10, epochs=20, traces=3947, training=3157, frames=4000)
SMALL = Size(splits=3, epochs=2, traces=120, training=90, frames=400)


class Data:
    """Labelled traces and the training rows of each split."""

    def __init__(self, size):
        random = np.random.default_rng(0)
        kinds = np.arange(size.traces) % 4
        self.labels = np.array(["PV", "PY", "SOM", "VIP"])[kinds]
        shape = (size.traces, size.frames)
        self.traces = random.standard_normal(shape, dtype=np.float32) * 20 + 500
        time_steps = np.arange(size.frames) * 2 * np.pi / size.frames
        self.traces += 5 * np.sin((kinds[:, None] + 1) * time_steps, dtype=np.float32)
        self.rows = [
            random.permutation(size.traces)[: size.training] for _ in range(size.splits)
        ]
        targets = Targets.of(self.labels)
        self.targets = [targets.take(rows) for rows in self.rows]


def classifiers_of(architecture, size, device, epochs):
    return [
        TraceClassifier(
            architecture,
            epochs=epochs,
            normalization="training-set",
            random_state=split,
            device=str(device),
        )
        for split in range(size.splits)
    ]


def train_together(classifiers, data, device):
    fit_together(classifiers, data.traces, data.targets, data.rows, device=device)


def train_alone(classifiers, data, _device):
    for classifier, rows in zip(classifiers, data.rows, strict=True):
        classifier.fit(data.traces[rows], data.labels[rows])


def unfolded(x, weight, bias):
    """Return what `stacked_forward.convolve` returns, as matrix products."""
    n_networks, filters, channels, _, kernel = weight.shape
    windows = x.unfold(2, kernel, 1)
    n_traces, _, n_frames, _ = windows.shape
    windows = windows.view(n_traces, n_networks, channels, n_frames, kernel)
    columns = windows.permute(1, 0, 3, 2, 4).reshape(
        n_networks, n_traces * n_frames, channels * kernel
    )
    out = torch.baddbmm(bias[:, None], columns, weight.flatten(2).mT)
    out = out.view(n_networks, n_traces, n_frames, filters)
    return out.permute(1, 0, 3, 2).flatten(1, 2)


def time_both(architecture, size, data, device):
    """Return the seconds of whole fits and of epochs, and how many answers agree."""
    took, epochs, answers = {}, {}, {}
    for name, train in (("together", train_together), ("alone", train_alone)):
        train(classifiers_of(architecture, size, device, 1), data, device)
        classifiers = classifiers_of(architecture, size, device, size.epochs)
        start = time.perf_counter()
        train(classifiers, data, device)
        took[name] = time.perf_counter() - start
        epochs[name] = sum(r["seconds"] for c in classifiers for r in c.history_)
        answers[name] = np.array([c.predict(data.traces) for c in classifiers])
    return took, epochs, (answers["together"] == answers["alone"]).mean()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--small", action="store_true", help="a size for a processor")
    parser.add_argument("--architectures", default=",".join(WANTED))
    parser.add_argument("--unfold", action="store_true")
    options = parser.parse_args()
    device, size = choose_device(options.device), SMALL if options.small else PAPER
    name = processor()
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
    if options.unfold:
        stacked_forward.convolve = unfolded
    print(
        f"{name}, torch {torch.__version__}; {size.splits} splits, {size.epochs} "
        f"epochs, {size.training} training traces of {size.frames} frames"
    )
    data = Data(size)
    slow = False
    for architecture in options.architectures.split(","):
        took, epochs, same = time_both(architecture, size, data, device)
        line = (
            f"{architecture}: together {took['together']:.2f} s (epochs "
            f"{epochs['together']:.2f}), one after the other {took['alone']:.2f} s "
            f"({epochs['alone']:.2f}), ratio {took['alone'] / took['together']:.2f}; "
            f"{same:.1%} of the answers are equal"
        )
        if size is PAPER:
            line += f"; wanted on one H200: {WANTED[architecture]} s"
            slow |= took["together"] > WANTED[architecture]
        if device.type == "cuda":
            line += f"; most memory {torch.cuda.max_memory_allocated() / 1e9:.1f} GB"
            torch.cuda.reset_peak_memory_stats()
        print(line, flush=True)
    return 1 if slow else 0


if __name__ == "__main__":
    raise SystemExit(main())
