import numpy as np
import pytest

from napari_celltype.errors import LabelError
from napari_celltype.workflows.decisions import (
    decide,
    prediction_sets,
    prior_shares,
    reweigh,
)

CLASSES = ("PY", "PV", "SOM", "VIP")


def test_a_type_is_named_at_the_threshold_and_unsure_below_it():
    said = decide(np.array([[0.7, 0.1, 0.1, 0.1], [0.6, 0.2, 0.1, 0.1]]), CLASSES, 0.7)
    assert said.predicted == ["PY", "unsure"]
    assert said.best_guess == ["PY", "PY"]


def test_the_group_is_named_although_its_type_is_unsure():
    said = decide(np.array([[0.1, 0.3, 0.3, 0.3]]), CLASSES, 0.7)
    assert said.predicted == ["unsure"]
    assert said.group == ["IN"]
    assert said.p_in == pytest.approx([0.9])


def test_threshold_zero_names_every_roi():
    said = decide(np.array([[0.25, 0.25, 0.25, 0.25]]), CLASSES, 0.0)
    assert "unsure" not in (*said.predicted, *said.group)


def test_a_roi_without_a_usable_trace_is_unsure_and_has_the_assumed_shares():
    shares = {"PY": 0.1, "PV": 0.3, "SOM": 0.3, "VIP": 0.3}
    said = decide(np.full((1, 4), np.nan), CLASSES, 0.0, shares)
    assert (said.predicted, said.group) == (["unsure"], ["unsure"])
    np.testing.assert_allclose(said.probabilities, [[0.1, 0.3, 0.3, 0.3]])


def test_a_parents_share_is_divided_among_its_children_and_the_rest_goes_to_others():
    assert prior_shares({"IN": 0.3}, CLASSES) == pytest.approx(
        {"PY": 0.7, "PV": 0.1, "SOM": 0.1, "VIP": 0.1}
    )


def test_prior_names_may_be_aliases():
    assert prior_shares({"pyramidal": 1.0}, CLASSES)["PY"] == 1.0


@pytest.mark.parametrize(
    ("prior", "sentence"),
    [
        ({"IN": 0.5, "PV": 0.1}, "twice"),
        ({"IN": 1.2}, "between 0 and 1"),
        ({"IN": float("nan")}, "between 0 and 1"),
        ({"PY": 0.5, "IN": 0.4}, "add up to"),
        ({"PY": 0.8, "PV": 0.4}, "add up to"),
        ({"glia": 0.5}, "not a known cell type"),
        ({"!PV": 0.5}, "no class of this model"),
    ],
)
def test_an_impossible_prior_is_refused_with_a_sentence(prior, sentence):
    with pytest.raises(LabelError, match=sentence):
        prior_shares(prior, CLASSES)


def test_reweighing_is_bayes_rule():
    # Even odds between PY and PV; PV nine times rarer than in training.
    new = reweigh(np.array([[0.5, 0.5]]), [0.9, 0.1], [0.5, 0.5])
    np.testing.assert_allclose(new, [[0.9, 0.1]])


def test_reweighing_takes_the_training_shares_into_account():
    new = reweigh(np.array([[0.9, 0.1]]), [0.5, 0.5], [0.9, 0.1])
    np.testing.assert_allclose(new, [[0.5, 0.5]])


def test_a_roi_whose_only_type_is_excluded_has_nothing_left_to_say():
    assert np.isnan(reweigh(np.array([[0.0, 1.0]]), [1.0, 0.0], [0.5, 0.5])).all()


def test_a_users_own_type_counts_as_an_interneuron():
    said = decide(np.array([[0.2, 0.8]]), ("PY", "CCK"), 0.5)
    assert (said.predicted, said.group) == (["CCK"], ["IN"])
    assert said.p_in == pytest.approx([0.8])


def test_a_prediction_set_holds_every_type_at_its_own_threshold():
    limits = {"PY": 0.5, "PV": 0.2, "SOM": 0.2, "VIP": 0.2}
    sets = prediction_sets(np.array([[0.4, 0.3, 0.25, 0.05]]), CLASSES, limits)
    assert sets == ["PY|PV|SOM"]
