"""Where a trace rises most, and the mean of such transients."""

import numpy as np
import pytest

from napari_celltype.answers import transients as module
from napari_celltype.answers.transients import largest_transients, mean_traces
from napari_celltype.errors import RecordingError, SamplingFrequencyError, Stopped
from napari_celltype.recording import Recording, Segment

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


def test_one_that_the_end_cuts_off_is_found():
    trace = trace_with({400: 5.0})
    trace[-3:] += [3, 6, 9]
    assert largest_transients(trace, RATE, ()).tolist() == [1999]


def test_only_those_with_room_around_them():
    trace = trace_with({20: 9.0, 1000: 5.0, 1950: 9.0})
    found = largest_transients(trace, RATE, (), before=3, after=10, whole=True)
    assert abs(found[0] - 1000) <= 3


def test_frames_without_a_number_are_passed_over():
    trace = trace_with({400: 5.0, 900: 8.0})
    trace[890:950] = np.nan
    assert abs(largest_transients(trace, RATE, ())[0] - 400) <= 3
    # Nor is the end of a gap a transient.
    trace = trace_with({400: 5.0}, drift=0.02)
    trace[1500:1520] = np.nan
    assert abs(largest_transients(trace, RATE, ())[0] - 400) <= 3


@pytest.mark.parametrize("value", [1, np.nan])
def test_a_trace_without_changes_has_none(value):
    trace = np.full(500, value, np.float32)
    assert largest_transients(trace, None, ()).size == 0


@pytest.fixture(scope="module")
def recording():
    """Six ROIs: transients that decay in half a second, or in two; the last is flat."""
    random = np.random.default_rng(0)
    traces = random.normal(scale=0.05, size=(6, 3000)) + 100
    for roi, seconds in enumerate((0.5, 0.5, 2.0, 2.0, 2.0)):
        decay = np.exp(-np.arange(200) / (seconds * RATE))
        for start in range(200, 2700, 250):
            traces[roi, start : start + 200] += 5 * decay
    traces[5] = 7
    return Recording.from_traces(traces, sampling_frequency=RATE)


def test_types_with_slow_transients_decay_slowly(recording):
    quick, slow = mean_traces(recording, {"PV": [0, 1], "PY": [2, 3, 4]})
    assert (quick.name, quick.n_rois, quick.n_transients) == ("PV", 2, 10)
    assert (slow.n_rois, slow.n_all, slow.n_transients) == (3, 3, 15)
    later = np.searchsorted(quick.time, 1.5)
    assert quick.mean[later] < 0.2 * quick.mean.max()
    assert slow.mean[later] > 0.3 * slow.mean.max()
    assert quick.time[quick.mean.argmax()] == pytest.approx(0, abs=0.2)


def test_one_roi_alone_has_no_spread(recording):
    (alone,) = mean_traces(recording, {"PV": [0]})
    assert np.isnan(alone.deviation).all()
    (pair,) = mean_traces(recording, {"PV": [0, 1]})
    assert np.isfinite(pair.deviation).all()


def test_a_type_without_transients_is_left_out(recording):
    assert [m.name for m in mean_traces(recording, {"PV": [0], "VIP": [5]})] == ["PV"]
    with pytest.raises(RecordingError, match="None of the 1 ROIs"):
        mean_traces(recording, {"VIP": [5]})


def test_of_many_rois_some_are_taken_and_all_are_told(recording):
    many = [0, 1] * module.MOST_ROIS
    (found,) = mean_traces(recording, {"PV": many})
    assert (found.n_rois, found.n_all) == (module.MOST_ROIS, len(many))


def test_without_a_frame_rate_nothing_is_aligned(recording):
    timeless = Recording(recording.raw_traces, segments=(Segment(0, 3000),))
    with pytest.raises(SamplingFrequencyError, match="frame rate"):
        mean_traces(timeless, {"PV": [0]})


def test_it_stops_and_tells_how_far_it_is(recording):
    seen = []
    mean_traces(recording, {"PV": [0, 1]}, on_progress=seen.append)
    assert [(p.done, p.total) for p in seen] == [(1, 2), (2, 2)]
    with pytest.raises(Stopped):
        mean_traces(recording, {"PV": [0]}, should_stop=lambda: True)
