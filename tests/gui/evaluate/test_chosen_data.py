import shlex
from pathlib import Path

import napari_celltype as nct
from napari_celltype.gui.evaluate.chosen_data import ChosenData, command_line
from napari_celltype.labels import Reading
from napari_celltype.protocol.evaluate import ExperimentRequest
from napari_celltype.protocol.experiments import Training


def test_the_command_asks_for_the_same():
    request = ExperimentRequest(
        Path("my mice.csv"),
        folder=Path("run"),
        classifiers=("rnn", "svm-rbf"),
        protocol=nct.PaperProtocol(n_splits=3),
        training=Training(5, "auto", "trace"),
        reading=Reading(resample=10.0),
    )
    words = shlex.split(command_line(request))
    assert words[:3] == ["napari-celltype", "evaluate", "my mice.csv"]
    options = dict(zip(words[3::2], words[4::2], strict=True))
    assert options == {
        "--classifiers": "rnn,svm-rbf",
        "--splits": "3",
        "--split": "paper",
        "--seed": "0",
        "--normalization": "trace",
        "--epochs": "5",
        "--resample": "10.0",
        "-o": "run",
    }


def test_a_path_is_taken_as_it_is(tmp_path):
    chosen = ChosenData(path=tmp_path / "cells.npz")
    asked = chosen.asked(ExperimentRequest(""), tmp_path / "run")
    assert asked.data == tmp_path / "cells.npz"
    assert not (tmp_path / "run").exists()
    assert chosen.place == chosen.path
    assert ChosenData().place is None
