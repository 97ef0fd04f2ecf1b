import numpy as np
import pytest

from napari_celltype.classifiers.preparation import (
    Normalization,
    area_average,
    cut_windows,
    frames_after_averaging,
    pad_frames,
    z_score_traces,
)


@pytest.fixture
def traces():
    random = np.random.default_rng(0)
    return (1000 + 10 * random.normal(size=(6, 300))).astype(np.float32)


def test_z_score_gives_each_trace_mean_0_and_deviation_1(traces):
    scored = z_score_traces(traces)
    np.testing.assert_allclose(scored.mean(axis=1), 0, atol=1e-4)
    np.testing.assert_allclose(scored.std(axis=1), 1, atol=1e-4)


def test_z_score_of_a_constant_trace_is_zero():
    assert (z_score_traces(np.full((1, 100), 7.3, dtype=np.float32)) == 0).all()


def test_z_score_leaves_its_input_alone(traces):
    before = traces.copy()
    z_score_traces(traces)
    np.testing.assert_array_equal(traces, before)


def test_training_set_score_uses_one_mean_and_one_deviation(traces):
    normalization = Normalization.fit("training-set", traces)
    expected = (traces - traces.mean(dtype=float)) / traces.std(dtype=float)
    np.testing.assert_allclose(normalization.apply(traces), expected, atol=1e-4)


def test_per_timestep_score_uses_a_pair_per_frame(traces):
    normalization = Normalization.fit("training-set-per-timestep", traces)
    scored = normalization.apply(traces)
    np.testing.assert_allclose(scored.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(scored.std(axis=0), 1, atol=1e-4)


def test_test_traces_are_scored_by_the_training_sets_statistics(traces):
    normalization = Normalization.fit("training-set", traces)
    shifted = normalization.apply(traces + 100)
    assert shifted.mean() == pytest.approx(100 / traces.std(), rel=1e-3)


def test_unknown_normalization_lists_what_there_is(traces):
    with pytest.raises(ValueError, match="use one of trace, training-set"):
        Normalization.fit("min-max", traces)


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


def test_windows_do_not_overlap_and_leave_the_rest_out():
    windows = cut_windows(np.arange(14, dtype=np.float32)[None], 4)
    assert windows.tolist() == [[[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]]


def test_padding_adds_zeros_at_the_end():
    padded = pad_frames(np.ones((1, 2), dtype=np.float32), 4)
    assert padded.tolist() == [[1, 1, 0, 0]]


def test_padding_leaves_long_traces_alone(traces):
    assert pad_frames(traces, 38) is traces
