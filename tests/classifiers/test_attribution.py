"""What raised a network's score, and the test that it has to pass."""

import copy

import numpy as np
import pytest
import torch

from napari_celltype.classifiers import CellTypeModel
from napari_celltype.classifiers.attribution import LIMIT, attribute
from napari_celltype.errors import Stopped


@pytest.fixture(scope="module")
def frame_by_frame(classifier, make_card):
    """The small CNN at 1 Hz, so that no frames are summed."""
    card = make_card(sampling_frequency=1.0)
    return CellTypeModel(classifier, card, "0" * 64, "tiny")


def score(model, windows, name):
    logs = model.classifier.predict_log_proba(windows)
    return (logs - logs.mean(axis=1, keepdims=True))[
        :, list(model.classes_).index(name)
    ]


def test_the_shares_of_all_frames_make_up_the_score(frame_by_frame, labelled):
    windows = labelled[0][:4]
    found = attribute(frame_by_frame, windows, "PV")
    # The z-score cannot make zeros of a window that changes, so ask the network.
    network = frame_by_frame.classifier.network_
    with torch.inference_mode():
        flat = network(torch.zeros(1, windows.shape[1])).numpy()[0]
    flat = (flat - flat.mean())[list(frame_by_frame.classes_).index("PV")]
    expected = score(frame_by_frame, windows, "PV") - flat
    assert found.scores.sum(axis=1) == pytest.approx(expected, rel=0.06)


def test_without_the_frames_that_raised_it_the_score_falls(frame_by_frame, labelled):
    traces, labels = labelled
    windows = traces[labels == "PY"][:10]
    scores = attribute(frame_by_frame, windows, "PY").scores
    before = score(frame_by_frame, windows, "PY")
    raised = scores >= np.quantile(scores, 0.8, axis=1, keepdims=True)
    without = np.where(raised, windows.mean(axis=1, keepdims=True), windows)
    after = score(frame_by_frame, without.astype(np.float32), "PY")
    assert (after < before).mean() > 0.8


def test_the_same_input_gives_the_same_numbers(model, labelled):
    first = attribute(model, labelled[0][:3], "SOM")
    again = attribute(model, labelled[0][:3], "SOM")
    assert np.array_equal(first.scores, again.scores)
    assert first.correlation == again.correlation


def test_a_network_that_learnt_passes(model, labelled):
    assert attribute(model, labelled[0][:5], "PV").passes


def test_a_network_that_learnt_nothing_does_not_pass(model, labelled):
    untrained = copy.copy(model.classifier)
    untrained.network_ = copy.deepcopy(untrained.network_)
    untrained.network_.initialise(torch.Generator().manual_seed(0))
    blank = CellTypeModel(untrained, model.card, "0" * 64, "blank")
    found = attribute(blank, labelled[0][:5], "PV")
    assert found.correlation > LIMIT
    assert not found.passes


def test_windows_without_change_raise_nothing(model):
    found = attribute(model, np.full((2, 60), 7, np.float32), "PV")
    assert not found.scores.any()
    assert not found.passes


def test_another_class_is_refused(model, labelled):
    with pytest.raises(ValueError, match="no class 'VIP'"):
        attribute(model, labelled[0][:1], "VIP")


def test_it_stops_when_it_is_told_to(model, labelled):
    with pytest.raises(Stopped):
        attribute(model, labelled[0], "PV", should_stop=lambda: True)
