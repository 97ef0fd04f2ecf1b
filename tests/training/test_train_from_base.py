"""Training that starts from a model, on recordings of any length and rate."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_celltype.errors import LabelError, ModelError, OutputError, Stopped
from napari_celltype.labels import (
    DataSet,
    Label,
    LabelTable,
    Reading,
    TraceSet,
    find_labelled,
    save_labels,
)
from napari_celltype.models import (
    TraceClassifier,
    card_for,
    load_model,
    training,
)
from napari_celltype.models.card import describe
from napari_celltype.recording import open_recording
from napari_celltype.training import TrainRequest, train_model
from napari_celltype.training.obstacles import find_obstacles
from napari_celltype.training.train import find_base

WINDOW = 50


@pytest.fixture
def models(tmp_path, monkeypatch):
    """A user's folder with an RNN, `start`, of four types at 10 Hz."""
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setenv("NAPARI_CELLTYPE_MODELS", str(folder))
    traces = np.random.default_rng(0).normal(size=(16, WINDOW)).astype(np.float32)
    classifier = TraceClassifier("rnn", units=8, epochs=1, random_state=0)
    classifier.fit(traces, np.array(["PY", "PV", "SOM", "VIP"] * 4))
    card = card_for(
        classifier, name="start", sampling_frequency=10.0, neuropil=0.7, origin="user"
    )
    classifier.save(folder / "start.safetensors", card)
    return folder


@pytest.fixture
def recordings(suite2p_folder, tmp_path):
    """Two mice at 20 Hz of 13 and 21 s, eight labelled cells each, and their list."""
    lines = ["path,subject_id"]
    for number, n_frames in ((1, 260), (2, 420)):
        root = suite2p_folder(
            tmp_path / f"mouse{number}",
            n_rois=8,
            n_frames=n_frames,
            fs=20.0,
            data_bin=False,
            seed=number,
        )
        labels = tuple(Label(i, ("PY", "PV")[i % 2]) for i in range(8))
        save_labels(open_recording(root / "plane0"), LabelTable(labels))
        lines.append(f"{root},mouse{number}")
    file = tmp_path / "recordings.csv"
    file.write_text("\n".join(lines))
    return file


def test_a_rate_that_blocks_nothing_is_learned_from(suite2p_folder, models, tmp_path):
    root = suite2p_folder(tmp_path / "mouse1", n_rois=8, n_frames=130, fs=9.85)
    save_labels(
        open_recording(root / "plane0"),
        LabelTable(tuple(Label(i, ("PY", "PV")[i % 2]) for i in range(8))),
    )
    recordings, _ = find_labelled([root])
    base = load_model(models / "start.safetensors").card
    found = find_obstacles(DataSet(recordings), base=base)
    assert not any("Hz" in obstacle.sentence for obstacle in found)
    assert len(windows_of(root, models).cell) == 16


def windows_of(data, models, reading=None):
    card = load_model(models / "start.safetensors").card
    return (reading or Reading()).load(data, base=card)


def request(data, models, **changes):
    given = TrainRequest(
        data, models / "mine.safetensors", epochs=3, base="start", device="cpu"
    )
    return replace(given, **changes)


def test_recordings_are_cut_as_classification_cuts_them(recordings, models):
    windows = windows_of(recordings, models)
    # 130 and 210 frames at 10 Hz are two and four windows of 50.
    assert np.bincount(windows.cell).tolist() == [2] * 8 + [4] * 8
    assert windows.traces.sampling_frequency == 10.0
    assert windows.cells.counts() == {"PV": 8, "PY": 8}
    assert set(windows.traces.cell_id[windows.cell == 9]) == {windows.cells.cell_id[9]}
    # Neuropil as the model wants it, two frames averaged to one.
    plane = open_recording(recordings.parent / "mouse2" / "suite2p" / "plane0")
    trace = plane.raw_traces[1] - np.float32(0.7) * plane.neuropil[1]
    expected = trace[200:300].reshape(50, 2).mean(axis=1)
    np.testing.assert_allclose(
        windows.traces.traces[np.flatnonzero(windows.cell == 9)[2]], expected, rtol=1e-4
    )


def test_choices_and_short_recordings_are_told(recordings, models, suite2p_folder):
    root = suite2p_folder(
        recordings.parent / "m3", n_frames=60, fs=20.0, data_bin=False
    )
    save_labels(open_recording(root / "plane0"), LabelTable((Label(0, "SOM"),)))
    recordings.write_text(recordings.read_text() + f"\n{root},m3")
    windows = windows_of(recordings, models, Reading(merged={"PV": "IN"}))
    assert windows.cells.counts() == {"IN": 8, "PY": 8}
    assert any("m3: shorter than the 50 frames at 10 Hz" in n for n in windows.notes)
    assert any("8 traces of PV count as IN" in n for n in windows.notes)


