"""What the legend says about a result."""

from __future__ import annotations

from collections import Counter

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel

from napari_celltype.answers.summary import Called, Summary
from napari_celltype.celltypes import DEFAULT_TYPES, UNSURE_COLOR
from napari_celltype.gui.classify.legend import Legend, legend_rows


def summary(types=None, *, proven=False, why=None):
    types = types or {"PY": 2, "PV": 1, "SOM": 0}
    groups = {"PY": types.get("PY", 0), "IN": sum(types.values()) - types.get("PY", 0)}
    return Summary(
        n_rois=sum(types.values()),
        groups={name: Called(n) for name, n in groups.items()},
        types={name: Called(n) for name, n in types.items()},
        why_unsure=why or {},
        shares=({"PY": 0.5, "IN": 0.5},),
        shares_assumed=True,
        basis=(),
        subtypes_proven=proven,
    )


def rows(found, labels=None, by_group=False):
    return legend_rows(found, Counter(labels), DEFAULT_TYPES, by_group)


@pytest.fixture
def legend(qtbot):
    legend = Legend()
    qtbot.addWidget(legend)
    return legend


@pytest.mark.parametrize(("proven", "times"), [(False, 1), (True, 0)])
def test_a_row_has_code_name_and_count_and_unproven_stands_once(legend, proven, times):
    legend.show_result("cnn, 10 Hz", rows(summary(proven=proven)), "of 19 about 15")
    text = "\n".join(label.text() for label in legend.findChildren(QLabel))
    assert text.startswith("cnn, 10 Hz\nof 19 about 15\n")
    assert text.count("PY\npyramidal\n2\n") == 1
    assert text.count("unproven on real cells") == times


def test_groups_have_a_line_where_they_are_what_is_coloured():
    found = rows(summary(), by_group=True)
    assert [(r.code, r.count, r.unproven) for r in found] == [
        ("PY", 2, False),
        ("IN", 1, False),
    ]


def test_grey_outlines_are_explained():
    why = {"below the minimum probability": 3, "no usable trace": 1}
    found = rows(summary(why=why))[-2:]
    assert [(r.shape, r.name, r.count) for r in found] == [
        ("ring", "hidden", 3),
        ("ring", "no usable trace", 1),
    ]


def test_a_class_that_only_a_users_model_knows_has_a_line():
    assert rows(summary({"NDNF": 1}))[-1].code == "NDNF"


def test_names_of_types_are_text_and_no_markup(legend):
    name = "<img src='x.png'>"
    legend.show_result("", rows(None, {name: 2}))
    (label,) = (w for w in legend.findChildren(QLabel) if w.text() == name)
    assert label.textFormat() == Qt.TextFormat.PlainText


def test_thick_outlines_are_explained_and_own_types_named():
    tree = DEFAULT_TYPES.with_type("NDNF", color="#112233")
    found = legend_rows(summary(), Counter(PV=1, NDNF=1), tree, "type")[-2:]
    assert [(r.shape, r.color, r.code, r.count) for r in found] == [
        ("square", "#112233", "NDNF", 1),
        ("square", UNSURE_COLOR, "", 2),
    ]


def test_before_classifying_there_are_labels_only():
    found = rows(None, {"PV": 2})
    assert [(r.shape, r.code, r.count) for r in found] == [("square", "PV", 2)]


def test_details_wait_behind_their_button(legend):
    words = legend.details.words
    legend.show_result("", rows(summary()), "", ["All shares are assumed."])
    assert words.isHidden()
    legend.details.button.click()
    assert not words.isHidden()
    legend.show_result("", rows(summary()), "", ["One share is given."])
    assert not words.isHidden()  # the prevalence is being changed
    legend.show_result("", rows(None))
    assert words.isHidden()
