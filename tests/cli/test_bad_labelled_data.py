"""Bad labelled data at the terminal: one sentence, status 1, nothing lost."""

import socket

import numpy as np
import pytest

FEW = {"PV": 12, "PY": 12}


def check_one_sentence(result, *words):
    assert result.exit_code == 1, result.output
    errors = [x for x in result.stderr.splitlines() if x.startswith("error: ")]
    assert len(errors) == 1
    assert "defect" not in errors[0]
    for word in words:
        assert word in errors[0]


@pytest.fixture
def evaluate(terminal, tmp_path):
    def run(data, *words, folder="run"):
        return terminal(
            "evaluate",
            data,
            *("--classifiers", "rnn", "--splits", 2, "--epochs", 1),
            *words,
            *("-o", tmp_path / folder),
        )

    return run


@pytest.mark.parametrize(
    ("data", "words", "said"),
    [
        ({}, ("--train-size", 200, "--test-size", 40), ("asked for", "24")),
        ({"counts": {"PY": 12, "VIP": 1}}, (), ("VIP",)),
        ({"counts": {"PY": 12}}, (), ("PY",)),
        ({"traces": np.full((24, 80), np.nan)}, (), ()),
        ({"subject_id": np.full(24, "m")}, ("--split", "by-subject"), ("subject",)),
        ({"subject_id": None}, ("--split", "by-subject"), ("subject",)),
        ({}, ("--classifiers", "rnn,transformer"), ("'transformer'", "svm-rbf")),
        ({}, ("--timesteps", 500), ("500", "80")),
        ({}, ("--resample", 30), ("30",)),
    ],
)
def test_data_that_do_not_fit_what_was_asked(evaluate, trace_file, data, words, said):
    check_one_sentence(evaluate(trace_file(**{"counts": FEW, **data}), *words), *said)


def test_traces_that_are_not_finite_are_left_out_and_counted(
    evaluate, trace_file, tmp_path
):
    traces = np.random.default_rng(0).normal(size=(24, 80))
    traces[3, 5] = np.nan
    result = evaluate(trace_file(FEW, traces=traces))
    assert result.exit_code == 0, result.output
    assert "row 3" in result.stderr
    assert "row 3" in (tmp_path / "run" / "report.json").read_text()


def test_a_scheduler_that_is_not_there(evaluate, trace_file, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("napari_celltype.protocol.backends.PATIENCE", 0.2)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    result = evaluate(trace_file(FEW), "--scheduler", address)
    check_one_sentence(result, address)


def test_a_folder_of_somebody_elses(evaluate, trace_file, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("mine")
    check_one_sentence(evaluate(trace_file(FEW)), "--force")
    assert [f.name for f in (tmp_path / "run").iterdir()] == ["thesis.txt"]


def test_data_that_changed_since_the_run_began(evaluate, trace_file, tmp_path):
    assert evaluate(trace_file(FEW)).exit_code == 0
    before = (tmp_path / "run" / "results.jsonl").read_bytes()
    check_one_sentence(evaluate(trace_file(FEW, seed=1)), "another folder")
    assert (tmp_path / "run" / "results.jsonl").read_bytes() == before


def test_data_that_are_not_there(evaluate, tmp_path):
    check_one_sentence(evaluate(tmp_path / "nothing.npz"), "nothing.npz")


def test_recordings_of_unequal_rates(evaluate, session_folder, tmp_path):
    from napari_celltype.labels import Label, LabelTable, save_labels
    from napari_celltype.recording import open_recording

    labels = [Label(i, "PV" if i % 2 else "PY") for i in range(6)]
    for name, fs in (("mouse1", 10.0), ("mouse2", 30.0)):
        session = session_folder(name, fs=fs, n_frames=200, n_rois=6)
        save_labels(open_recording(session), LabelTable(tuple(labels)))
    listed = tmp_path / "cells.csv"
    listed.write_text("path,subject_id\nmouse1,a\nmouse2,b\n")
    check_one_sentence(evaluate(listed), "10", "30", "--resample")
    assert evaluate(listed, "--resample", 10).exit_code == 0


def test_a_new_data_set_with_a_type_of_its_own(terminal, trace_file, tmp_path):
    old = trace_file(FEW)
    new = trace_file({"PV": 4, "VIP": 4}, name="new")
    words = ("paper", "new-dataset", old, "--new-data", new)
    check_one_sentence(terminal(*words, "-o", tmp_path / "run"), "VIP")


@pytest.fixture
def train(terminal, tmp_path):
    def run(data, *words, model="mine.safetensors"):
        options = ("--architecture", "rnn", "--epochs", 1)
        return terminal("train", data, *options, *words, "-o", tmp_path / model)

    return run


def test_training_on_one_class_or_without_a_frame_rate(train, trace_file):
    check_one_sentence(train(trace_file({"PY": 12})), "PY")
    data = trace_file(FEW, sampling_frequency=None)
    check_one_sentence(train(data), "--fs")
    assert train(data, "--fs", 10).exit_code == 0


def test_a_model_has_its_own_ending_and_replaces_no_foreign_file(
    train, trace_file, tmp_path
):
    check_one_sentence(train(trace_file(FEW), model="mine.pt"), ".safetensors")
    (tmp_path / "mine.safetensors").write_text("precious")
    check_one_sentence(train(trace_file(FEW)), "--force")
    assert (tmp_path / "mine.safetensors").read_text() == "precious"
    assert train(trace_file(FEW), "--force").exit_code == 0


@pytest.mark.parametrize(
    "words",
    [
        ("--neuropil", "model"),
        ("--split", "by-litter"),
        ("--splits", 0),
        ("--epochs", 0),
    ],
)
def test_wrong_usage_is_told_from_wrong_data(evaluate, trace_file, words):
    assert evaluate(trace_file(FEW), *words).exit_code == 2
