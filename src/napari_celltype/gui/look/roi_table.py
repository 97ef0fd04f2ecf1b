"""The ROIs as a Qt table that sorts and filters 10,000 rows at once, with numpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt

from napari_celltype.answers.columns import ACCEPTED, find_column
from napari_celltype.celltypes import DEFAULT_TYPES, UNSURE, TypeTree
from napari_celltype.gui.opened import OpenRecording
from napari_celltype.gui.palette import Shape, color_of, mark
from napari_celltype.recording import RoiMasks

if TYPE_CHECKING:
    import pandas as pd

# What stands beside a name: fill for what was predicted, outline for the truth.
_SHAPES: Mapping[str, Shape] = {
    "group": "disc",
    "predicted": "disc",
    "label": "square",
}

Columns = Mapping[str, NDArray[Any]]


def _title(name: str) -> str:
    """Return the heading of a column; empty where the table does not show it."""
    column = find_column(name)
    return "" if column is None else column.title


_IDS = _title("roi_id")


def table_columns(opened: OpenRecording, features: pd.DataFrame) -> Columns:
    """Return the columns that are worth showing, by title.

    As in the legend, ⚠ marks types that are unproven on real cells.

    Parameters
    ----------
    opened : OpenRecording
    features : pandas.DataFrame
        See `layer_features`.
    """
    features = features.drop(columns="index").dropna(axis="columns", how="all")
    columns: dict[str, NDArray[Any]] = {}
    for name in map(str, features):
        title = _title(name)
        if not title:
            continue
        if name == "predicted" and "subtype" in features:
            title = f"{title} ⚠"
        column = features[name]
        if column.dtype == object:
            column = column.fillna("")
        columns[title] = column.to_numpy()
    masks = RoiMasks.of(opened.recording.rois)
    if len(masks):
        columns[_title("n_pixels")] = masks.n_pixels
    return columns


class RoiTable(QAbstractTableModel):
    """One row per ROI that is to be shown, in the order that was asked for."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._rows: NDArray[np.intp] = np.empty(0, dtype=np.intp)
        self._places: NDArray[np.intp] = np.empty(0, dtype=np.intp)
        self._ranks: dict[str, NDArray[np.intp]] = {}
        self._shown: NDArray[np.bool_] | None = None
        self._order: tuple[str, Qt.SortOrder] | None = None
        self._tree = DEFAULT_TYPES
        self.show(None)

    def show(
        self, columns: Columns | None, shown: NDArray[np.bool_] | None = None
    ) -> None:
        """Show other columns, sorted as before.

        Parameters
        ----------
        columns : mapping of str to ndarray, shape (n_rois,), or None
            None shows no ROI.
        shown : ndarray of bool, shape (n_rois,), optional
            Which ROIs have a row; all when not given.
        """
        self.beginResetModel()
        self._columns = columns or {_IDS: np.empty(0, dtype=int)}
        self._values = list(self._columns.values())
        self._marks = [_shape_of(title) for title in self._columns]
        self._ranks, self._shown = {}, shown
        self._arrange()
        self.endResetModel()

    def set_shown(self, shown: NDArray[np.bool_]) -> None:
        """Show other ROIs, by a mask of shape (n_rois,)."""
        self.beginResetModel()
        self._shown = shown
        self._arrange()
        self.endResetModel()

    def set_tree(self, tree: TypeTree) -> None:
        """Take over the colours of the types."""
        self._tree = tree

    def row_of(self, roi_id: int) -> int | None:
        """Return the row of a ROI, None where the filter hides it."""
        row = self._places[roi_id] if 0 <= roi_id < self.n_all else -1
        return int(row) if row >= 0 else None

    def rows_of(self, roi_ids: Sequence[int]) -> NDArray[np.intp]:
        """Return the rows of ROIs, in ascending order, without those that have none."""
        known = np.asarray(roi_ids, dtype=np.intp)
        known = known[(known >= 0) & (known < self.n_all)]
        rows = np.sort(self._places[known])
        return rows[rows >= 0]

    def roi_id(self, row: int) -> int:
        """Return the ROI of a row."""
        return int(self._ids[self._rows[row]])

    def roi_ids(self, rows: Sequence[int]) -> list[int]:
        """Return the ROIs of rows."""
        found: list[int] = self._ids[self._rows[list(rows)]].tolist()
        return found

    @property
    def titles(self) -> tuple[str, ...]:
        """Titles of the columns."""
        return tuple(self._columns)

    @property
    def n_all(self) -> int:
        """Number of ROIs without the filter."""
        return len(self._ids)

    @property
    def _ids(self) -> NDArray[Any]:
        return self._columns[_IDS]

    def _arrange(self) -> None:
        shown = np.ones(self.n_all, bool) if self._shown is None else self._shown
        rows = np.flatnonzero(shown[: self.n_all])
        if self._order is not None and self._order[0] in self._columns:
            title, direction = self._order
            rank, column = self._rank(title)[rows], self._columns[title][rows]
            if direction == Qt.SortOrder.DescendingOrder:
                rank = -rank
            # What has no number comes last either way.
            rows = rows[np.lexsort((rank, column != column))]
        self._rows = rows
        self._places = np.full(self.n_all, -1)
        self._places[self._ids[rows]] = np.arange(len(rows))

    def _rank(self, title: str) -> NDArray[np.intp]:
        """Return the place of each value among those of its column."""
        if title not in self._ranks:
            column = self._columns[title]
            values = column.astype(str) if column.dtype == object else column
            self._ranks[title] = np.unique(values, return_inverse=True)[1]
        return self._ranks[title]

    def rowCount(self, parent: QModelIndex | None = None) -> int:  # noqa: D102
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def columnCount(self, parent: QModelIndex | None = None) -> int:  # noqa: D102
        return 0 if parent is not None and parent.isValid() else len(self._columns)

    def data(  # noqa: D102
        self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        value = self._values[index.column()][self._rows[index.row()]]
        if role == Qt.ItemDataRole.DisplayRole:
            return _text_of(value)
        if role == Qt.ItemDataRole.TextAlignmentRole and not isinstance(value, str):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.DecorationRole:
            return self._mark(index.column(), value)
        return None

    def _mark(self, column: int, value: Any) -> Any:
        shape = self._marks[column]
        if shape is None or not isinstance(value, str) or not value:
            return None
        if value == UNSURE or value.endswith(ACCEPTED):
            shape = "ring"
        return mark(color_of(value, self._tree), shape)

    def headerData(  # noqa: D102
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        horizontal = orientation == Qt.Orientation.Horizontal
        if horizontal and role == Qt.ItemDataRole.DisplayRole:
            return list(self._columns)[section]
        return None

    def sort(  # noqa: D102
        self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder
    ) -> None:
        titles = list(self._columns)
        self.layoutAboutToBeChanged.emit()
        self._order = (titles[column], order) if 0 <= column < len(titles) else None
        self._arrange()
        self.layoutChanged.emit()


def _text_of(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else ""
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else f"{value:.2f}"
    return str(value)


def _shape_of(title: str) -> Shape | None:
    for name, shape in _SHAPES.items():
        if title.removesuffix(" ⚠") == _title(name):
            return shape
    return None
