"""Sorting and filtering of the tables of the window, without a window."""

import numpy as np
import pandas as pd
import pytest
from qtpy.QtCore import Qt

from napari_celltype.gui.table_model import TableModel

FRAME = pd.DataFrame(
    {
        "ROI": np.arange(5),
        "Type": ["PV", "unsure", "PY", "PV", None],
        "Probability": [0.9, 0.4, 0.8, 0.6, np.nan],
        "suite2p cell": [True, False, True, True, False],
    }
)


@pytest.fixture
def table():
    model = TableModel()
    model.show(FRAME)
    return model


def items(table):
    return table.items(range(table.rowCount()))


def test_only_rows_that_are_to_be_shown_are_there(table):
    assert items(table) == [0, 1, 2, 3, 4]
    table.set_shown(np.array([True, False, False, True, True]))
    assert items(table) == [0, 3, 4]
    assert table.rows_of([4, 1, 0, 9]).tolist() == [0, 2]
    table.show(None)
    assert (table.rowCount(), table.columnCount()) == (0, 0)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (Qt.SortOrder.AscendingOrder, [1, 3, 2, 0, 4]),
        (Qt.SortOrder.DescendingOrder, [0, 2, 3, 1, 4]),
    ],
)
def test_what_has_no_number_is_sorted_last(table, order, expected):
    table.sort(2, order)
    assert items(table) == expected
    # The order holds when the content changes.
    table.show(FRAME.assign(Probability=1 - FRAME["Probability"]))
    assert items(table) == [*expected[-2::-1], 4]


def test_values_are_shown_as_one_reads_them(table):
    texts = [[table.index(row, column).data() for column in range(4)] for row in (0, 4)]
    assert texts == [["0", "PV", "0.90", "yes"], ["4", "", "", ""]]
    right = Qt.ItemDataRole.TextAlignmentRole
    aligned = [table.index(0, column).data(right) for column in range(3)]
    assert [value is not None for value in aligned] == [True, False, True]
    # No wider than its cells need.
    assert table.headerData(3, Qt.Orientation.Horizontal) == "suite2p\ncell"


def test_a_tip_repeats_heading_and_text(table):
    tip = Qt.ItemDataRole.ToolTipRole
    table.sort(2)
    assert table.index(0, 1).data(tip) == "Type: unsure"
