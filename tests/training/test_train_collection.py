"""The request and the command of a training on a collection are the same training."""

import shlex
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from napari_celltype.labels import (
    DataSet,
    Label,
    LabelTable,
    find_labelled,
    save_labels,
)
from napari_celltype.recording import open_recording
from napari_celltype.training import train_model
from napari_celltype.training.request import command_for, request_for


@pytest.fixture
def training(suite2p_folder, tmp_path):
    for number in (1, 2):
        root = suite2p_folder(
            tmp_path / f"mouse{number}", n_rois=9, n_frames=80, data_bin=False
        )
        labels = [Label(i, ("PY", "PV", "VIP")[i % 3]) for i in range(9)]
        save_labels(open_recording(root / "plane0"), LabelTable(tuple(labels)))
    collection = replace(
        DataSet(find_labelled([tmp_path])[0]), left_out=("VIP",), untested=("VIP",)
    )
    return request_for(
        collection, "mine", architecture="rnn", epochs=2, folder=tmp_path / "my models"
    )


def test_the_command_trains_the_same_model(training):
    trained = train_model(training)
    assert trained.path == training.output
    assert trained.card.classes == ("PV", "PY")
    words = shlex.split(command_for(training))
    # A type that is left out is no class that could be marked untested.
    assert "--untested" not in words
    other = training.output.with_name("other.safetensors")
    words[words.index(str(training.output))] = str(other)
    from napari_celltype.cli.program import app

    told = CliRunner().invoke(app, words[1:])
    assert told.exit_code == 0, told.output
    from napari_celltype.models import load_model

    first, second = (load_model(path) for path in (training.output, other))
    for name, weights in first.classifier.network_.state_dict().items():
        assert weights.equal(second.classifier.network_.state_dict()[name])
    assert first.card.training_data == second.card.training_data


def test_sessions_that_stand_for_animals_are_told_on_the_card(training):
    recordings = tuple(replace(r, subject="") for r in training.data.recordings)
    collection = replace(training.data, recordings=recordings, session_as_subject=True)
    request = request_for(
        collection, "mine", architecture="rnn", epochs=2, folder=training.output.parent
    )
    assert (
        "In 2 of 2 recordings nobody said which animal it is, and the session stands "
        "for it."
    ) in train_model(request).card.training_data["notes"]
