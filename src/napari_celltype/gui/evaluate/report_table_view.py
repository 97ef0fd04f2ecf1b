"""A table of a report in a dock."""

from __future__ import annotations

from textwrap import fill
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from napari_celltype.gui.words import Words
from napari_celltype.protocol.report_table import Table

_MOST_ROWS = 9
_ROW = 22
# Letters of a heading before it goes on in another line, where no cell is longer.
_HEADING = 8


class ReportTableView(QWidget):
    """Shows a `Table` as high as it is, with its caption below."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.table = QTableWidget()
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(_ROW)
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.setWordWrap(False)
        self.caption = Words()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.table)
        layout.addWidget(self.caption)

    @property
    def texts(self) -> list[list[str]]:
        """The cells that are shown."""
        return [
            [self.table.item(r, c).text() for c in range(self.table.columnCount())]
            for r in range(self.table.rowCount())
        ]

    def show_table(self, table: Table | None) -> None:
        """Show a table; None shows nothing."""
        self.setVisible(table is not None)
        if table is None:
            return
        rows = table.texts()
        self.table.clear()
        self.table.setRowCount(len(rows))
        self.table.setColumnCount(len(table.columns))
        widths = [max(_HEADING, *map(len, cells)) for cells in zip(*rows, strict=True)]
        headings = [
            fill(name, width, break_long_words=False)
            for name, width in zip(table.columns, widths, strict=True)
        ]
        self.table.setHorizontalHeaderLabels(headings)
        for at, row in enumerate(rows):
            for column, text in enumerate(row):
                item = QTableWidgetItem(text)
                item.setToolTip(f"{table.columns[column]}: {text}")
                if not isinstance(table.rows[at][column], str):
                    item.setTextAlignment(
                        Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                    )
                self.table.setItem(at, column, item)
        self.table.resizeColumnsToContents()
        height = self.table.horizontalHeader().sizeHint().height()
        bar = self.table.horizontalScrollBar().sizeHint().height()
        lines = min(len(rows), _MOST_ROWS)
        self.table.setFixedHeight(height + lines * _ROW + bar + 4)
        self.caption.setText(table.caption)
        self.caption.setVisible(bool(table.caption))
