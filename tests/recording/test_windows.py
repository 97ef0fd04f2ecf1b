"""Windows bridge or mask what has no value, and nothing else changes."""

import numpy as np
import pytest

from napari_celltype.recording import Segment, area_average
from napari_celltype.recording.recording import segments_between
from napari_celltype.recording.windows import (
    WindowPlan,
    bridged,
    lively,
    means_in_gaps,
    stretches,
)

N = 600


@pytest.fixture
def traces():
    random = np.random.default_rng(0)
    return random.normal(500, 20, size=(3, N)).astype(np.float32)


def plan(bad=(), joins=(), size=100, ratio=1.0, rate=10.0):
    mask = np.zeros(N, bool)
    mask[list(bad)] = True
    return WindowPlan.of(segments_between(joins, mask), ratio, size, rate)


@pytest.mark.parametrize("ratio", [1.0, 1.5, 3.0])
def test_traces_without_gaps_are_averaged_and_cut(traces, ratio):
    n = int(N / ratio) // 100
    expected = area_average(traces, ratio, n * 100).reshape(3, n, 100)
    np.testing.assert_array_equal(plan(ratio=ratio).cut(traces), expected)


def test_short_gaps_are_interpolated_and_long_ones_are_nan():
    line = np.arange(N, dtype=np.float32)[None]
    short, long = [100, *range(200, 205)], range(300, 306)
    spoilt = line.copy()
    spoilt[:, [*short, *long]] = -7
    found = plan([*short, *long]).cut(spoilt).reshape(1, N)
    assert np.flatnonzero(np.isnan(found[0])).tolist() == [*long]
    known = ~np.isnan(found)
    np.testing.assert_allclose(found[known], line[known], rtol=1e-6)


@pytest.mark.parametrize(("rate", "longest"), [(None, 1), (1.0, 1), (4.0, 2), (30, 15)])
def test_half_a_second_is_interpolated_and_always_one_frame(rate, longest, traces):
    for length in (longest, longest + 1):
        spoilt = traces.copy()
        spoilt[0, 40 : 40 + length] = np.nan
        found = bridged(spoilt, [Segment(0, N)], rate)
        assert np.isnan(found).any() == (length > longest)


def test_no_gap_is_interpolated_across_a_join(traces):
    segments = segments_between({301}, np.arange(N) == 300)
    assert np.isnan(bridged(traces, segments, 10.0)).any(axis=0).nonzero()[0] == [300]
    assert stretches(segments) == (Segment(0, 300), Segment(301, N))


def test_an_averaged_frame_needs_half_its_time(traces):
    gap = [*range(20, 40)]
    found = plan(gap, size=50, ratio=3.0, rate=30.0).cut(traces).reshape(3, -1)
    assert np.flatnonzero(np.isnan(found[0])).tolist() == [7, 8, 9, 10, 11, 12]
    np.testing.assert_allclose(found[:, 6], traces[:, 18:20].mean(axis=1), rtol=1e-6)


def test_a_window_may_be_masked_up_to_its_half(traces):
    cut = plan([*range(20, 70), *range(110, 140), *range(150, 171)]).cut(traces)
    assert lively(cut)[0].tolist() == [True, False, True, True, True, True]
    assert not np.isnan(cut[:, 1]).any()


def test_a_gap_that_no_window_can_hold_starts_another_piece(traces):
    whole = plan([*range(230, 290)])
    assert whole.pieces == (Segment(0, 230), Segment(290, 600))
    expected = [traces[:, s : s + 100] for s in (0, 100, 290, 390, 490)]
    np.testing.assert_array_equal(whole.cut(traces), np.stack(expected, axis=1))


def test_bad_frames_may_leave_nothing():
    assert plan([n for n in range(N) if n % 10 > 3]).pieces == ()


def test_a_trace_that_is_constant_beside_its_gaps_says_nothing(traces):
    traces[1] = 3
    traces[1, 20:40] = np.nan
    assert lively(plan().cut(traces)).sum(axis=1).tolist() == [6, 0, 6]


def test_gaps_become_means():
    values = np.array([[1, np.nan, 3], [np.nan] * 3], np.float32)
    assert means_in_gaps(values).tolist() == [[1, 2, 3], [0, 0, 0]]
