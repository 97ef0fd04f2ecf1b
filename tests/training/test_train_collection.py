"""The request and the command of a training on a collection are the same training."""

import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from napari_celltype.labels import Label, LabelTable, save_labels
from napari_celltype.recording import open_recording
from napari_celltype.training import train_model
from napari_celltype.training.collecting import collect_paths
from napari_celltype.training.collection import Collection
from napari_celltype.training.train import CollectionTraining


@pytest.fixture
def training(suite2p_folder, tmp_path):
    for number in (1, 2):
        root = suite2p_folder(
            tmp_path / f"mouse{number}", n_rois=9, n_frames=80, data_bin=False
        )
        labels = [Label(i, ("PY", "PV", "VIP")[i % 3]) for i in range(9)]
        save_labels(open_recording(root / "plane0"), LabelTable(tuple(labels)))
    collection = replace(
        Collection(collect_paths([tmp_path]).recordings),
        left_out=("VIP",),
        untested=("VIP",),
    )
    return CollectionTraining(
        collection, "mine", architecture="rnn", epochs=2, folder=tmp_path / "my models"
    )


def test_the_command_trains_the_same_model(training):
    trained = train_model(training.request())
    assert trained.path == training.output
    assert trained.card.classes == ("PV", "PY")
    words = shlex.split(training.command())
    # A type that is left out is no class that could be marked untested.
    assert "--untested" not in words
    other = Path(words[-1]).with_name("other.safetensors")
    from napari_celltype.cli.verbs import app

    told = CliRunner().invoke(app, [*words[1:-1], str(other)])
    assert told.exit_code == 0, told.output
    from napari_celltype.models import read_model

    first, second = (read_model(path) for path in (training.output, other))
    for name, weights in first.classifier.network_.state_dict().items():
        assert weights.equal(second.classifier.network_.state_dict()[name])
    assert first.card.training_data == second.card.training_data


def test_sessions_that_stand_for_animals_are_told_on_the_card(training):
    recordings = tuple(replace(r, subject="") for r in training.collection.recordings)
    collection = replace(
        training.collection, recordings=recordings, session_as_subject=True
    )
    request = replace(training, collection=collection).request()
    assert request.remarks == (
        "In 2 of 2 recordings nobody said which animal it is, and the session stands "
        "for it.",
    )
    notes = train_model(request).card.training_data["notes"]
    assert request.remarks[0] in notes
