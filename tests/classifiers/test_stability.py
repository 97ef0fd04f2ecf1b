from dataclasses import replace

import numpy as np
import pytest

from napari_celltype.classifiers import predict_recording_traces
from napari_celltype.classifiers.stability import SWAPS, stability
from napari_celltype.errors import Stopped

WINDOW = 60


@pytest.fixture
def traces(labelled):
    """Return 20 traces of four windows."""
    rng = np.random.default_rng(1)
    long = np.tile(labelled[0][:20], (1, 4))
    return (long + rng.normal(scale=3, size=long.shape)).astype(np.float32)


@pytest.fixture
def check(model):
    def run(traces, neuropil=None, model=model, **options):
        return stability(model, traces, neuropil, 10.0, (), device="cpu", **options)

    return run


def test_a_share_of_the_swaps_that_were_made(check, traces):
    found = check(traces, traces[::-1])
    assert found.shape == (20,)
    np.testing.assert_allclose(found * len(SWAPS), np.rint(found * len(SWAPS)))


def test_clear_cells_are_steadier_than_noise(check, traces):
    noise = np.random.default_rng(2).normal(size=traces.shape).astype(np.float32)
    assert check(traces).mean() > check(noise).mean()


def test_the_same_question_gets_the_same_answer(check, traces):
    np.testing.assert_array_equal(check(traces), check(traces))


@pytest.mark.parametrize("block", [1, 3, 1000])
def test_the_answer_does_not_depend_on_the_block_size(check, traces, block):
    np.testing.assert_allclose(check(traces, block_rois=block), check(traces))


def test_neither_scale_nor_offset_matters(check, traces):
    np.testing.assert_allclose(check(4 * traces + 1024), check(traces), atol=0.2)


def test_one_window_has_no_halves(check, traces):
    one = check(traces[:, :WINDOW])
    made = len(SWAPS) - 4  # neither halves nor neuropil
    np.testing.assert_allclose(one * made, np.rint(one * made))


def test_neuropil_that_holds_another_cell_shakes_labels(check, traces):
    quiet = check(traces, np.zeros_like(traces))
    loud = check(traces, 10 * traces[::-1])
    assert loud.mean() < quiet.mean()


@pytest.mark.parametrize("bad", [np.nan, np.inf, 3.0])
def test_an_unusable_trace_has_no_stability(check, traces, bad):
    traces[4] = bad
    found = check(traces, traces)
    assert np.isnan(found).nonzero()[0].tolist() == [4]


def test_an_unusable_neuropil_is_taken_as_none(check, traces):
    neuropil = np.full_like(traces, np.nan)
    np.testing.assert_array_equal(
        check(traces, neuropil), check(traces, np.zeros_like(traces))
    )


def test_a_type_that_is_not_expected_at_all_is_no_best_guess(check, traces):
    only_py = check(traces, weights=[0, 1, 0])
    np.testing.assert_array_equal(only_py, 1)


def test_labels_are_those_of_the_temperature_and_the_weights(
    model, make_calibration, traces
):
    weights = np.array([0.2, 2, 1])
    card = replace(model.card, calibration=make_calibration({1: 2.0, 2: 0.5}))
    shaken = stability(
        replace(model, card=card), traces, None, 10.0, (), weights=weights, device="cpu"
    )
    half = [
        (
            predict_recording_traces(
                replace(model, card=card), part, 10.0, (), device="cpu"
            ).probabilities
            * weights
        ).argmax(axis=1)
        for part in (traces, traces[:, : 2 * WINDOW], traces[:, 2 * WINDOW :])
    ]
    lost = (half[0] != half[1]).astype(int) + (half[0] != half[2])
    assert (shaken <= 1 - lost / 7 + 1e-9).all()


def test_progress_is_told_after_each_block(check, traces):
    told = []
    check(traces, block_rois=8, on_progress=told.append)
    assert [(p.done, p.total) for p in told] == [(8, 20), (16, 20), (20, 20)]


def test_stopping_does_not_wait_for_the_block(check, traces):
    asked = []

    def stop():
        asked.append(1)
        return len(asked) == 3

    with pytest.raises(Stopped):
        check(traces, should_stop=stop)


def test_no_rois_have_no_stability(check):
    assert check(np.empty((0, 100), dtype=np.float32)).shape == (0,)
