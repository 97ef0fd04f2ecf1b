"""What a bundled model reacted to in the windows of one ROI."""

from dataclasses import replace

import numpy as np
import pytest

from napari_celltype.errors import ModelError, RecordingError
from napari_celltype.recording import Recording
from napari_celltype.simulation import simulate_recording
from napari_celltype.workflows import ClassifyRequest, classify_recording
from napari_celltype.workflows.explanation import NOT_SHOWN, Explanation, explain_roi


@pytest.fixture(scope="module")
def predictions():
    """Four simulated ROIs of two minutes at 20 Hz, and a flat one."""
    simulated = simulate_recording(4, 2500, 20.0, random_state=2)
    recording = Recording.from_traces(
        np.vstack([simulated.raw_traces, np.full((1, 2500), 9)]),
        neuropil=np.vstack([simulated.neuropil, np.zeros((1, 2500))]),
        sampling_frequency=20.0,
    )
    return classify_recording(
        recording, ClassifyRequest("rnn", neuropil=0.7, stability=False)
    )


def test_scores_lie_on_the_frames_of_the_recording(predictions):
    found = explain_roi(predictions, 1)
    assert found.scores.shape == found.frames.shape == (2, 600)
    # 600 frames of the model at 10 Hz are 1200 of the recording.
    assert found.frames[0, 0] == pytest.approx(0.5)
    assert np.diff(found.frames, axis=1) == pytest.approx(2)
    assert found.frames[1, 0] - found.frames[0, 0] == pytest.approx(1200)
    assert found.name == predictions.decisions(0.0).best_guess[1]


def test_it_is_about_the_input_that_was_classified(predictions):
    assert predictions.neuropil_coefficient == 0.7
    raw = replace(predictions, neuropil_coefficient=0.0)
    assert not np.array_equal(
        explain_roi(predictions, 0).scores, explain_roi(raw, 0).scores
    )


def test_the_sentence_tells_that_it_is_about_the_model(predictions):
    found = explain_roi(predictions, 0)
    assert found.passes
    assert f"the model's score for {found.name}" in found.sentence
    assert "not the cell" in found.sentence


def test_what_does_not_pass_says_so():
    nothing = np.zeros((1, 2))
    failed = Explanation(0, "PV", nothing, nothing.astype(np.float32), 0.8, False)
    assert failed.sentence == NOT_SHOWN


def test_a_roi_that_was_not_classified_has_no_explanation(predictions):
    with pytest.raises(RecordingError, match="ROI 4 was not classified"):
        explain_roi(predictions, 4)


def test_another_model_of_the_same_name_explains_nothing(predictions):
    with pytest.raises(ModelError, match="classify again"):
        explain_roi(replace(predictions, model_sha256="1" * 64), 0)
