"""The frame rate that is shown with three decimals, and the one that counts."""

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_celltype.recording import FROM_SUITE2P, UNCONFIRMED, Recording

pytestmark = pytest.mark.gui

RATE = 29.9970003


@pytest.fixture
def box(qtbot):
    from napari_celltype.gui.classify.boxes import FrameRateBox

    made = FrameRateBox()
    qtbot.addWidget(made)
    return made


def recording(source):
    return Recording(
        raw_traces=np.zeros((3, 10), np.float32),
        sampling_frequency=RATE,
        sampling_frequency_source=source,
    )


@pytest.fixture
def rates(box):
    found = []
    box.confirmed.connect(found.append)
    return found


def test_a_known_rate_with_many_digits_needs_no_word(box):
    box.show_recording(recording(FROM_SUITE2P))
    assert not box.button.isEnabled()


def test_a_rate_that_was_not_edited_is_confirmed_with_all_its_digits(box, rates):
    box.show_recording(recording(UNCONFIRMED))
    box.button.click()
    assert rates == [RATE]


@pytest.mark.parametrize("text", ["29.998", "29.997"])
def test_a_rate_that_was_typed_is_taken_as_it_is_shown(box, rates, qtbot, text):
    box.show_recording(recording(FROM_SUITE2P))
    box.number.lineEdit().selectAll()
    qtbot.keyClicks(box.number.lineEdit(), text)
    assert box.button.isEnabled()
    qtbot.keyClick(box.number.lineEdit(), Qt.Key.Key_Return)
    assert rates == [RATE if text == "29.997" else float(text)]


@pytest.mark.parametrize("act", ["0", "wheel"])
def test_neither_a_wheel_nor_an_empty_number_changes_a_rate(box, rates, qtbot, act):
    box.show_recording(recording(FROM_SUITE2P))
    if act == "wheel":
        box.number.stepUp()
    else:
        box.number.lineEdit().selectAll()
        qtbot.keyClicks(box.number.lineEdit(), act)
        qtbot.keyClick(box.number.lineEdit(), Qt.Key.Key_Return)
    assert box.number.value() == 29.997
    assert not rates
