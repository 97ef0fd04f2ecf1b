"""The choice of how common the cell types are."""

from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("qtpy.QtWidgets")
from napari_celltype.answers.shares import prevalence_choices
from napari_celltype.gui.classify.boxes import PrevalenceBox

pytestmark = pytest.mark.gui


@pytest.fixture
def box(qtbot, quick_card):
    box = PrevalenceBox()
    qtbot.addWidget(box)
    box.show_choices(prevalence_choices(quick_card))
    return box


def choose(box, words):
    index = next(
        i for i in range(box.choice.count()) if words in box.choice.itemText(i)
    )
    box.choice.setCurrentIndex(index)


def test_the_card_is_believed_until_the_user_chooses(box):
    assert box.value is None
    choose(box, "All neurons")
    assert box.value == {"IN": 0.11}
    choose(box, "PV line")
    assert box.value == {"PV": 1.0}


def test_a_stated_share_is_given_in_percent(box, qtbot):
    choose(box, "Share of IN")
    assert not box.percent.isHidden()
    with qtbot.waitSignal(box.changed) as changed:
        box.percent.setValue(25.0)
    assert changed.args == [{"IN": 0.25}]


def test_every_choice_says_where_it_comes_from(box):
    choose(box, "All neurons")
    assert "Bezaire" in box.choice.toolTip()
    assert box.percent.isHidden()


def test_a_choice_that_another_model_lacks_is_given_up(box, quick_card, qtbot):
    choose(box, "VIP line")
    with qtbot.waitSignal(box.changed) as changed:
        box.show_choices(prevalence_choices(replace(quick_card, classes=("PY", "PV"))))
    assert changed.args == [None]


def test_a_choice_that_another_model_has_stays(box, quick_card):
    choose(box, "PV line")
    box.show_choices(prevalence_choices(replace(quick_card, classes=("PY", "PV"))))
    assert box.value == {"PV": 1.0}
