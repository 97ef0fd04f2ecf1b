"""The classifiers that an experiment may name."""

from __future__ import annotations

import subprocess
import sys

import pytest

from napari_celltype.errors import LabelError
from napari_celltype.labels import Targets
from napari_celltype.models import NETWORKS
from napari_celltype.protocol.experiment import (
    BASELINES,
    Condition,
    ExperimentData,
    build,
    known,
)
from napari_celltype.protocol.experiments import Training, evaluate_experiment
from napari_celltype.protocol.splits import PaperProtocol


@pytest.mark.parametrize("name", [*known(), "probe: mean", "probe: session"])
def test_every_classifier_is_one_of_scikit_learn(name):
    from sklearn.base import is_classifier

    assert is_classifier(build(Condition(name, name), 0))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_is_z_scored_by_the_training_set(name):
    assert build(Condition(name, name), 0).normalization == "training-set"


@pytest.mark.parametrize("name", [*BASELINES, *(f"{n}-search" for n in BASELINES)])
def test_every_baseline_is_so_too(name):
    scaler = build(Condition(name, name), 0).named_steps["z-score"]
    assert scaler.normalization == "training-set"


@pytest.mark.parametrize("name", ["cnn", "svm-rbf", "svm-rbf-search"])
def test_another_z_score_may_be_asked_for(name):
    made = build(Condition(name, name, {"normalization": "trace"}), 0)
    found = made if name == "cnn" else made.named_steps["z-score"]
    assert found.normalization == "trace"


def test_the_parameters_of_a_condition_reach_the_network():
    made = build(Condition("CNN [C]", "cnn", {"layers": "C", "epochs": 3}), 0)
    assert (made.layers, made.epochs) == ("C", 3)


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


def test_an_unknown_classifier_is_refused_with_the_known_ones():
    with pytest.raises(LabelError, match="'tree' is not known; choose of cnn, rnn"):
        build(Condition("tree", "tree"), 0)


def test_an_unknown_classifier_is_refused_before_a_run_begins(small_traces):
    data = ExperimentData(small_traces, Targets.of(small_traces.labels))
    with pytest.raises(LabelError, match="'svm' is not known"):
        evaluate_experiment(data, ["rnn", "svm"], PaperProtocol(), Training())


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
