from __future__ import annotations

import dataclasses

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
