"""The frame rate that is shown with three decimals, and the one that is told."""

import numpy as np
import pytest

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


def told(box):
    rates = []
    box.confirmed.connect(rates.append)
    box.confirm()
    return rates


def test_a_known_rate_with_many_digits_needs_no_word(box):
    box.show_recording(recording(FROM_SUITE2P))
    assert not box.button.isEnabled()


def test_a_rate_that_was_not_edited_is_confirmed_with_all_its_digits(box):
    box.show_recording(recording(UNCONFIRMED))
    assert told(box) == [RATE]


def test_a_rate_that_was_edited_is_told_as_it_is_shown(box):
    box.show_recording(recording(FROM_SUITE2P))
    box.number.setValue(29.998)
    assert box.button.isEnabled()
    assert told(box) == [29.998]
