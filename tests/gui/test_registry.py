"""A network of the registry is offered by the docks."""

import pytest

from napari_celltype.gui.evaluate.evaluate_form import EvaluateForm
from napari_celltype.gui.train.train_form import TrainForm
from napari_celltype.models import NETWORKS


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    monkeypatch.setitem(NETWORKS, "toy", ".networks:RecurrentNetwork")


def test_it_can_be_trained(qtbot):
    form = TrainForm()
    qtbot.addWidget(form)
    assert form.native("architecture").findData("toy") >= 0


def test_it_can_be_evaluated(qtbot):
    form = EvaluateForm()
    qtbot.addWidget(form)
    form.classifiers["toy"].setChecked(True)
    assert "toy" in form.request().classifiers
