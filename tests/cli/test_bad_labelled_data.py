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
    def run(data, *words):
        return terminal(
            "evaluate",
            data,
            *("--classifiers", "rnn", "--splits", 2, "--epochs", 1),
            *words,
            *("-o", tmp_path / "run"),
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


def test_a_scheduler_that_is_not_there(evaluate, trace_file, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("napari_celltype.protocol.backends.PATIENCE", 0.2)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    result = evaluate(trace_file(FEW), "--scheduler", address)
    check_one_sentence(result, address)


def test_data_that_are_not_there(evaluate, tmp_path):
    check_one_sentence(evaluate(tmp_path / "nothing.npz"), "nothing.npz")


def test_training_without_a_frame_rate(terminal, trace_file, tmp_path):
    data = trace_file(FEW, sampling_frequency=None)
    words = ("train", data, "--architecture", "rnn", "--epochs", 1)
    words = (*words, "-o", tmp_path / "mine.safetensors")
    check_one_sentence(terminal(*words), "--fs")
    assert terminal(*words, "--fs", 10).exit_code == 0


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
