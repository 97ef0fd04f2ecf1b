"""A run folder says itself what was asked and where its data are."""

import shutil

import numpy as np
import pytest

import napari_celltype as nct
from napari_celltype.errors import OutputError, Stopped
from napari_celltype.labels import save_traces
from napari_celltype.protocol.evaluate import (
    ExperimentRequest,
    read_request,
    run_experiment,
)
from napari_celltype.protocol.experiments import Training

PROTOCOL = nct.PaperProtocol(n_splits=2)


@pytest.fixture
def file(tmp_path):
    labels = np.repeat(["PV", "PY"], 10)
    noise = np.random.default_rng(0).normal(size=(20, 60))
    subjects = np.tile(["a", "b", "c", "d"], 5)
    data = nct.TraceSet(noise, labels, subject_id=subjects, sampling_frequency=10.0)
    return save_traces(data, tmp_path / "cells.npz")


@pytest.fixture
def stopped(file, tmp_path):
    """A run that was stopped after three trainings."""
    folder = tmp_path / "run"
    rows = []
    asked = ExperimentRequest(
        file,
        folder=folder,
        classifiers=("rnn",),
        protocol=PROTOCOL,
        training=Training(epochs=1),
        command="napari-celltype evaluate cells.npz",
    )
    with pytest.raises(Stopped):
        run_experiment(asked, on_split=rows.append, should_stop=lambda: len(rows) > 2)
    return folder


def test_a_run_goes_on_from_its_folder_alone(stopped):
    before = (stopped / "results.jsonl").read_bytes()
    rows = []
    report = run_experiment(read_request(stopped), on_split=rows.append)
    assert (stopped / "results.jsonl").read_bytes().startswith(before)
    assert len(rows) == sum(s.n_splits for s in report.results)
    assert report.command == "napari-celltype evaluate cells.npz"
    assert any(n.startswith("A quick look: 2 splits") for n in report.notes)


def test_data_that_went_elsewhere_are_given(stopped, file, tmp_path):
    moved = tmp_path / "elsewhere.npz"
    file.rename(moved)
    with pytest.raises(OutputError, match="not there any more"):
        read_request(stopped)
    assert run_experiment(read_request(stopped, moved)).name == "elsewhere"


def test_a_run_of_traces_in_memory_asks_for_its_data(file, tmp_path):
    folder, rows = tmp_path / "run", []
    asked = ExperimentRequest(
        nct.load_traces(file),
        folder=folder,
        classifiers=("rnn",),
        protocol=PROTOCOL,
        training=Training(epochs=1),
    )
    with pytest.raises(Stopped):
        run_experiment(asked, on_split=rows.append, should_stop=lambda: bool(rows))
    with pytest.raises(OutputError, match="it does not say"):
        read_request(folder)
    assert read_request(folder, file).protocol == PROTOCOL


def test_a_list_inside_the_folder_is_found_after_the_folder_was_moved(
    stopped, file, tmp_path
):
    shutil.copy(file, stopped / "inside.npz")
    asked = read_request(stopped)
    inside = ExperimentRequest(
        stopped / "inside.npz",
        folder=stopped,
        classifiers=asked.classifiers,
        protocol=asked.protocol,
        training=asked.training,
    )
    run_experiment(inside)
    moved = stopped.rename(tmp_path / "moved")
    assert read_request(moved).data == moved / "inside.npz"


def test_what_is_no_run_folder_is_said(tmp_path):
    with pytest.raises(OutputError, match="not the folder of a run"):
        read_request(tmp_path)
