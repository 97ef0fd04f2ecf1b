"""Forms that are built from a request."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_celltype.answers import ClassifyRequest
from napari_celltype.export import ExportRequest, FigureOptions, NwbSession
from napari_celltype.gui.forms import Form
from napari_celltype.parameters import parameters
from napari_celltype.training import TrainRequest

TRAINED = ("architecture", "epochs", "validation", "device")


@pytest.fixture
def form(qtbot):
    def make(request, names, **more):
        made = Form(request, names, **more)
        qtbot.addWidget(made)
        return made

    return make


@pytest.mark.parametrize("request_", [FigureOptions, NwbSession])
def test_a_form_begins_with_the_defaults_of_its_request(form, request_):
    assert form(request_, list(parameters(request_))).request() == request_()


def test_every_control_says_what_it_is(form):
    made = form(TrainRequest, TRAINED)
    for name in TRAINED:
        assert made.native(name).toolTip() == parameters(TrainRequest)[name].about


def test_what_is_chosen_is_told_and_goes_into_the_request(form, qtbot):
    made = form(TrainRequest, TRAINED)
    with qtbot.waitSignal(made.changed):
        made.native("epochs").setValue(7)
    box = made.native("validation")
    box.setCurrentIndex(box.findText("whole animals"))
    request = made.request(data=Path("d"), output=Path("m"))
    assert (request.epochs, request.validation) == (7, "subject")


def test_a_control_without_a_say_shows_what_is_used_instead(form):
    made = form(TrainRequest, TRAINED)
    made.show_values({"architecture": "rnn"})
    made.fix({"architecture": "lstm"}, "the base has it")
    made.fix({"architecture": "cnn"}, "the base has it")
    assert made.value("architecture") == "cnn"
    assert not made.native("architecture").isEnabled()
    assert "Off: the base has it" in made.native("architecture").toolTip()
    made.release(["architecture"])
    assert made.value("architecture") == "rnn"
    assert made.native("architecture").isEnabled()


def test_other_choices_keep_the_one_that_is_chosen(form):
    made = form(TrainRequest, ["base"], choices={"base": {"": "scratch"}})
    assert made.value("base") is None
    made.offer("base", {"": "scratch", "cnn": "CNN", "mine": "mine"})
    made.show_values({"base": "mine"})
    made.offer("base", {"mine": "mine", "": "scratch"})
    assert made.value("base") == "mine"
    made.offer("base", {"": "scratch"})
    assert made.value("base") is None


def test_a_word_or_a_number(form):
    made = form(ClassifyRequest, ["neuropil"])
    assert made.value("neuropil") == "model"
    made.show_values({"neuropil": 0.5})
    assert made.value("neuropil") == 0.5
    made.show_values({"neuropil": "none"})
    assert made.request().neuropil == "none"


def test_a_path_that_nobody_chose_is_none(form):
    made = form(ExportRequest, ["existing"])
    assert made.value("existing") is None
    made.control("existing").line.native.setText("a.nwb")
    assert made.value("existing") == Path("a.nwb")
