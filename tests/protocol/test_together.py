"""Splits that train at once give the outcomes that they would give one by one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_celltype.classifiers import stacked
from napari_celltype.errors import CellTypeError, Stopped
from napari_celltype.labels import Targets
from napari_celltype.protocol.experiment import Condition, ExperimentData, Split, Task
from napari_celltype.protocol.run_folder import RunFolder
from napari_celltype.protocol.running import run_tasks
from napari_celltype.protocol.together import groups_of, perform_together
from napari_celltype.protocol.work import perform

PARAMETERS = {"epochs": 2, "units": 16, "device": "cpu", "dropout": 0.2}
RNN = Condition("rnn", "rnn", PARAMETERS)
SVM = Condition("svm-linear", "svm-linear")


@pytest.fixture(scope="module")
def data(small_traces):
    """With labels that leave several types possible, and a second data set."""
    labels = small_traces.labels.astype("U4")
    labels[:50:9], labels[1:50:9] = "IN", "!PV"
    traces = replace(small_traces, labels=labels)
    targets = Targets.of(labels)
    new = small_traces.take(np.arange(10))
    new_targets = targets.take(np.arange(10))
    return ExperimentData(traces, targets, new=new, new_targets=new_targets)


def tasks_of(condition, n_splits=3, n_training=(40, 40, 40)):
    made = []
    for number in range(n_splits):
        train = np.random.default_rng(number).permutation(50)[: n_training[number]]
        # Labels of the last rows name one class each.
        split = Split(number, train, np.arange(50, 70), np.arange(70, 72))
        made.append(Task(condition, split, seed=number))
    return made


def comparable(outcome):
    """What does not depend on the clock, on rounding or on how it was trained."""
    environment = {
        k: v for k, v in outcome.environment.items() if k != "trained_together"
    }
    return replace(outcome, train_seconds=0.0, history=[], environment=environment)


@pytest.mark.parametrize(
    "condition",
    [
        RNN,
        replace(RNN, surrogates=True),
        replace(RNN, shuffled=True),
        replace(RNN, n_frames=60),
    ],
    ids=["plain", "surrogates", "shuffled", "cut"],
)
def test_outcomes_are_those_of_one_at_a_time(condition, data):
    tasks = tasks_of(condition)
    together = perform_together(tasks, data, threads=1)
    alone = [perform(task, data, threads=1) for task in tasks]
    assert [comparable(o) for o in together] == [comparable(o) for o in alone]


def test_losses_are_those_of_one_at_a_time(data):
    tasks = tasks_of(RNN)
    for task, outcome in zip(tasks, perform_together(tasks, data), strict=True):
        alone = [row["loss"] for row in perform(task, data).history]
        assert [row["loss"] for row in outcome.history] == pytest.approx(alone)


def test_outcomes_say_how_many_trained_together(data):
    outcomes = perform_together(tasks_of(RNN), data)
    assert [o.environment["trained_together"] for o in outcomes] == [3, 3, 3]


def test_training_time_is_a_share_of_that_of_all(data):
    outcomes = perform_together(tasks_of(RNN), data)
    assert len({o.train_seconds for o in outcomes}) == 1
    assert outcomes[0].train_seconds > 0


def test_progress_names_the_condition(data):
    told = []
    perform_together(tasks_of(RNN), data, on_progress=told.append)
    assert told[0].message.startswith("rnn, Training 3 networks at once, loss ")


def test_networks_with_as_many_rows_are_grouped():
    tasks = tasks_of(RNN, n_training=(40, 39, 40)) + tasks_of(SVM)
    (group,) = groups_of(tasks)
    assert [task.split.number for task in group] == [0, 2]


@pytest.mark.parametrize("condition", [replace(RNN, by_epoch=True), SVM])
def test_other_tasks_train_alone(condition):
    assert groups_of(tasks_of(condition)) == []


def test_a_single_network_trains_alone():
    assert groups_of(tasks_of(RNN, n_splits=1)) == []


def test_a_run_keeps_what_trained_together(data, tmp_path):
    tasks = tasks_of(RNN) + tasks_of(SVM, n_splits=1)
    folder = RunFolder.open(tmp_path / "run", {})
    outcomes = run_tasks(tasks, data, folder, together=True)
    assert [o.key for o in outcomes] == [task.key for task in tasks]
    assert ["trained_together" in o.environment for o in outcomes] == [True] * 3 + [
        False
    ]
    assert list(folder.finished().values()) == outcomes


def test_a_run_trains_together_only_what_is_left(data, tmp_path):
    tasks = tasks_of(RNN)
    folder = RunFolder.open(tmp_path / "run", {})
    run_tasks(tasks[:1], data, folder)
    outcomes = run_tasks(tasks, data, folder, together=True)
    assert [o.environment.get("trained_together") for o in outcomes] == [None, 2, 2]


def test_a_run_trains_one_at_a_time_unless_asked(data, tmp_path):
    folder = RunFolder.open(tmp_path / "run", {})
    outcomes = run_tasks(tasks_of(RNN), data, folder)
    assert not any("trained_together" in o.environment for o in outcomes)


def test_several_processes_do_not_train_together(data, tmp_path):
    folder = RunFolder.open(tmp_path / "run", {})
    with pytest.raises(CellTypeError, match="in one process"):
        run_tasks(tasks_of(RNN), data, folder, together=True, jobs=2)


def test_progress_of_a_run_counts_its_tasks(data, tmp_path):
    told = []
    folder = RunFolder.open(tmp_path / "run", {})
    run_tasks(tasks_of(RNN), data, folder, together=True, on_progress=told.append)
    assert told[0].message.endswith("(1 of 2): 0 of 3 done")
    assert [p.done for p in told] == [0, 0, 1, 2, 3]


def test_a_stop_keeps_groups_that_are_finished(data, tmp_path):
    other = replace(RNN, name="other")
    folder = RunFolder.open(tmp_path / "run", {})
    told = []
    with pytest.raises(Stopped):
        run_tasks(
            tasks_of(RNN) + tasks_of(other),
            data,
            folder,
            together=True,
            on_progress=told.append,
            should_stop=lambda: bool(told) and told[-1].done >= 3,
        )
    assert {name for name, _ in folder.finished()} == {"rnn"}
    assert len(folder.finished()) == 3


def test_short_memory_trains_one_after_the_other(data, tmp_path, monkeypatch):
    def fit_together(*_arguments, **_options):
        raise torch.OutOfMemoryError

    # A GPU whose memory runs out is not at hand.
    monkeypatch.setattr(stacked, "fit_together", fit_together)
    folder = RunFolder.open(tmp_path / "run", {})
    with pytest.warns(RuntimeWarning, match="3 networks of rnn at once"):
        outcomes = run_tasks(tasks_of(RNN), data, folder, together=True)
    assert len(outcomes) == 3