def test_nothing_is_up_sampled(recordings, models):
    with pytest.raises(LabelError, match="mouse1"):
        windows_of(recordings, models, Reading(sampling_frequency=5.0))
    with pytest.raises(LabelError, match="leave --resample"):
        windows_of(recordings, models, Reading(resample=5.0))


def test_only_the_last_layer_is_trained_and_the_card_says_so(recordings, models):
    trained = train_model(request(recordings, models))
    before = load_model(models / "start.safetensors")
    after = load_model(trained.path)
    assert after.card.classes == ("PV", "PY")
    for name in ("kernel", "recurrent_kernel", "bias"):
        assert torch.equal(
            getattr(after.classifier.network_.layers[0], name),
            getattr(before.classifier.network_.layers[0], name),
        )
    card = trained.card
    about = card.training_data
    assert about["base"] == {"name": "start", "sha256": before.sha256}
    assert (about["layers_trained"], about["labels"]) == (1, {"PV": 4, "PY": 4})
    assert (card.neuropil, card.window_frames, card.calibration) == (0.7, WINDOW, None)
    balanced = card.scores[0]
    assert (balanced.n, balanced.chance) == (8, 0.5)
    assert "8 cells of 1 of 2 animals" in about["validation"]
    assert len(trained.history) == 3
    said = " ".join(trained.summary())
    assert "on 8 cells that were held out" in said
    assert "chance 0.50" in said
    assert "best single number" in said
    assert any("may have been trained on some of the cells" in n for n in trained.notes)


@pytest.mark.slow
def test_a_model_that_was_fine_tuned_gives_way_to_its_base(recordings, models):
    train_model(request(recordings, models))
    base, (remark,) = find_base("mine")
    assert base.card.name == "start"
    assert "itself fine-tuned from start" in remark
    again = train_model(
        request(recordings, models, base="mine", output=models / "two.safetensors")
    )
    assert again.card.training_data["base"]["name"] == "start"
    # Another model has taken the base's name.
    (models / "start.safetensors").unlink()
    (models / "mine.safetensors").rename(models / "start.safetensors")
    other = load_model(models / "two.safetensors")
    card = replace(load_model(models / "start.safetensors").card, name="start")
    other.classifier.save(models / "start.safetensors", card)
    with pytest.raises(ModelError, match="another version of 'start'"):
        find_base("two")


def test_an_untested_type_is_marked(recordings, models):
    plane = recordings.parent / "mouse2" / "suite2p" / "plane0"
    labels = (*(Label(i, ("PY", "PV")[i % 2]) for i in range(6)), Label(6, "VIP"))
    save_labels(open_recording(plane), LabelTable(labels))
    trained = train_model(
        request(recordings, models, untested=("VIP",), validation="cell")
    )
    assert trained.card.classes == ("PV", "PY", "VIP")
    assert trained.card.training_data["untested"] == ["VIP"]
    assert "VIP was trained on 1 cell and tested on none" in trained.card.not_for
    assert "Trained but not tested: VIP." in trained.summary()
    with pytest.raises(LabelError, match="SOM cannot be marked untested"):
        train_model(request(recordings, models, untested=("sst",)))


def test_the_model_that_training_starts_from_is_not_replaced(recordings, models):
    asked = request(recordings, models, output=models / "start.safetensors")
    before = asked.output.read_bytes()
    with pytest.raises(OutputError, match="the model that training starts from"):
        train_model(asked)
    assert asked.output.read_bytes() == before


def test_the_card_says_how_its_epoch_was_chosen_and_what_predictions_taught(
    recordings, models
):
    for number in (1, 2):
        plane = recordings.parent / f"mouse{number}" / "suite2p" / "plane0"
        labels = [Label(i, ("PY", "PV")[i % 2]) for i in range(6)]
        labels.append(Label(6, "PY", source="prediction"))
        save_labels(open_recording(plane), LabelTable(tuple(labels)))
    card = train_model(
        request(recordings, models, reading=Reading(with_predictions=True))
    ).card
    assert f"Epoch {card.training_data['epoch_kept']} of 3 was kept" in card.trained_on
    assert "flatters" in describe(card)
    assert card.training_data["predicted_labels"] == 1
    assert "1 label of these a model gave" in card.trained_on
    assert card.scores[0].n == 6
    untested = train_model(request(recordings, models, validation="none")).card
    assert "Nobody tested it on any cell." in untested.not_for
    assert untested.scores == ()


