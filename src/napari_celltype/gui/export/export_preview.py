"""What a file will hold, shown before it is written: rows, text or a picture."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QFontDatabase, QPixmap, QResizeEvent
from qtpy.QtWidgets import (
    QLabel,
    QPlainTextEdit,
    QSizePolicy,
    QStackedLayout,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from napari_celltype.export import Preview
from napari_celltype.gui.table_model import TableModel
from napari_celltype.gui.widgets import fill

_SHOWN_ROWS = 50
_HEIGHT = 260


class ExportPreview(QWidget):
    """The first rows of a table, a text, or a picture, with a line that says what."""

    def __init__(self) -> None:
        super().__init__()
        self.caption = QLabel()
        self.caption.setWordWrap(True)
        self.model = TableModel(self)
        table = self.table = QTableView()
        table.setModel(self.model)
        font = QFontDatabase.SystemFont.SmallestReadableFont
        table.setFont(QFontDatabase.systemFont(font))
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(20)
        table.setToolTip("The first rows of the file")
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setToolTip("The text can be selected and copied")
        self.picture = _Picture()
        self._stack = QStackedLayout()
        for part in (QWidget(), self.table, self.text, self.picture):
            part.setMinimumHeight(_HEIGHT)
            self._stack.addWidget(part)
        fill(QVBoxLayout(self), self.caption, self._stack)

    def show_waiting(self) -> None:
        """Say that the preview is on its way; what is there stays so long."""
        self.caption.setText("Preview: being prepared...")

    def clear(self) -> None:
        """Show nothing."""
        self.caption.setText("")
        self._stack.setCurrentIndex(0)

    def show_preview(self, preview: Preview) -> None:
        """Show what a file will hold."""
        if preview.table is not None:
            n_rows, n_columns = preview.table.shape
            head = preview.table.head(_SHOWN_ROWS).astype(object)
            self.model.show(head.where(head.notna(), "").map(_text))
            self.table.resizeColumnsToContents()
            caption = f"Preview: {len(head)} of {n_rows} rows, {n_columns} columns"
            part = self.table
        elif preview.picture:
            self.picture.show_picture(preview.picture)
            caption, part = "Preview: the figure, drawn small", self.picture
        else:
            self.text.setPlainText(preview.text)
            caption, part = "Preview", self.text
        self.caption.setText(caption)
        self._stack.setCurrentWidget(part)


class _Picture(QLabel):
    """A picture as wide as there is room."""

    def __init__(self) -> None:
        super().__init__()
        self._whole = QPixmap()
        self.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        # The picture follows the dock, never the other way around.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setToolTip("The figure as it will be saved, drawn small")

    def show_picture(self, png: bytes) -> None:
        """Show a PNG."""
        self._whole.loadFromData(png)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Draw the picture as wide as the dock is now."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        if self._whole.isNull() or self.width() < 2:
            return
        ratio = self.devicePixelRatioF()
        small = self._whole.scaledToWidth(
            round(self.width() * ratio), Qt.TransformationMode.SmoothTransformation
        )
        small.setDevicePixelRatio(ratio)
        self.setPixmap(small)


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
