"""Unlike recordings, with a bundled network under a card of our own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from napari_celltype.answers import ClassifyRequest, classify, classify_recording
from napari_celltype.models import load_model
from napari_celltype.models.saved_model import save_model
from napari_celltype.recording import open_recording

LONG = {"n_frames": 1300, "n_rois": 4, "fs": 10.0}  # two windows of 60 s
NARROW = {"low": 0.0, "high": 1e-6}
WIDE = {"low": -1e6, "high": 1e6}


@pytest.fixture
def model_with(tmp_path):
    """Save the bundled RNN with other fields of its card: `model_with(domain=...)`."""

    def make(**fields):
        model = load_model("rnn-10hz")
        path = tmp_path / "doubting.safetensors"
        save_model(
            model.classifier, replace(model.card, name="doubting", **fields), path
        )
        return str(path)

    return make


def test_an_unlike_recording_is_told_with_the_property(session_folder, model_with):
    model = model_with(domain={"noise": NARROW, "skewness": WIDE, "length": WIDE})
    recording = open_recording(session_folder("m1", **LONG))
    answer = classify_recording(recording, ClassifyRequest(model))
    (sentence,) = [w for w in answer.warnings if w.code == "unlike-training"]
    assert "noise" in str(sentence)
    assert answer.table()["warnings"].str.contains("noise unlike the training").all()


def test_an_unlike_roi_keeps_its_label(session_folder, model_with):
    folder = session_folder("m1", **LONG)
    plain = classify(folder, model_with())
    warned = classify(folder, model_with(domain={"noise": NARROW}))
    assert warned["predicted"].tolist() == plain["predicted"].tolist()


def test_a_recording_like_the_training_data_gets_no_warning(session_folder, model_with):
    model = model_with(domain={"noise": WIDE, "length": WIDE})
    table = classify(session_folder("m1", **LONG), model, sampling_frequency=10.0)
    assert table["warnings"].eq("").all()
