"""The table of the design and the sentences about it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_celltype.labels import Targets, TraceSet
from napari_celltype.protocol.evaluation import DesignRow, describe_design

INSEPARABLE = "Type and animal cannot be separated in these data."


def design_of(labels, **columns):
    traces = TraceSet(np.zeros((len(labels), 2)), np.asarray(labels, str), **columns)
    return describe_design(traces, Targets.of(traces.labels))


def test_units_are_counted_per_type(small_traces, small_targets):
    design = describe_design(small_traces, small_targets)
    assert [row.label for row in design.rows] == ["PV", "PY", "SOM", "VIP"]
    assert design.rows[1] == DesignRow("PY", 24, 12, 8, 4, 1)


def test_parents_and_negations_have_rows_of_their_own():
    design = design_of(["PV", "SOM", "PY", "IN", "!PV"])
    assert [(r.label, r.examples) for r in design.rows] == [
        ("PV", 1),
        ("PY", 1),
        ("SOM", 1),
        ("!PV", 1),
        ("IN", 1),
    ]
    assert any("1 !PV, 1 IN" in sentence for sentence in design.sentences)


def test_predictions_are_not_counted():
    design = design_of(
        ["PV", "PV", "PY"], label_source=["manual", "prediction", "redcell"]
    )
    assert design.rows[0].examples == 1
    assert design.sentences[-1] == (
        "Labels accepted from predictions (1) only train and are never tested on."
    )


@pytest.mark.parametrize("one_type", [True, False])
def test_animals_that_hold_one_type_each_are_called_inseparable(make_traces, one_type):
    traces = make_traces(one_type_per_subject=one_type)
    design = describe_design(traces, Targets.of(traces.labels))
    assert design.separable is not one_type
    shares = {"subjects": one_type, "sessions": one_type, "lines": 1}
    assert design.exclusive == shares
    assert (INSEPARABLE in design.sentences) is one_type


def test_a_few_animals_with_one_type_are_counted():
    design = design_of(["PV", "PY", "PV", "PY"], subject_id=["a", "a", "b", "c"])
    assert design.separable is True
    assert design.exclusive["subjects"] == pytest.approx(2 / 3)
    assert any(s.startswith("2 of 3 animals hold one type") for s in design.sentences)


def test_unknown_animals_are_said_to_be_unknown(small_traces, small_targets):
    traces = replace(small_traces, subject_id=None)
    design = describe_design(traces, small_targets)
    assert design.separable is None
    assert design.exclusive["subjects"] is None
    assert design.rows[0].subjects is None
    assert any(s.startswith("No animal is given") for s in design.sentences)
