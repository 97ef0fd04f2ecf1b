"""The classifiers that an experiment may name."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from napari_celltype.models import NETWORKS
from napari_celltype.models.networks import RecurrentNetwork
from napari_celltype.protocol.experiment import (
    BASELINES,
    Condition,
    ExperimentData,
    build,
)
from napari_celltype.protocol.experiments import (
    PAPER_NETWORKS,
    Training,
    plan_experiment,
)
from napari_celltype.protocol.paper import printed_accuracy
from napari_celltype.protocol.splits import PaperProtocol
from napari_celltype.protocol.task import perform


@pytest.mark.parametrize("name", ["cnn", *BASELINES, "svm-rbf-search"])
@pytest.mark.parametrize("normalization", ["trace", "training-set"])
def test_networks_and_baselines_z_score_by_the_training_set_or_as_asked(
    name, normalization
):
    asked = {"normalization": "trace"} if normalization == "trace" else {}
    made = build(Condition(name, name, asked), 0)
    found = made if name == "cnn" else made.named_steps["z-score"]
    assert found.normalization == normalization


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("svm-rbf", {"kernel": "rbf", "gamma": 1e-4, "C": 100}),
        ("svm-linear", {"kernel": "linear", "C": 10}),
        ("svm-poly", {"kernel": "poly", "degree": 3, "gamma": 1e-3, "C": 100}),
        ("adaboost", {"n_estimators": 100}),
    ],
)
def test_a_baseline_has_the_parameters_of_the_paper(name, expected):
    model = build(Condition(name, name), 0).named_steps["model"]
    assert {key: model.get_params()[key] for key in expected} == expected


def test_the_names_are_known_without_torch_or_scikit_learn():
    code = (
        "import sys, napari_celltype.protocol.experiment as c\n"
        "assert c.known()\n"
        "print(sorted({'torch', 'sklearn', 'pandas'} & set(sys.modules)))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"


PROTOCOL = PaperProtocol(n_splits=2)


class Toy(RecurrentNetwork):
    """A network of three time steps."""

    def __init__(self, n_frames, n_classes, *, timesteps=3):
        super().__init__(n_frames, n_classes, timesteps=timesteps)
        self.settings = {"timesteps": timesteps}


@pytest.fixture
def data(small_traces, small_targets):
    return ExperimentData(
        small_traces, small_targets, new=small_traces, new_targets=small_targets
    )


@pytest.fixture
def toy(monkeypatch):
    monkeypatch.setitem(NETWORKS, "toy", f"{__name__}:Toy")


@pytest.mark.usefixtures("toy")
def test_it_trains_and_answers_in_an_evaluation(data):
    training = Training(epochs=1, device="cpu")
    experiment = plan_experiment("evaluate", data, PROTOCOL, training, ["toy"])
    outcome = perform(experiment.tasks[0], data, threads=1)
    assert (outcome.condition, len(outcome.history)) == ("toy", 1)
    # As every network it is shown surrogates.
    assert outcome.surrogates
    assert np.isin(outcome.guess, range(4)).all()


@pytest.mark.usefixtures("toy")
def test_it_has_a_row_of_table_1_with_its_counterparts(data):
    made = plan_experiment("table1", data, PROTOCOL, Training())
    own = [one for one in made.conditions if one.classifier == "toy"]
    names = ["toy", "toy, shuffled labels", "toy (by-subject)"]
    assert [one.name for one in own] == names
    assert {tuple(one.parameters) for one in own} == {("epochs",)}


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize(
    ("table", "stands"),
    [
        *((name, True) for name in ("table3", "table5", "new-dataset")),
        *((name, False) for name in ("table2", "table4", "epochs", "fig3")),
    ],
)
def test_it_stands_where_size_length_or_data_vary(table, stands, data):
    made = plan_experiment(table, data, PROTOCOL, Training())
    names = {one.classifier for one in made.conditions}
    assert "cnn" in names
    assert ("toy" in names) is stands


def test_no_number_of_the_paper_stands_beside_it():
    assert printed_accuracy("toy", {"epochs": 20}, "paper") is None
    assert all(printed_accuracy(n, {"epochs": 20}, "paper") for n in PAPER_NETWORKS)
