"""Sorting and filtering of the table of ROIs, without a window."""

import numpy as np
import pytest

pytest.importorskip("qtpy.QtCore")

from qtpy.QtCore import Qt

from napari_celltype.gui.roi_table import RoiTable

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


def test_text_filters_by_type(table):
    table.set_filter("pv", False)
    assert rows(table) == [0, 3]


def test_a_number_filters_by_roi(table):
    table.set_filter("2", False)
    assert rows(table) == [2]


def test_prediction_sets_are_found_by_a_set(table):
    sets = np.array(["PV|SOM", "PY|PV", "PY", "PV", ""], dtype=object)
    table.show({**COLUMNS, "Prediction set": sets})
    table.set_filter("pv|", False)
    assert rows(table) == [0]
    table.set_filter("PV", False)
    assert rows(table) == [0, 3]


def test_why_a_roi_is_unsure_is_a_filter(table):
    why = np.array(["", "no usable trace", "", "", "type below"], dtype=object)
    table.show({**COLUMNS, "Why unsure": why})
    table.set_filter("usable", False)
    assert rows(table) == [1]


def test_only_what_suite2p_calls_a_cell(table):
    table.set_filter("", True)
    assert rows(table) == [0, 2, 3]


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


def test_a_filtered_roi_has_no_row(table):
    table.set_filter("PV", False)
    assert table.row_of(2) is None
    assert table.row_of(3) == 1


def test_numbers_are_shown_with_two_digits(table):
    assert table.data(table.index(0, 2)) == "0.90"
    assert table.data(table.index(4, 2)) == ""
