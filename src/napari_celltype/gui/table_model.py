"""A table of texts, for views that show one as it is."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt

# Letters of a heading before it goes on in another line, where no cell is longer.
_HEADING = 8
_NUMBER = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


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
            return _NUMBER
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
