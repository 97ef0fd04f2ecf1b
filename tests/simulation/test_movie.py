"""Movies: what is in the file, that it says its frame rate, that it can be stopped."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_celltype.errors import Stopped
from napari_celltype.progress import Progress
from napari_celltype.recording import tiff_sampling_frequency
from napari_celltype.simulation import (
    SimulatedRecording,
    files,
    simulate_recording,
    write_movie,
)
from napari_celltype.simulation.files import movie_blocks, rigid_motion


@pytest.fixture(scope="module")
def simulated() -> SimulatedRecording:
    return simulate_recording(20, 250, 8.0, random_state=4, frame_shape=(96, 112))


def test_the_movie_holds_every_frame(simulated, tmp_path):
    path = write_movie(simulated, tmp_path / "movie.tif")
    with tifffile.TiffFile(path) as tiff:
        frames = tiff.asarray()
        assert len(tiff.pages) == 250
    assert frames.shape == (250, 96, 112)
    assert frames.dtype == np.uint16
    assert frames.mean() > 100
    assert frames.max() < 2**15


def test_the_movie_says_its_frame_rate(simulated, tmp_path):
    path = write_movie(simulated, tmp_path / "movie.tif")
    assert tiff_sampling_frequency(path) == pytest.approx(8.0)


def test_large_movies_become_bigtiff_that_says_its_frame_rate(
    simulated, tmp_path, monkeypatch
):
    monkeypatch.setattr(files, "_LARGEST_CLASSIC_TIFF", 1000)
    path = write_movie(simulated, tmp_path / "large.tif")
    with tifffile.TiffFile(path) as tiff:
        assert tiff.is_bigtiff
        assert len(tiff.pages) == 250
    assert tiff_sampling_frequency(path) == pytest.approx(8.0)


def test_the_same_recording_gives_the_same_frames_in_any_blocks(
    simulated, tmp_path, monkeypatch
):
    whole = np.concatenate(list(movie_blocks(simulated)))
    monkeypatch.setattr(files, "_BLOCK_PIXELS", 17 * 96 * 112)
    blocks = list(movie_blocks(simulated))
    assert len(blocks) > 1
    np.testing.assert_array_equal(np.concatenate(blocks), whole)


def test_somata_shine_by_their_traces(simulated):
    frames = np.concatenate(list(movie_blocks(simulated))).astype(np.float32)
    soma = simulated.session.fluorescence.soma
    busiest = np.argsort(soma.std(axis=1) / soma.mean(axis=1))[-5:]
    for cell in busiest:
        roi = simulated.rois[cell]
        seen = frames[:, roi.ypix, roi.xpix].mean(axis=1)
        assert np.corrcoef(seen, soma[cell])[0, 1] > 0.7


def test_motion_is_small(simulated):
    motion = rigid_motion(simulated, np.random.default_rng(0))
    assert motion.shape == (250, 2)
    assert 0.05 < motion.std() < 1.5
    assert np.abs(motion).max() <= 3


def test_progress_counts_frames(simulated, tmp_path):
    seen: list[Progress] = []
    write_movie(simulated, tmp_path / "movie.tif", on_progress=seen.append)
    assert (seen[-1].done, seen[-1].total) == (250, 250)


def test_a_stopped_movie_leaves_no_file(simulated, tmp_path):
    with pytest.raises(Stopped):
        write_movie(simulated, tmp_path / "movie.tif", should_stop=lambda: True)
    assert list(tmp_path.iterdir()) == []
