"""What a file will hold, shown before it is written: rows, text or a picture."""

from __future__ import annotations

from typing import Any

from qtpy import QtWidgets
from qtpy.QtCore import Qt
from qtpy.QtGui import QFontDatabase, QPixmap, QResizeEvent

from napari_celltype.export import Preview
from napari_celltype.gui.table_model import TableModel
from napari_celltype.gui.widgets import fill

_SHOWN_ROWS = 50
_HEIGHT = 260


class ExportPreview(QtWidgets.QWidget):
    """The first rows of a table, a text, or a picture, with a line that says what."""

    def __init__(self) -> None:
        super().__init__()
        self.caption = QtWidgets.QLabel(wordWrap=True)
        self.model = TableModel(self)
        table = self.table = QtWidgets.QTableView(toolTip="The first rows of the file")
        table.setModel(self.model)
        font = QFontDatabase.SystemFont.SmallestReadableFont
        table.setFont(QFontDatabase.systemFont(font))
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(20)
        self.text = QtWidgets.QPlainTextEdit(
            readOnly=True, toolTip="The text can be selected and copied"
        )
        self.picture = _Picture()
        self._stack = QtWidgets.QStackedLayout()
        for part in (QtWidgets.QWidget(), self.table, self.text, self.picture):
            part.setMinimumHeight(_HEIGHT)
            self._stack.addWidget(part)
        fill(QtWidgets.QVBoxLayout(self), self.caption, self._stack)

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


class _Picture(QtWidgets.QLabel):
    """A picture as wide as there is room."""

    def __init__(self) -> None:
        super().__init__(toolTip="The figure as it will be saved, drawn small")
        self._whole = QPixmap()
        self.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        # The picture follows the dock, never the other way around.
        self.setSizePolicy(
            QtWidgets.QSizePolicy.Policy.Ignored, QtWidgets.QSizePolicy.Policy.Preferred
        )

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
