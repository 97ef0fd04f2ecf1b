"""Speed and memory of classifying a large recording with the paper's CNN.

The network works through `predict_recording_traces`, as `napari-celltype classify`
does, on random traces with random weights. Its rate of arithmetic is shown beside the
rate of an fp32 matrix product timed after every block of ROIs, so that the ratio
says something about this program rather than about what else the machine does.

    python benchmarks/classify.py                 # 10,000 ROIs x 4,000 frames
    python benchmarks/classify.py --rois 1000
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
import psutil
import torch
from open_recording import peak_bytes
from torch.utils.flop_counter import FlopCounterMode

from napari_celltype.models import (
    CellTypeModel,
    TraceClassifier,
    card_for,
    predict_recording_traces,
)

MATRIX = 2048
LEAST_RATIO = 0.6
MOST_BYTES = 2 * 10**9


def seconds(function, *arguments):
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def paper_model(n_frames):
    random = np.random.default_rng(0)
    few = random.normal(size=(8, n_frames)).astype(np.float32)
    labels = ["PY", "PV", "SOM", "VIP"] * 2
    classifier = TraceClassifier(epochs=1, random_state=0, device="cpu")
    classifier.fit(few, labels)
    card = card_for(classifier, name="benchmark", sampling_frequency=10.0)
    return CellTypeModel(classifier, card, "")


def flop_per_trace(model, n_frames):
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        model.classifier.network_(torch.zeros(1, n_frames))
    return counter.get_total_flops()


def classify_between_products(model, traces):
    """Return the seconds of classifying and the rate of matrix products, FLOP/s."""
    a, b = torch.randn(MATRIX, MATRIX), torch.randn(MATRIX, MATRIX)
    torch.mm(a, b)
    products = []

    def multiply(_progress):
        products.append(seconds(torch.mm, a, b))

    whole = seconds(
        lambda: predict_recording_traces(
            model, traces, 10.0, (), device="cpu", on_progress=multiply
        )
    )
    rate = 2 * MATRIX**3 * len(products) / sum(products)
    return whole - sum(products), rate


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rois", type=int, default=10_000)
    parser.add_argument("--frames", type=int, default=4_000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()

    before = psutil.Process().memory_info().rss
    model = paper_model(options.frames)
    flop = flop_per_trace(model, options.frames)
    random = np.random.default_rng(1)
    traces = random.standard_normal((options.rois, options.frames), dtype=np.float32)
    traces *= 20
    traces += 500
    print(
        f"{options.rois} ROIs x {options.frames} frames, {flop / 1e9:.3f} GFLOP each, "
        f"{torch.get_num_threads()} threads, torch {torch.__version__}"
    )
    ratios = []
    for _ in range(options.repeats):
        took, product = classify_between_products(model, traces)
        ratios.append(options.rois * flop / took / product)
        print(
            f"  {took:7.2f} s, {options.rois / took:7.0f} ROIs/s, "
            f"{options.rois * flop / took / 1e9:6.0f} GFLOP/s; matrix product "
            f"{product / 1e9:6.0f} GFLOP/s; ratio {ratios[-1]:.2f}"
        )
    ratio, peak = statistics.median(ratios), peak_bytes()
    print(
        f"median ratio {ratio:.2f} (wanted {LEAST_RATIO} or more); peak memory "
        f"{peak / 1e9:.2f} GB (wanted below {MOST_BYTES / 1e9:.0f} GB), of which "
        f"{before / 1e9:.2f} GB are imports and {traces.nbytes / 1e9:.2f} GB traces"
    )
    return 0 if ratio >= LEAST_RATIO and peak < MOST_BYTES else 1


if __name__ == "__main__":
    raise SystemExit(main())
