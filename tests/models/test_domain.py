from dataclasses import replace

import numpy as np
import pytest

from napari_celltype.models import predict_recording_traces
from napari_celltype.models.domain import (
    PROPERTIES,
    domain_of,
    trace_properties,
    unlike,
)
from napari_celltype.recording import Segment

RATE = 10.0


@pytest.fixture
def measure(model):
    """Return a function that measures a recording as the small CNN sees it."""

    def run(traces, rate=10.0, segments=(), **options):
        traces = np.asarray(traces, dtype=np.float32)
        asked = replace(model, card=replace(model.card, domain={}))
        return predict_recording_traces(
            asked, traces, rate, segments, **options
        ).properties

    return run


@pytest.fixture
def white():
    return np.random.default_rng(0).normal(size=(20, 600)).astype(np.float32)


def with_kernel(traces, n_frames):
    kernel = np.full(n_frames, 1 / n_frames)
    return np.array([np.convolve(trace, kernel, "valid") for trace in traces])


def measured(traces):
    return {k: np.median(v) for k, v in trace_properties(traces, RATE).items()}


def test_white_noise_is_all_noise(white):
    found = measured(white)
    assert found["noise"] == pytest.approx(1, abs=0.05)
    assert found["skewness"] == pytest.approx(0, abs=0.1)
    assert found["slow power"] == pytest.approx(0.02, abs=0.01)
    assert found["smoothness"] == pytest.approx(-0.5, abs=0.03)


@pytest.mark.parametrize(("factor", "offset"), [(0.001, 0), (50, 8000), (1, -300)])
def test_neither_scale_nor_offset_matters(white, factor, offset):
    found = trace_properties(factor * white.astype(float) + offset, RATE)
    for name, values in trace_properties(white, RATE).items():
        np.testing.assert_allclose(found[name], values, atol=1e-4)


def test_recordings_are_measured_at_the_models_rate(measure):
    rng = np.random.default_rng(2)
    slow = rng.normal(size=(5, 240)).astype(np.float32)
    fast = measure(np.repeat(slow, 3, axis=1), 30.0)
    plain = measure(slow)
    np.testing.assert_allclose(fast["noise"], plain["noise"], rtol=1e-3)
    assert (fast["frame rate"][0], plain["frame rate"][0]) == (30, 10)
    assert set(fast) == set(PROPERTIES)


def test_length_counts_the_segments_that_are_used(measure):
    traces = np.random.default_rng(2).normal(size=(2, 500)).astype(np.float32)
    segments = [Segment(0, 200), Segment(200, 230), Segment(300, 500)]
    found = measure(traces, 10.0, segments)
    assert found["length"].tolist() == [40, 40]


def test_a_jump_between_segments_is_no_property_of_the_cell(measure):
    traces = np.random.default_rng(2).normal(size=(2, 120)).astype(np.float32)
    jumped = traces + np.repeat([0, 500], 60).astype(np.float32)
    segments = [Segment(0, 60), Segment(60, 120)]
    plain = measure(traces, 10.0, segments)
    found = measure(jumped, 10.0, segments)
    np.testing.assert_allclose(found["skewness"], plain["skewness"], atol=1e-3)


def test_rois_without_a_usable_trace_have_none(measure):
    traces = np.random.default_rng(2).normal(size=(3, 120)).astype(np.float32)
    traces[1] = np.nan
    traces[2] = 4
    found = measure(traces)
    assert np.isfinite(found["noise"]).tolist() == [True, False, False]


def test_a_recording_without_any_usable_trace_has_none(measure):
    found = measure(np.zeros((3, 600)), neuropil=np.zeros((3, 600), np.float32))
    assert np.isnan(found["noise"]).all()


def test_what_was_trained_on_is_not_unlike_itself(measure, white):
    properties = measure(white)
    sentences, of_rois = unlike(domain_of(properties), properties)
    assert sentences == []
    assert sum(map(len, of_rois)) <= 8  # the ends of 4 properties


def test_a_denoised_recording_is_unlike_and_the_sentence_says_how(measure, white):
    domain = domain_of(measure(white))
    smooth = with_kernel(white, 10).astype(np.float32)
    sentences, of_rois = unlike(domain, measure(smooth))
    sentence = next(s for s in sentences if "smoothness" in s)
    assert "median smoothness 0.0" in sentence
    assert "above the usual -0.5" in sentence
    assert "; denoised or" in sentence
    assert all("smoothness" in names for names in of_rois)


