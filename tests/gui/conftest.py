"""Real napari windows; without a display these tests skip, and fail under CI."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

HERE = Path(__file__).parent


def pytest_itemcollected(item: pytest.Item) -> None:
    if "make_napari_viewer" in getattr(item, "fixturenames", ()):
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
    from napari_celltype.models import TraceClassifier, card_for, save_model
    from napari_celltype.simulation import simulate_traces

    folder = tmp_path_factory.mktemp("models")
    traces = simulate_traces(
        {"PY": 12, "PV": 12, "SOM": 12, "VIP": 12}, 100, 10.0, random_state=1
    )
    classifier = TraceClassifier("cnn", epochs=2, random_state=0)
    classifier.fit(traces.traces, traces.labels)
    card = card_for(classifier, name="quick", sampling_frequency=10.0)
    save_model(classifier, card, folder / "quick.safetensors")
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

    def make(recording: Any, rows: Any, min_probability: float = 0.0) -> Predictions:
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
            min_probability=min_probability,
        )

    return make


class Window:
    """A real napari window with both docks."""

    def __init__(self, viewer: Any, qtbot: Any) -> None:
        from napari_celltype.gui.commands import show_docks

        self.viewer, self._qtbot = viewer, qtbot
        self.dock = show_docks(viewer)

    @property
    def rois_dock(self) -> Any:
        from napari_celltype.gui.commands import show_dock

        return show_dock(self.viewer, "ROIs and traces")

    def layer(self, role: str) -> Any:
        """The layer of the active recording that plays a role."""
        from napari_celltype.gui.scene import scene_of

        return scene_of(self.viewer).layer(self.dock.session.active.key, role)

    def open(self, path: Path) -> None:
        with self._qtbot.waitSignal(self.dock.tasks.ended, timeout=20_000):
            self.dock.open_paths([path])

    def classify(self, model: str = "quick") -> None:
        from qtpy.QtCore import Qt

        self.dock.form.model.choose(model)
        with self._qtbot.waitSignal(self.dock.tasks.ended, timeout=60_000):
            self._qtbot.mouseClick(self.dock.run.classify, Qt.MouseButton.LeftButton)

    def click(self, y: float, x: float, modifier: Any = None) -> None:
        """Click on a place of the image, in data coordinates, with the real mouse."""
        from qtpy.QtCore import Qt

        native = self.viewer.window._qt_viewer.canvas.native
        spot = beside("person").spot_of(self.viewer, y, x)
        self._qtbot.mouseMove(native, spot)
        self._qtbot.mouseClick(
            native,
            Qt.MouseButton.LeftButton,
            modifier or Qt.KeyboardModifier.NoModifier,
            spot,
        )

    def press(self, key: Any, modifier: Any = None, widget: Any = None) -> None:
        """Press a key in the picture, or in another widget that has the focus then."""
        from qtpy.QtCore import Qt

        canvas = self.viewer.window._qt_viewer.canvas.native
        none = Qt.KeyboardModifier.NoModifier
        beside("person").focus(self._qtbot, widget or canvas)
        self._qtbot.keyClick(widget or canvas, key, modifier or none)

    def words(self, widget: Any) -> str:
        """What can be read in a widget."""
        return str(beside("person").words(widget))

    def hover(self, roi_id: int) -> str:
        """The text of the status bar over a ROI."""
        rois = self.layer("rois")
        y, x = np.argwhere(rois.data == roi_id + 1)[0]
        return str(rois.get_status((0, y, x), world=True)["value"])


@pytest.fixture
def window(
    make_napari_viewer: Callable[..., Any], qtbot: Any, folder: Path, quick_model: str
) -> Window:
    """A window with both docks, and the recording read."""
    from qtpy.QtCore import Qt

    window = Window(make_napari_viewer(show=True), qtbot)
    window.open(folder)
    main = window.dock.window()
    bottom = window.rois_dock.parentWidget()
    qtbot.waitUntil(
        lambda: main.dockWidgetArea(bottom) == Qt.DockWidgetArea.BottomDockWidgetArea
    )
    return window


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
    person = beside("person").Person
    return lambda: person(make_napari_viewer(show=True), qtbot, pictures)


def beside(name: str) -> Any:
    """Import a module of this folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(HERE)
        return importlib.import_module(name)
