"""Shares of the types: given, assumed, and the choices of the window."""

from dataclasses import replace

import numpy as np
import pytest

from napari_celltype.answers import prevalence_choices
from napari_celltype.answers.shares import reweigh, share_text
from napari_celltype.celltypes import prior_shares
from napari_celltype.errors import LabelError

CLASSES = ("PY", "PV", "SOM", "VIP")


def test_a_parents_share_is_divided_among_its_children_and_the_rest_goes_to_others():
    assert prior_shares({"IN": 0.3}, CLASSES) == pytest.approx(
        {"PY": 0.7, "PV": 0.1, "SOM": 0.1, "VIP": 0.1}
    )
    assert prior_shares({"pyramidal": 1.0}, CLASSES)["PY"] == 1.0


@pytest.mark.parametrize(
    ("prior", "sentence"),
    [
        ({"IN": 0.5, "PV": 0.1}, "twice"),
        ({"IN": 1.2}, "between 0 and 1"),
        ({"IN": float("nan")}, "between 0 and 1"),
        ({"PY": 0.5, "IN": 0.4}, "add up to"),
        ({"PY": 0.8, "PV": 0.4}, "add up to"),
        ({"glia": 0.5}, "'glia', which is none of the types"),
        ({"!PV": 0.5}, "'!PV', which is none of the types"),
    ],
)
def test_an_impossible_prior_is_refused_with_a_sentence(prior, sentence):
    with pytest.raises(LabelError, match=sentence):
        prior_shares(prior, CLASSES)


@pytest.mark.parametrize(
    ("row", "shares", "trained", "new"),
    [
        # Even odds between PY and PV; PV nine times rarer than in training.
        ([0.5, 0.5], [0.9, 0.1], [0.5, 0.5], [0.9, 0.1]),
        ([0.9, 0.1], [0.5, 0.5], [0.9, 0.1], [0.5, 0.5]),
        # Types that are left share what an excluded type had.
        ([0.0, 0.0, 1.0], [0.75, 0.25, 0.0], [0.5, 0.25, 0.25], [0.6, 0.4, 0.0]),
        ([np.nan] * 2, [1.0, 0.0], [0.5, 0.5], [np.nan] * 2),
    ],
)
def test_reweighing_is_bayes_rule(row, shares, trained, new):
    np.testing.assert_allclose(reweigh(np.array([row]), shares, trained), [new])


def test_types_are_told_where_they_are_not_equally_common():
    even = {"PY": 0.4, "PV": 0.2, "SOM": 0.2, "VIP": 0.2}
    assert share_text(even) == "PY 40 %, IN 60 %"
    line = {"PY": 0.0, "PV": 1.0, "SOM": 0.0, "VIP": 0.0}
    assert share_text(line) == "PY 0 %, IN 100 % (PV 100 %, SOM 0 %, VIP 0 %)"


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
    assert labels == ["As in the model's card", "PV line only", "SOM line only"]
