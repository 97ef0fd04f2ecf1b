import numpy as np
import pytest

from napari_celltype.models.windows import (
    Normalization,
    pad_frames,
    z_score_traces,
)


@pytest.fixture
def traces():
    random = np.random.default_rng(0)
    return (1000 + 10 * random.normal(size=(6, 300))).astype(np.float32)


def test_z_score_gives_each_trace_mean_0_and_deviation_1(traces):
    before = traces.copy()
    scored = z_score_traces(traces)
    np.testing.assert_array_equal(traces, before)
    np.testing.assert_allclose(scored.mean(axis=1), 0, atol=1e-4)
    np.testing.assert_allclose(scored.std(axis=1), 1, atol=1e-4)


def test_z_score_of_a_constant_trace_is_zero():
    assert (z_score_traces(np.full((1, 100), 7.3, dtype=np.float32)) == 0).all()


def test_gaps_count_neither_for_the_mean_nor_for_the_deviation(traces):
    gappy = traces.copy()
    gappy[2, 50:150] = np.nan
    scored, known = z_score_traces(gappy), np.r_[:50, 150:300]
    np.testing.assert_allclose(scored[2, 50:150], 0, atol=1e-4)
    np.testing.assert_allclose(
        scored[2, known], z_score_traces(traces[2:3, known])[0], atol=1e-4
    )
    np.testing.assert_array_equal(scored[:2], z_score_traces(traces)[:2])
    by_set = Normalization.fit("training-set", gappy).apply(gappy)
    assert np.ptp(by_set[2, 50:150]) == 0
    np.testing.assert_allclose(by_set[2].mean(), by_set[2, known].mean(), atol=1e-3)


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


def test_padding_adds_zeros_at_the_end_and_leaves_long_traces_alone(traces):
    padded = pad_frames(np.ones((1, 2), dtype=np.float32), 4)
    assert padded.tolist() == [[1, 1, 0, 0]]
    assert pad_frames(traces, 38) is traces
