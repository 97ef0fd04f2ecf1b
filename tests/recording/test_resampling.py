import numpy as np
import pytest

from napari_celltype.recording.resampling import area_average, frames_after_averaging


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
