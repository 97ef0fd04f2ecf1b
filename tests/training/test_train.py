"""A model trained on labelled traces: its card, its file, and training that resumes."""

from dataclasses import replace

import numpy as np
import pytest

from napari_celltype.errors import LabelError, OutputError
from napari_celltype.labels import Reading, TraceSet
from napari_celltype.models import load_model
from napari_celltype.training import TrainRequest, train_model

EPOCHS = 6


def traces(labels=("PV", "PY") * 8, **columns):
    noise = np.random.default_rng(0).normal(size=(len(labels), 60))
    given = {
        "subject_id": np.array([f"mouse-{i % 4 // 2}" for i in range(len(labels))]),
        "sampling_frequency": 10.0,
        **columns,
    }
    return TraceSet(noise, np.array(labels), **given)


def request(folder, data=None, **changes):
    given = TrainRequest(
        traces() if data is None else data,
        folder / "mine.safetensors",
        "rnn",
        EPOCHS,
        validation="none",
    )
    return replace(given, **changes)


def test_the_card_says_what_was_trained_on_and_that_nothing_was_measured(tmp_path):
    card = train_model(request(tmp_path)).card
    assert card.name == "mine"
    assert (card.origin, card.scores, card.calibration) == ("user", (), None)
    assert (card.sampling_frequency, card.window_frames) == (10.0, 60)
    assert card.training_data["class_counts"] == {"PV": 8, "PY": 8}
    assert card.training_data["subjects_by_label"] == {"PV": 2, "PY": 2}
    assert card.domain is not None


def test_a_network_of_any_length_is_trained_from_scratch_and_calibrated(tmp_path):
    data = traces(("PV", "PY") * 150, cell_id=np.arange(300).astype(str))
    asked = request(tmp_path, data, architecture="pooled", epochs=2, validation="cell")
    card = train_model(asked).card
    assert card.architecture == "pooled"
    assert card.calibration.calibrated_on.endswith("held-out cells")
    assert "the cells that chose the epoch" in card.trained_on


def test_the_model_in_the_file_is_the_one_of_the_card(tmp_path):
    trained = train_model(request(tmp_path))
    model = load_model(trained.path)
    assert model.card == trained.card
    assert model.sha256 == trained.sha256


def test_what_was_left_out_stands_on_the_card(tmp_path):
    spoilt = traces().traces.copy()
    spoilt[3] = np.nan
    trained = train_model(request(tmp_path, replace(traces(), traces=spoilt)))
    assert "row 3" in trained.notes[0]
    assert list(trained.notes) == trained.card.training_data["notes"]


def test_parents_and_negations_train_without_a_class_of_their_own(tmp_path):
    labels = ("PV", "PY", "SOM", "IN", "!PY") * 4
    card = train_model(request(tmp_path, traces(labels))).card
    assert card.classes == ("PV", "PY", "SOM")
    assert card.training_data["labels"]["!PY"] == 4


def test_of_a_trace_set_neuropil_says_what_its_traces_are(tmp_path):
    asked = request(tmp_path, reading=Reading(neuropil=0.7))
    assert train_model(asked).card.neuropil == 0.7


def test_a_model_of_this_program_is_replaced(tmp_path):
    first = train_model(request(tmp_path))
    second = train_model(request(tmp_path, random_state=1))
    assert load_model(first.path).sha256 == second.sha256 != first.sha256


def test_a_file_of_somebody_elses_is_kept(tmp_path):
    (tmp_path / "mine.safetensors").write_text("precious")
    with pytest.raises(OutputError, match="--force"):
        train_model(request(tmp_path))
    assert (tmp_path / "mine.safetensors").read_text() == "precious"
    train_model(request(tmp_path, force=True))


def test_a_frame_rate_is_needed(tmp_path):
    with pytest.raises(LabelError, match="--fs"):
        train_model(request(tmp_path, traces(sampling_frequency=None)))


def test_a_folder_without_room_for_a_model_is_told_before_the_training(tmp_path):
    (tmp_path / "models").write_text("a file in the place of the folder")
    told = []
    with pytest.raises(OutputError, match="No model can be written to"):
        train_model(request(tmp_path / "models"), on_progress=told.append)
    assert not told
