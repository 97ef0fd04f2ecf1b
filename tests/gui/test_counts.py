"""How many ROIs have each type and group."""

from dataclasses import replace

import numpy as np

from napari_celltype.gui.counts import count_rois
from napari_celltype.recording import Recording

ROWS = [[0.9, 0.05, 0.03, 0.02], [0.1, 0.4, 0.3, 0.2], [np.nan] * 4]


def recording(**more):
    return Recording(raw_traces=np.zeros((3, 10), np.float32), **more)


def counted(predictions, min_probability=0.5):
    return count_rois(predictions, predictions.decisions(min_probability))


def test_groups_and_types_are_counted_apart(make_predictions):
    counts = counted(make_predictions(recording(), ROWS))
    assert counts.groups == {"PY": 1, "IN": 1, "unsure": 1}
    assert counts.types == {"PY": 1, "PV": 0, "SOM": 0, "VIP": 0, "unsure": 2}


def test_parts_of_merged_rois_are_not_counted(make_predictions):
    merged = recording(merged_into=np.array([-1, -1, 1]))
    counts = counted(make_predictions(merged, ROWS))
    assert counts.groups["unsure"] == 0
    assert "no usable trace" not in counts.reasons


def test_the_counts_agree_with_the_table(make_predictions):
    rng = np.random.default_rng(0)
    many = Recording(
        raw_traces=np.zeros((200, 10), np.float32), sampling_frequency=10.0
    )
    predictions = make_predictions(many, rng.dirichlet([0.5] * 4, 200))
    table = predictions.table(0.7)
    counts = counted(predictions, 0.7)
    for column, expected in (("predicted", counts.types), ("group", counts.groups)):
        found = table[column].value_counts().to_dict()
        assert found == {name: n for name, n in expected.items() if n}


def test_a_users_own_type_is_an_interneuron(make_predictions):
    made = make_predictions(recording(), [[0.9, 0.1], [0.2, 0.8], [np.nan] * 2])
    counts = counted(
        replace(made, classes=("PY", "CCK"), shares={"PY": 0.5, "CCK": 0.5})
    )
    assert counts.groups == {"PY": 1, "IN": 1, "unsure": 1}
    assert counts.types == {"PY": 1, "CCK": 1, "unsure": 1}


def test_the_reasons_add_up_to_the_unsure_ones(make_predictions):
    counts = counted(make_predictions(recording(), ROWS))
    assert len(counts.reasons) == 2
    assert sum(counts.reasons.values()) == counts.types["unsure"]
