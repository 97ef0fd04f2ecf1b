"""The docks in a real window."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QApplication

from napari_celltype.gui import classify_dock
from napari_celltype.gui.commands import show_docks
from napari_celltype.gui.layers import tag_of
from napari_celltype.gui.scene import scene_of

PLUGIN = "napari-celltype"


def layer_of(viewer, role):
    return next(x for x in viewer.layers if tag_of(x) and tag_of(x).role == role)


def rois_dock(viewer):
    return viewer.window.add_plugin_dock_widget(PLUGIN, "ROIs and traces")[1]


@pytest.fixture
def window(make_napari_viewer, qtbot, folder, quick_model):
    """A window with both docks, and the recording read."""
    viewer = make_napari_viewer(show=True)
    dock = show_docks(viewer)
    with qtbot.waitSignal(dock.tasks.ended, timeout=20_000):
        dock.open_paths([folder])
    main = dock.window()
    bottom = rois_dock(viewer).parentWidget()
    qtbot.waitUntil(
        lambda: main.dockWidgetArea(bottom) == Qt.DockWidgetArea.BottomDockWidgetArea
    )
    return viewer, dock


def classify(qtbot, dock, model="quick"):
    dock.form.model.choose(model)
    with qtbot.waitSignal(dock.tasks.ended, timeout=60_000):
        qtbot.mouseClick(dock.run.classify, Qt.MouseButton.LeftButton)


def work_threads():
    return [t for t in threading.enumerate() if t.name == "napari-celltype work"]


def write_movie(path, n_frames=60, brightness=100, **metadata):
    import tifffile

    frames = np.full((n_frames, 64, 72), brightness, np.uint16)
    frames[:, ::2] += 50
    tifffile.imwrite(path, frames, imagej=True, metadata={"axes": "TYX", **metadata})
    return path


def wait_for_threads():
    for thread in work_threads():
        thread.join(30)


def test_opening_adds_movie_images_and_rois(window):
    viewer, _ = window
    roles = [tag_of(layer).role for layer in viewer.layers]
    assert roles[0] == "movie"
    assert roles[-2:] == ["colors", "rois"]
    assert "image" in roles


def test_the_rois_layer_is_the_one_that_is_hovered_over(window):
    viewer, _ = window
    rois = layer_of(viewer, "rois")
    assert viewer.layers.selection.active is rois
    y, x = np.argwhere(rois.data == 4)[0]
    assert "roi_id: 3" in rois.get_status((0, y, x), world=True)["value"]


def test_the_rois_layer_cannot_be_painted_on(window):
    viewer, _ = window
    assert not layer_of(viewer, "rois").editable


def test_opening_the_same_folder_again_does_not_double_it(window, qtbot, folder):
    viewer, dock = window
    n_layers = len(viewer.layers)
    with qtbot.waitSignal(dock.tasks.ended, timeout=20_000):
        dock.open_paths([folder])
    assert len(viewer.layers) == n_layers


def test_a_folder_that_is_no_recording_gives_a_sentence(window, qtbot, tmp_path):
    _, dock = window
    (tmp_path / "empty").mkdir()
    with qtbot.waitSignal(dock.tasks.ended, timeout=20_000):
        dock.open_paths([tmp_path / "empty"])
    assert dock.notice.is_error
    assert "empty" in dock.notice.text


def test_a_click_on_a_roi_selects_its_row_and_shows_its_trace(window, qtbot):
    viewer, _ = window
    dock = rois_dock(viewer)
    rois = layer_of(viewer, "rois")
    y, x = np.argwhere(rois.data == 6).mean(axis=0)
    click(viewer, qtbot, y, x)
    assert scene_of(viewer).session.roi_id == 5
    assert dock.table.roi_id(dock.view.currentIndex().row()) == 5
    assert "ROI 5" in dock.plot.getPlotItem().titleLabel.text


def test_a_click_beside_all_rois_selects_none(window, qtbot):
    viewer, _ = window
    session = scene_of(viewer).session
    session.select(3)
    y, x = np.argwhere(layer_of(viewer, "rois").data == 0)[0] + 1
    click(viewer, qtbot, y, x)
    assert session.roi_id is None


def test_a_row_selects_the_roi_in_the_layer(window):
    viewer, _ = window
    dock = rois_dock(viewer)
    dock.view.selectRow(7)
    assert layer_of(viewer, "rois").selected_label == 8


def test_the_label_spin_box_of_the_layer_selects_the_row(window):
    viewer, _ = window
    dock = rois_dock(viewer)
    layer_of(viewer, "rois").selected_label = 3
    assert dock.table.roi_id(dock.view.currentIndex().row()) == 2


def test_the_selected_roi_gets_a_ring(window):
    viewer, _ = window
    colors = layer_of(viewer, "colors")
    before = colors.data.copy()
    scene_of(viewer).session.select(4)
    assert (colors.data != before).any()
    scene_of(viewer).session.select(None)
    np.testing.assert_array_equal(colors.data, before)


def test_the_frame_moves_the_cursor_of_the_plot(window):
    viewer, _ = window
    dock = rois_dock(viewer)
    scene_of(viewer).session.select(0)
    viewer.dims.set_current_step(0, 250)
    assert dock.plot.cursor_time == pytest.approx(250 / 12.5)


def test_a_click_in_the_plot_moves_the_movie(window, qtbot):
    viewer, _ = window
    dock = rois_dock(viewer)
    scene_of(viewer).session.select(0)
    view = dock.plot.getViewBox()
    spot = dock.plot.mapFromScene(view.mapViewToScene(pg_point(20.0, view)))
    qtbot.mouseClick(dock.plot.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    assert viewer.dims.current_step[0] == pytest.approx(250, abs=15)


def test_moving_through_time_uncovers_the_movie(window):
    viewer, _ = window
    viewer.dims.set_current_step(0, 10)
    viewer.dims.set_current_step(0, 11)
    assert not layer_of(viewer, "image").visible
    assert layer_of(viewer, "movie").visible


def test_the_plot_follows_the_theme(window):
    viewer, _ = window
    dock = rois_dock(viewer)
    viewer.theme = "light"
    light = dock.plot.backgroundBrush().color().lightness()
    viewer.theme = "dark"
    assert dock.plot.backgroundBrush().color().lightness() < light


def test_classifying_fills_layer_table_and_legend(window, qtbot):
    viewer, dock = window
    classify(qtbot, dock)
    assert dock.notice.text == ""
    features = layer_of(viewer, "rois").features
    assert features["probability"].notna().all()
    assert set(features["group"]) <= {"PY", "IN", "unsure"}
    assert {"p_PY", "p_PV", "p_SOM", "p_VIP"} <= set(features.columns)
    titles = [
        rois_dock(viewer).table.headerData(i, Qt.Orientation.Horizontal)
        for i in range(rois_dock(viewer).table.columnCount())
    ]
    assert titles[:3] == ["ROI", "Type", "Probability"]
    assert dock.legend.text.count("unsure") == 2


def test_a_trace_that_never_changes_gets_a_reason_instead_of_a_guess(
    window, qtbot, suite2p_folder, tmp_path
):
    viewer, dock = window
    flat = suite2p_folder(tmp_path / "flat", fs=12.5, n_frames=200)
    traces = np.load(flat / "plane0" / "F.npy")
    traces[3] = 100
    np.save(flat / "plane0" / "F.npy", traces)
    with qtbot.waitSignal(dock.tasks.ended, timeout=20_000):
        dock.open_paths([flat])
    classify(qtbot, dock)
    dock.session.select(3)
    title = rois_dock(viewer).plot.getPlotItem().titleLabel.text
    assert title == "ROI 3: trace is not finite or never changes"
    rois = next(
        x
        for x in viewer.layers
        if tag_of(x).key == dock.session.active.key and tag_of(x).role == "rois"
    )
    y, x = np.argwhere(rois.data == 4)[0]
    hover = rois.get_status((0, y, x), world=True)["value"]
    assert "never changes" in hover
    assert "p_PY" not in hover


def test_the_threshold_recolours_without_classifying(window, qtbot):
    viewer, dock = window
    classify(qtbot, dock)
    predictions = dock.session.active.predictions
    colors = layer_of(viewer, "colors")
    dock.form.min_probability.setValue(0)
    filled = (colors.data > 0).sum()
    dock.form.min_probability.setValue(100)
    assert (colors.data > 0).sum() < filled
    assert dock.session.active.predictions is predictions


def test_the_table_follows_the_threshold(window, qtbot):
    viewer, dock = window
    classify(qtbot, dock)
    rois = layer_of(viewer, "rois")
    dock.form.min_probability.setValue(0)
    qtbot.waitUntil(lambda: "unsure" not in set(rois.features["predicted"]))
    dock.form.min_probability.setValue(100)
    qtbot.waitUntil(lambda: set(rois.features["predicted"]) == {"unsure"})


def test_the_toggle_colours_by_group(window, qtbot):
    viewer, dock = window
    classify(qtbot, dock)
    dock.form.min_probability.setValue(0)
    scene = scene_of(viewer)
    colors = layer_of(viewer, "colors")
    dock.legend.toggle.setChecked(True)
    types = [scene.palette.outline(name) for name in ("PV", "SOM", "VIP")]
    assert not np.isin(colors.data, types).any()


def test_an_error_is_a_sentence_in_the_dock(window, qtbot):
    _, dock = window
    classify(qtbot, dock, "no-such-model")
    assert dock.notice.is_error
    assert "no-such-model" in dock.notice.text
    assert dock.session.active.predictions is None


@pytest.fixture
def held(monkeypatch):
    """Hold every classification until the event is set, however quick the machine."""
    go = threading.Event()
    real = classify_dock.classify_recording

    def wait_and_classify(*args, **options):
        held_long_enough = go.wait(60)
        assert held_long_enough
        return real(*args, **options)

    monkeypatch.setattr(classify_dock, "classify_recording", wait_and_classify)
    return go


def test_cancel_keeps_what_was_there(window, qtbot, make_predictions, held):
    _, dock = window
    opened = dock.session.active
    before = make_predictions(opened.recording, np.full((12, 4), 0.25))
    dock.session.set_predictions(opened.key, before)
    kept = dock.session.active.predictions
    dock.form.model.choose("quick")
    with qtbot.waitSignal(dock.tasks.ended, timeout=60_000):
        dock.classify()
        qtbot.mouseClick(dock.run.cancel, Qt.MouseButton.LeftButton)
        held.set()
    assert dock.notice.text.startswith("Cancelled")
    assert not dock.notice.is_error
    assert dock.session.active.predictions is kept


def test_opening_while_it_classifies_says_what_was_stopped(
    window, qtbot, suite2p_folder, tmp_path, held
):
    _, dock = window
    other = suite2p_folder(tmp_path / "other", n_frames=60)
    dock.form.model.choose("quick")
    dock.classify()
    dock.open_paths([other])
    held.set()
    sentence = (
        "Classification of mouse 1 ü plane 0 was stopped because another recording "
        "was opened."
    )
    assert dock.session.job is not None
    assert dock.run.cancel.isVisible()
    assert dock.notice.text == sentence
    qtbot.waitUntil(lambda: not dock.tasks.running, timeout=20_000)
    assert dock.session.job is None
    assert sentence in dock.notice.text


def test_closing_the_window_while_it_classifies_leaves_no_thread(window, qtbot, capsys):
    viewer, dock = window
    dock.form.model.choose("quick")
    dock.classify()
    viewer.close()
    wait_for_threads()
    assert not work_threads()
    assert capsys.readouterr().err == ""


def test_closing_the_dock_while_it_classifies_leaves_no_thread(window, qtbot):
    viewer, dock = window
    dock.form.model.choose("quick")
    dock.classify()
    viewer.window.remove_dock_widget(dock)
    wait_for_threads()
    assert not work_threads()
    assert scene_of(viewer).session.active.predictions is None


def test_confirming_the_frame_rate_takes_the_users_word(window):
    _, dock = window
    dock.form.frame_rate.number.setValue(15.0)
    dock.form.frame_rate.confirm()
    recording = dock.session.active.recording
    assert (recording.sampling_frequency, recording.sampling_frequency_confirmed) == (
        15.0,
        True,
    )


def test_another_frame_rate_says_that_predictions_went(window, make_predictions):
    _, dock = window
    opened = dock.session.active
    rows = np.full((12, 4), 0.25)
    dock.session.set_predictions(opened.key, make_predictions(opened.recording, rows))
    dock.form.frame_rate.number.setValue(15.0)
    dock.form.frame_rate.confirm()
    assert dock.session.active.predictions is None
    assert dock.notice.text == "The frame rate changed; classify again."


def test_a_movie_with_another_frame_rate_says_that_predictions_went(
    window, qtbot, suite2p_folder, make_predictions, tmp_path
):
    _, dock = window
    folder = suite2p_folder(tmp_path / "ten", fs=10.0, n_frames=60, data_bin=False)
    movie = write_movie(tmp_path / "movie.tif", finterval=1 / 30)
    with qtbot.waitSignal(dock.tasks.ended, timeout=20_000):
        dock.open_paths([folder])
    opened = dock.session.active
    rows = np.full((12, 4), 0.25)
    dock.session.set_predictions(opened.key, make_predictions(opened.recording, rows))
    with qtbot.waitSignal(dock.tasks.ended, timeout=20_000):
        dock.attach_movie(movie)
    assert dock.session.active.recording.sampling_frequency == pytest.approx(30.0)
    assert dock.session.active.predictions is None
    assert "classify again" in dock.notice.text


def test_a_chosen_movie_takes_the_place_of_the_one_that_was_found(
    window, qtbot, tmp_path
):
    viewer, dock = window
    movie = write_movie(tmp_path / "bright.tif", n_frames=80, brightness=5000)
    with qtbot.waitSignal(dock.tasks.ended, timeout=20_000):
        dock.attach_movie(movie)
    layer = layer_of(viewer, "movie")
    assert len(layer.data) == 80
    assert layer.contrast_limits[1] > 4000
    assert [tag_of(x).role for x in viewer.layers].count("movie") == 1


def test_a_chosen_movie_survives_reloading(window, qtbot, tmp_path):
    viewer, dock = window
    movie = write_movie(tmp_path / "chosen.tif", n_frames=80)
    with qtbot.waitSignal(dock.tasks.ended, timeout=20_000):
        dock.attach_movie(movie)
    with qtbot.waitSignal(dock.tasks.ended, timeout=20_000):
        dock.reload()
    assert len(dock.session.active.recording.movie) == 80
    assert len(layer_of(viewer, "movie").data) == 80


def test_ten_hertz_is_doubted_until_it_is_confirmed(
    window, qtbot, suite2p_folder, tmp_path
):
    _, dock = window
    doubtful = suite2p_folder(tmp_path / "ten", fs=10.0)
    with qtbot.waitSignal(dock.tasks.ended, timeout=20_000):
        dock.open_paths([doubtful])
    assert "Confirm" in dock.form.frame_rate.source.text()
    dock.form.frame_rate.confirm()
    assert "Confirm" not in dock.form.frame_rate.source.text()


def test_a_folder_that_changed_on_disk_is_said_and_reloaded(window, qtbot, folder):
    _, dock = window
    plane = folder / "suite2p" / "plane0"
    iscell = np.load(plane / "iscell.npy")
    np.save(plane / "iscell.npy", np.vstack([iscell[:, :]] * 1).astype(np.float32))
    with qtbot.waitSignal(dock.watch.ended, timeout=20_000):
        dock.check_folder()
    assert "iscell.npy" in dock.stale.text
    with qtbot.waitSignal(dock.tasks.ended, timeout=20_000):
        dock.stale.acted.emit()
    assert dock.stale.text == ""


def test_a_recording_without_movie_opens(window, qtbot, suite2p_folder, tmp_path):
    _, dock = window
    bare = suite2p_folder(tmp_path / "bare", data_bin=False)
    with qtbot.waitSignal(dock.tasks.ended, timeout=20_000):
        dock.open_paths([bare])
    assert dock.form.movie.text() == "none found"
    assert dock.session.active.recording.movie is None


def test_planes_are_shown_one_at_a_time(window, qtbot, suite2p_folder, tmp_path):
    viewer, dock = window
    planes = suite2p_folder(tmp_path / "two", n_planes=2)
    with qtbot.waitSignal(dock.tasks.ended, timeout=20_000):
        dock.open_paths([planes])
    shown = {
        tag_of(layer).key
        for layer in viewer.layers
        if layer.visible and tag_of(layer).role == "rois"
    }
    assert shown == {dock.session.active.key}
    assert dock.form.plane.count() == 2
    assert dock.form.recording.count() == 2


def test_two_windows_keep_apart(window, make_napari_viewer, qtbot, tmp_path):
    viewer, dock = window
    other = make_napari_viewer(show=True)
    show_docks(other)
    assert scene_of(other).session.active is None
    assert scene_of(viewer).session.active is not None
    dock.session.select(1)
    assert scene_of(other).session.roi_id is None


def test_deleting_the_rois_layer_closes_the_recording(window, qtbot):
    viewer, dock = window
    viewer.layers.remove(layer_of(viewer, "rois"))
    assert dock.session.active is None
    qtbot.waitUntil(lambda: "colors" not in [tag_of(x).role for x in viewer.layers])


def test_deleting_all_layers_closes_the_recording(window):
    viewer, dock = window
    viewer.layers.select_all()
    viewer.layers.remove_selected()
    QApplication.processEvents()
    assert len(viewer.layers) == 0
    assert dock.session.active is None


def test_rois_and_colours_can_be_deleted_in_either_order(window):
    viewer, dock = window
    rois, colors = layer_of(viewer, "rois"), layer_of(viewer, "colors")
    for layer in (rois, colors):
        viewer.layers.remove(layer)
    QApplication.processEvents()
    assert dock.session.active is None


def test_deleted_colours_come_back_with_the_next_colouring(window, make_predictions):
    viewer, dock = window
    opened = dock.session.active
    dock.session.select(4)
    drawn = layer_of(viewer, "colors").data.copy()
    viewer.layers.remove(layer_of(viewer, "colors"))
    rows = np.full((12, 4), np.nan)
    dock.session.set_predictions(opened.key, make_predictions(opened.recording, rows))
    np.testing.assert_array_equal(layer_of(viewer, "colors").data, drawn)
    assert [tag_of(x).role for x in viewer.layers][-2:] == ["colors", "rois"]
    assert viewer.layers.selection.active is layer_of(viewer, "rois")
    dock.form.min_probability.setValue(0)
    dock.legend.toggle.setChecked(True)
    assert [tag_of(x).role for x in viewer.layers].count("colors") == 1


def test_hiding_the_rois_hides_their_colours(window):
    viewer, _ = window
    layer_of(viewer, "rois").visible = False
    assert not layer_of(viewer, "colors").visible


def test_a_folder_can_be_dropped(window, qtbot, suite2p_folder, tmp_path):
    from qtpy.QtCore import QMimeData, QUrl
    from qtpy.QtGui import QDropEvent

    _, dock = window
    dropped = suite2p_folder(tmp_path / "dropped")
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(Path(dropped)))])
    event = QDropEvent(
        QPoint(5, 5).toPointF(),
        Qt.DropAction.CopyAction,
        mime,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    with qtbot.waitSignal(dock.tasks.ended, timeout=20_000):
        dock.folder.dropEvent(event)
    assert dock.session.active.session_title == "dropped"


def click(viewer, qtbot, y, x):
    """Click on a place of the image, in data coordinates, with the real mouse path."""
    native = viewer.window._qt_viewer.canvas.native
    QApplication.processEvents()
    height, width = native.height(), native.width()
    center = viewer.scene.camera.center[-2:]
    zoom = viewer.scene.camera.zoom
    spot = QPoint(
        round(width / 2 + (x - center[1]) * zoom),
        round(height / 2 + (y - center[0]) * zoom),
    )
    qtbot.mouseMove(native, spot)
    qtbot.mouseClick(native, Qt.MouseButton.LeftButton, pos=spot)


def pg_point(time, view):
    from qtpy.QtCore import QPointF

    (_, _), (low, high) = view.viewRange()
    return QPointF(time, (low + high) / 2)


def test_the_input_that_the_terminal_asks_for_is_chosen(make_napari_viewer):
    from napari_celltype.gui.commands import show_docks

    form = show_docks(make_napari_viewer(show=True)).form
    form.choose_input(0.5)
    assert form.request().neuropil == 0.5
    form.choose_input("none")
    assert form.request().neuropil == "none"
