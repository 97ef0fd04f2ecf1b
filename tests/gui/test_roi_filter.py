"""Which ROIs pass a filter, without a window."""

import numpy as np
import pandas as pd
import pytest

from napari_celltype.gui.roi_filter import RoiFilter, names_in


@pytest.fixture
def features():
    nan = np.nan
    return pd.DataFrame(
        {
            "roi_id": np.arange(6),
            "group": ["IN", "unsure", "PY", "unsure", None, "IN"],
            "predicted": ["PV", "unsure", "PY", "unsure", None, "SOM"],
            "probability": [0.9, 0.4, 0.8, 0.6, nan, 0.7],
            "prediction_set": ["PV|SOM", "PY|PV", "PY", "VIP", None, "SOM"],
            "why_unsure": [None, "hidden", None, "too low", "no trace", None],
            "label": ["PV", None, "!PV", "IN", None, "not a soma"],
            "warnings": [None] * 6,
            "iscell": [True, False, True, True, False, True],
        }
    ).astype({"label": object})


def passed(features, **criteria):
    return np.flatnonzero(RoiFilter(**criteria).mask(features)).tolist()


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ({}, [0, 1, 2, 3, 4, 5]),
        ({"name": "PV"}, [0]),
        ({"name": "IN"}, [0, 5]),
        ({"name": "unsure"}, [1, 3]),
        ({"name_of": "label", "name": "IN"}, [0, 3]),
        ({"name_of": "label", "name": "!PV"}, [2]),
        ({"name_of": "label", "name": "not a soma"}, [5]),
        ({"least": 0.6, "most": 0.8}, [2, 3, 5]),
        ({"cell": True}, [0, 2, 3, 5]),
        ({"cell": False}, [1, 4]),
        ({"labelled": True}, [0, 2, 3, 5]),
        ({"labelled": False}, [1, 4]),
        ({"text": "2"}, [2]),
        ({"text": "pv"}, [0, 2]),
        ({"text": "pv|"}, [0]),
        ({"text": " Too low "}, [3]),
        ({"name": "IN", "cell": True, "least": 0.65}, [0, 5]),
    ],
)
def test_what_passes(features, criteria, expected):
    assert passed(features, **criteria) == expected


def test_what_is_about_predictions_is_set_aside_while_there_are_none(features):
    blind = features.assign(group=None, predicted=None, probability=np.nan)
    asked = RoiFilter(name="PV", least=0.9, labelled=True)
    assert asked.applied_to(features) == asked
    assert asked.applied_to(blind) == RoiFilter(labelled=True)
    by_label = RoiFilter(name_of="label", name="PV")
    assert by_label.applied_to(blind) == by_label
    assert np.flatnonzero(asked.mask(blind)).tolist() == [0, 2, 3, 5]


def test_only_a_filter_that_says_something_is_not_empty():
    assert not RoiFilter(text="  ").text_shown
    assert RoiFilter(cell=False).text_shown
    assert RoiFilter(name="PV", least=0.5, labelled=False).text_shown == (
        "predicted PV, probability 0.50 to 1.00, not labelled"
    )


def test_names_to_choose_from_hold_the_parents(features):
    assert names_in(features, "label") == ["IN", "PV", "!PV", "not a soma"]
    assert names_in(features, "predicted") == ["PY", "IN", "PV", "SOM", "unsure"]
