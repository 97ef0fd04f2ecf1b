import numpy as np
import pytest

from napari_celltype.workflows.decisions import decide, prediction_sets
from napari_celltype.workflows.thresholds import NEVER, Thresholds

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


def test_a_users_own_type_counts_as_an_interneuron():
    said = decide(np.array([[0.2, 0.8]]), ("PY", "CCK"), 0.5)
    assert (said.predicted, said.group) == (["CCK"], ["IN"])
    assert said.p_in == pytest.approx([0.8])


def test_a_prediction_set_holds_every_type_at_its_own_threshold():
    limits = np.array([0.5, 0.2, 0.2, 0.2])
    sets = prediction_sets(np.array([[0.4, 0.3, 0.25, 0.05]]), CLASSES, limits)
    assert sets == ["PY|PV|SOM"]


def limits(types, py, in_):
    return Thresholds(
        np.array([types], dtype=float),
        {"PY": np.array([py], dtype=float), "IN": np.array([in_], dtype=float)},
    )


def test_each_type_has_a_threshold_of_its_own():
    posterior = np.array([[0.1, 0.8, 0.05, 0.05]])
    sure = decide(posterior, CLASSES, limits([0.9, 0.8, 0.9, 0.9], 0.9, 0.9))
    unsure = decide(posterior, CLASSES, limits([0.5, 0.81, 0.5, 0.5], 0.9, 0.9))
    assert (sure.predicted, unsure.predicted) == (["PV"], ["unsure"])


def test_the_group_has_a_threshold_of_its_own():
    posterior = np.array([[0.125, 0.375, 0.25, 0.25]])
    said = decide(posterior, CLASSES, limits([0.9] * 4, 0.875, 0.875))
    assert (said.group, said.predicted) == (["IN"], ["unsure"])
    said = decide(posterior, CLASSES, limits([0.9] * 4, 0.875, 0.88))
    assert (said.group, said.predicted) == (["unsure"], ["unsure"])


def test_no_type_is_named_outside_a_named_group():
    posterior = np.array([[0.1, 0.8, 0.05, 0.05]])
    said = decide(posterior, CLASSES, limits([0.5] * 4, 0.5, 0.95))
    assert (said.group, said.predicted) == (["unsure"], ["unsure"])


def test_no_type_is_named_outside_the_likelier_group():
    posterior = np.array([[0.4, 0.3, 0.2, 0.1]])
    said = decide(posterior, CLASSES, limits([0.4] * 4, 0.4, 0.5))
    assert (said.group, said.predicted) == (["IN"], ["unsure"])
    assert said.why_unsure == ["between PY and interneuron"]


@pytest.mark.parametrize(
    ("posterior", "thresholds", "reason"),
    [
        ([0.9, 0.1, 0, 0], limits([0.9] * 4, 0.9, 0.9), ""),
        ([np.nan] * 4, limits([0.5] * 4, 0.5, 0.5), "no usable trace"),
        (
            [0.6, 0.4, 0, 0],
            limits([0.5] * 4, 0.9, 0.9),
            "between PY and interneuron",
        ),
        ([0, 0.6, 0.4, 0], limits([0.7] * 4, 0.9, 0.9), "type below its threshold"),
        (
            [0, 1, 0, 0],
            limits([0.5, NEVER, 0.5, 0.5], 0.5, 0.5),
            "PV is never named by this model",
        ),
        (
            [0, 1, 0, 0],
            limits([0.5] * 4, 0.5, NEVER),
            "IN is never named by this model",
        ),
    ],
)
def test_an_unsure_roi_says_why(posterior, thresholds, reason):
    said = decide(np.array([posterior], dtype=float), CLASSES, thresholds)
    assert said.why_unsure == [reason]
    assert (said.predicted == ["unsure"]) == bool(reason)
