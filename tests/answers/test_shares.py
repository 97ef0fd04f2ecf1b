import numpy as np
import pytest

from napari_celltype.answers.shares import prior_shares, reweigh, share_text
from napari_celltype.errors import LabelError

CLASSES = ("PY", "PV", "SOM", "VIP")


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


def test_types_that_are_left_share_what_an_excluded_type_had():
    new = reweigh(np.array([[0.0, 0.0, 1.0]]), [0.75, 0.25, 0.0], [0.5, 0.25, 0.25])
    np.testing.assert_allclose(new, [[0.6, 0.4, 0.0]])


def test_reweighing_leaves_rois_without_an_answer_without_one():
    assert np.isnan(reweigh(np.array([[np.nan] * 2]), [1.0, 0.0], [0.5, 0.5])).all()


def test_types_are_told_where_they_are_not_equally_common():
    even = {"PY": 0.4, "PV": 0.2, "SOM": 0.2, "VIP": 0.2}
    assert share_text(even) == "PY 40 %, IN 60 %"
    line = {"PY": 0.0, "PV": 1.0, "SOM": 0.0, "VIP": 0.0}
    assert share_text(line) == "PY 0 %, IN 100 % (PV 100 %, SOM 0 %, VIP 0 %)"
