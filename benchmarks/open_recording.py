"""Time and memory of opening a large recording, against a plain read of its files.

Run ``python benchmarks/open_recording.py`` (3 GB of disk for the full size) or with
``--rois 2000 --frames 9000`` for a smaller one. Two numbers matter: seconds beyond
reading the same bytes (target: under 2 s, in the quickest of the repeats) and resident
memory beyond the traces (target: under 300 MB, in all of them). The exit status is 1
when a target is missed.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

MOST_SECONDS, MOST_BYTES = 2.0, 300e6
FRAME_SHAPE = (1024, 1024)
PIXELS_PER_ROI = 110
# What a stat.npy of suite2p 0.14 holds beside the mask: the largest of all versions.
NEUROPIL_PIXELS = 518


def write_recording(plane: Path, n_rois: int, n_frames: int) -> None:
    """Write a plane folder of suite2p 0.14 with random content."""
    rng = np.random.default_rng(0)
    plane.mkdir(parents=True)
    for name in ("F.npy", "Fneu.npy"):
        traces = np.lib.format.open_memmap(
            plane / name, mode="w+", dtype=np.float32, shape=(n_rois, n_frames)
        )
        for start in range(0, n_rois, 500):
            stop = min(start + 500, n_rois)
            traces[start:stop] = rng.random((stop - start, n_frames), dtype=np.float32)
        traces.flush()
        del traces
    stat = np.empty(n_rois, dtype=object)
    side = int(np.ceil(np.sqrt(PIXELS_PER_ROI)))
    dy, dx = np.divmod(np.arange(PIXELS_PER_ROI), side)
    for i in range(n_rois):
        y, x = rng.integers(0, np.array(FRAME_SHAPE) - side)
        stat[i] = {
            "ypix": y + dy,
            "xpix": x + dx,
            "lam": rng.random(PIXELS_PER_ROI, dtype=np.float32),
            "med": [int(y), int(x)],
            "footprint": np.float64(1),
            "mrs": np.float32(1),
            "compact": np.float64(1),
            "npix": PIXELS_PER_ROI,
            "soma_crop": np.ones(PIXELS_PER_ROI, bool),
            "overlap": np.zeros(PIXELS_PER_ROI, bool),
            "radius": np.float64(5),
            "aspect_ratio": np.float64(1),
            "skew": np.float32(1),
            "std": np.float32(1),
            "neuropil_mask": rng.integers(0, 1 << 20, NEUROPIL_PIXELS),
        }
    np.save(plane / "stat.npy", stat)
    np.save(plane / "iscell.npy", np.ones((n_rois, 2)))
    image = rng.random(FRAME_SHAPE, dtype=np.float32)
    ops = {
        "Ly": FRAME_SHAPE[0],
        "Lx": FRAME_SHAPE[1],
        "fs": 30.0,
        "neucoeff": 0.7,
        "meanImg": image,
        "max_proj": image,
        "badframes": np.zeros(n_frames, bool),
        "frames_per_folder": np.array([n_frames]),
    }
    np.save(plane / "ops.npy", np.array(ops, dtype=object))


def read_plainly(plane: Path) -> tuple[float, float]:
    """Read the bytes that opening needs; return seconds by the clock, of processor."""
    start, busy = time.perf_counter(), time.process_time()
    for name in ("F.npy", "stat.npy", "ops.npy", "iscell.npy"):
        path = plane / name
        target = np.empty(path.stat().st_size, dtype=np.uint8)
        with path.open("rb", buffering=0) as file:
            view = memoryview(target)
            while view and (n := file.readinto(view)):
                view = view[n:]
    return time.perf_counter() - start, time.process_time() - busy


def measure_opening(plane: Path) -> None:
    """Open in this fresh process; print seconds, memory now and at its peak."""
    from napari_celltype.recording import label_image, open_recording

    process = psutil.Process()
    before = process.memory_info().rss
    start, busy = time.perf_counter(), time.process_time()
    recording = open_recording(plane)
    opened = time.perf_counter() - start
    busy = time.process_time() - busy
    after = process.memory_info().rss
    start = time.perf_counter()
    label_image(recording)
    drawn = time.perf_counter() - start
    traces = np.asarray(recording.raw_traces).nbytes
    print(opened, busy, after - before - traces, peak_bytes() - before - traces, drawn)


def peak_bytes() -> int:
    """Return the largest resident memory of this process so far."""
    try:
        import resource
    except ImportError:  # Windows keeps the peak itself.
        return int(psutil.Process().memory_info().peak_wset)
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale


def missed_targets(beyond_reading: list[float], kept: list[float]) -> list[str]:
    """Say which targets the repeats missed, by seconds and bytes of each repeat."""
    missed = []
    if min(beyond_reading) >= MOST_SECONDS:
        missed.append(
            f"{min(beyond_reading):.2f} s beyond reading (target {MOST_SECONDS:g} s)"
        )
    if max(kept) >= MOST_BYTES:
        missed.append(
            f"{max(kept) / 1e6:.0f} MB beyond the traces (target "
            f"{MOST_BYTES / 1e6:.0f} MB)"
        )
    return missed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rois", type=int, default=10_000)
    parser.add_argument("--frames", type=int, default=36_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--folder", type=Path, help="where to write (default: temporary)"
    )
    parser.add_argument("--open", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.open:
        measure_opening(arguments.open)
        return 0
    seconds, memory = [], []
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        plane = Path(folder) / "suite2p" / "plane0"
        write_recording(plane, arguments.rois, arguments.frames)
        size = sum(path.stat().st_size for path in plane.iterdir())
        print(
            f"{arguments.rois} ROIs x {arguments.frames} frames, {size / 1e9:.2f} GB; "
            f"Python {platform.python_version()}, NumPy {np.__version__}, "
            f"{os.cpu_count()} cores, {platform.system()}; warm file cache"
        )
        read_plainly(plane)
        for _ in range(arguments.repeats):
            plain, plain_busy = read_plainly(plane)
            said = subprocess.run(
                [sys.executable, __file__, "--open", plane],
                check=True,
                capture_output=True,
                text=True,
            ).stdout.split()
            opened, busy, kept, peak, drawn = map(float, said)
            seconds.append(opened - plain)
            memory.append(kept)
            print(
                f"open {opened:.2f} s, plain read {plain:.2f} s: "
                f"{opened - plain:+.2f} s beyond reading (ratio {opened / plain:.2f}), "
                f"{busy - plain_busy:+.2f} s of processor time; "
                f"resident beyond the traces {kept / 1e6:.0f} MB, at the peak "
                f"{peak / 1e6:.0f} MB; label image {drawn * 1000:.0f} ms"
            )
    missed = missed_targets(seconds, memory)
    print(f"missed: {'; '.join(missed)}" if missed else "both targets are met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
