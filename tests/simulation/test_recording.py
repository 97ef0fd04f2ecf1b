"""Simulated recordings: where cells lie and what files they become."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from napari_celltype.errors import LabelError, RecordingError
from napari_celltype.recording import load_npz, open_recording
from napari_celltype.simulation import (
    SimulatedRecording,
    simulate_recording,
    write_recording,
    write_truth,
)


@pytest.fixture(scope="module")
def simulated() -> SimulatedRecording:
    return simulate_recording(20, 300, 12.5, random_state=2)


def test_shapes_agree(simulated):
    assert simulated.raw_traces.shape == simulated.neuropil.shape == (20, 300)
    assert len(simulated.rois) == len(simulated.labels) == 20
    assert simulated.running_speed.shape == (300,)
    assert simulated.mean_image().shape == simulated.frame_shape == (128, 128)


def test_same_seed_gives_the_same_recording(simulated):
    again = simulate_recording(20, 300, 12.5, random_state=2)
    assert again.raw_traces.tobytes() == simulated.raw_traces.tobytes()
    assert again.background.tobytes() == simulated.background.tobytes()


def test_somata_do_not_overlap_and_lie_inside(simulated):
    drawn = np.zeros(simulated.frame_shape, dtype=int)
    for roi in simulated.rois:
        drawn[roi.ypix, roi.xpix] += 1
    assert drawn.max() == 1


def test_default_mixture_adds_up():
    for n_cells in (1, 7, 40):
        recording = simulate_recording(n_cells, 20, 10, random_state=0)
        assert len(recording.labels) == n_cells


def test_counts_are_kept():
    recording = simulate_recording(
        n_frames=20, counts={"pyramidal": 3, "Sst": 2}, random_state=0
    )
    assert sorted(recording.labels.tolist()) == ["PY", "PY", "PY", "SOM", "SOM"]


def test_many_cells_get_a_larger_frame():
    assert simulate_recording(120, 20, 10, random_state=0).frame_shape[0] > 128


def test_too_small_a_frame_is_refused():
    with pytest.raises(RecordingError, match="fewer cells or a larger frame"):
        simulate_recording(100, 20, 10, random_state=0, frame_shape=(64, 64))


def test_a_tiny_frame_is_refused():
    with pytest.raises(RecordingError, match="too small"):
        simulate_recording(1, 20, 10, random_state=0, frame_shape=(8, 200))


def test_no_cells_are_refused():
    with pytest.raises(LabelError, match="n_cells"):
        simulate_recording(0, 20, 10)


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
    np.testing.assert_allclose(opened.images["mean image"], simulated.mean_image())
    for mine, read in zip(simulated.rois, opened.rois, strict=True):
        np.testing.assert_array_equal(mine.ypix, read.ypix)
        np.testing.assert_array_equal(mine.lam, read.lam)


def test_the_label_table_says_what_is_what(simulated, tmp_path):
    write_recording(simulated, tmp_path)
    with (tmp_path / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows] == simulated.labels.tolist()
    assert {row["source"] for row in rows} == {"imported"}


def test_the_truth_is_read_without_pickle(simulated, tmp_path):
    truth = load_npz(write_truth(simulated, tmp_path / "truth.npz"))
    assert truth["labels"].tolist() == simulated.labels.tolist()
    assert truth["spikes"].shape == (20, 300)
    assert truth["cell"].size == sum(roi.ypix.size for roi in simulated.rois)
