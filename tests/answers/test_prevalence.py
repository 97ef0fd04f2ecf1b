from dataclasses import replace

import pytest

from napari_celltype.answers import prevalence_choices
from napari_celltype.answers.shares import prior_shares


@pytest.fixture
def card(make_predictions):
    return make_predictions([[0.25] * 4]).card


def test_the_cards_assumption_stands_first_and_says_that_it_is_one(card):
    first = prevalence_choices(card)[0]
    assert first.prior is None
    assert "PY 50 %, IN 50 %" in first.note
    assert "assumption" in first.note


def test_all_neurons_of_ca1_are_one_in_nine_interneurons(card):
    (ca1,) = [c for c in prevalence_choices(card) if "CA1" in c.label]
    assert ca1.prior == {"IN": 0.11}
    assert "Bezaire and Soltesz 2013" in ca1.note


def test_each_interneuron_type_can_be_the_only_one_and_the_line_says_so(card):
    lines = [c for c in prevalence_choices(card) if "line" in c.label]
    assert [c.prior for c in lines] == [{"PV": 1.0}, {"SOM": 1.0}, {"VIP": 1.0}]
    assert all("by the line, not by the trace" in c.note for c in lines)


def test_a_share_can_be_stated(card):
    last = prevalence_choices(card)[-1]
    assert last.is_stated
    assert last.stating(0.3).prior == {"IN": 0.3}


def test_every_choice_fits_the_model(card):
    for choice in prevalence_choices(card):
        shares = prior_shares(choice.prior or {}, card.classes)
        assert sum(shares.values()) == pytest.approx(1)


def test_a_model_of_interneurons_only_is_not_asked_for_their_share(card):
    finer = replace(card, classes=("PV", "SOM"), assumed_shares=None)
    labels = [c.label for c in prevalence_choices(finer)]
    assert labels == ["As the model's card assumes", "PV line only", "SOM line only"]
