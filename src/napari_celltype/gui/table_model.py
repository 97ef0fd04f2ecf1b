"""A DataFrame as a Qt table that sorts and filters 10,000 rows at once, with numpy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt

if TYPE_CHECKING:
    import pandas as pd

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_DISPLAY = Qt.ItemDataRole.DisplayRole
# Letters of a heading before it goes on in another line, where no cell is longer.
_HEADING = 8
_NO_ROWS = np.empty(0, dtype=np.intp)


class TableModel(QAbstractTableModel):
    """The rows of a DataFrame that are to be shown, in the order that was asked for."""

    def __init__(
        self, parent: Any = None, decoration: Callable[[str, Any], Any] | None = None
    ) -> None:
        super().__init__(parent)
        self._decoration = decoration
        self._order: tuple[str, Qt.SortOrder] | None = None
        self._rows = self._places = _NO_ROWS
        self.show(None)

    def show(
        self,
        frame: pd.DataFrame | None,
        shown: NDArray[np.bool_] | None = None,
        *,
        numeric: Sequence[bool] | None = None,
        row_tips: Sequence[str] = (),
        heading_tips: Sequence[str] = (),
    ) -> None:
        """Show another frame, sorted as before."""
        self.beginResetModel()
        self.titles = () if frame is None else tuple(map(str, frame.columns))
        self.n_items = 0 if frame is None else len(frame)
        self._columns = [] if frame is None else [_values(c) for _, c in frame.items()]
        self._numeric = numeric or [c.dtype != object for c in self._columns]
        self._row_tips, self._heading_tips = row_tips, heading_tips
        self._ranks: dict[str, NDArray[np.intp]] = {}
        self._shown = shown
        self._arrange()
        self.endResetModel()

    def set_shown(self, shown: NDArray[np.bool_]) -> None:
        """Show other rows of the same frame, by a mask of shape (n_rows,)."""
        self.beginResetModel()
        self._shown = shown
        self._arrange()
        self.endResetModel()

    def items(self, rows: Sequence[int]) -> list[int]:
        """Return the items in rows."""
        found: list[int] = self._rows[list(rows)].tolist()
        return found

    def rows_of(self, items: Sequence[int]) -> NDArray[np.intp]:
        """Return the rows of items, ascending, without those that are not shown."""
        known = np.asarray(items, dtype=np.intp)
        rows = np.sort(self._places[known[(known >= 0) & (known < self.n_items)]])
        return rows[rows >= 0]

    def _arrange(self) -> None:
        rows = np.arange(self.n_items)
        if self._shown is not None:
            rows = np.flatnonzero(self._shown[: self.n_items])
        if self._order is not None and self._order[0] in self.titles:
            title, direction = self._order
            column = self._columns[self.titles.index(title)][rows]
            rank = self._rank(title)[rows]
            if direction == Qt.SortOrder.DescendingOrder:
                rank = -rank
            # NaN comes last either way.
            rows = rows[np.lexsort((rank, column != column))]
        self._rows = rows
        self._places = np.full(self.n_items, -1)
        self._places[rows] = np.arange(len(rows))

    def _rank(self, title: str) -> NDArray[np.intp]:
        """Return the place of each value among those of its column."""
        if title not in self._ranks:
            column = self._columns[self.titles.index(title)]
            values = column.astype(str) if column.dtype == object else column
            self._ranks[title] = np.unique(values, return_inverse=True)[1]
        return self._ranks[title]

    def rowCount(self, parent: QModelIndex | None = None) -> int:  # noqa: D102
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def columnCount(self, parent: QModelIndex | None = None) -> int:  # noqa: D102
        return 0 if parent is not None and parent.isValid() else len(self.titles)

    def data(self, index: QModelIndex, role: int = _DISPLAY) -> Any:  # noqa: D102
        item, column = self._rows[index.row()], index.column()
        value = self._columns[column][item]
        if role == _DISPLAY:
            return _text_of(value)
        if role == Qt.ItemDataRole.TextAlignmentRole and self._numeric[column]:
            return _RIGHT
        if role == Qt.ItemDataRole.DecorationRole and self._decoration is not None:
            return self._decoration(self.titles[column], value)
        if role == Qt.ItemDataRole.ToolTipRole and self._row_tips:
            return self._row_tips[item]
        return None

    def headerData(  # noqa: D102
        self, section: int, orientation: Qt.Orientation, role: int = _DISPLAY
    ) -> Any:
        if orientation == Qt.Orientation.Horizontal:
            if role == _DISPLAY:
                return self.titles[section]
            if role == Qt.ItemDataRole.ToolTipRole and self._heading_tips:
                return self._heading_tips[section]
        return None

    def sort(  # noqa: D102
        self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder
    ) -> None:
        self.layoutAboutToBeChanged.emit()
        known = 0 <= column < len(self.titles)
        self._order = (self.titles[column], order) if known else None
        self._arrange()
        self.layoutChanged.emit()


def _values(column: pd.Series) -> NDArray[Any]:
    return (column.fillna("") if column.dtype == object else column).to_numpy()


def _text_of(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else ""
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else f"{value:.2f}"
    return str(value)


class TextModel(QAbstractTableModel):
    """Rows of texts; numbers are aligned to the right."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.headings: list[str] = []
        self.texts: list[list[str]] = []
        self._numeric: Sequence[bool] = ()
        self._row_tips: Sequence[str] = ()
        self._heading_tips: Sequence[str] = ()

    def show(
        self,
        headings: list[str],
        texts: list[list[str]],
        numeric: Sequence[bool],
        row_tips: Sequence[str] = (),
        heading_tips: Sequence[str] = (),
    ) -> None:
        """Show other rows; without tips, those of the cells repeat heading and text."""
        self.beginResetModel()
        self.headings, self.texts, self._numeric = headings, texts, numeric
        self._row_tips, self._heading_tips = row_tips, heading_tips
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | None = None) -> int:  # noqa: D102
        return 0 if parent is not None and parent.isValid() else len(self.texts)

    def columnCount(self, parent: QModelIndex | None = None) -> int:  # noqa: D102
        return 0 if parent is not None and parent.isValid() else len(self.headings)

    def data(  # noqa: D102
        self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        row, column = index.row(), index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self.texts[row][column]
        if role == Qt.ItemDataRole.ToolTipRole:
            if self._row_tips:
                return self._row_tips[row]
            return f"{self.headings[column]}: {self.texts[row][column]}"
        if role == Qt.ItemDataRole.TextAlignmentRole and self._numeric[column]:
            return _RIGHT
        return None

    def headerData(  # noqa: D102
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.ToolTipRole and self._heading_tips:
            return self._heading_tips[section]
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        width = max([_HEADING, *(len(row[section]) for row in self.texts)])
        return fill(self.headings[section], width, break_long_words=False)
