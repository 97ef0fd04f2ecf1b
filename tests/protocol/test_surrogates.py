"""What surrogates keep of a trace and what they destroy."""

from __future__ import annotations

import numpy as np
import pytest

from napari_celltype.protocol.surrogates import (
    block_frames,
    blocks_shuffled,
    phase_randomised,
    surrogate_note,
    surrogates_of,
)


@pytest.fixture(params=[400, 401], ids=["even", "odd"])
def traces(request):
    random = np.random.default_rng(0)
    spikes = random.random((6, request.param)) < 0.02
    kernel = np.exp(-np.arange(60) / 15)
    calcium = [np.convolve(row, kernel)[: request.param] for row in spikes]
    noise = random.normal(scale=0.05, size=(6, request.param))
    return (5 + np.array(calcium) + noise).astype(np.float32)


@pytest.fixture
def random():
    return np.random.default_rng(1)


def test_random_phases_keep_the_power_spectrum(traces, random):
    made = phase_randomised(traces, random)
    power = [np.abs(np.fft.rfft(t.astype(float))) for t in (traces, made)]
    np.testing.assert_allclose(power[1], power[0], atol=1e-3)


def test_random_phases_keep_the_mean(traces, random):
    made = phase_randomised(traces, random)
    np.testing.assert_allclose(made.mean(axis=1), traces.mean(axis=1), rtol=1e-5)


def test_random_phases_take_the_skewness_away(traces, random):
    def skewness(t):
        centred = t - t.mean(axis=1, keepdims=True)
        return ((centred**3).mean(axis=1) / t.std(axis=1) ** 3).mean()

    assert skewness(traces) > 1
    assert abs(skewness(phase_randomised(traces, random))) < 0.5


def test_shuffled_blocks_keep_every_value(traces, random):
    made = blocks_shuffled(traces, 30, random)
    np.testing.assert_array_equal(np.sort(made, axis=1), np.sort(traces, axis=1))


def test_blocks_stay_whole(random):
    trace = np.arange(95, dtype=np.float32)[None]
    made = blocks_shuffled(trace, 10, random)[0]
    starts = np.flatnonzero(np.diff(made) != 1) + 1
    assert len(starts) >= 5
    assert {part[0] % 10 for part in np.split(made, starts)} == {0}


def test_each_trace_has_an_order_of_its_own(random):
    made = blocks_shuffled(np.tile(np.arange(90.0), (2, 1)), 10, random)
    assert (made[0] != made[1]).any()


def test_the_same_seed_makes_the_same_surrogates(traces):
    one, two = (surrogates_of(traces, 10.0, 7) for _ in range(2))
    for name in ("phase-randomised", "shuffled blocks"):
        np.testing.assert_array_equal(one[name], two[name])


def test_a_block_is_one_second():
    assert block_frames(7.8) == 8


def test_without_a_frame_rate_the_note_says_how_long_a_block_is():
    assert "30 frames, because the frame rate is not known" in surrogate_note(None)
