from napari_celltype.gui.evaluate.chosen_data import ChosenData
from napari_celltype.protocol.evaluate import ExperimentRequest


def test_a_path_is_taken_as_it_is(tmp_path):
    chosen = ChosenData(path=tmp_path / "cells.npz")
    asked = chosen.asked(ExperimentRequest(""), tmp_path / "run")
    assert asked.data == tmp_path / "cells.npz"
    assert not (tmp_path / "run").exists()
    assert chosen.place == chosen.path
    assert ChosenData().place is None
