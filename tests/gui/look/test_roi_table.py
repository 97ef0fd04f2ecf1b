"""Sorting and filtering of the table of ROIs, without a window."""

import numpy as np
import pytest

pytest.importorskip("qtpy.QtCore")

from qtpy.QtCore import Qt

from napari_celltype.gui.look.roi_table import RoiTable

COLUMNS = {
    "ROI": np.arange(5),
    "Type": np.array(["PV", "unsure", "PY", "PV", ""], dtype=object),
    "Probability": np.array([0.9, 0.4, 0.8, 0.6, np.nan]),
    "suite2p cell": np.array([True, False, True, True, False]),
}


@pytest.fixture
def table():
    model = RoiTable()
    model.show(COLUMNS)
    return model


def rows(table):
    return [table.roi_id(i) for i in range(table.rowCount())]


def test_all_rois_in_their_order(table):
    assert rows(table) == [0, 1, 2, 3, 4]


def test_only_rois_that_are_to_be_shown_have_a_row(table):
    table.set_shown(np.array([True, False, False, True, True]))
    assert rows(table) == [0, 3, 4]
    assert table.row_of(2) is None
    assert table.row_of(3) == 1
    assert table.rows_of([4, 1, 0]).tolist() == [0, 2]


@pytest.mark.gui
def test_a_shape_tells_prediction_guess_and_label_apart(table, qapp):
    words = np.array(["PV", "unsure", "", "PV", ""], dtype=object)
    table.show({"ROI": np.arange(5), "Type ⚠": words, "Label": words})

    def picture(row, column):
        found = table.data(table.index(row, column), Qt.ItemDataRole.DecorationRole)
        return None if found is None else found.toImage()

    named, unsure, label = picture(0, 1), picture(1, 1), picture(0, 2)
    middle = named.width() // 2
    assert named.pixelColor(middle, middle).alpha() == 255
    assert unsure.pixelColor(middle, middle).alpha() == 0
    assert label.pixelColor(middle, middle).alpha() == 0
    # A square has a corner where a ring has none.
    assert label.pixelColor(2, 2).alpha() > unsure.pixelColor(2, 2).alpha()
    assert picture(2, 1) is None


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (Qt.SortOrder.AscendingOrder, [1, 3, 2, 0, 4]),
        (Qt.SortOrder.DescendingOrder, [0, 2, 3, 1, 4]),
    ],
)
def test_what_has_no_number_is_sorted_last(table, order, expected):
    table.sort(2, order)
    assert rows(table) == expected


def test_the_order_holds_when_the_content_changes(table):
    table.sort(2, Qt.SortOrder.DescendingOrder)
    table.show({**COLUMNS, "Probability": COLUMNS["Probability"][::-1]})
    assert rows(table) == [4, 2, 1, 3, 0]


def test_numbers_are_shown_with_two_digits(table):
    assert table.data(table.index(0, 2)) == "0.90"
    assert table.data(table.index(4, 2)) == ""
