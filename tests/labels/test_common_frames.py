from __future__ import annotations

import numpy as np
import pytest

from napari_celltype.errors import LabelError
from napari_celltype.labels.common_frames import plan_frames


def test_recordings_are_cut_to_the_shortest() -> None:
    frames = plan_frames(["a", "b"], [300, 240], [30.0, 30.0])
    assert (frames.n_frames, frames.sampling_frequency) == (240, 30.0)
    assert frames.notes == (
        "Traces of up to 300 frames were cut to their first 240, those of the shortest "
        "recording.",
    )


def test_equal_recordings_need_no_note() -> None:
    assert plan_frames(["a", "b"], [300, 300], [30.0, 30.0]).notes == ()


def test_recordings_shorter_than_the_timesteps_are_dropped() -> None:
    frames = plan_frames(["a", "b", "c"], [300, 90, 100], [30.0] * 3, timesteps=100)
    assert (frames.n_frames, frames.kept) == (100, (True, False, True))
    assert frames.notes[0] == (
        "1 of 3 recordings have fewer than 100 frames and were dropped: b."
    )


def test_timesteps_that_no_recording_has_are_refused() -> None:
    with pytest.raises(LabelError, match="No recording has 400 frames; the longest, b"):
        plan_frames(["a", "b"], [200, 300], [30.0, 30.0], timesteps=400)


@pytest.mark.parametrize("timesteps", [-5, 0, 1])
def test_timesteps_that_are_no_trace_are_refused(timesteps: int) -> None:
    with pytest.raises(LabelError, match="are no trace"):
        plan_frames(["a"], [200], [30.0], timesteps=timesteps)


def test_unequal_rates_are_refused_with_a_way_out() -> None:
    sentence = r"a has 10 Hz and b 30 Hz; bring all down .* --resample 10\)\."
    with pytest.raises(LabelError, match=sentence):
        plan_frames(["b", "a"], [300, 300], [30.0, 10.0])


def test_a_rate_that_only_a_dropped_recording_has_does_not_matter() -> None:
    frames = plan_frames(["a", "b"], [300, 50], [30.0, 10.0], timesteps=100)
    assert frames.sampling_frequency == 30.0


def test_rates_that_differ_by_their_rounding_are_one() -> None:
    rate = plan_frames(["a", "b"], [300, 300], [30.0, 30.03]).sampling_frequency
    assert rate == pytest.approx(30.015)


def test_all_rates_unknown_is_a_data_set_without_a_rate() -> None:
    assert plan_frames(["a"], [300], [None]).sampling_frequency is None


def test_an_unknown_rate_beside_a_known_one_is_refused() -> None:
    with pytest.raises(LabelError, match="b does not say its frame rate and a has 30"):
        plan_frames(["a", "b"], [300, 300], [30.0, None])


def test_resampling_counts_frames_at_the_new_rate() -> None:
    frames = plan_frames(["a", "b"], [300, 150], [30.0, 10.0], resample=10.0)
    assert (frames.n_frames, frames.sampling_frequency) == (100, 10.0)
    assert [frames.native_frames(i) for i in (0, 1)] == [300, 100]
    assert "Brought down to 10 Hz by averaging: a." in frames.notes


def test_nothing_is_up_sampled() -> None:
    with pytest.raises(LabelError, match=r"b has 7.5 .* never up-sampled to 10 Hz"):
        plan_frames(["a", "b"], [300, 300], [30.0, 7.5], resample=10.0)


def test_an_unknown_rate_cannot_be_brought_down() -> None:
    with pytest.raises(LabelError, match=r"a does not say .* \(terminal: --fs\)"):
        plan_frames(["a"], [300], [None], resample=10.0)


@pytest.mark.parametrize("rate", [0.0, -1.0, np.nan, np.inf])
def test_impossible_rates_are_refused(rate: float) -> None:
    with pytest.raises(LabelError, match="is impossible"):
        plan_frames(["a"], [300], [30.0], resample=rate)


def _read(traces: np.ndarray, rows: list[int], **options: float) -> tuple:
    frames = plan_frames(["a"], [traces.shape[1]], [30.0], **options)
    target = np.full((len(rows), frames.n_frames), -1, np.float32)
    usable = frames.read(0, traces, np.array(rows), target)
    return usable.tolist(), target


def test_rows_are_read_in_the_order_asked_for() -> None:
    traces = np.random.default_rng(0).normal(size=(5, 60)).astype(np.float32)
    usable, target = _read(traces, [3, 0], timesteps=40)
    assert usable == [True, True]
    np.testing.assert_array_equal(target, traces[[3, 0], :40])


def test_traces_are_averaged_over_time() -> None:
    traces = np.random.default_rng(0).normal(size=(2, 60)).astype(np.float32)
    _, target = _read(traces, [0, 1], resample=10.0)
    np.testing.assert_allclose(target, traces.reshape(2, 20, 3).mean(2), atol=1e-6)


def test_unusable_rows_leave_no_gap() -> None:
    traces = np.random.default_rng(0).normal(size=(5, 60)).astype(np.float32)
    traces[1, 7], traces[2, 0], traces[4] = np.nan, -np.inf, 5.0
    usable, target = _read(traces, [0, 1, 2, 3, 4])
    assert usable == [True, False, False, True, False]
    np.testing.assert_array_equal(target[:2], traces[[0, 3]])


def test_frames_that_are_cut_away_do_not_matter() -> None:
    traces = np.random.default_rng(0).normal(size=(1, 60)).astype(np.float32)
    traces[0, 45:] = np.nan
    assert _read(traces, [0], timesteps=40)[0] == [True]


def test_large_recordings_are_read_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    from napari_celltype.labels import common_frames

    traces = np.random.default_rng(0).normal(size=(9, 60)).astype(np.float32)
    traces[4] = 0
    monkeypatch.setattr(common_frames, "_BLOCK_SAMPLES", 120)
    usable, target = _read(traces, list(range(9)))
    assert usable.count(False) == 1
    np.testing.assert_array_equal(target[:8], np.delete(traces, 4, axis=0))
