"""Training and inference of each network on a GPU.

The size is that of the paper's experiment: 3,157 training traces of 4,000 frames, 20
epochs. Whole fits are timed, the statistics of the z-score (on the processor) and
transfers included, after a fit of one epoch that nobody times. Traces are noise with a
different sinusoid for each type.

    python benchmarks/gpu.py
    python benchmarks/gpu.py --device cpu --small
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch

from napari_celltype.models import NETWORKS, TraceClassifier
from napari_celltype.models.device import choose_device
from napari_celltype.protocol.task import processor

TRACES, FRAMES, EPOCHS = 3157, 4000, 20
SMALL = 90, 400, 2


def labelled_traces(n_traces, n_frames):
    random = np.random.default_rng(0)
    kinds = np.arange(n_traces) % 4
    traces = random.standard_normal((n_traces, n_frames), dtype=np.float32) * 20 + 500
    phase = np.arange(n_frames) * 2 * np.pi / n_frames
    traces += 5 * np.sin((kinds[:, None] + 1) * phase, dtype=np.float32)
    return traces, np.array(["PV", "PY", "SOM", "VIP"])[kinds]


def time_both(architecture, traces, labels, device, epochs):
    """Return the seconds of a training and of classifying all traces."""
    settings = {"normalization": "training-set", "random_state": 0, "device": device}
    TraceClassifier(architecture, epochs=1, **settings).fit(traces, labels)
    classifier = TraceClassifier(architecture, epochs=epochs, **settings)
    start = time.perf_counter()
    classifier.fit(traces, labels)
    trained = time.perf_counter()
    classifier.predict(traces)
    return trained - start, time.perf_counter() - trained


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--small", action="store_true", help="a size for a processor")
    parser.add_argument("--architectures", default=",".join(NETWORKS))
    options = parser.parse_args()
    device = choose_device(options.device)
    cuda = device.type == "cuda"
    n_traces, n_frames, epochs = SMALL if options.small else (TRACES, FRAMES, EPOCHS)
    print(
        f"{torch.cuda.get_device_name(device) if cuda else processor()}, torch "
        f"{torch.__version__}; {epochs} epochs, {n_traces} traces of {n_frames} frames"
    )
    traces, labels = labelled_traces(n_traces, n_frames)
    for architecture in options.architectures.split(","):
        fit, predict = time_both(architecture, traces, labels, str(device), epochs)
        line = (
            f"{architecture}: training {fit:.2f} s, inference "
            f"{n_traces / predict:.0f} traces/s"
        )
        if cuda:
            line += f"; most memory {torch.cuda.max_memory_allocated() / 1e9:.1f} GB"
            torch.cuda.reset_peak_memory_stats()
        print(line, flush=True)


if __name__ == "__main__":
    main()
