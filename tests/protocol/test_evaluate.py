"""Experiments from labelled data to a report, in one call."""

import json
import os
import shutil
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import napari_celltype as nct
from napari_celltype.errors import CellTypeError, LabelError, OutputError, Stopped
from napari_celltype.labels import save_traces
from napari_celltype.labels.reading import Reading
from napari_celltype.protocol.evaluate import (
    ExperimentRequest,
    _shareable,
    experiment_data,
    new_run_folder,
    read_request,
    run_experiment,
)
from napari_celltype.protocol.experiments import Training

PROTOCOL = nct.PaperProtocol(n_splits=2)


def traces(counts=None, *, n_frames=60, seed=0, **columns):
    counts = counts or {"PV": 12, "PY": 12}
    labels = np.repeat(list(counts), list(counts.values()))
    noise = np.random.default_rng(seed).normal(size=(len(labels), n_frames))
    cells = np.arange(len(labels))
    given = {
        "subject_id": np.char.add("mouse-", (cells % 4).astype(str)),
        "sampling_frequency": 10.0,
        **columns,
    }
    return nct.TraceSet(noise, labels, **given)


def scores(report):
    return report.scores.drop(columns="train_seconds")


def test_the_report_in_memory_is_that_of_the_folder(tmp_path):
    report = nct.evaluate(traces(), ["rnn"], PROTOCOL, epochs=1, folder=tmp_path / "r")
    written = pd.read_csv(tmp_path / "r" / "scores.csv")
    pd.testing.assert_frame_equal(written, report.scores, check_exact=False)
    assert report.confusion("rnn").counts.sum() == 2 * 6


@pytest.fixture(scope="module")
def at_once():
    return scores(nct.evaluate(traces(), ["rnn", "svm-linear"], PROTOCOL, epochs=1))


def test_a_run_that_was_stopped_goes_on_to_the_same_scores_with_more(tmp_path, at_once):
    folder, steps = tmp_path / "run", []
    with pytest.raises(Stopped):
        nct.evaluate(
            save_traces(traces(), tmp_path / "cells.npz"),
            ["rnn"],
            PROTOCOL,
            epochs=1,
            folder=folder,
            on_progress=steps.append,
            should_stop=lambda: len(steps) > 8,
        )
    finished = (folder / "results.jsonl").read_bytes()
    assert finished
    # The same data in memory, and a classifier more.
    both = ["rnn", "svm-linear"]
    resumed = nct.evaluate(traces(), both, PROTOCOL, epochs=1, folder=folder)
    assert (folder / "results.jsonl").read_bytes().startswith(finished)
    pd.testing.assert_frame_equal(scores(resumed), at_once)


@pytest.mark.slow
def test_every_kind_of_classifier_learns_from_traces_with_gaps():
    found = []
    for damage in (np.nan, np.inf, -1e30):
        gappy = traces()
        values = gappy.traces.copy()
        values[::2, 20:40] = damage
        values[1::3, 7] = damage
        kinds = ["rnn", "svm-rbf", "adaboost", "features"]
        data = replace(gappy, traces=values)
        found.append(scores(nct.evaluate(data, kinds, PROTOCOL, epochs=1)))
    assert found[0]["accuracy"].notna().all()
    pd.testing.assert_frame_equal(found[1], found[0])
    pd.testing.assert_frame_equal(found[2], found[0])


@pytest.mark.slow
def test_accepted_predictions_train_and_are_never_tested_on(tmp_path):
    source = np.array(["manual", "prediction"] * 12)
    data = traces(label_source=source)
    nct.evaluate(
        data, ["svm-rbf"], PROTOCOL, with_predictions=True, folder=tmp_path / "run"
    )
    lines = (tmp_path / "run" / "results.jsonl").read_text().splitlines()
    tested = {row for line in lines for row in json.loads(line)["rows"]}
    assert set(source[list(tested)]) == {"manual"}


def load(data, **options):
    return Reading(with_predictions=True).load(data, **options)


def test_a_new_data_set_may_hold_one_type_and_holds_no_predictions():
    source = np.array(["manual"] * 5 + ["prediction"])
    new = load(traces({"PV": 6}, label_source=source), only_tested=True)
    data, _ = experiment_data(load(traces()), new)
    assert data.new_targets.index.tolist() == [0] * 5


def test_two_data_sets_are_cut_to_the_shorter():
    data, notes = experiment_data(load(traces()), load(traces(n_frames=50, seed=1)))
    assert data.traces.n_frames == data.new.n_frames == 50
    assert any("cut to 50 frames" in note for note in notes)


def test_two_data_sets_of_different_rates_are_refused():
    new = load(traces(sampling_frequency=30.0))
    with pytest.raises(LabelError, match="--resample 10"):
        experiment_data(load(traces()), new)


def test_a_type_that_only_the_new_data_have_is_refused():
    new = load(traces({"PV": 4, "VIP": 4}))
    with pytest.raises(LabelError, match="VIP"):
        experiment_data(load(traces()), new)


def test_a_score_card_replaces_only_a_score_card(tmp_path):
    card = tmp_path / "card.json"
    card.write_text("{}")
    shared = {"score_card": card, "folder": tmp_path / "run"}
    with pytest.raises(OutputError, match=r"card\.json is there already"):
        nct.evaluate(traces(), ["svm-linear"], PROTOCOL, **shared)
    assert not (tmp_path / "run").exists()
    for force in (True, False):
        nct.evaluate(traces(), ["svm-linear"], PROTOCOL, force=force, **shared)
    assert "scores" in json.loads(card.read_text())


