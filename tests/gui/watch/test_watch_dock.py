"""The Watch dock in a real window: a file grows, and the ROIs take their colours."""

from __future__ import annotations

import threading

import numpy as np
from qtpy.QtCore import Qt

from napari_celltype.gui.scene import scene_of


def test_rois_are_coloured_while_frames_arrive(window, qtbot, quick_model, tmp_path):
    viewer = window.viewer
    session = scene_of(viewer).session
    session.model = quick_model
    recording = session.active.recording
    _, dock = viewer.window.add_plugin_dock_widget("napari-celltype", "Watch")
    assert not dock.start.isEnabled()
    path = tmp_path / "live.raw"
    dock.form.control("source").value = str(path)
    dock.form.control("every").value = 0.1
    qtbot.mouseClick(dock.start, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "not there yet" in dock.findings.text, timeout=60_000)
    assert session.active.predictions is None
    assert not dock.plot.isVisible()
    frames = recording.raw_traces[:, :300].T
    for n_frames in (130, 260):  # of 12.5 Hz: a window takes 125
        path.write_bytes(np.ascontiguousarray(frames[:n_frames]).tobytes())
        used = n_frames // 125 * 125

        def answered(used=used):
            made = session.active.predictions
            return made is not None and set(made.n_frames_used) == {used}

        qtbot.waitUntil(answered, timeout=60_000)
    assert [round(seconds, 1) for seconds, _ in dock.plot.points] == [10.4, 20.8]
    assert "12 of 12 ROIs named" in dock.line.text()
    assert session.active.predictions.recording is recording
    qtbot.mouseClick(dock.job.cancel, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not dock.job.running, timeout=60_000)
    assert session.active.predictions is not None
    assert not dock.job.notice.text
    assert not dock.findings.text


def test_another_frame_rate_ends_it_without_an_answer(
    window, qtbot, quick_model, tmp_path
):
    session = scene_of(window.viewer).session
    session.model = quick_model
    key, recording = session.active.key, session.active.recording
    _, dock = window.viewer.window.add_plugin_dock_widget("napari-celltype", "Watch")
    path = tmp_path / "live.raw"
    path.write_bytes(np.ascontiguousarray(recording.raw_traces.T).tobytes())
    dock.form.control("source").value = str(path)
    dock.follow()
    session.set_sampling_frequency(key, 10.0)
    qtbot.waitUntil(lambda: not dock.job.running, timeout=60_000)
    assert session.active.predictions is None


def test_closing_the_dock_stops_it(window, qtbot, quick_model, tmp_path):
    scene_of(window.viewer).session.model = quick_model
    around, dock = window.viewer.window.add_plugin_dock_widget(
        "napari-celltype", "Watch"
    )
    dock.form.control("source").value = str(tmp_path / "live.raw")
    dock.follow()
    qtbot.waitUntil(lambda: "not there yet" in dock.findings.text, timeout=60_000)
    qtbot.mouseClick(around.title.close_button, Qt.MouseButton.LeftButton)
    for thread in threading.enumerate():
        if thread.name == "napari-celltype work":
            thread.join(30)
            assert not thread.is_alive()


def test_what_cannot_be_followed_is_said(window, qtbot, quick_model):
    _, dock = window.viewer.window.add_plugin_dock_widget("napari-celltype", "Watch")
    dock.form.control("source").value = "tcp://127.0.0.1"
    dock.follow()
    qtbot.waitUntil(lambda: not dock.job.running, timeout=60_000)
    assert dock.job.notice.is_error
    assert "port" in dock.job.notice.text
