from dataclasses import replace

import numpy as np
import pytest
from scipy.special import softmax

from napari_celltype.errors import (
    ModelError,
    RecordingError,
    SamplingFrequencyError,
    Stopped,
)
from napari_celltype.models import (
    CellTypeModel,
    TraceClassifier,
    card_for,
    predict_recording_traces,
)
from napari_celltype.recording import Segment
from napari_celltype.recording.recording import segments_between

N_ROIS, N_FRAMES, WINDOW = 20, 250, 60


@pytest.fixture
def traces(labelled):
    """Return 20 traces of 250 frames: four windows of 60 and a rest."""
    random = np.random.default_rng(1)
    long = np.tile(labelled[0][:N_ROIS], (1, 5))[:, :N_FRAMES]
    return (long + random.normal(scale=3, size=long.shape)).astype(np.float32)


@pytest.fixture(scope="module")
def pooled(model, labelled):
    """Return a model of any length whose shortest trace is that of `model`."""
    classifier = TraceClassifier("pooled", epochs=2, random_state=0, device="cpu")
    classifier.fit(*labelled)
    card = card_for(classifier, name="pooled-10hz", sampling_frequency=10.0)
    return CellTypeModel(classifier, card, "")


@pytest.fixture
def predict(model):
    """Return a function that predicts at 10 Hz on the processor."""

    def run(traces, rate=10.0, segments=(), model=model, **options):
        options.setdefault("device", "cpu")
        return predict_recording_traces(model, traces, rate, segments, **options)

    return run


def with_card(model, **changes):
    return CellTypeModel(model.classifier, replace(model.card, **changes), model.sha256)


class BlockTraces:
    """Traces on a disk: read by blocks of rows, and how large those were."""

    def __init__(self, traces):
        self.traces = traces
        self.shape = traces.shape
        self.largest = 0

    def __getitem__(self, rows):
        block = self.traces[rows]
        self.largest = max(self.largest, len(block))
        return block


def test_one_window_gives_the_classifiers_probabilities(predict, model, traces):
    found = predict(traces[:, :WINDOW]).probabilities
    expected = model.classifier.predict_proba(traces[:, :WINDOW])
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_model_predicts_windows_as_recordings_of_one_window(
    predict, model, make_calibration, traces
):
    windows = traces[:, :WINDOW]
    warm = with_card(model, calibration=make_calibration({1: 2.0}))
    found = warm.predict_proba(windows)
    expected = predict(windows, model=warm).probabilities
    np.testing.assert_allclose(found, expected, atol=1e-6)
    best = warm.classes_[found.argmax(axis=1)]
    assert warm.predict(windows).tolist() == best.tolist()


def test_log_probabilities_of_windows_are_averaged(predict, model, traces):
    windows = [traces[:, i * WINDOW : (i + 1) * WINDOW] for i in range(4)]
    log_p = np.mean([model.classifier.predict_log_proba(w) for w in windows], axis=0)
    found = predict(traces).probabilities
    np.testing.assert_allclose(found, softmax(log_p, axis=1), atol=1e-6)


def test_a_network_of_any_length_sees_the_windows_of_a_roi_as_one_trace(
    predict, pooled, traces
):
    whole = TraceClassifier("pooled", random_state=0, device="cpu")
    whole.__dict__ |= {**pooled.classifier.__dict__, "n_features_in_": 4 * WINDOW}
    np.testing.assert_allclose(
        predict(traces, model=pooled).probabilities,
        whole.predict_proba(traces[:, : 4 * WINDOW]),
        atol=1e-6,
    )


def test_a_network_of_any_length_leaves_flat_windows_out(predict, pooled, traces):
    flat = traces.copy()
    flat[3, :WINDOW] = 0
    cut = predict(traces[:, WINDOW:], model=pooled).probabilities
    found = predict(flat, model=pooled).probabilities
    np.testing.assert_allclose(found[3], cut[3], atol=1e-6)


@pytest.fixture
def block_rois(monkeypatch):
    """Return a function that sets how many ROIs are read at once."""
    place = "napari_celltype.models.windows.BLOCK_SAMPLES"
    return lambda n_rois: monkeypatch.setattr(place, n_rois * N_FRAMES)


@pytest.mark.parametrize("block", [1, 3, 7])
def test_result_does_not_depend_on_the_block_size(predict, traces, block, block_rois):
    expected = predict(traces).probabilities
    block_rois(block)
    np.testing.assert_allclose(predict(traces).probabilities, expected, atol=1e-6)


def test_faster_recording_is_averaged_down(predict, traces):
    tripled = np.repeat(traces, 3, axis=1)
    np.testing.assert_allclose(
        predict(tripled, rate=30.0).probabilities,
        predict(traces).probabilities,
        atol=1e-5,
    )


@pytest.mark.parametrize("rate", [9.85, 10.15])
def test_rate_within_two_percent_is_taken_as_the_models(predict, traces, rate):
    np.testing.assert_array_equal(
        predict(traces, rate=rate).probabilities, predict(traces).probabilities
    )


def test_no_window_crosses_a_join(predict, model, traces):
    joined = traces.copy()
    joined[:, 70:180] = 1e6 * np.random.default_rng(0).random((N_ROIS, 110))
    segments = [Segment(0, 70), Segment(180, 250)]
    clean = np.concatenate([joined[:, :WINDOW], joined[:, 180 : 180 + WINDOW]], axis=1)
    np.testing.assert_allclose(
        predict(joined, segments=segments).probabilities,
        predict(clean).probabilities,
        atol=1e-6,
    )


def test_segments_too_short_for_a_window_are_skipped(predict, traces):
    found = predict(traces, segments=[Segment(0, 50), Segment(50, 250)])
    assert found.n_windows.tolist() == [3] * N_ROIS


