"""`train`, `evaluate` and `paper` in this process, on tiny traces."""

import json

import pandas as pd
import pytest

from napari_celltype.protocol.experiment import BASELINES, COMPARED

QUICK = ("--splits", 2, "--epochs", 1)
EXPERIMENTS = ("table1", "table2", "table3", "table4", "table5", "epochs", "fig3")


@pytest.fixture(scope="module")
def evaluated(terminal, trace_file, tmp_path_factory):
    """One run of an evaluation: what was printed, and its folder."""
    run = tmp_path_factory.mktemp("evaluated") / "run"
    result = terminal(
        "evaluate", trace_file(), "--classifiers", "rnn,svm-rbf", *QUICK, "-o", run
    )
    return result, run


def test_an_evaluation_writes_all_that_it_promises(evaluated):
    result, run = evaluated
    assert result.exit_code == 0, result.output
    for name in ("report.html", "report.json", "scores.csv", "config.json"):
        assert (run / name).stat().st_size
    assert (run / "confusion_rnn.png").read_bytes().startswith(b"\x89PNG")
    assert "cells" in (run / "report.json").read_text()
    assert "chance" in result.stdout
    assert str(run / "report.html") in result.stderr.replace("\n", "")


def test_the_same_command_trains_nothing_again_and_another_is_refused(
    terminal, trace_file, evaluated
):
    _, run = evaluated
    before = (run / "results.jsonl").read_bytes()
    words = ("evaluate", trace_file(), "--classifiers", "rnn,svm-rbf", *QUICK)
    again = terminal(*words, "-o", run)
    assert again.exit_code == 0, again.output
    assert (run / "results.jsonl").read_bytes() == before
    refused = terminal(*words, "--splits", 3, "-o", run)
    assert refused.exit_code == 1
    assert "another folder" in refused.stderr
    assert (run / "results.jsonl").read_bytes() == before


def test_a_learning_curve_at_a_prevalence_is_added_to_a_finished_run(
    terminal, trace_file, evaluated
):
    _, run = evaluated
    before = (run / "results.jsonl").read_bytes()
    words = (
        "evaluate",
        trace_file(),
        "--classifiers",
        "rnn,svm-rbf",
        *QUICK,
        "-o",
        run,
    )
    wrong = terminal(*words, "--learning-curve", "--prior", "VIP=2")
    assert wrong.exit_code == 2
    assert "--prior" in wrong.stderr
    assert (run / "results.jsonl").read_bytes() == before
    result = terminal(*words, "--learning-curve", "--prior", "PV=0.05")
    assert result.exit_code == 0, result.output
    assert (run / "results.jsonl").read_bytes().startswith(before)
    assert "right, where 5 % are PV" in result.stdout
    assert (run / "more-data.csv").exists()


@pytest.mark.slow
@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_every_experiment_of_the_paper_runs(terminal, trace_file, tmp_path, experiment):
    data = trace_file({"PV": 10, "PY": 10}, n_frames=60)
    result = terminal("paper", experiment, data, *QUICK, "-o", tmp_path / "run")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "run" / "report.html").exists()


@pytest.mark.slow
def test_a_new_data_set_is_only_tested_on(terminal, trace_file, tmp_path):
    data = trace_file({"PV": 10, "PY": 10}, n_frames=60)
    new = trace_file({"PV": 4, "PY": 6}, n_frames=50, name="new", seed=1)
    words = ("paper", "new-dataset", data, "--new-data", new, *QUICK)
    result = terminal(*words, "-o", tmp_path / "run")
    assert result.exit_code == 0, result.output
    lines = (tmp_path / "run" / "results.jsonl").read_text().splitlines()
    guesses = [json.loads(line)["new_guess"] for line in lines]
    assert {len(g) for g in guesses if g is not None} == {10}


@pytest.mark.slow
def test_every_classifier_runs(terminal, trace_file, tmp_path):
    names = ",".join((*COMPARED, *BASELINES))
    words = ("evaluate", trace_file(), "--classifiers", names, *QUICK)
    result = terminal(*words, "--slow", "-o", tmp_path / "run")
    assert result.exit_code == 0, result.output
    scores = pd.read_csv(tmp_path / "run" / "scores.csv")
    assert set(names.split(",")) < set(scores["classifier"])


@pytest.mark.parametrize("option", [("--new-data", "new.npz"), ("--slow",)])
def test_some_options_belong_to_one_experiment(terminal, trace_file, tmp_path, option):
    words = ("paper", "table2", trace_file(), *option)
    assert terminal(*words, "-o", tmp_path / "run").exit_code == 2


def test_a_trained_model_classifies_recordings_at_once(
    terminal, trace_file, session_folder, tmp_path
):
    model, table = tmp_path / "mine.safetensors", tmp_path / "table.csv"
    words = ("train", trace_file(), "--architecture", "rnn", "--epochs", 2)
    trained = terminal(*words, "-o", model)
    assert trained.exit_code == 0, trained.output
    recording = session_folder("mouse1", fs=10.0, n_frames=300, n_rois=5)
    named = terminal("classify", recording, "--model", model, "-o", table)
    assert named.exit_code == 0, named.output
    assert set(pd.read_csv(table)["predicted"]) <= {"PV", "PY"}


def test_training_from_a_model_tells_how_it_did_on_unseen_animals(
    terminal, trace_file, tmp_path, monkeypatch
):
    monkeypatch.setenv("NAPARI_CELLTYPE_MODELS", str(tmp_path))
    base, tuned = tmp_path / "base.safetensors", tmp_path / "tuned.safetensors"
    words = ("train", trace_file(), "--architecture", "rnn", "--epochs", 1)
    terminal(*words, "--validation", "none", "-o", base)
    data = trace_file({"PY": 12, "PV": 12, "SOM": 8, "VIP": 8}, n_frames=160)
    choices = ("--merge", "SOM=IN", "--leave-out", "VIP", "--validation", "subject")
    words = ("train", data, "--base", "base", "--epochs", 2, *choices)
    told = terminal(*words, "-o", tuned)
    assert told.exit_code == 0, told.output
    said = " ".join(told.output.split())
    assert "6 cells that were held out" in said
    assert "chance 0.50" in said
    assert "1 of 4 animals" in said
    assert "8 traces of SOM count as IN" in said
    assert "Left out, as chosen: 8 traces of VIP" in said
    card = terminal("models", "show", tuned).output
    assert "From base on" in card


def test_a_choice_of_types_is_of_one_form(terminal, trace_file, tmp_path):
    words = ("train", trace_file(), "--merge", "PV", "-o", tmp_path / "a.safetensors")
    assert terminal(*words).exit_code == 2
    words = ("evaluate", trace_file(), "--leave-out", "PV", "-o", tmp_path / "run")
    refused = terminal(*words)
    assert refused.exit_code == 1
    assert "one type only, PY" in " ".join(refused.output.split())
