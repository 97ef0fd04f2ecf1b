from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from napari_celltype.errors import LabelError
from napari_celltype.labels import Label, LabelTable


def test_two_rows_for_one_roi_are_refused():
    with pytest.raises(LabelError, match="ROI 2 has two rows"):
        LabelTable((Label(2, "PV"), Label(2, "PY")))


def test_a_predicted_label_is_never_ground_truth():
    label = Label(0, "PV")
    assert label.is_ground_truth
    assert not dataclasses.replace(label, source="prediction").is_ground_truth
    assert not dataclasses.replace(label, label="").is_ground_truth


def test_a_row_that_names_the_plane_goes_before_one_that_names_none():
    table = LabelTable((Label(3, "PV"), Label(3, "SOM", plane=0)))
    assert [r.label for r in table.for_plane(0)] == ["SOM"]
    assert [r.label for r in table.for_plane(1)] == ["PV"]


# ROIs 2 and 3 were merged into 6, then 6 and 4 into 7.
MERGED = np.array([-1, -1, 6, 6, 7, -1, 7, -1])
PV = Label(2, "PV", 0, "histology", cell_id="m1-7")


@pytest.mark.parametrize(
    "given",
    [
        [PV, Label(3, "PV", 0), Label(4, "PV", 0)],
        [Label(3, "PY", 0, "prediction"), PV],
        [dataclasses.replace(PV, roi_id=6)],
        [Label(7, "", 0, cell_id="m1-7"), dataclasses.replace(PV, cell_id="")],
    ],
)
def test_labels_of_parts_go_to_the_merged_roi(given):
    other = Label(5, "PY", 0)
    table = LabelTable((*given, other)).on_merged(MERGED)
    assert table.rows == (other, dataclasses.replace(PV, roi_id=7))
    assert "is that of ROI 7 now" in table.warnings[0]


def test_parts_that_contradict_each_other_are_asked_about():
    table = LabelTable((PV, Label(3, "SOM", 0, "histology")))
    merged = table.on_merged(MERGED)
    assert merged.rows == table.rows
    assert "different labels (2 PV, 3 SOM); label ROI 7" in merged.warnings[0]


def test_a_merged_roi_keeps_its_own_label():
    table = LabelTable((PV, Label(7, "SOM", 0)))
    assert table.on_merged(MERGED) == table
    alone = LabelTable((Label(0, "PV", 0), Label(9, "PY", 0)))
    assert alone.on_merged(MERGED) == alone


def test_cells_of_parts_are_kept():
    named = Label(3, "", 0, cell_id="a")
    unnamed = dataclasses.replace(PV, cell_id="")
    assert LabelTable((unnamed, named)).on_merged(MERGED).by_roi()[7].cell_id == "a"
    two = LabelTable((dataclasses.replace(PV, cell_id="b"), named))
    merged = two.on_merged(MERGED)
    assert merged.rows == two.rows
    assert "different cells (a, b)" in merged.warnings[0]
