"""Trace matrices: read from disk in blocks, less their neuropil, down-sampled."""

import numpy as np
import pytest

from napari_celltype.errors import RecordingError
from napari_celltype.recording import (
    Recording,
    area_average,
    frames_after_averaging,
    subtract_neuropil,
)
from napari_celltype.recording.traces import FileTraces

VALUES = np.random.default_rng(0).normal(size=(7, 11)).astype(np.float32)


def saved(path, values):
    np.save(path / "F.npy", values)
    return path / "F.npy"


@pytest.mark.parametrize(
    "key",
    [
        0,
        -1,
        slice(None),
        slice(5, 1, -2),
        slice(3, 3),
        [4, 0, 1, 2],
        np.array([True, False, True, False, False, False, True]),
        (2, 5),
        (slice(1, 4), slice(2, 9, 3)),
        (slice(None), [1, 10]),
    ],
    ids=str,
)
@pytest.mark.parametrize("order", ["C", "F"])
def test_indexing_is_that_of_an_array(key, order, tmp_path):
    traces = FileTraces(saved(tmp_path, np.asarray(VALUES, order=order)))
    np.testing.assert_array_equal(traces[key], VALUES[key])


def test_other_numbers_become_float32(tmp_path):
    traces = FileTraces(saved(tmp_path, np.arange(6).reshape(2, 3)))
    assert traces[:].dtype == np.float32
    assert traces[1].tolist() == [3, 4, 5]


def test_becomes_an_array(tmp_path):
    traces = FileTraces(saved(tmp_path, VALUES))
    np.testing.assert_array_equal(np.asarray(traces), VALUES)
    assert (len(traces), traces.dtype) == (len(VALUES), np.float32)
    assert not traces[2:4].flags.writeable


def test_row_that_is_not_there(tmp_path):
    with pytest.raises(IndexError):
        FileTraces(saved(tmp_path, VALUES))[7]


@pytest.mark.parametrize(
    "values", [np.zeros(5), np.zeros((2, 3, 4)), np.array([["a", "b"]])]
)
def test_what_is_no_matrix_of_numbers(values, tmp_path):
    with pytest.raises(RecordingError, match="one row of numbers per ROI was expected"):
        FileTraces(saved(tmp_path, values))


@pytest.mark.parametrize("new", [VALUES[:3], None])
def test_file_that_was_replaced_is_not_read(new, tmp_path):
    traces = FileTraces(saved(tmp_path, VALUES))
    if new is None:
        (tmp_path / "F.npy").unlink()
    else:
        saved(tmp_path, new)
    with pytest.raises(RecordingError, match=r"F\.npy (changed|vanished)"):
        traces[1]


RAW, AROUND = np.arange(20.0, 5.0, -1).reshape(3, 5), np.arange(15.0).reshape(3, 5)


def recording(neuropil=AROUND):
    return Recording.from_traces(RAW, sampling_frequency=10, neuropil=neuropil)


def test_share_of_neuropil_is_taken_away():
    traces = subtract_neuropil(recording(), 0.5)
    assert traces.shape == (3, 5)
    np.testing.assert_allclose(traces[1:3], RAW[1:3] - 0.5 * AROUND[1:3])
    np.testing.assert_allclose(traces[0, 2:4], RAW[0, 2:4] - 0.5 * AROUND[0, 2:4])


def test_a_trace_without_data_stays_without(tmp_path):
    raw = np.array([[5, 5, 5], [1, 2, 3]], np.float32)
    recording = Recording.from_traces(raw, sampling_frequency=10, neuropil=raw[::-1])
    traces = subtract_neuropil(recording, 0.5)
    for values in (traces[:], np.stack([traces[0], traces[1]]), traces[[0, 1]]):
        assert np.isnan(values[0]).all()
        np.testing.assert_array_equal(values[1], raw[1] - np.float32(2.5))


def test_nothing_to_take_away():
    bare = recording(None)
    assert subtract_neuropil(bare, 0) is bare.raw_traces


def test_absent_neuropil_is_said():
    with pytest.raises(RecordingError, match=r"no neuropil traces \(Fneu\.npy\)"):
        subtract_neuropil(recording(None), 0.7)


@pytest.mark.parametrize("coefficient", [-0.1, 1.2, float("nan")])
def test_impossible_coefficient(coefficient):
    with pytest.raises(RecordingError, match="not between 0 and 1"):
        subtract_neuropil(recording(), coefficient)


@pytest.fixture
def traces():
    random = np.random.default_rng(0)
    return (1000 + 10 * random.normal(size=(6, 300))).astype(np.float32)


def test_area_average_of_a_whole_ratio_is_the_mean_of_groups(traces):
    expected = traces.reshape(6, 100, 3).mean(axis=2)
    np.testing.assert_allclose(area_average(traces, 3.0, 100), expected, rtol=1e-6)


def test_area_average_weights_frames_by_their_overlap():
    x = np.array([[1.0, 2.0, 4.0, 8.0, 16.0]], dtype=np.float32)
    # 2.5 frames: 1 + 2 + half of 4, then the other half of 4 + 8 + 16.
    expected = [[5 / 2.5, 26 / 2.5]]
    np.testing.assert_allclose(area_average(x, 2.5, 2), expected, rtol=1e-6)


@pytest.mark.parametrize("ratio", [1.02, 1.5, 3.003, 7.77])
def test_area_average_keeps_the_mean(traces, ratio):
    n_out = frames_after_averaging(300, ratio)
    averaged = area_average(traces, ratio, n_out)
    covered = n_out * ratio
    whole, part = int(covered), covered - int(covered)
    total = traces[:, :whole].sum(axis=1, dtype=float)
    if part > 1e-9:
        total += part * traces[:, whole]
    np.testing.assert_allclose(averaged.mean(axis=1), total / covered, rtol=1e-6)


def test_area_average_of_a_constant_is_that_constant():
    x = np.full((1, 1000), 3.3, dtype=np.float32)
    assert (area_average(x, 2.997, 300) == np.float32(3.3)).all()


def test_equal_rates_leave_the_samples_alone(traces):
    np.testing.assert_array_equal(area_average(traces, 1.0, 250), traces[:, :250])


@pytest.mark.parametrize(
    ("n_frames", "rate", "wanted", "n_out"),
    [
        (1800, 30.0, 10.0, 600),
        (1802, 30.03, 10.0, 600),
        (1801, 30.03, 10.0, 599),
        (600, 10.0, 10.0, 600),
    ],
)
def test_count_of_averaged_frames(n_frames, rate, wanted, n_out):
    assert frames_after_averaging(n_frames, rate / wanted) == n_out