@pytest.mark.slow
def test_other_labels_of_the_scored_cells_choose_the_epoch_anew(
    recordings, models, monkeypatch
):
    monkeypatch.setattr(training, "SECONDS_BETWEEN", 0)
    told = []
    asked = request(recordings, models, epochs=5)
    with pytest.raises(Stopped):
        train_model(asked, on_course=told.append, should_stop=lambda: len(told) == 3)
    held_out = told[-1].held_out
    assert held_out.way == "by-subject"
    scored = 1 if held_out.test[0] < 8 else 2
    plane = recordings.parent / f"mouse{scored}" / "suite2p" / "plane0"
    labels = tuple(Label(i, ("PV", "PY")[i % 2]) for i in range(8))
    save_labels(open_recording(plane), LabelTable(labels))
    told.clear()
    train_model(asked, on_course=told.append)
    assert [len(course.history) for course in told] == [1, 2, 3, 4, 5]


def test_the_course_is_told_and_an_early_end_keeps_the_best_epoch(recordings, models):
    courses = []
    trained = train_model(
        request(recordings, models, epochs=500),
        on_course=courses.append,
        should_finish=lambda: len(courses) >= 4,
    )
    assert [len(course.history) for course in courses] == [1, 2, 3, 4]
    assert courses[-1].chance == 0.5
    assert courses[-1].probe[1] >= 0
    assert courses[-1].left.startswith(", about ")
    assert trained.best_epoch == courses[-1].best_epoch
    assert len(trained.history) == 4
    assert trained.card.training_data["epoch_kept"] == trained.best_epoch
    best = trained.history[trained.best_epoch - 1]
    assert trained.validation.score == best["validation_balanced_accuracy"]


def test_a_training_that_was_stopped_goes_on(recordings, models, monkeypatch):
    monkeypatch.setattr(training, "SECONDS_BETWEEN", 0)
    told = []
    asked = request(recordings, models, epochs=5)
    at_once = train_model(replace(asked, output=models / "once.safetensors"))
    with pytest.raises(Stopped):
        train_model(asked, on_course=told.append, should_stop=lambda: len(told) == 3)
    assert (models / "mine.safetensors.checkpoint").exists()
    told.clear()
    resumed = train_model(asked, on_course=told.append)
    assert not (models / "mine.safetensors.checkpoint").exists()
    assert [len(course.history) for course in told] == [4, 5]
    assert resumed.best_epoch == at_once.best_epoch
    probe = np.random.default_rng(1).normal(size=(5, WINDOW)).astype(np.float32)
    np.testing.assert_array_equal(
        load_model(resumed.path).classifier.predict_proba(probe),
        load_model(at_once.path).classifier.predict_proba(probe),
    )


def test_a_trace_set_is_cut_into_windows_too(models):
    labels = np.array(["PY", "PV"] * 8)
    traces = TraceSet(
        np.random.default_rng(0).normal(size=(16, 250)),
        labels,
        subject_id=np.array([f"m{i // 4}" for i in range(16)]),
        sampling_frequency=20.0,
    )
    windows = windows_of(traces, models)
    assert np.bincount(windows.cell).tolist() == [2] * 16
    trained = train_model(request(traces, models))
    assert trained.validation.way == "by-subject"


@pytest.mark.parametrize("tuned_layers", [1, 2])
def test_a_network_of_any_length_starts_from_its_base(models, recordings, tuned_layers):
    traces = np.random.default_rng(0).normal(size=(16, WINDOW)).astype(np.float32)
    classifier = TraceClassifier("pooled", epochs=1, random_state=0)
    classifier.fit(traces, np.array(["PY", "PV", "SOM", "VIP"] * 4))
    card = card_for(classifier, name="any", sampling_frequency=10.0)
    classifier.save(models / "any.safetensors", card)
    asked = request(recordings, models, base="any", tuned_layers=tuned_layers)
    trained = train_model(asked)
    before, after = (
        load_model(path).classifier.network_
        for path in (models / "any.safetensors", trained.path)
    )
    assert (trained.card.architecture, trained.card.window_frames) == ("pooled", WINDOW)
    assert torch.equal(after.entrances[0].weight, before.entrances[0].weight)
    changed = not torch.equal(after.hidden.weight, before.hidden.weight)
    assert changed == (tuned_layers == 2)
