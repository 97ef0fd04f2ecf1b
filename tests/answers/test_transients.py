"""Where a trace rises most above what came before."""

import numpy as np

from napari_celltype.answers.transients import largest_transients
from napari_celltype.recording import Segment

RATE = 10.0


def trace_with(peaks, n_frames=2000, drift=0.0):
    """Noise with transients that decay in a second: frame and height of each."""
    trace = np.random.default_rng(0).normal(scale=0.05, size=n_frames)
    trace += drift * np.arange(n_frames)
    for frame, height in peaks.items():
        length = n_frames - frame
        trace[frame:] += height * np.exp(-np.arange(length) / RATE)
    return trace.astype(np.float32)


def test_the_largest_comes_first_whatever_the_baseline():
    trace = trace_with({400: 5.0, 900: 8.0, 1500: 6.0}, drift=0.02)
    found = largest_transients(trace, RATE, (), count=3)
    assert np.abs(found - [900, 1500, 400]).max() <= 3


def test_a_step_where_recordings_are_joined_is_no_transient():
    trace = trace_with({400: 5.0})
    trace[1000:] += 100
    joined = (Segment(0, 1000), Segment(1000, 2000))
    assert abs(largest_transients(trace, RATE, joined)[0] - 400) <= 3
    assert abs(largest_transients(trace, RATE, ())[0] - 1000) <= 50


def test_only_those_with_room_around_them():
    trace = trace_with({20: 9.0, 1000: 5.0, 1950: 9.0})
    found = largest_transients(trace, RATE, (), before=3, after=10, whole=True)
    assert abs(found[0] - 1000) <= 3


def test_frames_without_a_number_are_passed_over():
    trace = trace_with({400: 5.0, 900: 8.0})
    trace[890:950] = np.nan
    assert abs(largest_transients(trace, RATE, ())[0] - 400) <= 3
    assert largest_transients(np.full(100, np.nan, np.float32), RATE, ()).size == 0


def test_the_end_of_a_gap_is_no_transient():
    trace = trace_with({400: 5.0}, drift=0.02)
    trace[1500:1520] = np.nan
    assert abs(largest_transients(trace, RATE, ())[0] - 400) <= 3


def test_a_flat_trace_has_none():
    assert largest_transients(np.ones(500, np.float32), None, ()).size == 0
