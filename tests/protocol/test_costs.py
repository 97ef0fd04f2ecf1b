from dataclasses import replace

import numpy as np
import pytest

from napari_celltype.errors import Stopped
from napari_celltype.protocol import work
from napari_celltype.protocol.costs import Cost, Costs


def test_a_network_is_expected_to_take_its_epochs_and_examples():
    cost = Cost(100, 50, fit=0.5, rest=1.0, growth=1)
    assert cost.expected(200, 50, epochs=20) == pytest.approx(0.5 * 2 * 20 + 1.0)


def test_a_support_vector_machine_grows_with_the_square():
    cost = Cost(100, 50, fit=0.5, rest=1.0, growth=2, growing_rest=True)
    expected = 0.5 * 9 + 1.0 * 2 * 3
    assert cost.expected(300, 100) == pytest.approx(expected)


def test_each_kind_is_timed_once_and_epochs_and_splits_are_counted(
    make_run, monkeypatch
):
    run = make_run(classifiers=("rnn", "svm-linear"), skill={})
    timed = []
    real = work.perform

    def perform(task, data, **options):
        timed.append(task.condition.classifier)
        return real(task, data, **options)

    monkeypatch.setattr(work, "perform", perform)
    costs = Costs(run.data)
    rnn = [t for t in run.tasks if t.condition.name == "rnn"]
    once = costs.expected(rnn[:1])
    assert 0 < once < 30
    n_timed = len(timed)
    longer = [
        replace(t, condition=replace(t.condition, parameters={"epochs": 2000}))
        for t in rnn
    ]
    assert costs.expected(longer) > 10 * once
    assert len(timed) == n_timed
    costs.expected(run.tasks)
    assert set(timed) == {"rnn", "svm-linear", "probe: noise level", "probe: session"}


def test_a_tiny_training_holds_every_class(make_run):
    from napari_celltype.protocol.costs import _some

    run = make_run(skill={})
    index = run.data.targets.index
    rows = np.flatnonzero(index >= 0)
    few = _some(rows, index, 8)
    assert len(few) == 8
    assert set(index[few]) == set(index[rows])


def test_timing_stops_when_asked(make_run):
    run = make_run(classifiers=("rnn",), skill={})
    with pytest.raises(Stopped):
        Costs(run.data).expected(run.tasks, should_stop=lambda: True)
