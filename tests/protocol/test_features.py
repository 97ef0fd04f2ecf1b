"""Named numbers of a trace, and the boosted trees that learn from them."""

from __future__ import annotations

import numpy as np
import pytest

from napari_celltype.protocol.experiment import Condition, build
from napari_celltype.protocol.features import trace_features

FS = 10.0


def noise(n_traces=1, n_frames=1200, seed=0):
    return np.random.default_rng(seed).normal(size=(n_traces, n_frames))


def named(traces, fs=FS):
    values, names = trace_features(np.atleast_2d(traces), fs)
    return dict(zip(names, values.T, strict=True))


def with_transients(starts, decay=1.0, height=30.0, n_frames=1200):
    """Noise with transients that rise at once and decay exponentially (s)."""
    trace = noise(n_frames=n_frames)[0]
    for start in starts:
        after = np.arange(n_frames - start) / FS
        trace[start:] += height * np.exp(-after / decay)
    return trace


def test_neither_unit_nor_baseline_matters():
    traces = np.stack([with_transients([100, 700]), noise()[0]])
    one, _ = trace_features(traces, FS)
    other, _ = trace_features(1000 + 40 * traces, FS)
    np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-9)


def test_transients_are_counted_per_minute():
    found = named(with_transients(range(100, 1200, 200)))
    assert found["transients above 5 noise per minute"] == [3]
    assert found["transients: interval (s), median"] == pytest.approx(20, abs=0.5)


def test_a_transient_decays_longer_than_it_rises():
    brief, slow = (
        named(with_transients(range(100, 1200, 200), decay)) for decay in (0.5, 2.0)
    )
    assert (
        slow["transients: decay (s), median"] > brief["transients: decay (s), median"]
    )
    assert slow["transients: decay to width, median"] > 0.7


def test_a_rhythm_is_power_in_its_band_and_autocorrelation_at_its_period():
    rhythm = np.sin(2 * np.pi * 0.2 * np.arange(1200) / FS)
    found = named(rhythm)
    assert found["power 0.1-0.3 Hz"] > 0.99
    assert found["median frequency"] == pytest.approx(0.2)
    assert found["autocorrelation at 5 s"] > 0.9


def test_an_unknown_frame_rate_is_taken_to_be_10_hz():
    (one, names), (other, same) = (trace_features(noise(), fs) for fs in (None, 10.0))
    np.testing.assert_array_equal(one, other)
    assert names == same


@pytest.mark.parametrize("n_frames", [2, 50, 299, 1200])
@pytest.mark.parametrize("fs", [2.0, 30.0, None])
def test_there_are_the_same_numbers_of_any_trace(n_frames, fs):
    values, names = trace_features(noise(3, n_frames), fs)
    assert values.shape == (3, len(names)) == (3, len(set(names)))
    assert len(names) == len(trace_features(noise(), FS)[1])
    assert not np.isinf(values).any()


def test_a_trace_that_never_changes_has_numbers():
    values, _ = trace_features(np.full((2, 600), 7.0), FS)
    assert not np.isinf(values).any()


def test_the_trees_give_probabilities_and_their_seed_decides(small_traces):
    traces, labels = small_traces.traces, small_traces.labels
    one, same = (
        build(Condition("features", "features"), 1, FS).fit(traces, labels)
        for _ in range(2)
    )
    found = one.predict_proba(traces)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    np.testing.assert_array_equal(found, same.predict_proba(traces))
