"""A network of the registry is offered by the docks."""

from napari_celltype.gui.evaluate.evaluate_form import EvaluateForm
from napari_celltype.gui.train.train_form import TrainForm
from napari_celltype.models import NETWORKS


def test_a_new_network_can_be_trained_and_evaluated(qtbot, monkeypatch):
    monkeypatch.setitem(NETWORKS, "toy", ".networks:RecurrentNetwork")
    train, evaluate = TrainForm(), EvaluateForm()
    for form in (train, evaluate):
        qtbot.addWidget(form)
    assert train.native("architecture").findData("toy") >= 0
    evaluate.classifiers["toy"].setChecked(True)
    assert "toy" in evaluate.request().classifiers
