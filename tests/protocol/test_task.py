"""One task from traces to answers, with real fits on small data."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from importlib.metadata import version

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info

from napari_celltype.errors import Stopped
from napari_celltype.labels import Targets
from napari_celltype.models import NETWORKS
from napari_celltype.protocol.experiment import (
    Condition,
    ExperimentData,
    Split,
    Task,
    known,
)
from napari_celltype.protocol.rivals import probe_values
from napari_celltype.protocol.task import limit_threads, perform

RNN = Condition("rnn", "rnn", {"epochs": 2, "units": 16, "device": "cpu"})
LINEAR = Condition("svm-linear", "svm-linear")
# Too slow for every task of a test.
FEW = {"adaboost": {"n_estimators": 3}, "adaboost-search": {"grid": {}}}
ROWS = np.random.default_rng(0).permutation(72)
SPLIT = Split(1, ROWS[:52], ROWS[52:])


@pytest.fixture(scope="module")
def data(small_traces, small_targets):
    return ExperimentData(small_traces, small_targets, probe_values(small_traces))


def task(condition, split=SPLIT, seed=5):
    return Task(condition, split, seed)


def without_times(outcome):
    history = [{k: v for k, v in r.items() if k != "seconds"} for r in outcome.history]
    return replace(outcome, train_seconds=0.0, history=history)


def accuracy(outcome, data):
    truth = data.targets.index[outcome.rows]
    return float((np.array(outcome.guess) == truth).mean())


@pytest.mark.slow
@pytest.mark.parametrize("name", known())
def test_every_classifier_answers_every_test_row(name, data):
    parameters = RNN.parameters if name in NETWORKS else {}
    parameters = {k: v for k, v in parameters.items() if name == "rnn" or k != "units"}
    condition = Condition(name, name, {**parameters, **FEW.get(name, {})})
    outcome = perform(task(condition), data, threads=1)
    assert outcome.rows == SPLIT.test.tolist()
    assert set(outcome.guess) <= set(range(4))
    assert len(outcome.guess) == len(outcome.rows)


@pytest.mark.parametrize(
    "condition", [RNN, replace(RNN, surrogates=True, by_epoch=True, shuffled=True)]
)
def test_the_same_task_gives_the_same_outcome(condition, data):
    one, two = (perform(task(condition), data, threads=1) for _ in range(2))
    assert without_times(one) == without_times(two)


def test_a_training_that_goes_on_ends_as_one_that_went_through(data, tmp_path):
    path = tmp_path / "training.safetensors"
    half, whole = (
        replace(RNN, parameters={**RNN.parameters, "epochs": n}, by_epoch=True)
        for n in (2, 4)
    )
    perform(task(half), data, checkpoint=path, threads=1)
    said = []
    resumed = perform(
        task(whole), data, checkpoint=path, threads=1, on_progress=said.append
    )
    assert said[0].done == 2
    expected = perform(task(whole), data, threads=1)
    assert without_times(resumed) == without_times(expected)


def test_a_network_stops_when_it_is_asked_to(data):
    done = []
    with pytest.raises(Stopped):
        perform(
            task(RNN), data, on_progress=done.append, should_stop=lambda: bool(done)
        )
    assert len(done) == 1


def test_traces_are_cut(data):
    """The sinusoids of all types are the same where nothing but noise is left."""
    traces = data.traces.traces.copy()
    traces[:, 40:] = np.nan
    cut = replace(data, traces=replace(data.traces, traces=traces))
    outcome = perform(task(replace(LINEAR, n_frames=40)), cut)
    assert len(outcome.guess) == 20


def test_a_new_data_set_is_cut_and_answered(data, make_traces):
    new = make_traces({"PV": 4, "PY": 4, "SOM": 4, "VIP": 4}, n_frames=80, seed=3)
    longer = replace(new, traces=np.hstack([new.traces, new.traces]))
    targets = Targets.of(new.labels)
    outcome = perform(task(LINEAR), replace(data, new=longer, new_targets=targets))
    assert np.mean(np.array(outcome.new_guess) == targets.index) > 0.9


@pytest.fixture(scope="module")
def partial(small_traces):
    """Every second interneuron is only known as one; one is known not to be PV."""
    labels = small_traces.labels.astype("U4")
    unsure = ROWS[:52][::2]
    unsure = unsure[labels[unsure] != "PY"]
    labels[unsure] = "IN"
    labels[ROWS[70]] = "!PV"
    labels[ROWS[71]] = "IN"
    traces = replace(small_traces, labels=labels)
    return ExperimentData(traces, Targets.of(labels))


def test_networks_learn_from_partial_labels(partial):
    """Without them the loss of the first epoch would be another one."""
    split = Split(0, ROWS[:52], ROWS[52:70])
    single = split.train[partial.targets.single[split.train]]
    losses = [
        perform(task(RNN, replace(split, train=train)), partial).history[0]["loss"]
        for train in (split.train, single)
    ]
    assert losses[0] != losses[1]


def test_other_classifiers_learn_nothing_that_only_follows(make_traces):
    """With PV its only child here, IN leaves PV alone, but nobody has seen that."""
    traces = make_traces({"PV": 16, "PY": 16, "IN": 16})
    data = ExperimentData(traces, Targets.of(traces.labels))
    rows = np.arange(48)
    seen = rows[traces.labels != "IN"]
    one, two = (
        perform(task(LINEAR, Split(0, train, rows)), data) for train in (rows, seen)
    )
    assert one.guess == two.guess


@pytest.mark.parametrize("condition", [LINEAR, RNN], ids=lambda c: c.name)
def test_partial_test_rows_are_answered_apart(condition, partial):
    split = Split(0, ROWS[:52], ROWS[52:70], ROWS[70:])
    outcome = perform(task(condition, split), partial)
    assert outcome.partial_rows == ROWS[70:].tolist()
    assert len(outcome.partial_guess) == 2


@pytest.mark.parametrize("name", ["svm-rbf-search", "probe: mean"])
def test_one_example_of_a_type_is_enough_to_search(name, data):
    labels = data.traces.labels[SPLIT.train]
    rows = [*np.flatnonzero(labels == "PV")[:1], *np.flatnonzero(labels == "PY")]
    split = replace(SPLIT, train=SPLIT.train[rows])
    assert len(perform(task(Condition(name, name), split), data).guess) == 20


def test_the_outcome_is_plain_values_with_epochs_and_surrogates(data):
    outcome = perform(task(replace(RNN, surrogates=True, by_epoch=True)), data)
    assert json.loads(json.dumps(asdict(outcome))) == asdict(outcome)
    assert len(outcome.history) == 2
    assert outcome.history[-1]["test_accuracy"] == accuracy(outcome, data)
    sizes = {name: len(guess) for name, guess in outcome.surrogates.items()}
    assert sizes == {"phase-randomised": 20, "shuffled blocks": 20}


def test_threads_are_those_asked_for_and_then_the_users_own(data):
    before = torch.get_num_threads()
    told = perform(task(RNN), data, threads=1).environment
    assert (told["threads"], told["device"]) == (1, "cpu")
    assert told["torch"] == version("torch")
    with pytest.raises(KeyError), limit_threads(before + 1):
        raise KeyError
    assert torch.get_num_threads() == before


def test_the_libraries_under_numpy_are_limited():
    with limit_threads(1):
        assert {pool["num_threads"] for pool in threadpool_info()} == {1}
