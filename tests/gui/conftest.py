"""Real napari windows; without a display these tests skip, and fail under CI."""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest


def pytest_itemcollected(item: pytest.Item) -> None:
    if "qapp" in getattr(item, "fixturenames", ()):
        item.add_marker("gui")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, or under CI fail, where no window can be opened.

    Before any fixture: Qt ends the whole process when it finds no display.
    """
    if item.get_closest_marker("gui") is None or has_display():
        return
    reason = "no display for a napari window; run with xvfb-run -a"
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def has_display() -> bool:
    if not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


@pytest.fixture(scope="session")
def models_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one small model, "quick": right or wrong does not matter here."""
    from napari_celltype.models import TraceClassifier, card_for
    from napari_celltype.simulation import simulate_traces

    folder = tmp_path_factory.mktemp("models")
    traces = simulate_traces(
        {"PY": 12, "PV": 12, "SOM": 12, "VIP": 12}, 100, 10.0, random_state=1
    )
    classifier = TraceClassifier("cnn", epochs=2, random_state=0)
    classifier.fit(traces.traces, traces.labels)
    card = card_for(classifier, name="quick", sampling_frequency=10.0)
    classifier.save(folder / "quick.safetensors", card)
    return folder


@pytest.fixture
def quick_model(models_folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("NAPARI_CELLTYPE_MODELS", str(models_folder))
    return "quick"


@pytest.fixture
def folder(suite2p_folder: Callable[..., Path], tmp_path: Path) -> Path:
    """A session of 12 ROIs, 70 s at 12.5 Hz, with its movie."""
    return suite2p_folder(tmp_path / "mouse 1 ü", fs=12.5, n_frames=875).parent


@pytest.fixture
def make_predictions(quick_card: Any) -> Callable[..., Any]:
    """Predictions that say what the test wants: `make_predictions(recording, rows)`."""
    from napari_celltype.answers import Predictions

    def make(recording: Any, rows: Any) -> Predictions:
        n_rois = len(rows)
        return Predictions(
            recording=recording,
            recording_name="test",
            card=quick_card,
            model_sha256="0" * 64,
            model_probabilities=np.asarray(rows, dtype=float),
            n_windows=np.ones(n_rois, dtype=np.int64),
            n_frames_used=np.full(n_rois, recording.n_frames),
            input_name="F",
            findings=(),
            roi_warnings=("",) * n_rois,
            labels=None,
            only_iscell=False,
        )

    return make


@pytest.fixture
def predict(make_predictions: Callable[..., Any]) -> Callable[..., Any]:
    """Predictions for the active recording: `predict(session, row or rows)`."""

    def give(session: Any, rows: Any) -> None:
        recording = session.active.recording
        rows = np.broadcast_to(rows, (recording.n_rois, 4))
        session.set_predictions(session.active.key, make_predictions(recording, rows))

    return give


@pytest.fixture
def hold(monkeypatch: pytest.MonkeyPatch) -> Callable[..., threading.Event]:
    """Hold a function until the event is set, however quick the machine is."""

    def hold(module: Any, name: str) -> threading.Event:
        go, real = threading.Event(), getattr(module, name)

        def wait(*arguments: Any, **options: Any) -> Any:
            held_long_enough = go.wait(60)
            assert held_long_enough
            return real(*arguments, **options)

        monkeypatch.setattr(module, name, wait)
        return go

    return hold


@pytest.fixture
def labelled(suite2p_folder: Callable[..., Path], tmp_path: Path) -> Any:
    """`labelled("mouse1/day1", ["PY", "PV"])`: a session folder below "data"."""
    from napari_celltype.labels import Label, LabelTable, save_labels
    from napari_celltype.recording import open_recording

    def write(name: str, labels: list[str], **options: Any) -> Path:
        options = {"n_frames": 120, "data_bin": False, **options}
        root = suite2p_folder(tmp_path / "data" / name, **options)
        rows = tuple(Label(i, label) for i, label in enumerate(labels))
        save_labels(open_recording(root / "plane0"), LabelTable(rows))
        return root.parent

    return write


@pytest.fixture
def red_folder(suite2p_folder: Callable[..., Path], tmp_path: Path) -> Any:
    """`red_folder(n_rois, n_red)`: a session of two channels, the first ROIs red."""

    def write(n_rois: int, n_red: int) -> Path:
        session = tmp_path / "mouse 1 ü"
        shape = (128, 128)
        options = {"n_frames": 100, "frame_shape": shape, "data_bin": False}
        plane = suite2p_folder(session, n_rois=n_rois, redcell=True, **options)
        plane /= "plane0"
        rng = np.random.default_rng(3)
        ops = np.load(plane / "ops.npy", allow_pickle=True).item()
        green = np.full(shape, 100.0, np.float32)
        red = green / 3
        for i, s in enumerate(np.load(plane / "stat.npy", allow_pickle=True)):
            pixels = s["ypix"], s["xpix"]
            green[pixels] = rng.uniform(200, 600)
            red[pixels] = green[pixels] / 3 + rng.normal(0, 5) + 60 * (i < n_red)
        ops["meanImg"], ops["meanImg_chan2"] = green, red
        np.save(plane / "ops.npy", np.array(ops, dtype=object))
        np.save(plane / "iscell.npy", np.ones((n_rois, 2)))
        return session

    return write


@pytest.fixture
def window(
    make_napari_viewer: Callable[..., Any], qtbot: Any, folder: Path, quick_model: str
) -> Any:
    """A window with both docks, and the recording read."""
    from qtpy.QtCore import Qt
    from tests.gui.person import Window

    window = Window(make_napari_viewer(show=True), qtbot)
    window.open(folder)
    main = window.dock.window()
    bottom = window.rois_dock.parentWidget()
    qtbot.waitUntil(
        lambda: main.dockWidgetArea(bottom) == Qt.DockWidgetArea.BottomDockWidgetArea
    )
    return window


@pytest.fixture(autouse=True, scope="session")
def frozen_imports() -> None:
    """Spare what is imported: napari collects garbage with each canvas it closes."""
    # Once, after what is garbage went: PyQt takes an old event's object for a new one
    # at its address as long as it lives.
    for name in ("napari.qt", "napari.viewer", "torch"):
        with suppress(ImportError):
            import_module(name)
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the settings of whoever runs the tests out of them."""
    monkeypatch.setenv("NAPARI_CELLTYPE_SETTINGS", str(tmp_path / "settings"))


@pytest.fixture
def sit_down(
    make_napari_viewer: Callable[..., Any], qtbot: Any, tmp_path: Path
) -> Callable[[], Any]:
    """Sit down at a new window: `sit_down() -> Person`, see `person.py`.

    Pictures go to the folder named by NAPARI_CELLTYPE_SCREENSHOTS, if it is set.
    """
    pictures = Path(os.environ.get("NAPARI_CELLTYPE_SCREENSHOTS", tmp_path / "seen"))
    pictures.mkdir(parents=True, exist_ok=True)
    from tests.gui.person import Person

    return lambda: Person(make_napari_viewer(show=True), qtbot, pictures)
