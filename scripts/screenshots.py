"""The pictures of docs/images, taken of a real window on simulated recordings.

Run as ``sh scripts/on_screen.sh python scripts/screenshots.py [NAME...]``; without
names all are taken, which needs some minutes, most of them for the evaluation.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from qtpy.QtCore import QRect, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QDockWidget, QPushButton, QWidget

from napari_celltype.gui.app import open_window
from napari_celltype.gui.commands import show_dock
from napari_celltype.gui.label.red_channel_panel import RedChannelPanel
from napari_celltype.gui.placement import open_once
from napari_celltype.gui.roi_filter import RoiFilter
from napari_celltype.gui.watch.watch_dock import WatchDock
from napari_celltype.labels import save_labels, save_traces
from napari_celltype.recording import open_recording
from napari_celltype.simulation import (
    simulate_recording,
    simulate_traces,
    truth_table,
    write_movie,
    write_recording,
)

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
LARGEST = 250_000  # bytes of a picture
GAP = 10  # pixels between states of a dock


class Stage:
    """A window of 1366 x 768 on a recording that was just read."""

    def __init__(self, session: Path, movie: Path | None = None) -> None:
        self.viewer, self.classify = open_window(session, fs=10.0, movie=movie)
        # napari remembers how large its last window was.
        self.viewer.window.resize(1366, 768)
        self.session = self.classify.session
        self.wait(lambda: self.session.active is not None)
        self.main = self.classify.window()
        self.fit()

    def dock(self, name: str) -> Any:
        """Bring a dock to the front."""
        widget = show_dock(self.viewer, name)
        _around(widget).raise_()
        self.rest()
        return widget

    def run_classify(self) -> None:
        self.classify.classify()
        self.wait(lambda: not self.classify.tasks.running)

    def fit(self) -> None:
        # The docks and the time slider find their places one after another.
        self.rest()
        self.viewer.reset_view()
        self.rest()

    def wait(self, done: Callable[[], bool], seconds: float = 600) -> None:
        end = time.monotonic() + seconds
        while not done():
            QTest.qWait(20)
            if time.monotonic() > end:
                raise TimeoutError("The window did not get that far.")

    def rest(self, milliseconds: int = 800) -> None:
        QTest.qWait(milliseconds)

    def whole(self) -> Image.Image:
        self.rest()
        return Image.fromarray(self.viewer.screenshot(canvas_only=False, flash=False))

    def side(self, widget: QWidget, cut: int = 0) -> Image.Image:
        """The right side of the window, without `cut` pixels of empty bottom."""
        self.rest()
        place = _around(widget).geometry()
        height = self.main.statusBar().y() - place.y() - cut
        shown = QRect(place.x(), place.y(), place.width(), height)
        whole = Image.fromarray(self.viewer.screenshot(canvas_only=False, flash=False))
        return whole.crop((shown.left(), shown.top(), shown.right(), shown.bottom()))


def _around(widget: QWidget) -> QDockWidget:
    while not isinstance(widget, QDockWidget):
        widget = widget.parentWidget()
    return widget


def beside(pictures: Sequence[Image.Image]) -> Image.Image:
    """Several states of a dock beside one another."""
    width = sum(p.width for p in pictures) + GAP * (len(pictures) - 1)
    strip = Image.new("RGB", (width, max(p.height for p in pictures)), "#808080")
    x = 0
    for picture in pictures:
        strip.paste(picture, (x, 0))
        x += picture.width + GAP
    return strip


def save(picture: Image.Image, name: str) -> None:
    """Write a picture with 256 colours, none of them far from its own."""
    path = IMAGES / f"{name}.png"
    small = picture.convert("RGB").quantize(
        256, Image.Quantize.MAXCOVERAGE, kmeans=4, dither=Image.Dither.NONE
    )
    small.save(path, optimize=True)
    print(f"{path.name}: {picture.size}, {path.stat().st_size:,} bytes")
    if path.stat().st_size > LARGEST:
        raise SystemExit(f"{path} is larger than {LARGEST:,} bytes.")


def a_recording(
    folder: Path, *, n_frames: int = 1500, movie: bool = False
) -> tuple[Path, list[str]]:
    """A session of 140 cells, 256 x 256 pixels, at 10 Hz; and the true types."""
    session = folder / "mouse1"
    simulated = simulate_recording(140, n_frames, 10.0, random_state=1)
    write_recording(simulated, session)
    if movie:
        write_movie(simulated, folder / "movie.tif")
    return session, simulated.labels.tolist()


def window(folder: Path) -> None:
    session, _ = a_recording(folder, movie=True)
    stage = Stage(session, folder / "movie.tif")
    stage.run_classify()
    features = stage.session.features(stage.session.active)
    named = features[features["group"] == "IN"]
    stage.session.select(int(named["roi_id"][named["p_IN"].idxmax()]))
    save(stage.whole(), "window")
    stage.viewer.close()


def label(folder: Path) -> None:
    session, truth = a_recording(folder)
    stage = Stage(session)
    stage.run_classify()
    dock = stage.dock("Label")
    dock.annotator.setText("Ada")
    dock.annotator.editingFinished.emit()
    dock.toggle.click()
    centers = [roi.centroid for roi in stage.session.active.recording.rois]
    # One of every kind of label, and some more, near the middle.
    middle = np.linalg.norm(np.array(centers) - 128, axis=1).argsort()
    for name, number in (("PY", 5), ("PV", 4), ("SOM", 3), ("VIP", 2)):
        for roi_id in [i for i in middle if truth[i] == name][:number]:
            stage.session.select(int(roi_id))
            dock.labelling.give(name)
    rest = [int(i) for i in middle if truth[i] == "SOM"][3:6]
    for roi_id, name in zip(rest, ("!PV", "IN", "not a soma"), strict=True):
        stage.session.select(roi_id)
        dock.labelling.give(name)
    QTest.keyClick(dock.toggle, Qt.Key.Key_J)
    stage.wait(lambda: "saved" in dock.saved.line.text())
    save(stage.whole(), "label-dock")
    stage.viewer.close()


def red(folder: Path) -> None:
    session, truth = a_recording(folder)
    plane = session / "suite2p" / "plane0"
    ops = np.load(plane / "ops.npy", allow_pickle=True).item()
    stat = np.load(plane / "stat.npy", allow_pickle=True)
    random = np.random.default_rng(0)
    # Green leaks into red, differently for each cell, and half as bright is the marker.
    image = 0.25 * ops["meanImg"]
    for entry, name in zip(stat, truth, strict=True):
        marker = random.lognormal(7.5, 0.25) if name == "PV" else 0.0
        own = random.normal(0, 300)
        image[entry["ypix"], entry["xpix"]] += marker + own
    ops["meanImg_chan2"] = image.astype(np.float32)
    np.save(plane / "ops.npy", np.array(ops, dtype=object))
    stage = Stage(session)
    dock = stage.dock("Label")
    dock.red.click()
    panel = stage.main.findChild(RedChannelPanel)
    stage.wait(panel.apply_button.isEnabled)
    panel.show_image.click()
    panel.apply_button.click()
    stage.wait(lambda: not panel.job.running)
    stage.session.select(int(panel._order[0]))
    stage.rest()
    save(stage.whole(), "red-channel")
    stage.viewer.close()


def look(folder: Path) -> None:
    session, truth = a_recording(folder)
    save_labels(open_recording(session, plane=0), truth_table(truth))
    stage = Stage(session)
    stage.run_classify()
    filters = RoiFilter(name="IN", least=0.5)
    stage.session.set_filter(filters)
    dock = stage.dock("ROIs and traces")
    dock.filters.more.setChecked(True)
    stage.main.resizeDocks([_around(dock)], [360], Qt.Orientation.Vertical)
    features = stage.session.features(stage.session.active)
    shown = features[stage.session.shown(stage.session.active)]
    wrong = shown[shown["predicted"] != shown["label"]]
    stage.session.select(int(wrong["roi_id"].iloc[0]))
    stage.fit()
    save(stage.whole(), "look")
    print(shown[["roi_id", "label", "predicted", "probability"]])
    stage.viewer.close()


def train(folder: Path) -> None:
    for number, line in enumerate(("Pvalb", "Pvalb", "SST", "SST"), 1):
        counts = {"PY": 22, "PV": 6, "SOM": 6, **({"VIP": 6} if number == 4 else {})}
        simulated = simulate_recording(
            0, 1800, 20.0, counts=counts, random_state=number
        )
        place = folder / f"{line}-Cre" / f"mouse{number}" / f"2024-05-0{number}"
        plane = write_recording(simulated, place)
        save_labels(open_recording(plane), truth_table(simulated.labels.tolist()))
    stage = Stage(folder / "Pvalb-Cre" / "mouse1" / "2024-05-01")
    dock = stage.dock("Train")
    dock.recordings.add_paths([folder])
    stage.wait(lambda: not dock.recordings.job.running)
    before = stage.side(dock)
    buttons = dock.recordings.obstacle_list.findChildren(QPushButton)
    next(b for b in buttons if b.text() == "Leave out").click()
    dock.form.native("epochs").setValue(30)
    dock.train.click()
    stage.wait(lambda: len(dock.plot.scores) > 12)
    dock.job.cancel.click()
    dock.look_at_news()
    during = stage.side(dock)
    dock.choice.keep.click()
    stage.wait(lambda: not dock.job.running)
    save(beside([before, during, stage.side(dock)]), "train-dock")
    stage.viewer.close()


def evaluate(folder: Path) -> None:
    session, _ = a_recording(folder)
    traces = simulate_traces({"PY": 240, "PV": 240}, 800, 10.0, random_state=5)
    file = save_traces(traces, folder / "simulated.npz")
    stage = Stage(session)
    dock = stage.dock("Evaluate")
    dock.form.show_values({"n_splits": 5, "epochs": 8, "normalization": "training-set"})
    dock.data.choose(file)
    stage.wait(lambda: dock.expected.text.startswith("Expected"))
    before = stage.side(dock)
    dock.run.click()
    stage.wait(lambda: dock.splits.rowCount() > 12)
    during = stage.side(dock)
    stage.wait(lambda: not dock.job.running)
    states = [before, during, stage.side(dock)]
    bar = dock._column.verticalScrollBar()
    bar.setValue(bar.maximum())
    states.append(stage.side(dock))
    save(beside(states), "evaluate-dock")
    stage.viewer.close()


def export(folder: Path) -> None:
    session, truth = a_recording(folder)
    known = [name if i % 4 == 0 else "" for i, name in enumerate(truth)]
    save_labels(open_recording(session, plane=0), truth_table(known))
    stage = Stage(session)
    stage.run_classify()
    dock = stage.dock("Export")
    dock.choose_format("svg")
    dock.options.native("pixel_size").setValue(1.5)
    stage.rest()
    stage.wait(lambda: not dock.previews.running)
    save(stage.whole(), "export-dock")
    stage.viewer.close()


def watch(folder: Path) -> None:
    session, _ = a_recording(folder, n_frames=3700)
    stage = Stage(session)
    traces = np.asarray(stage.session.active.recording.raw_traces[:], np.float32).T
    live = folder / "live.npy"
    growing = np.lib.format.open_memmap(live, "w+", np.float32, traces.shape)
    dock = open_once(stage.viewer, "Watch", WatchDock)
    dock.form.native("source").setText(str(live))
    dock.start.click()
    for minute in range(1, 7):
        end = 600 * minute + 1
        growing[end - 601 : end] = traces[end - 601 : end]
        stage.wait(lambda n=minute: len(dock.plot.points) == n)
    save(stage.whole(), "watch-dock")
    dock.job.cancel.click()
    stage.wait(lambda: not dock.job.running)
    stage.viewer.close()


PICTURES = (window, label, red, look, train, evaluate, export, watch)


def main(names: Sequence[str]) -> None:
    known = {picture.__name__: picture for picture in PICTURES}
    wrong = [name for name in names if name not in known]
    if wrong:
        raise SystemExit(f"Unknown: {', '.join(wrong)}; known are {', '.join(known)}.")
    for name in names or known:
        with tempfile.TemporaryDirectory() as scratch:
            # Neither settings nor models of whoever runs this are in the pictures.
            os.environ["NAPARI_CELLTYPE_SETTINGS"] = str(Path(scratch) / "settings")
            os.environ["NAPARI_CELLTYPE_MODELS"] = str(Path(scratch) / "models")
            known[name](Path(scratch))


if __name__ == "__main__":
    main(sys.argv[1:])
