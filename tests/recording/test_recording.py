"""Recordings of traces that come from elsewhere."""

import numpy as np
import pytest

from napari_celltype.errors import RecordingError, SamplingFrequencyError
from napari_celltype.findings import Finding
from napari_celltype.recording import FROM_USER, Recording, Segment


def test_from_traces():
    traces = np.arange(12.0).reshape(3, 4)
    recording = Recording.from_traces(traces, sampling_frequency=7, neuropil=traces / 2)
    traces[:] = 0
    assert (recording.n_rois, recording.n_frames) == (3, 4)
    assert np.asarray(recording.raw_traces)[2, 3] == 11
    assert np.asarray(recording.neuropil)[2, 3] == 5.5
    assert np.asarray(recording.raw_traces).dtype == np.float32
    assert recording.segments == (Segment(0, 4),)
    assert recording.sampling_frequency_source == FROM_USER
    assert recording.merged_into.tolist() == [-1, -1, -1]
    assert recording.changed_on_disk() is None


def test_a_vouched_frame_rate_answers_the_question():
    recording = Recording(
        raw_traces=np.ones((2, 9), np.float32),
        warnings=(Finding("frame-rate-unknown", "a"), Finding("b", "b")),
    )
    assert not recording.sampling_frequency_confirmed
    answered = recording.with_sampling_frequency(20)
    assert answered.sampling_frequency == 20
    assert answered.sampling_frequency_confirmed
    assert answered.warnings == (Finding("b", "b"),)


@pytest.mark.parametrize("traces", [np.ones(4), np.ones((0, 4)), np.ones((2, 3, 4))])
def test_traces_of_a_wrong_shape(traces):
    with pytest.raises(RecordingError, match="give one row per ROI"):
        Recording.from_traces(traces, sampling_frequency=7)


def test_neuropil_of_another_shape():
    with pytest.raises(RecordingError, match="one row of neuropil for each trace"):
        Recording.from_traces(
            np.ones((2, 4)), sampling_frequency=7, neuropil=np.ones((3, 4))
        )


@pytest.mark.parametrize("rate", [0, -1.0, float("nan"), float("inf")])
def test_impossible_rate(rate):
    with pytest.raises(SamplingFrequencyError, match="impossible"):
        Recording.from_traces(np.ones((2, 4)), sampling_frequency=rate)
