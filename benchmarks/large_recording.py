"""How long a click or a key keeps the main thread busy: 10,000 ROIs, an hour at 30 Hz.

Run ``python benchmarks/large_recording.py`` (on a machine without a display with
``xvfb-run -a`` before it). For each action it prints the longest stretch of the main
thread's own processor time, in milliseconds, and its ratio to setting the data of a
plain Labels layer of the same picture in the same run. Target: 100 ms each.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import napari
import numpy as np
from classify import paper_model
from colour import predictions_of
from qtpy.QtCore import QObject, Qt, QTimer
from qtpy.QtTest import QTest

from napari_celltype.gui.commands import show_dock, show_docks
from napari_celltype.gui.opened import OpenRecording
from napari_celltype.gui.roi_filter import RoiFilter
from napari_celltype.gui.scene import scene_of
from napari_celltype.recording import FROM_USER, Recording, RoiMasks, Segment

N_ROIS, N_FRAMES, SIDE = 10_000, 108_000, 1024
TARGET_MS = 100
# Longer than the tables wait for a slider or a key to rest.
REST_MS = 250

_BEAT_MS = 5


class Watchdog(QObject):
    """Takes the longest time for which the event loop of a window did not turn."""

    def __init__(self) -> None:
        super().__init__()
        self.worst = 0.0
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._beat)

    def __enter__(self) -> Watchdog:
        self._spent = time.thread_time()
        self._timer.start(_BEAT_MS)
        return self

    def __exit__(self, *error: Any) -> None:
        self._beat()
        self._timer.stop()

    def _beat(self) -> None:
        now = time.thread_time()
        self.worst = max(self.worst, now - self._spent)
        self._spent = now


class OneTraceForAll:
    """Traces that would take 4.3 GB: each ROI's is made when it is asked for."""

    shape = (N_ROIS, N_FRAMES)

    def __init__(self) -> None:
        self._trace = np.random.default_rng(0).normal(size=N_FRAMES).astype("f4")

    def __getitem__(self, key: Any) -> np.ndarray:
        rows = np.arange(N_ROIS)[key]
        return np.broadcast_to(self._trace, (*rows.shape, N_FRAMES)).copy()


def large_recording() -> Recording:
    """Square ROIs in rows, in two runs of half an hour."""
    inside = np.mgrid[:7, :7].reshape(2, 1, -1)
    corners = 10 * np.stack(np.divmod(np.arange(N_ROIS), 100))[:, :, None] + 2
    ypix, xpix = (inside + corners).reshape(2, -1)
    masks = RoiMasks(ypix, xpix, np.ones(ypix.size, "f4"), 49 * np.arange(N_ROIS + 1))
    half = N_FRAMES // 2
    return Recording(
        OneTraceForAll(),
        masks,
        sampling_frequency=30.0,
        sampling_frequency_source=FROM_USER,
        segments=(Segment(0, half), Segment(half, N_FRAMES)),
        frame_shape=(SIDE, SIDE),
        images={"mean image": np.zeros((SIDE, SIDE), "f4")},
        iscell=np.arange(N_ROIS) % 3 > 0,
    )


def busiest_ms(act: Callable[[], Any]) -> float:
    """Milliseconds of the longest stretch while an action goes on and settles."""
    with Watchdog() as watched:
        QTest.qWait(20)
        act()
        QTest.qWait(REST_MS)
    return 1000 * watched.worst


def main() -> int:
    viewer = napari.Viewer()
    dock = show_dock(viewer, "ROIs and traces")
    labelling = show_dock(viewer, "Label").labelling
    show_docks(viewer)
    session = scene_of(viewer).session
    recording = large_recording()
    session.open(OpenRecording("large", recording))
    made = predictions_of(recording, np.random.default_rng(0))
    session.set_predictions("large", replace(made, card=paper_model(300).card))
    plain = viewer.add_labels(np.zeros((SIDE, SIDE), np.uint8))
    # The first drawing of all compiles and caches, whatever is drawn.
    session.select_many(range(20))
    QTest.qWait(500)
    image = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE), dtype=np.uint8)
    unit = busiest_ms(lambda: setattr(plain, "data", image))
    viewer.layers.remove(plain)
    print(f"{'':20} ms at a stretch  x plain Labels")
    print(f"{'plain Labels data':20} {unit:15.0f}")
    slow = []
    for name, act in (
        ("one ROI", lambda: session.select(5)),
        ("20 ROIs stacked", lambda: session.select_many(range(30, 50))),
        ("transient", dock.zoom_to_largest_transient),
        ("type", lambda: session.set_filter(RoiFilter(name="IN"))),
        ("words", lambda: session.set_filter(RoiFilter(text="below", least=0.4))),
        ("all again", lambda: session.set_filter(RoiFilter())),
        ("sort", lambda: dock.view.sortByColumn(3, Qt.SortOrder.AscendingOrder)),
        ("gallery", lambda: dock.tabs.setCurrentWidget(dock.gallery)),
        ("unseen trace", lambda: session.select(77)),
        ("threshold", lambda: session.set_min_probability(0.4)),
        ("prevalence", lambda: session.set_prior({"IN": 0.1})),
        ("colour by group", lambda: session.color_by_group(True)),
        ("labelling", labelling.toggle),
        ("label", lambda: labelling.give_digit(2)),
        ("next", lambda: labelling.step(1)),
        ("show predictions", labelling.show_or_hide_predictions),
        ("select all", dock.view.selectAll),
        ("label all", lambda: labelling.give_digit(4)),
        ("undo all", labelling.undo),
        ("select none", lambda: session.select(None)),
    ):
        busy = busiest_ms(act)
        print(f"{name:20} {busy:15.0f} {busy / unit:15.2f}")
        slow += [name] if busy >= TARGET_MS else []
    print(f"{TARGET_MS} ms or longer: {', '.join(slow) or 'nothing'}")
    viewer.close()
    return int(bool(slow))


if __name__ == "__main__":
    raise SystemExit(main())
