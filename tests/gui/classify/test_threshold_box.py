"""The threshold of `unsure` in the Classify dock."""

from __future__ import annotations

import pytest

pytest.importorskip("qtpy.QtWidgets")
from napari_celltype.gui.classify.threshold_box import ThresholdBox

pytestmark = pytest.mark.gui


@pytest.fixture
def box(qtbot):
    box = ThresholdBox()
    qtbot.addWidget(box)
    return box


def test_the_card_holds_at_first(box):
    assert box.threshold is None
    assert box.text() == "as the card says"


def test_steps_lead_from_the_card_to_zero_and_back(box, qtbot):
    with qtbot.waitSignal(box.changed) as told:
        box.stepUp()
    assert told.args == [0.0]
    box.stepDown()
    assert box.threshold is None
