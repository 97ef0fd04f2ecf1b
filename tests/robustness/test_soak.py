"""The same again and again: threads, open files and memory stay what they were.

Memory is looked at in `make soak` alone: within 5 % from a fifth of the way to the end.
"""

from __future__ import annotations

import gc
import os
import sys
import threading

import psutil
import pytest

from napari_celltype.answers import classify
from napari_celltype.errors import Stopped

ME = psutil.Process()


@pytest.fixture
def steady(soak, lab):
    """Do something often, and compare what the process holds before and after."""

    def held():
        gc.collect()
        names = sorted(t.name for t in threading.enumerate() if t.is_alive())
        files = sorted(f.path for f in ME.open_files() if f.path.startswith(f"{lab}"))
        return names, files, ME.num_threads()

    def repeat(times, work):
        # napari collects garbage with each layer: of what is there already, never.
        gc.freeze()
        first = max(2, times // 5)
        for _ in range(first):
            work()
        before, memory = held(), ME.memory_info().rss
        for _ in range(times - first):
            work()
        now = held()
        assert now[:2] == before[:2]
        assert now[2] <= 1.05 * before[2]
        if soak:
            assert ME.memory_info().rss < 1.05 * memory

    yield repeat
    gc.unfreeze()


def test_recordings_are_classified(lab, soak, steady):
    model = str(lab / "quick.safetensors")
    days = [lab / "m1" / "day1", lab / "m1" / "day2"]
    steady(200 if soak else 10, lambda: classify(days, model))


@pytest.mark.slow
def test_trainings_are_cancelled(lab, soak, steady, tmp_path):
    from napari_celltype.training import TrainRequest, train_model

    request = TrainRequest(
        lab / "cells.npz",
        architecture="rnn",
        epochs=500,
        validation="none",
        output=tmp_path / "m.safetensors",
    )

    def train():
        epochs = []
        with pytest.raises(Stopped):
            train_model(
                request,
                on_progress=lambda p: epochs.append(p.total == 500 and p.done > 1),
                should_stop=lambda: any(epochs),
            )

    steady(20 if soak else 3, train)


@pytest.mark.gui
@pytest.mark.skipif(
    sys.platform.startswith("linux") and "DISPLAY" not in os.environ,
    reason="no display for a napari window; run with xvfb-run -a",
)
def test_recordings_are_opened_and_closed_in_one_window(
    lab, soak, steady, make_napari_viewer, qtbot, monkeypatch, tmp_path
):
    from napari_celltype.gui.commands import show_docks

    monkeypatch.setenv("NAPARI_CELLTYPE_SETTINGS", str(tmp_path / "settings"))
    viewer = make_napari_viewer(show=True)
    dock = show_docks(viewer)
    days = [lab / "m1" / "day1", lab / "m1" / "day2"]

    def work():
        day = days[0]
        days.reverse()
        with qtbot.waitSignal(dock.tasks.ended, timeout=20_000):
            dock.open_paths([day])
        (key,) = dock.session.recordings
        dock.session.select(1)
        viewer.dims.set_current_step(0, 5)
        dock.session.close(key)
        qtbot.wait(1)
        assert not dock.session.recordings
        assert not viewer.layers

    steady(1000 if soak else 6, work)
