"""Classifying while recording: does it keep up, in memory that does not grow?

    python benchmarks/watch.py                   # 10,000 ROIs at 30 Hz, 10 minutes
    python benchmarks/watch.py --model pooled --rois 1000
    python benchmarks/watch.py --movie           # traces from 1024 x 1024 pixels
    python benchmarks/watch.py --accuracy        # accuracy by seconds of recording

A source that makes frames as fast as they are taken stands for the microscope. Wanted:
seconds of work per second of recording below 1, and no growth of memory once the first
windows have passed. `--accuracy` streams simulated sessions of labelled cells, as the
bundled models have not seen them, and writes Table V of the paper continued.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import torch
from scoring import accuracy, balanced_accuracy, by_cell, groups

from napari_celltype.answers import ClassifyRequest
from napari_celltype.models import load_model
from napari_celltype.online import WatchRequest, follow
from napari_celltype.online.sources import POLL_TIME, GrowingMovie
from napari_celltype.online.stream import TraceStream
from napari_celltype.recording import Recording, RoiMasks
from napari_celltype.simulation import simulate_session

SECONDS = (15, 30, 60, 120, 300, 600)
TYPES = ("PY", "PV", "SOM", "VIP")
CELLS = 40  # of a session, ten of each type
MOST_GROWTH = 50e6  # bytes
SEED = 20261129


def speed(options):
    """Stream noise; return seconds of work per second, and the growth of memory."""
    model = load_model(options.model, options.rate)
    stream = TraceStream(model, options.rois, options.rate, device="cpu")
    random = np.random.default_rng(0)
    second = random.standard_normal(
        (round(options.rate), options.rois), dtype=np.float32
    )
    second = 500 + 20 * second
    process, work, longest, growth = psutil.Process(), 0.0, 0.0, {}
    n_windows, used = 0, 0.0
    for at in range(1, round(60 * options.minutes) + 1):
        frames = second[random.permutation(len(second))]
        start, processor = time.perf_counter(), time.process_time()
        stream.add(frames)
        stream.work(POLL_TIME)
        if stream.n_windows > n_windows:
            n_windows = stream.n_windows
            stream.predicted()
        took = time.perf_counter() - start
        used += time.process_time() - processor
        work, longest = work + took, max(longest, took)
        if at % 60 == 0:
            growth[at // 60] = process.memory_info().rss
    begin = min(2, max(growth))
    grown = growth[max(growth)] - growth[begin]
    print(
        f"{model.card.name}, {options.rois} ROIs at {options.rate:g} Hz, "
        f"{options.minutes:g} min, {torch.get_num_threads()} threads: "
        f"{work / 60 / options.minutes:.3f} s of work per second of recording, "
        f"{used / 60 / options.minutes:.3f} s of processor time, longest stretch "
        f"{longest:.1f} s; memory {growth[max(growth)] / 1e9:.2f} GB, "
        f"{grown / 1e6:+.0f} MB since minute {begin}"
    )
    return work / 60 / options.minutes, grown


def movie_speed(n_rois, n_frames=60, side=1024, width=10):
    """Print the processor time of taking traces of square ROIs from a movie."""
    random = np.random.default_rng(0)
    corners = random.integers(0, side - width, (2, n_rois, 1))
    inside = np.divmod(np.arange(width**2), width)
    ypix, xpix = ((c + i).ravel() for c, i in zip(corners, inside, strict=True))
    starts = np.arange(n_rois + 1) * width**2
    masks = Recording(
        np.broadcast_to(np.float32(0), (n_rois, 1)),
        rois=RoiMasks(ypix, xpix, np.ones(len(ypix), np.float32), starts),
        frame_shape=(side, side),
        merged_into=np.full(n_rois, -1),
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.bin"
        random.integers(0, 3000, (n_frames, side, side)).astype("<i2").tofile(path)
        source, taken = GrowingMovie(path, masks), 0
        start = time.process_time()
        while taken < n_frames:
            taken += len(next(source).frames)
    milliseconds = 1e3 * (time.process_time() - start) / n_frames
    print(f"{n_rois} ROIs of {side} x {side} pixels: {milliseconds:.1f} ms a frame")


def session_answers(number, model, rate, folder):
    """Return truth and, by seconds, what is named of a session; None before."""
    labels = np.repeat(TYPES, CELLS // len(TYPES))
    session = simulate_session(
        labels, round(max(SECONDS) * rate), rate, [SEED, number], regime="running"
    )
    path = Path(folder) / "session.raw"
    answers = {}
    for seconds in SECONDS:
        n_frames = round(seconds * rate)
        frames = np.ascontiguousarray(session.fluorescence.raw_traces[:, :n_frames].T)
        frames.astype("<f4").tofile(path)
        request = WatchRequest(str(path), None, len(labels), rate, until=seconds)
        *_, update = follow(request, ClassifyRequest(model, device="cpu"))
        if update.predictions is not None:
            answers[seconds] = update.predictions.decisions
    return labels, answers


def accuracies(options):
    """Print a row of the table for each number of seconds."""
    for model in options.model.split(","):
        truths, found = [], {}
        with tempfile.TemporaryDirectory() as folder:
            for number in range(options.sessions):
                labels, answers = session_answers(number, model, options.rate, folder)
                truths.append(labels)
                for seconds, decisions in answers.items():
                    types, p_in = found.setdefault(seconds, ([], []))
                    types.append(np.asarray(decisions.predicted, dtype=str))
                    p_in.append(np.asarray(decisions.group, dtype=str))
        truth = np.concatenate(truths)
        for seconds in SECONDS:
            if seconds not in found:
                print(f"| {model} | {seconds} | - | - | {len(truth)} |", flush=True)
                continue
            guess, group = map(np.concatenate, found[seconds])
            cells = [
                f"{score['value']:.2f} [{score['low']:.2f}, {score['high']:.2f}]"
                for score in (
                    by_cell(accuracy, truth, guess),
                    by_cell(balanced_accuracy, groups(truth), group),
                )
            ]
            print(f"| {model} | {seconds} | {' | '.join(cells)} | {len(truth)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="cnn")
    parser.add_argument("--rois", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=30.0)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--movie", action="store_true")
    parser.add_argument("--accuracy", action="store_true")
    parser.add_argument("--sessions", type=int, default=30)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.movie:
        movie_speed(options.rois)
        return 0
    if options.accuracy:
        accuracies(options)
        return 0
    if options.minutes < 1:
        parser.error("Memory is looked at every minute; give --minutes 1 or more.")
    ratio, grown = speed(options)
    return 0 if ratio < 1 and grown < MOST_GROWTH else 1


if __name__ == "__main__":
    raise SystemExit(main())
