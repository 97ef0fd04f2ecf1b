"""What the legend says about a result."""

from __future__ import annotations

from collections import Counter

import pytest

pytest.importorskip("qtpy.QtWidgets")

from qtpy.QtWidgets import QLabel

from napari_celltype.answers.summary import Called, Summary
from napari_celltype.celltypes import DEFAULT_TYPES
from napari_celltype.gui.classify.legend import Legend, legend_rows

pytestmark = pytest.mark.gui


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


def rows(found, labels=None, color_by="type"):
    return legend_rows(found, Counter(labels), DEFAULT_TYPES, color_by)


def text_of(widget):
    return "\n".join(label.text() for label in widget.findChildren(QLabel))


@pytest.fixture
def legend(qtbot):
    legend = Legend()
    qtbot.addWidget(legend)
    return legend


def test_a_row_has_code_name_and_count(legend):
    legend.show_result("cnn, 10 Hz, 14:32", rows(summary()), "of 19 about 15")
    assert legend.heading.text() == "cnn, 10 Hz, 14:32"
    assert text_of(legend).count("PY\npyramidal\n2\n") == 1
    assert legend.line.text() == "of 19 about 15"


@pytest.mark.parametrize(("proven", "times"), [(False, 1), (True, 0)])
def test_unproven_stands_once_beside_all_subtypes(legend, proven, times):
    legend.show_result("", rows(summary(proven=proven)))
    assert text_of(legend).count("unproven on real cells") == times


def test_groups_have_a_line_where_they_are_what_is_coloured():
    found = rows(summary(), color_by="group")
    assert [(row.code, row.count) for row in found] == [("PY", 2), ("IN", 1)]
    assert not any(row.unproven for row in found)


def test_grey_outlines_are_explained():
    why = {"below the minimum probability": 3, "no usable trace": 1}
    found = rows(summary(why=why))
    assert [(r.name, r.count) for r in found[-2:]] == [
        ("hidden", 3),
        ("no usable trace", 1),
    ]
    assert {row.shape for row in found[-2:]} == {"ring"}


def test_a_class_that_only_a_users_model_knows_has_a_line():
    assert rows(summary({"NDNF": 1}))[-1].code == "NDNF"


def test_thick_outlines_are_explained_and_own_types_named():
    tree = DEFAULT_TYPES.with_type("NDNF", color="#112233")
    found = legend_rows(summary(), Counter(PV=1, NDNF=1), tree, "type")
    assert [(r.shape, r.code, r.count) for r in found[-2:]] == [
        ("square", "NDNF", 1),
        ("square", "", 2),
    ]
    assert found[-2].color == "#112233"


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