DAMAGE = [np.nan, np.inf, -np.inf, 1e20, -3e38]


@pytest.mark.parametrize("bad", DAMAGE)
@pytest.mark.parametrize("ratio", [1, 3])
def test_damage_costs_no_more_than_its_roi(predict, traces, bad, ratio):
    traces, rate = np.repeat(traces, ratio, axis=1), 10.0 * ratio
    whole = predict(traces, rate=rate).probabilities
    traces[4] = bad
    found = predict(traces, rate=rate)
    assert np.isnan(found.probabilities).all(axis=1).nonzero()[0].tolist() == [4]
    others = np.arange(N_ROIS) != 4
    np.testing.assert_array_equal(found.probabilities[others], whole[others])
    assert (found.n_windows[4], found.n_frames_used[4]) == (0, 0)
    assert found.n_damaged[[3, 4]].tolist() == [0, traces.shape[1]]


@pytest.mark.parametrize("bad", DAMAGE)
def test_a_damaged_value_is_interpolated(predict, traces, bad):
    traces[4, 7] = traces[4, [6, 8]].mean()
    whole = predict(traces).probabilities
    traces[4, 7] = bad
    found = predict(traces)
    np.testing.assert_allclose(found.probabilities, whole, atol=1e-6)
    assert found.n_damaged.tolist() == [0] * 4 + [1] + [0] * 15


@pytest.mark.parametrize("model_name", ["model", "pooled"])
def test_values_at_bad_frames_never_reach_the_network(
    predict, traces, model_name, request
):
    model = request.getfixturevalue(model_name)
    bad = np.zeros(N_FRAMES, bool)
    bad[[0, 30, 100, 101, 249]] = bad[140:155] = True
    segments = segments_between((), bad)
    plain = predict(traces, segments=segments, model=model)
    for value in (0.0, 1e6, np.nan):
        traces[:, bad] = value
        found = predict(traces, segments=segments, model=model)
        np.testing.assert_array_equal(found.probabilities, plain.probabilities)
    assert found.n_windows.tolist() == [4] * N_ROIS


def test_bad_frames_that_leave_too_little_are_named(predict, traces):
    segments = segments_between((), np.arange(N_FRAMES) % 10 < 7)
    with pytest.raises(RecordingError, match=r"175 of 250 frames \(70 %\).*badframes"):
        predict(traces, segments=segments)


def test_joins_that_leave_too_little_are_named(predict, traces):
    segments = segments_between(range(50, 250, 50), np.zeros(N_FRAMES, bool))
    with pytest.raises(RecordingError, match=r"5 parts.*--joins continuous"):
        predict(traces, segments=segments)


def test_constant_trace_has_no_probabilities(predict, traces):
    traces[2] = 3.3
    assert np.isnan(
        predict(np.repeat(traces, 3, axis=1), rate=29.97).probabilities[2]
    ).all()


def test_flat_stretch_is_left_out_of_the_average(predict, traces):
    traces[2, :130] = 0
    assert predict(traces).n_windows[:3].tolist() == [4, 4, 2]


@pytest.mark.parametrize(("n_windows", "divisor"), [(1, 2.0), (3, 0.5), (4, 0.25)])
def test_log_odds_are_divided_by_the_temperature_for_the_number_of_windows(
    predict, model, make_calibration, traces, n_windows, divisor
):
    part = traces[:, : n_windows * WINDOW]
    warm = with_card(model, calibration=make_calibration({1: 2.0, 2: 0.5, 4: 0.25}))
    plain, found = predict(part).probabilities, predict(part, model=warm).probabilities
    np.testing.assert_allclose(
        np.log(found[:, 0] / found[:, 1]),
        np.log(plain[:, 0] / plain[:, 1]) / divisor,
        atol=1e-5,
    )


def test_recording_without_rois_gives_an_empty_result(predict):
    found = predict(np.empty((0, 100), dtype=np.float32))
    assert found.probabilities.shape == (0, 3)


def test_short_recording_says_what_was_found_and_what_is_needed(predict, traces):
    message = r"has 59 frames \(5\.9 s at 10 Hz\).*needs 60 frames \(6\.0 s\)"
    with pytest.raises(RecordingError, match=message):
        predict(traces[:, :59])


def test_slow_recording_is_never_up_sampled(predict, traces):
    with pytest.raises(SamplingFrequencyError, match="never up-sampled"):
        predict(traces, rate=9.7)


@pytest.mark.parametrize("rate", [0.0, -5.0, np.nan, np.inf])
def test_impossible_rate_is_refused(predict, traces, rate):
    with pytest.raises(SamplingFrequencyError, match="impossible"):
        predict(traces, rate=rate)


def test_model_without_a_rate_is_refused(predict, model, traces):
    with pytest.raises(ModelError, match="does not say at which frame rate"):
        predict(traces, model=with_card(model, sampling_frequency=None))


def test_windows_and_frames_of_the_original_recording_are_counted(predict, traces):
    found = predict(traces)
    assert (found.n_windows[0], found.n_frames_used[0]) == (4, 240)
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1)
    found = predict(np.repeat(traces, 3, axis=1), rate=30.03)
    assert (found.n_windows[0], found.n_frames_used[0]) == (4, 721)


def test_blocks_are_read_told_and_asked_about(predict, traces, block_rois):
    block_rois(8)
    lazy, told = BlockTraces(traces), []
    predict(lazy, on_progress=told.append)
    assert lazy.largest == 8
    assert [(p.done, p.total) for p in told] == [(8, 20), (16, 20), (20, 20)]
    told.clear()
    with pytest.raises(Stopped):
        predict(traces, should_stop=lambda: len(told) == 1, on_progress=told.append)
    assert len(told) == 1
