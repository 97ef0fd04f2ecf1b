"""The tab "Gallery": a small picture around each ROI, drawn when it is looked at."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy import QtWidgets
from qtpy.QtCore import QModelIndex, QRect, QSize, Qt
from qtpy.QtGui import QColor, QImage, QPainter, QPen

from napari_celltype.celltypes import UNSURE
from napari_celltype.gui.opened import OpenRecording
from napari_celltype.gui.painting import on_edge
from napari_celltype.gui.palette import color_of
from napari_celltype.gui.session import Session
from napari_celltype.gui.table_model import TableModel
from napari_celltype.gui.widgets import LazyTab, choice_of_names, fill

_HALF = 14  # pixels of the recording from the middle of a picture to its edge
_ZOOM = 2
_SIDE = 2 * _HALF * _ZOOM
_CAPTION = 15
_LEAST_CONTRAST = 20  # of 256 greys
_CELL = QSize(_SIDE + 6, _SIDE + _CAPTION + 6)
_NOTHING = "No ROI is shown."
_NO_IMAGE = "This recording has no mean image to cut pictures from."


class _Pictures(QtWidgets.QStyledItemDelegate):
    """Cuts and draws one picture at a time."""

    def __init__(self, session: Session, model: TableModel, parent: Any) -> None:
        super().__init__(parent)
        self._session, self._model = session, model
        self._image: NDArray[np.uint8] | None = None
        self._opened: OpenRecording | None = None

    def show(self, opened: OpenRecording) -> bool:
        """Cut pictures from another recording; False where it has no image."""
        before, self._opened = self._opened, opened
        images = opened.recording.images
        if not images:
            self._image = None
        elif before is None or images is not before.recording.images:
            image = np.asarray(next(iter(images.values())))
            # The few brightest and darkest pixels are cut off.
            low, high = map(float, np.nanpercentile(image, (0.1, 99.9)))
            self._image = _grays(np.nan_to_num(image, nan=low), low, high + 1e-9)
        return self._image is not None

    def sizeHint(
        self, option: QtWidgets.QStyleOptionViewItem, index: QModelIndex
    ) -> QSize:
        """Return the room of one picture with its number."""
        return _CELL

    def paint(
        self,
        painter: QPainter,
        option: QtWidgets.QStyleOptionViewItem,
        index: QModelIndex,
    ) -> None:
        """Draw the picture, the outline and the number."""
        if self._image is None or self._opened is None:
            return
        (roi_id,) = self._model.items([index.row()])
        color = color_of(index.siblingAtColumn(1).data(), self._session.tree)
        piece = roi_picture(self._image, self._opened, roi_id, color)
        height, width, _ = piece.shape
        picture = QImage(
            piece.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888
        )
        spot = option.rect.topLeft()
        area = QRect(spot.x() + 3, spot.y() + 3, _SIDE, _SIDE)
        painter.save()
        if option.state & QtWidgets.QStyle.StateFlag.State_Selected:
            painter.fillRect(option.rect, option.palette.highlight())
        painter.drawImage(area, picture)
        painter.setPen(QPen(option.palette.text().color()))
        caption = QRect(area.left(), area.bottom() + 1, _SIDE, _CAPTION)
        text = painter.fontMetrics().elidedText(
            str(index.data()), Qt.TextElideMode.ElideRight, _SIDE
        )
        painter.drawText(caption, Qt.AlignmentFlag.AlignCenter, text)
        painter.restore()


class GalleryTab(LazyTab):
    """Pictures of the ROIs that pass the filter."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        # Number and name of each ROI, and its name alone.
        self.model = TableModel(self)
        self.delegate = _Pictures(session, self.model, self)
        self.name_of = choice_of_names()
        self.name_of.currentIndexChanged.connect(self.refresh)
        self.note = QtWidgets.QLabel()
        self.view = QtWidgets.QListView(
            # Before the movement, which it decides, too.
            viewMode=QtWidgets.QListView.ViewMode.IconMode,
            resizeMode=QtWidgets.QListView.ResizeMode.Adjust,
            movement=QtWidgets.QListView.Movement.Static,
            uniformItemSizes=True,
            selectionMode=QtWidgets.QListView.SelectionMode.SingleSelection,
            toolTip="Cut from the mean image; a click selects the ROI",
            clicked=lambda i: self._session.select_many(self.model.items([i.row()])),
        )
        self.view.setModel(self.model)
        self.view.setItemDelegate(self.delegate)
        bar = fill(QtWidgets.QHBoxLayout(), self.name_of, (self.note, 1))
        fill(QtWidgets.QVBoxLayout(self), bar, (self.view, 1), spacing=2)

    def show_now(self) -> None:
        """Show the ROIs anew."""
        opened, has_image = self._session.active, True
        self.model.show(None)
        if opened is not None and (has_image := self.delegate.show(opened)):
            self._show_chosen(opened)
        why_none = _NOTHING if has_image else _NO_IMAGE
        self.note.setText("" if self.model.rowCount() else why_none)
        self.mark_selected()

    def mark_selected(self) -> None:
        """Mark the selected ROI."""
        roi_id = self._session.roi_id
        rows = self.model.rows_of([] if roi_id is None else [roi_id])
        if len(rows):
            self.view.setCurrentIndex(self.model.index(int(rows[0]), 0))
        else:
            self.view.clearSelection()

    def _show_chosen(self, opened: OpenRecording) -> None:
        import pandas as pd

        features = self._session.features(opened)
        given = features[self.name_of.currentData()].fillna("")
        words = features["roi_id"].astype(str) + " " + given.replace(UNSURE, "?")
        frame = pd.DataFrame({"caption": words.str.strip(), "name": given})
        self.model.show(frame, self._session.shown(opened))


def roi_picture(
    image: NDArray[np.uint8], opened: OpenRecording, roi_id: int, color: str
) -> NDArray[np.uint8]:
    """Return the surroundings of a ROI with its outline, shape (side, side, 3)."""
    roi = opened.recording.rois[roi_id]
    side = 2 * _HALF
    piece = np.zeros((side, side), dtype=np.uint8)
    mask = np.zeros((side, side), dtype=np.uint8)
    if roi.ypix.size:
        top, left = (round(c) - _HALF for c in roi.centroid)
        rows = slice(max(top, 0), max(min(top + side, image.shape[0]), 0))
        columns = slice(max(left, 0), max(min(left + side, image.shape[1]), 0))
        part = image[rows, columns]
        if part.size:
            # Its own brightness; but noise alone is not made bright.
            low, high = int(part.min()), int(part.max())
            part = _grays(part, low, max(high, low + _LEAST_CONTRAST))
        y, x = rows.start - top, columns.start - left
        piece[y : y + part.shape[0], x : x + part.shape[1]] = part
        ys, xs = roi.ypix - top, roi.xpix - left
        inside = (ys >= 0) & (ys < side) & (xs >= 0) & (xs < side)
        mask[ys[inside], xs[inside]] = 1
    zoom = np.ones((_ZOOM, _ZOOM), dtype=np.uint8)
    colored = np.repeat(np.kron(piece, zoom)[:, :, None], 3, axis=2)
    colored[on_edge(np.kron(mask, zoom))] = QColor(color).getRgb()[:3]
    return colored


def _grays(image: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """Return an image in 256 greys, black at the one value and white at the other."""
    grays: NDArray[np.uint8] = np.interp(image, (low, high), (0, 255)).astype(np.uint8)
    return grays
