"""Opening recordings and movies in a real window, and what stops what."""

from __future__ import annotations

import numpy as np
import pytest
from tests.gui.person import drop
from tests.other_pipelines import FRAME_SHAPE, images, write_caiman, write_inscopix

from napari_celltype.gui.layers import tag_of


def write_movie(path, n_frames, brightness):
    import tifffile

    frames = np.full((n_frames, 64, 72), brightness, np.uint16)
    frames[:, ::2] += 50
    tifffile.imwrite(path, frames, imagej=True, metadata={"axes": "TYX"})
    return path


def test_opening_the_same_folder_again_does_not_double_it(window, folder):
    viewer = window.viewer
    n_layers = len(viewer.layers)
    window.open(folder)
    assert len(viewer.layers) == n_layers


def test_a_folder_that_is_no_recording_gives_a_sentence(window, tmp_path):
    dock = window.dock
    (tmp_path / "empty").mkdir()
    window.open(tmp_path / "empty")
    assert dock.notice.is_error
    assert "empty" in dock.notice.text


def test_another_frame_rate_is_taken_over_and_predictions_go(window, predict):
    dock = window.dock
    predict(dock.session, 0.25)
    dock.form.frame_rate.number.setValue(15.0)
    dock.form.frame_rate.confirm()
    recording = dock.session.active.recording
    assert recording.sampling_frequency == 15.0
    assert recording.sampling_frequency_confirmed
    assert dock.session.active.predictions is None
    assert dock.notice.text == "The frame rate changed; classify again."


def test_a_chosen_movie_takes_the_place_of_the_one_that_was_found(
    window, qtbot, tmp_path
):
    viewer, dock = window.viewer, window.dock
    movie = write_movie(tmp_path / "bright.tif", n_frames=80, brightness=5000)
    with qtbot.waitSignal(dock.tasks.ended, timeout=20_000):
        dock.attach_movie(movie)
    layer = window.layer("movie")
    assert len(layer.data) == 80
    assert layer.contrast_limits[1] > 4000
    assert [tag_of(x).role for x in viewer.layers].count("movie") == 1
    # It survives reloading.
    with qtbot.waitSignal(dock.tasks.ended, timeout=20_000):
        dock.reload()
    assert len(dock.session.active.recording.movie) == 80
    assert len(window.layer("movie").data) == 80


def test_a_folder_that_changed_on_disk_is_said_and_reloaded(window, qtbot, folder):
    dock = window.dock
    plane = folder / "suite2p" / "plane0"
    iscell = np.load(plane / "iscell.npy")
    np.save(plane / "iscell.npy", np.vstack([iscell[:, :]] * 1).astype(np.float32))
    with qtbot.waitSignal(dock.watch.ended, timeout=20_000):
        dock.check_folder()
    assert "iscell.npy" in dock.stale.text
    with qtbot.waitSignal(dock.tasks.ended, timeout=20_000):
        dock.stale.acted.emit()
    assert dock.stale.text == ""


def test_a_recording_without_movie_opens(window, suite2p_folder, tmp_path):
    dock = window.dock
    bare = suite2p_folder(tmp_path / "bare", data_bin=False)
    window.open(bare)
    assert dock.form.movie.text() == "none found"
    assert dock.session.active.recording.movie is None


def test_planes_are_shown_one_at_a_time(window, suite2p_folder, tmp_path):
    viewer, dock = window.viewer, window.dock
    planes = suite2p_folder(tmp_path / "two", n_planes=2)
    window.open(planes)
    shown = {
        tag_of(layer).key
        for layer in viewer.layers
        if layer.visible and tag_of(layer).role == "rois"
    }
    assert shown == {dock.session.active.key}
    assert dock.form.recording.count() == 3


def test_a_folder_can_be_dropped(window, qtbot, suite2p_folder, tmp_path):
    dock = window.dock
    dropped = suite2p_folder(tmp_path / "dropped")
    with qtbot.waitSignal(dock.tasks.ended, timeout=20_000):
        drop(dock.folder, dropped)
    assert dock.session.titles[dock.session.active.key] == "dropped plane 0"


@pytest.mark.parametrize(
    ("write", "name", "image"),
    [(write_caiman, "day1.hdf5", "correlation map"), (write_inscopix, "a.csv", None)],
)
def test_a_file_of_another_pipeline_is_opened_by_its_button(
    sit_down, tmp_path, write, name, image, quick_model
):
    me = sit_down()
    rois_dock, dock = me.open_dock("ROIs and traces"), me.open_dock("Classify")
    path = write(tmp_path / "m1" / name, **({"fr": 30} if image else {"tiffs": "a"}))
    me.answer(dock.folder.file, path)
    me.read(dock, "6 ROIs, not classified yet")
    drawn = next(la for la in me.viewer.layers if tag_of(la).role == "rois")
    shown = images() > images().max(axis=(1, 2), keepdims=True) / 10
    expected = shown if image is None else images() > 0
    for roi_id in range(6):
        np.testing.assert_array_equal(drawn.data == roi_id + 1, expected[roi_id])
    assert drawn.data.shape == FRAME_SHAPE
    assert dock.form.recording.currentText() == name
    if image:
        me.read(dock, "A program's default: confirm or correct it.")
        me.click(dock.form.frame_rate.button)
        me.wait(lambda: "default" not in dock.form.frame_rate.doubt.text())
        assert me.viewer.layers[0].name == f"{name} {image}"
        me.choose(dock.form.model.choice, "quick")
        me.click(dock.run.classify)
        me.read(dock.legend, "quick, ")
    me.click_roi(dock.session.active.recording.rois[4])
    me.wait(lambda: dock.session.roi_id == 4)
    me.look(f"opened {name}")
    drop(dock.folder, write(tmp_path / "m2" / name))
    me.wait(lambda: len(dock.session.recordings) == 2)
    assert list(dock.session.titles.values()) == [f"m1/{name}", f"m2/{name}"]
    assert rois_dock.isVisible()