def test_one_odd_roi_is_named_without_blaming_the_recording(measure, white):
    domain = domain_of(measure(white))
    del domain["synchrony"]  # of one recording alone, so without any width
    white[3] = np.cumsum(white[3])
    sentences, of_rois = unlike(domain, measure(white))
    assert sentences == []
    assert {"noise", "slow power"} <= set(of_rois[3])


def test_a_rate_a_trifle_above_the_training_rates_is_none(measure):
    domain = {"frame rate": {"low": 10.0, "high": 30.0}}
    assert unlike(domain, {"frame rate": np.array([30.03])})[0] == []
    [sentence], _ = unlike(domain, {"frame rate": np.array([45.0])})
    assert "45 Hz, above the usual 10 to 30 Hz" in sentence


def test_a_recording_without_a_usable_roi_is_unlike_nothing():
    sentences, of_rois = unlike(
        {"noise": {"low": 0, "high": 1}}, {"noise": np.full(2, np.nan)}
    )
    assert (sentences, of_rois) == ([], [[], []])


def test_a_recordings_median_has_narrower_limits_than_its_cells(measure, white):
    properties = measure(white)
    domain = {"noise": {"low": 0.0, "high": 2.0}}
    assert unlike(domain, properties)[0] == []
    domain["median noise"] = {"low": 0.0, "high": 0.5}
    sentences, of_rois = unlike(domain, properties)
    assert "noise" in sentences[0]
    assert not any(of_rois)


def test_synchrony_is_the_correlation_of_two_rois(measure, white):
    rng = np.random.default_rng(3)
    shared = rng.normal(size=600)
    correlated = np.sqrt(0.4) * shared + np.sqrt(0.6) * white
    found = measure(correlated)
    assert found["synchrony"][0] == pytest.approx(0.4, abs=0.15)


def test_synchrony_does_not_depend_on_blocks_of_rois(measure, white, monkeypatch):
    whole = measure(white)["synchrony"]
    monkeypatch.setattr("napari_celltype.models.windows.BLOCK_SAMPLES", 1800)
    parts = measure(white)["synchrony"]
    np.testing.assert_allclose(parts, whole)


def test_up_states_of_all_rois_are_a_slow_oscillation(measure):
    rng = np.random.default_rng(5)
    traces = rng.normal(size=(30, 2400)).astype(np.float32)
    domain = domain_of(measure(traces))
    traces += np.sin(2 * np.pi * 0.55 * np.arange(2400) / 10 + rng.normal()) * 0.4
    properties = measure(traces)
    assert properties["slow oscillation"][0] > 0.3
    [sentence] = [s for s in unlike(domain, properties)[0] if "slow osc" in s]
    assert sentence.endswith("anaesthesia and deep sleep look so.")


@pytest.mark.parametrize("shape", [(19, 2400), (30, 1200)])
def test_few_rois_or_minutes_tell_nothing_of_a_slow_oscillation(measure, shape):
    traces = np.random.default_rng(6).normal(size=shape).astype(np.float32)
    found = measure(traces)
    assert np.isnan(found["slow oscillation"]).all()


def test_raw_traces_are_compared_with_their_neuropil(measure, white):
    neuropil = np.random.default_rng(4).normal(size=white.shape).astype(np.float32)
    neuropil[0] = 2 * white[0] + 5
    plain = measure(white)
    found = measure(white, neuropil=neuropil)
    assert np.isnan(plain["neuropil"]).all()
    assert found["neuropil"][0] == pytest.approx(1)
    assert abs(found["neuropil"][1:]).max() < 0.3


def test_transients_are_skewed_waves_slow_and_denoised_traces_smooth(white):
    events = np.random.default_rng(1).random(white.shape) < 0.01
    assert measured(white + 20 * events)["skewness"] > 2
    wave = 5 * np.sin(2 * np.pi * 0.05 * np.arange(600) / RATE)
    assert measured(white + wave)["slow power"] > 0.9
    denoised = measured(with_kernel(white, 10))
    assert denoised["smoothness"] > -0.1
    assert denoised["noise"] < 0.7
    constant = trace_properties(np.full((1, 100), 3.3), RATE)
    assert all(np.isnan(values).all() for values in constant.values())


def test_independent_or_few_rois_have_no_synchrony(measure, white):
    found = measure(white)["synchrony"]
    assert found == pytest.approx(0, abs=0.1)
    few = measure(white[:9])["synchrony"]
    assert np.isnan(few).all()
