"""Stability and unlike recordings, with a bundled network under a card of our own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from napari_celltype.classifiers import load_model
from napari_celltype.classifiers.saved_model import save_model
from napari_celltype.errors import Stopped
from napari_celltype.recording import open_recording
from napari_celltype.workflows import ClassifyRequest, classify, classify_recording
from napari_celltype.workflows.batch import classify_many

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


@pytest.fixture
def swapping(model_with):
    return model_with(stability={"swaps": ["noise"]})


def test_stability_is_a_share_where_the_card_says_what_it_is_worth(
    session_folder, swapping
):
    table = classify(session_folder("m1", **LONG), swapping)
    assert table["stability"].between(0, 1).all()


@pytest.mark.parametrize("asked", [True, False])
def test_stability_is_empty_if_not_asked_for_or_not_on_the_card(
    session_folder, model_with, asked
):
    model = model_with(stability=None if asked else {"swaps": ["noise"]})
    table = classify(session_folder("m1", **LONG), model, stability=asked)
    assert table["stability"].isna().all()


def test_rois_without_an_answer_have_no_stability(session_folder, swapping):
    folder = session_folder("m1", merged=[(0, 1)], **LONG)
    plane = folder / "suite2p" / "plane0"
    traces = np.load(plane / "F.npy")
    traces[2] = 7
    np.save(plane / "F.npy", traces)
    table = classify(folder, swapping)
    assert table["stability"].isna().tolist() == [True, True, True, False, False]


def test_both_passes_report_progress(session_folder, swapping):
    seen = []
    recording = open_recording(session_folder("m1", **LONG))
    classify_recording(recording, ClassifyRequest(swapping), on_progress=seen.append)
    assert list(dict.fromkeys(p.message for p in seen)) == [
        "Classifying",
        "Checking stability",
    ]


def test_stopping_while_stability_is_checked_ends_the_work(session_folder, swapping):
    seen = []
    recording = open_recording(session_folder("m1", **LONG))
    with pytest.raises(Stopped):
        classify_recording(
            recording,
            ClassifyRequest(swapping),
            on_progress=seen.append,
            should_stop=lambda: bool(seen),
        )
    assert seen[-1].message == "Classifying"


@pytest.mark.slow
def test_processes_give_the_stability_that_one_gives(session_folder, swapping):
    planes = [
        session_folder(name, **LONG) / "suite2p" / "plane0" for name in ("m1", "m2")
    ]
    request = ClassifyRequest(swapping)
    alone = classify_many(planes, request)
    together = classify_many(planes, request, jobs=2)
    pd.testing.assert_frame_equal(alone.table, together.table)
    found = together.done[0].inputs["stability"]
    assert found["rois"] == 4
    assert 0 <= found["median"] <= 1


def test_other_shares_leave_the_stability_that_was_computed(session_folder, swapping):
    recording = open_recording(session_folder("m1", **LONG))
    answer = classify_recording(recording, ClassifyRequest(swapping))
    other = answer.with_prior({"IN": 0.1})
    np.testing.assert_array_equal(other.stability, answer.stability)
    assert other.stability_shares == answer.shares


def test_an_unlike_recording_is_told_with_the_property(session_folder, model_with):
    model = model_with(domain={"noise": NARROW, "skewness": WIDE, "length": WIDE})
    recording = open_recording(session_folder("m1", **LONG))
    answer = classify_recording(recording, ClassifyRequest(model, stability=False))
    (sentence,) = [w for w in answer.warnings if "unlike the model's training" in w]
    assert "noise" in sentence
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