def test_an_experiment_that_there_is_not():
    with pytest.raises(CellTypeError, match="choose evaluate, table1"):
        run_experiment(ExperimentRequest(traces(), "table6"))


@pytest.mark.parametrize("option", ["n_splits", "experiment", "tree"])
def test_an_option_that_would_not_count_is_refused(option):
    with pytest.raises(TypeError, match=option):
        nct.evaluate(traces(), ["rnn"], **{option: 3})


@pytest.fixture
def file(tmp_path):
    return save_traces(traces(), tmp_path / "cells.npz")


@pytest.fixture
def stop(tmp_path):
    """Start an evaluation of some data in a folder, and stop it after two trainings."""

    def start(data, **options):
        folder, rows = tmp_path / "run", []
        asked = ExperimentRequest(
            data,
            folder=folder,
            classifiers=("rnn",),
            protocol=PROTOCOL,
            training=Training(epochs=1),
            **options,
        )
        with pytest.raises(Stopped):
            run_experiment(
                asked, on_split=rows.append, should_stop=lambda: len(rows) > 1
            )
        return folder

    return start


@pytest.fixture
def stopped(file, stop):
    return stop(file, command="napari-celltype evaluate cells.npz")


@pytest.mark.slow
def test_a_run_goes_on_from_its_folder_alone(stopped):
    before = (stopped / "results.jsonl").read_bytes()
    rows = []
    report = run_experiment(read_request(stopped), on_split=rows.append)
    assert (stopped / "results.jsonl").read_bytes().startswith(before)
    assert len(rows) == sum(s.n_splits for s in report.results)
    assert report.command == "napari-celltype evaluate cells.npz"
    assert any(n.startswith("A quick look: 2 splits") for n in report.notes)


@pytest.mark.slow
def test_data_that_went_elsewhere_are_given(stopped, file, tmp_path):
    moved = tmp_path / "elsewhere.npz"
    file.rename(moved)
    with pytest.raises(OutputError, match="not there any more"):
        read_request(stopped)
    assert run_experiment(read_request(stopped, moved)).name == "elsewhere"


def test_a_run_of_traces_in_memory_asks_for_its_data(file, stop):
    folder = stop(nct.load_traces(file))
    with pytest.raises(OutputError, match="it does not say"):
        read_request(folder)
    assert read_request(folder, file).protocol == PROTOCOL


@pytest.mark.slow
def test_a_list_inside_the_folder_is_found_after_the_folder_was_moved(
    stopped, file, tmp_path
):
    inside = Path(shutil.copy(file, stopped / "inside.npz"))
    run_experiment(replace(read_request(stopped), data=inside))
    moved = stopped.rename(tmp_path / "moved")
    assert read_request(moved).data == moved / "inside.npz"


def test_what_is_no_run_folder_is_said(tmp_path):
    with pytest.raises(OutputError, match="not the folder of a run"):
        read_request(tmp_path)


NOW = datetime(2026, 1, 2, 3, 4)


def test_it_is_beside_the_data_and_always_new(tmp_path):
    data = tmp_path / "mice.npz"
    first = new_run_folder(data, NOW)
    assert first == tmp_path / "mice-evaluation-20260102-0304"
    first.mkdir()
    assert new_run_folder(data, NOW).name == "mice-evaluation-20260102-0304-2"
    of_folder = new_run_folder(tmp_path / "day1", NOW)
    assert of_folder.name == "day1-evaluation-20260102-0304"


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="no folder is read-only here"
)
def test_beside_read_only_data_it_is_among_the_users_own(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "own"))
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    assert not new_run_folder(closed / "mice.npz", NOW).is_relative_to(closed)


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("nct train '/home/me/my data/x.npz' -o /r/", "nct train x.npz -o r/"),
        ("nct --labels=/home/me/l.csv -o/tmp/run", "nct --labels=l.csv -o run"),
        (r"nct 'C:\Users\me\x.npz' by-cell 3", "nct x.npz by-cell 3"),
        ("nct relative/x.npz tcp://host:1", "nct relative/x.npz tcp://host:1"),
        ("'unbalanced", None),
        (None, None),
        ([1], None),
    ],
)
def test_the_command_of_a_report_names_no_folder_of_this_machine(command, shown):
    assert _shareable(command) == shown


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("epochs", v) for v in ("20", 2.5, True, [20], 0, {})),
        *(("n_splits", v) for v in (None, 10**9, -1, "x")),
        *(("classifiers", v) for v in (None, "cnn", [1], [["cnn"]])),
        *(("merged", v) for v in (["PV"], {"PV": 1}, "PV")),
        *(("split", v) for v in ("other", None, 3)),
        *(("sampling_frequency", v) for v in ("30", [30.0], False)),
        ("data", 7),
        ("slow", "no"),
    ],
)
def test_a_request_that_was_edited_by_hand_gives_a_sentence(stopped, name, value):
    kept = json.loads((stopped / "request.json").read_text())
    (stopped / "request.json").write_text(json.dumps({**kept, name: value}))
    with pytest.raises(CellTypeError, match=r"choose the folder|give|use one of"):
        read_request(stopped)
