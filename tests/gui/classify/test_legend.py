"""What the legend says about a model's answer."""

from __future__ import annotations

import pytest

pytest.importorskip("qtpy.QtWidgets")
from napari_celltype.gui.counts import Counts

from napari_celltype.celltypes import DEFAULT_TYPES
from napari_celltype.gui.classify.legend import Legend

pytestmark = pytest.mark.gui

COUNTS = Counts(
    {"PY": 2, "IN": 1, "unsure": 0}, {"PY": 2, "PV": 1, "unsure": 0}, {"too weak": 1}
)


@pytest.fixture
def legend(qtbot):
    legend = Legend()
    qtbot.addWidget(legend)
    return legend


def show(legend, counts=COUNTS, unproven=(), notes=()):
    legend.show_counts(
        counts, DEFAULT_TYPES, colored_by="type", unproven=unproven, notes=notes
    )


def test_groups_stand_before_types(legend):
    show(legend)
    assert legend.text.index("interneuron: 1") < legend.text.index("PV: 1")


@pytest.mark.parametrize("unproven", [frozenset({"PV"}), frozenset()])
def test_unproven_types_and_no_others_are_marked(legend, unproven):
    legend.show_counts(
        COUNTS, DEFAULT_TYPES, colored_by="type", unproven=unproven, notes=()
    )
    assert ("PV: 1 ⚠" in legend.text) == bool(unproven)
    assert ("unproven on real cells" in legend.text) == bool(unproven)
    assert "PY: 2 ⚠" not in legend.text


def test_notes_stand_below_the_counts(legend):
    legend.show_counts(
        COUNTS,
        DEFAULT_TYPES,
        colored_by="type",
        unproven=(),
        notes=("1 unsure: too weak",),
    )
    assert legend.text.endswith("1 unsure: too weak")


def test_a_class_that_only_a_users_model_knows_has_a_line(legend):
    counts = Counts({"IN": 1, "unsure": 0}, {"NDNF": 1, "unsure": 0}, {})
    show(legend, counts)
    assert "NDNF: 1" in legend.text
