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
_TIP = Qt.ItemDataRole.ToolTipRole
# Letters of a heading before it goes on in another line, where no cell is longer; and
# the rows whose cells are measured for that.
_HEADING, _MEASURED = 8, 50
_NOWHERE = QModelIndex()


class TableModel(QAbstractTableModel):
    """The rows of a DataFrame that are to be shown, in the order that was asked for."""

    def __init__(
        self, parent: Any = None, decoration: Callable[[str, Any], Any] | None = None
    ) -> None:
        super().__init__(parent)
        # Returns the picture beside a value, or None, for `(title, value)`.
        self._decoration = decoration
        self._order: tuple[str, Qt.SortOrder] | None = None
        self.show(None)

    def show(
        self, frame: pd.DataFrame | None, shown: NDArray[np.bool_] | None = None
    ) -> None:
        """Show another frame, or the rows of a mask, sorted as before."""
        self.beginResetModel()
        self.titles = () if frame is None else tuple(map(str, frame.columns))
        self.n_items = 0 if frame is None else len(frame)
        self._columns = (
            [] if frame is None else [c.to_numpy() for _, c in frame.items()]
        )
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
        return np.flatnonzero(np.isin(self._rows, items))

    def _arrange(self) -> None:
        from pandas import factorize

        rows = np.arange(self.n_items)
        if self._shown is not None:
            rows = np.flatnonzero(self._shown)
        if self._order is not None and self._order[0] in self.titles:
            title, direction = self._order
            column = self._columns[self.titles.index(title)][rows]
            rank = factorize(column, sort=True)[0]
            missing = rank < 0
            if direction == Qt.SortOrder.DescendingOrder:
                rank = -rank
            # What has no value comes last either way.
            rows = rows[np.lexsort((rank, missing))]
        self._rows = rows

    def rowCount(self, parent: QModelIndex = _NOWHERE) -> int:  # noqa: D102
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: QModelIndex = _NOWHERE) -> int:  # noqa: D102
        return 0 if parent.isValid() else len(self.titles)

    def data(self, index: QModelIndex, role: int = _DISPLAY) -> Any:  # noqa: D102
        item, column = self._rows[index.row()], index.column()
        value = self._columns[column][item]
        if role == _DISPLAY:
            return _text_of(value)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if self._columns[column].dtype != object else None
        if role == Qt.ItemDataRole.DecorationRole and self._decoration is not None:
            return self._decoration(self.titles[column], value)
        if role == _TIP:
            return f"{self.titles[column]}: {_text_of(value)}"
        return None

    def headerData(  # noqa: D102
        self, section: int, orientation: Qt.Orientation, role: int = _DISPLAY
    ) -> Any:
        if orientation == Qt.Orientation.Vertical:
            return None
        if role == _DISPLAY:
            texts = map(_text_of, self._columns[section][:_MEASURED])
            width = max([_HEADING, *map(len, texts)])
            return fill(self.titles[section], width, break_long_words=False)
        return None

    def sort(  # noqa: D102
        self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder
    ) -> None:
        self.layoutAboutToBeChanged.emit()
        known = 0 <= column < len(self.titles)
        self._order = (self.titles[column], order) if known else None
        self._arrange()
        self.layoutChanged.emit()


def _text_of(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else ""
    if value is None or value != value:
        return ""
    return f"{value:.2f}" if isinstance(value, float | np.floating) else str(value)
