"""Simulated recordings: where cells lie, and the files and movies they become."""

import csv

import numpy as np
import pytest
import tifffile

from napari_celltype.errors import (
    LabelError,
    RecordingError,
    SamplingFrequencyError,
    Stopped,
)
from napari_celltype.progress import Progress
from napari_celltype.recording import (
    Roi,
    load_npz,
    open_recording,
    tiff_sampling_frequency,
)
from napari_celltype.simulation import (
    SimulatedRecording,
    files,
    match_rois,
    simulate_recording,
    write_movie,
    write_recording,
    write_truth,
)
from napari_celltype.simulation.files import movie_blocks, rigid_motion


@pytest.fixture(scope="module")
def simulated() -> SimulatedRecording:
    return simulate_recording(20, 300, 12.5, random_state=2)


def test_same_seed_gives_the_same_recording(simulated):
    assert simulated.raw_traces.shape == simulated.neuropil.shape == (20, 300)
    assert len(simulated.rois) == len(simulated.labels) == 20
    assert simulated.projection().shape == simulated.frame_shape == (128, 128)
    again = simulate_recording(20, 300, 12.5, random_state=2)
    assert again.raw_traces.tobytes() == simulated.raw_traces.tobytes()
    assert again.background.tobytes() == simulated.background.tobytes()


def test_somata_do_not_overlap_and_lie_inside(simulated):
    drawn = np.zeros(simulated.frame_shape, dtype=int)
    for roi in simulated.rois:
        drawn[roi.ypix, roi.xpix] += 1
    assert drawn.max() == 1


def test_the_cells_asked_for_are_there_and_many_get_a_larger_frame():
    for n_cells in (1, 7, 120):
        recording = simulate_recording(n_cells, 20, 10, random_state=0)
        assert len(recording.labels) == n_cells
    assert recording.frame_shape[0] > 128
    recording = simulate_recording(
        n_frames=20, counts={"pyramidal": 3, "Sst": 2}, random_state=0
    )
    assert sorted(recording.labels.tolist()) == ["PY", "PY", "PY", "SOM", "SOM"]


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        ({"n_cells": 0}, LabelError, "n_cells"),
        ({"noise": 0.0}, RecordingError, "shot noise"),
        ({"sampling_frequency": 0.0}, SamplingFrequencyError, "frame rate"),
    ],
)
def test_what_cannot_be_simulated_is_refused(asked, error, words):
    with pytest.raises(error, match=words):
        simulate_recording(**{"n_frames": 20, **asked})


def test_the_folder_opens_as_a_suite2p_recording(simulated, tmp_path):
    write_recording(simulated, tmp_path)
    opened = open_recording(tmp_path)
    np.testing.assert_array_equal(opened.raw_traces[:], simulated.raw_traces)
    assert opened.neuropil is not None
    np.testing.assert_array_equal(opened.neuropil[:], simulated.neuropil)
    assert opened.sampling_frequency == 12.5
    assert opened.frame_shape == simulated.frame_shape
    assert opened.iscell is not None
    assert opened.iscell.all()
    np.testing.assert_allclose(opened.images["mean image"], simulated.projection())
    with (tmp_path / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows] == simulated.labels.tolist()
    assert {row["source"] for row in rows} == {"imported"}
    for mine, read in zip(simulated.rois, opened.rois, strict=True):
        np.testing.assert_array_equal(mine.ypix, read.ypix)
        np.testing.assert_array_equal(mine.lam, read.lam)


def test_the_truth_is_read_without_pickle(simulated, tmp_path):
    truth = load_npz(write_truth(simulated, tmp_path / "truth.npz"))
    assert truth["labels"].tolist() == simulated.labels.tolist()
    assert truth["spikes"].shape == (20, 300)
    assert truth["cell"].size == sum(roi.ypix.size for roi in simulated.rois)


@pytest.fixture(scope="module")
def filmed() -> SimulatedRecording:
    return simulate_recording(20, 250, 8.0, random_state=4)


def test_the_movie_holds_every_frame_and_says_its_rate(filmed, tmp_path):
    seen: list[Progress] = []
    path = write_movie(filmed, tmp_path / "movie.tif", on_progress=seen.append)
    assert (seen[-1].done, seen[-1].total) == (250, 250)
    with tifffile.TiffFile(path) as tiff:
        frames = tiff.asarray()
        assert len(tiff.pages) == 250
    assert frames.shape == (250, 128, 128)
    assert frames.dtype == np.uint16
    assert frames.mean() > 100
    assert frames.max() < 2**15
    assert tiff_sampling_frequency(path) == pytest.approx(8.0)


def test_large_movies_become_bigtiff_that_says_its_frame_rate(
    filmed, tmp_path, monkeypatch
):
    monkeypatch.setattr(files, "_LARGEST_CLASSIC_TIFF", 1000)
    path = write_movie(filmed, tmp_path / "large.tif")
    with tifffile.TiffFile(path) as tiff:
        assert tiff.is_bigtiff
        assert len(tiff.pages) == 250
    assert tiff_sampling_frequency(path) == pytest.approx(8.0)


def test_the_same_recording_gives_the_same_frames_in_any_blocks(
    filmed, tmp_path, monkeypatch
):
    whole = np.concatenate(list(movie_blocks(filmed)))
    monkeypatch.setattr(files, "_BLOCK_PIXELS", 17 * 128 * 128)
    blocks = list(movie_blocks(filmed))
    assert len(blocks) > 1
    np.testing.assert_array_equal(np.concatenate(blocks), whole)


def test_somata_shine_by_their_traces(filmed):
    frames = np.concatenate(list(movie_blocks(filmed))).astype(np.float32)
    soma = filmed.fluorescence.soma
    busiest = np.argsort(soma.std(axis=1) / soma.mean(axis=1))[-5:]
    for cell in busiest:
        roi = filmed.rois[cell]
        seen = frames[:, roi.ypix, roi.xpix].mean(axis=1)
        assert np.corrcoef(seen, soma[cell])[0, 1] > 0.7


def test_motion_is_small(filmed):
    motion = rigid_motion(filmed, np.random.default_rng(0))
    assert motion.shape == (250, 2)
    assert 0.05 < motion.std() < 1.5
    assert np.abs(motion).max() <= 3


def test_a_stopped_movie_leaves_no_file(filmed, tmp_path):
    with pytest.raises(Stopped):
        write_movie(filmed, tmp_path / "movie.tif", should_stop=lambda: True)
    assert list(tmp_path.iterdir()) == []


SHAPE = (40, 40)


def _square(y: int, x: int, side: int = 6) -> Roi:
    ypix, xpix = np.mgrid[y : y + side, x : x + side].reshape(2, -1)
    return Roi(ypix, xpix, np.ones(side * side, dtype=np.float32))


@pytest.mark.parametrize(
    ("truth", "found", "matches"),
    [
        ([(2, 2), (20, 20)], [(20, 21), (2, 2), (30, 5)], [1, 0, -1]),
        ([(2, 2)], [(2, 3), (2, 2)], [-1, 0]),
        ([(2, 2)], [(5, 5)], [-1]),
        ([(2, 2)], [], []),
    ],
)
def test_rois_are_matched_by_overlap_and_once(truth, found, matches):
    truth, found = ([_square(*at) for at in places] for places in (truth, found))
    assert match_rois(truth, found, SHAPE).tolist() == matches
