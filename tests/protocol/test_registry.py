"""A further network: one class and one line of the registry."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_celltype.errors import LabelError
from napari_celltype.labels import Targets
from napari_celltype.models import NETWORKS
from napari_celltype.models.networks import RecurrentNetwork
from napari_celltype.protocol.experiment import COMPARED, ExperimentData
from napari_celltype.protocol.experiments import (
    PAPER_EXPERIMENTS,
    PAPER_NETWORKS,
    Training,
    evaluate_experiment,
    plan,
)
from napari_celltype.protocol.paper_numbers import printed_accuracy
from napari_celltype.protocol.splits import PaperProtocol
from napari_celltype.protocol.work import perform

PROTOCOL = PaperProtocol(n_splits=2)


class Toy(RecurrentNetwork):
    """A network of three time steps."""

    def __init__(self, n_frames, n_classes, *, timesteps=3):
        super().__init__(n_frames, n_classes, timesteps=timesteps)
        self.settings = {"timesteps": timesteps}


@pytest.fixture
def data(small_traces):
    return ExperimentData(
        small_traces,
        Targets.of(small_traces.labels),
        new=small_traces,
        new_targets=Targets.of(small_traces.labels),
    )


@pytest.fixture
def toy(monkeypatch):
    monkeypatch.setitem(NETWORKS, "toy", f"{__name__}:Toy")


def test_all_networks_and_the_features_are_compared_by_default():
    assert set(COMPARED) == {*NETWORKS, "features"}


@pytest.mark.usefixtures("toy")
def test_it_trains_and_answers_in_an_evaluation(data):
    training = Training(epochs=1, device="cpu")
    experiment = evaluate_experiment(data, ["toy"], PROTOCOL, training)
    outcome = perform(plan(experiment, data, PROTOCOL)[0], data, threads=1)
    assert (outcome.condition, len(outcome.history)) == ("toy", 1)
    # As every network it is shown surrogates.
    assert outcome.surrogates
    assert np.isin(outcome.guess, range(4)).all()


def test_without_its_line_it_is_refused(data):
    with pytest.raises(LabelError, match="'toy' is not known"):
        evaluate_experiment(data, ["toy"], PROTOCOL, Training())


@pytest.mark.usefixtures("toy")
def test_it_has_a_row_of_table_1_with_its_counterparts(data):
    made = PAPER_EXPERIMENTS["table1"](data, PROTOCOL, Training())
    own = [one for one in made.conditions if one.classifier == "toy"]
    names = ["toy", "toy, shuffled labels", "toy (by-subject)"]
    assert [one.name for one in own] == names
    assert {tuple(one.parameters) for one in own} == {("epochs",)}


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize("table", ["table3", "table5", "new-dataset"])
def test_it_stands_where_size_length_or_data_vary(table, data):
    made = PAPER_EXPERIMENTS[table](data, PROTOCOL, Training())
    assert {*PAPER_NETWORKS, "toy"} <= {one.classifier for one in made.conditions}


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize("table", ["table2", "table4", "epochs", "fig3"])
def test_what_the_paper_shows_of_its_own_stays_as_it_is(table, data):
    alone = replace(data, new=None, new_targets=None)
    made = PAPER_EXPERIMENTS[table](alone, PROTOCOL, Training())
    assert "toy" not in {one.classifier for one in made.conditions}


def test_no_number_of_the_paper_stands_beside_it():
    assert printed_accuracy("toy", {"epochs": 20}, "paper") is None
    assert all(printed_accuracy(n, {"epochs": 20}, "paper") for n in PAPER_NETWORKS)
