"""The frame rate and how common the types are, as they are typed and chosen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_celltype.answers.shares import prevalence_choices
from napari_celltype.gui.classify.boxes import FrameRateBox, PrevalenceBox
from napari_celltype.recording import UNCONFIRMED, Recording
from napari_celltype.recording.recording import FROM_SUITE2P

RATE = 29.9970003


@pytest.fixture
def rate_box(qtbot):
    box = FrameRateBox()
    qtbot.addWidget(box)
    box.rates = []
    box.confirmed.connect(box.rates.append)
    return box


def show(box, source):
    traces = np.zeros((3, 10), np.float32)
    box.show_recording(
        Recording(traces, sampling_frequency=RATE, sampling_frequency_source=source)
    )


def test_a_rate_that_was_not_edited_is_confirmed_with_all_its_digits(rate_box):
    show(rate_box, FROM_SUITE2P)
    assert not rate_box.button.isEnabled()
    show(rate_box, UNCONFIRMED)
    rate_box.button.click()
    assert rate_box.rates == [RATE]


@pytest.mark.parametrize(
    ("text", "rates"), [("29.998", [29.998]), ("29.997", [RATE]), ("0", [])]
)
def test_a_rate_that_was_typed_is_taken_as_it_is_shown(rate_box, qtbot, text, rates):
    show(rate_box, FROM_SUITE2P)
    number = rate_box.number
    number.stepUp()  # as a wheel does that passes
    number.lineEdit().selectAll()
    qtbot.keyClicks(number.lineEdit(), text)
    assert rate_box.button.isEnabled()
    qtbot.keyClick(number.lineEdit(), Qt.Key.Key_Return)
    assert rate_box.rates == rates
    assert number.value() == round(rates[0] if rates else RATE, 3)
    # Nothing is left to confirm where the rate stays as it was.
    assert rate_box.button.isEnabled() == (text == "29.998")


@pytest.fixture
def box(qtbot, quick_card):
    box = PrevalenceBox()
    qtbot.addWidget(box)
    box.show_choices(prevalence_choices(quick_card))
    return box


def choose(box, words):
    texts = [box.choice.itemText(i) for i in range(box.choice.count())]
    box.choice.setCurrentIndex(next(i for i, t in enumerate(texts) if words in t))


def test_the_card_is_believed_until_the_user_chooses(box):
    assert box.value is None
    choose(box, "All neurons")
    assert box.value == {"IN": 0.11}
    assert "Bezaire" in box.choice.toolTip()
    assert box.percent.isHidden()
    choose(box, "PV line")
    assert box.value == {"PV": 1.0}


def test_a_stated_share_is_given_in_percent(box, qtbot):
    choose(box, "Share of IN")
    assert not box.percent.isHidden()
    with qtbot.waitSignal(box.changed) as changed:
        box.percent.setValue(25.0)
    assert changed.args == [{"IN": 0.25}]


def test_a_choice_stays_for_another_model_that_has_it(box, quick_card, qtbot):
    other = prevalence_choices(replace(quick_card, classes=("PY", "PV")))
    choose(box, "PV line")
    box.show_choices(other)
    assert box.value == {"PV": 1.0}
    box.show_choices(prevalence_choices(quick_card))
    choose(box, "VIP line")
    with qtbot.waitSignal(box.changed) as changed:
        box.show_choices(other)
    assert changed.args == [None]
