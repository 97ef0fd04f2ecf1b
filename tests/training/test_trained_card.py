"""What is said of a model that was trained: its score, and what it compares with."""

from pathlib import Path

import numpy as np
import pytest

from napari_celltype.protocol.metrics import Interval
from napari_celltype.training.train import Trained
from napari_celltype.training.trained_card import model_name
from napari_celltype.training.validation import Validation


def trained(score, probe, interval=(float("nan"), float("nan"))):
    validation = Validation(
        "by-subject",
        20,
        Interval(score, *interval, "animals", 6),
        0.5,
        probe,
        ("PV", "PY", "VIP"),
        np.array([[8, 2, 0], [4, 6, 0], [0, 0, 0]]),
    )
    rows = tuple({"epoch": n} for n in (1, 2, 3))
    return Trained(
        Path("m"), None, "", (), "Held out and scored: 20 cells.", validation, rows, 2
    )


def test_a_score_stands_beside_chance_probe_interval_and_number_of_cells():
    said = trained(0.7, ("skewness", 0.6), (0.55, 0.85)).summary()
    assert said[0] == (
        "Balanced accuracy 0.70 on 20 cells that were held out (95 % interval 0.55 to "
        "0.85, over 6 animals); chance 0.50, the best single number (skewness) 0.60."
    )
    assert "Right: PV 8 of 10, PY 6 of 10." in said
    assert any("Epoch 2 of 3 was kept" in line and "flatters" in line for line in said)
    assert "Trained but not tested: VIP." in said


@pytest.mark.parametrize(
    ("score", "probe", "better"),
    [(0.7, ("noise", 0.6), True), (0.6, ("noise", 0.6), False), (0.4, None, False)],
)
def test_a_score_that_beats_nothing_is_called_so(score, probe, better):
    said = trained(score, probe).summary()
    assert ("no better" not in " ".join(said)) is better
    assert "too few for an interval: 6 animals" in said[0]


def test_a_name_can_be_typed_in_a_terminal():
    assert model_name(" my best model! ") == "my-best-model"
    assert model_name("///") == "model"
