"""Time of colouring 10,000 ROIs of 1024 x 1024 pixels in a real napari window.

Run ``python benchmarks/colour.py`` (on a machine without a display with ``xvfb-run -a``
before it). It prints milliseconds a call, milliseconds until the picture is on the
screen, and the ratio of the call to setting the data of a plain uint8 Labels layer of
the same size in the same run. Targets: all under 100 ms, one under 25 ms a call.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import napari
import numpy as np
from qtpy.QtWidgets import QApplication

from napari_celltype.answers import Predictions
from napari_celltype.gui.opened import OpenRecording
from napari_celltype.gui.scene import scene_of
from napari_celltype.labels import Label, LabelTable
from napari_celltype.models.catalog import find_model
from napari_celltype.recording import Recording, Roi

SIDE = 1024
RADIUS = 5
REPEATS = 15


def recording_of(n_rois: int, rng: np.random.Generator) -> Recording:
    """Round ROIs at random places, so many that they overlap."""
    dy, dx = np.mgrid[-RADIUS : RADIUS + 1, -RADIUS : RADIUS + 1]
    disk = dy**2 + dx**2 <= RADIUS**2
    lam = np.exp(-(dy**2 + dx**2)[disk] / RADIUS**2).astype(np.float32)
    centers = rng.integers(RADIUS, SIDE - RADIUS, (n_rois, 2))
    rois = [Roi(y + dy[disk], x + dx[disk], lam) for y, x in centers]
    return Recording(
        raw_traces=np.zeros((n_rois, 2), dtype=np.float32),
        rois=rois,
        sampling_frequency=10.0,
        sampling_frequency_source="user",
        frame_shape=(SIDE, SIDE),
        images={"mean image": rng.random((SIDE, SIDE), dtype=np.float32)},
    )


def predictions_of(recording: Recording, rng: np.random.Generator) -> Predictions:
    """Random probabilities, as if a bundled model had given them."""
    return Predictions(
        recording=recording,
        recording_name="benchmark",
        card=find_model("cnn").card,
        model_sha256="",
        model_probabilities=rng.dirichlet([0.4] * 4, recording.n_rois),
        n_windows=np.ones(recording.n_rois, dtype=np.int64),
        n_frames_used=np.zeros(recording.n_rois, dtype=np.int64),
        input_name="F",
        findings=(),
        roi_warnings=("",) * recording.n_rois,
        labels=None,
        only_iscell=False,
    )


def median_ms(call: Callable[[int], Any], shown: Callable[[], None]) -> list[float]:
    """Milliseconds of the call, and of the call until it is on the screen."""
    calls, frames = [], []
    for i in range(REPEATS):
        start = time.perf_counter()
        call(i)
        calls.append(time.perf_counter() - start)
        shown()
        frames.append(time.perf_counter() - start)
    return [1000 * float(np.median(times)) for times in (calls, frames)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rois", type=int, default=10_000)
    n_rois = parser.parse_args().rois
    rng = np.random.default_rng(0)
    recording = recording_of(n_rois, rng)
    viewer = napari.Viewer()
    scene = scene_of(viewer)
    session = scene.session
    start = time.perf_counter()
    session.open(OpenRecording("benchmark", recording))
    added = time.perf_counter() - start
    opened = session.recordings["benchmark"]
    predictions = predictions_of(recording, rng)

    def shown() -> None:
        # A screenshot renders the canvas before it returns.
        viewer.screenshot(canvas_only=True, flash=False)

    def all_rois(i: int) -> None:
        # Not by the session's methods, which would also fill the table behind the ROIs.
        named = predictions.with_min_probability(0.3 + 0.4 * (i % 2))
        session.recordings["benchmark"] = replace(opened, predictions=named)
        scene.color("benchmark")

    def one_roi(i: int) -> None:
        label = Label(37 * i, ("PV", "VIP")[i % 2])
        session.set_labels("benchmark", LabelTable((label,)))

    def select(i: int) -> None:
        session.select(37 * i)

    shown()
    results = {
        f"colour all {n_rois} ROIs (target 100)": median_ms(all_rois, shown),
        "colour one ROI (target 25)": median_ms(one_roi, shown),
        "select one ROI": median_ms(select, shown),
    }
    images = [rng.integers(0, 255, (SIDE, SIDE), dtype=np.uint8) for _ in range(2)]
    plain = viewer.add_labels(images[0])
    plain_ms = median_ms(lambda i: setattr(plain, "data", images[(i + 1) % 2]), shown)

    print(f"adding the first layers, with what napari imports for them: {added:.2f} s")
    print(f"{'':36} ms a call  ms on screen  x plain Labels")
    for name, (call, frame) in {**results, "plain uint8 Labels data": plain_ms}.items():
        print(f"{name:36} {call:9.1f} {frame:13.1f} {call / plain_ms[0]:15.2f}")
    viewer.close()
    QApplication.processEvents()


if __name__ == "__main__":
    main()
