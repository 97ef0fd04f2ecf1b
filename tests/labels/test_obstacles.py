"""How recordings of any length and rate become traces of one, and what blocks that."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from napari_celltype.errors import LabelError
from napari_celltype.labels import DataSet, LabelledRecording
from napari_celltype.labels.obstacles import plan_frames, require_none

BASE = SimpleNamespace(
    name="cnn", sampling_frequency=10.0, window_frames=500, neuropil="none"
)


def planned(n_frames, *rates, **options):
    recordings = tuple(
        LabelledRecording(Path(name), name, n_frames=n, sampling_frequency=rate)
        for (name, n), rate in zip(n_frames.items(), rates, strict=True)
    )
    return plan_frames(DataSet(recordings), recordings, **options)


def sentences(frames):
    return [str(found) for found in frames.found]


def test_recordings_are_cut_to_the_shortest():
    frames = planned({"a": 300, "b": 240}, 30.0, 30.0)
    assert (frames.n_frames, frames.sampling_frequency) == (240, 30.0)
    assert sentences(frames) == [
        "Traces of up to 300 frames are cut to their first 240, those of the shortest: "
        "b."
    ]
    assert planned({"a": 300, "b": 300}, 30.0, 30.0).found == ()


def test_recordings_shorter_than_the_timesteps_are_dropped():
    n_frames = {"a": 300, "b": 90, "c": 100}
    # A rate that only a dropped recording has does not matter.
    frames = planned(n_frames, 30.0, 10.0, 30.0, timesteps=100)
    assert (frames.n_frames, frames.sampling_frequency) == (100, 30.0)
    assert [plan.n_windows for plan in frames.plans] == [1, 0, 1]
    dropped = "1 of 3 recordings have fewer than 100 frames and are dropped: b."
    assert dropped in sentences(frames)


@pytest.mark.parametrize(
    ("rates", "options", "sentence"),
    [
        ((30.0, 30.0), {"timesteps": 400}, "No recording has 400 frames; the longest,"),
        ((30.0, 10.0), {}, r"b has 10 Hz and a 30 Hz; bring all .* --resample 10\)\."),
        ((30.0, None), {}, "b: the frame rate is not known"),
        ((None, None), {"resample": 10.0}, r"a, b: the frame rate .* --fs"),
        ((None, None), {"needs_rate": True}, r"a, b: the frame rate .* --fs"),
        ((30.0, 7.5), {"resample": 10.0}, "b: at 7.5 Hz .* never up-sampled"),
        ((30.0, 30.0), {"timesteps": 1}, "are no trace"),
        ((30.0, 30.0), {"timesteps": -5}, "are no trace"),
        ((30.0, 30.0), {"resample": 0.0}, "is impossible"),
        ((30.0, 30.0), {"resample": np.nan}, "is impossible"),
        ((30.0, 30.0), {"base": BASE}, "a, b: shorter than the 500 frames"),
    ],
)
def test_what_cannot_be_brought_together_is_refused(rates, options, sentence):
    with pytest.raises(LabelError, match=sentence):
        require_none(planned({"a": 200, "b": 300}, *rates, **options).found)


def test_rates_that_differ_by_their_rounding_are_one():
    frames = planned({"a": 300, "b": 300}, 30.0, 30.03)
    assert frames.sampling_frequency == pytest.approx(30.015)


def test_all_rates_unknown_is_a_data_set_without_a_rate():
    frames = planned({"a": 300}, None)
    assert frames.sampling_frequency is None
    assert not any(found.blocks for found in frames.found)


def test_resampling_counts_frames_at_the_new_rate():
    frames = planned({"a": 300, "b": 150}, 30.0, 10.0, resample=10.0)
    assert (frames.n_frames, frames.sampling_frequency) == (100, 10.0)
    assert [plan.pieces[0].stop for plan in frames.plans] == [300, 100]
    assert "Brought down to 10 Hz by averaging: a." in sentences(frames)
