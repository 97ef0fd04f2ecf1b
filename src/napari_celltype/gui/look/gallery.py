"""The tab "Gallery": a small picture around each ROI, drawn when it is looked at."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QAbstractListModel, QModelIndex, QRect, QSize, Qt
from qtpy.QtGui import QColor, QImage, QPainter, QPen, QShowEvent
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from napari_celltype.celltypes import UNSURE
from napari_celltype.gui.opened import OpenRecording
from napari_celltype.gui.painting import on_edge
from napari_celltype.gui.palette import color_of
from napari_celltype.gui.roi_filter import (
    NAMES_OF,
    WORDS_OF,
    NameOf,
    RoiFilter,
    names_in,
)
from napari_celltype.gui.session import Session

_HALF = 14  # pixels of the recording from the middle of a picture to its edge
_ZOOM = 2
_SIDE = 2 * _HALF * _ZOOM
_CAPTION = 15
_LEAST_CONTRAST = 20  # of 256 greys
_CELL = QSize(_SIDE + 6, _SIDE + _CAPTION + 6)
_NAME_ROLE = int(Qt.ItemDataRole.UserRole)
_NOTHING = "No ROI of this kind is shown."
_NO_IMAGE = "This recording has no mean image to cut pictures from."


class GalleryModel(QAbstractListModel):
    """The ROIs of the gallery, in order."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._rois: NDArray[np.intp] = np.empty(0, dtype=np.intp)
        self._names: NDArray[np.object_] = np.empty(0, dtype=object)

    def show(self, rois: NDArray[np.intp], names: NDArray[np.object_]) -> None:
        """Show ROIs, with the name of each that stands beside its number."""
        self.beginResetModel()
        self._rois, self._names = rois, names
        self.endResetModel()

    def roi_id(self, row: int) -> int:
        """Return the ROI of a row."""
        return int(self._rois[row])

    def row_of(self, roi_id: int) -> int | None:
        """Return the row of a ROI, None where it is not shown."""
        found = np.flatnonzero(self._rois == roi_id)
        return int(found[0]) if found.size else None

    def rowCount(self, parent: QModelIndex | None = None) -> int:  # noqa: D102
        return 0 if parent is not None and parent.isValid() else len(self._rois)

    def data(  # noqa: D102
        self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        row = index.row()
        if role == Qt.ItemDataRole.DisplayRole:
            name = "?" if self._names[row] == UNSURE else self._names[row]
            return f"{self._rois[row]} {name}".strip()
        if role == _NAME_ROLE:
            return self._names[row]
        return None


class GalleryDelegate(QStyledItemDelegate):
    """Cuts and draws one picture at a time."""

    def __init__(self, session: Session, model: GalleryModel, parent: Any) -> None:
        super().__init__(parent)
        self._session, self._model = session, model
        self._image: NDArray[np.uint8] | None = None
        self._opened: OpenRecording | None = None
        self.n_drawn = 0

    def show(self, opened: OpenRecording | None) -> None:
        """Cut pictures from another recording."""
        before, self._opened = self._opened, opened
        images = None if opened is None else opened.recording.images
        if not images:
            self._image = None
        elif before is None or images is not before.recording.images:
            self._image = _gray(np.asarray(next(iter(images.values()))))

    @property
    def has_image(self) -> bool:
        """Whether there is an image to cut from."""
        return self._image is not None

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        """Return the room of one picture with its number."""
        return _CELL

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex
    ) -> None:
        """Draw the picture, the outline and the number."""
        if self._image is None or self._opened is None:
            return
        self.n_drawn += 1
        roi_id = self._model.roi_id(index.row())
        color = color_of(index.data(_NAME_ROLE), self._session.tree)
        piece = roi_picture(self._image, self._opened, roi_id, color)
        height, width, _ = piece.shape
        picture = QImage(
            piece.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888
        )
        spot = option.rect.topLeft()
        area = QRect(spot.x() + 3, spot.y() + 3, _SIDE, _SIDE)
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(option.rect, option.palette.highlight())
        painter.drawImage(area, picture)
        painter.setPen(QPen(option.palette.text().color()))
        caption = QRect(area.left(), area.bottom() + 1, _SIDE, _CAPTION)
        text = painter.fontMetrics().elidedText(
            str(index.data()), Qt.TextElideMode.ElideRight, _SIDE
        )
        painter.drawText(caption, Qt.AlignmentFlag.AlignCenter, text)
        painter.restore()


class GalleryTab(QWidget):
    """Pictures of the ROIs of one type that pass the filter.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session, parent: Any = None) -> None:
        super().__init__(parent)
        self._session = session
        self._outdated = True
        self.model = GalleryModel(self)
        self.view = QListView()
        self.delegate = GalleryDelegate(session, self.model, self)
        self.name_of, self.name = QComboBox(), QComboBox()
        self._note = QLabel()
        self._lay_out()
        self.name_of.currentIndexChanged.connect(self.refresh)
        self.name.activated.connect(self.refresh)
        self.view.clicked.connect(self._on_click)

    @property
    def note(self) -> str:
        """How many ROIs there are, or why none."""
        return str(self._note.text())

    def refresh(self) -> None:
        """Show the ROIs anew, once they can be seen."""
        if not self.isVisible():
            self._outdated = True
            return
        self._outdated = False
        opened = self._session.active
        self.delegate.show(opened)
        rois, names = np.empty(0, dtype=np.intp), np.empty(0, dtype=object)
        if opened is not None and self.delegate.has_image:
            rois, names = self._chosen(opened)
        self.model.show(rois, names)
        self._note.setText(
            _NO_IMAGE
            if opened is not None and not self.delegate.has_image
            else f"{len(rois)} ROIs"
            if len(rois)
            else _NOTHING
        )
        self.mark_selected()

    def mark_selected(self) -> None:
        """Mark the selected ROI."""
        roi_id = self._session.roi_id
        row = None if roi_id is None else self.model.row_of(roi_id)
        if row is None:
            self.view.clearSelection()
        else:
            self.view.setCurrentIndex(self.model.index(row))

    def showEvent(self, event: QShowEvent) -> None:
        """Show what changed meanwhile."""
        super().showEvent(event)
        if self._outdated:
            self.refresh()

    def _lay_out(self) -> None:
        for name in NAMES_OF:
            self.name_of.addItem(f"by {WORDS_OF[name]}", name)
        self.name_of.setToolTip("What the type beside it is about")
        self.name.setToolTip("Whose pictures are shown; the filter holds as well")
        view = self.view
        view.setModel(self.model)
        view.setItemDelegate(self.delegate)
        view.setViewMode(QListView.ViewMode.IconMode)
        view.setResizeMode(QListView.ResizeMode.Adjust)
        view.setMovement(QListView.Movement.Static)
        view.setUniformItemSizes(True)
        view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        view.setToolTip("Cut from the mean image; a click selects the ROI")
        bar = QHBoxLayout()
        bar.setContentsMargins(0, 0, 0, 0)
        bar.addWidget(self.name_of)
        bar.addWidget(self.name)
        bar.addWidget(self._note, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(bar)
        layout.addWidget(view, 1)

    def _chosen(
        self, opened: OpenRecording
    ) -> tuple[NDArray[np.intp], NDArray[np.object_]]:
        """Return the ROIs, and the names that stand beside their numbers."""
        features = self._session.features(opened)
        name_of: NameOf = self.name_of.currentData()
        wanted = self.name.currentData() or ""
        names = names_in(features, name_of, self._session.tree)
        self.name.clear()
        for name in ("", *names):
            self.name.addItem(name or "all types", name)
        wanted = wanted if wanted in names else ""
        self.name.setCurrentIndex(self.name.findData(wanted))
        of_type = RoiFilter(name_of=name_of, name=wanted)
        kept = self._session.shown(opened) & of_type.mask(features, self._session.tree)
        rois = np.flatnonzero(kept)
        return rois, features[name_of].fillna("").to_numpy()[rois]

    def _on_click(self, index: QModelIndex) -> None:
        self._session.select(self.model.roi_id(index.row()))


def roi_picture(
    image: NDArray[np.uint8], opened: OpenRecording, roi_id: int, color: str
) -> NDArray[np.uint8]:
    """Return the surroundings of a ROI with its outline, shape (side, side, 3).

    Parameters
    ----------
    image : ndarray of uint8, shape (Ly, Lx)
    opened : OpenRecording
    roi_id : int
    color : str
        Of the outline, ``#RRGGBB``.
    """
    roi = opened.recording.rois[roi_id]
    side = 2 * _HALF
    piece = np.zeros((side, side), dtype=np.uint8)
    mask = np.zeros((side, side), dtype=np.uint8)
    if roi.ypix.size:
        top, left = (round(c) - _HALF for c in roi.centroid)
        rows = slice(max(top, 0), max(min(top + side, image.shape[0]), 0))
        columns = slice(max(left, 0), max(min(left + side, image.shape[1]), 0))
        part = _stretch(image[rows, columns])
        y, x = rows.start - top, columns.start - left
        piece[y : y + part.shape[0], x : x + part.shape[1]] = part
        ys, xs = roi.ypix - top, roi.xpix - left
        inside = (ys >= 0) & (ys < side) & (xs >= 0) & (xs < side)
        mask[ys[inside], xs[inside]] = 1
    large = np.repeat(np.repeat(piece, _ZOOM, axis=0), _ZOOM, axis=1)
    edge = on_edge(np.repeat(np.repeat(mask, _ZOOM, axis=0), _ZOOM, axis=1))
    colored = np.repeat(large[:, :, None], 3, axis=2)
    rgb = QColor(color)
    colored[edge] = (rgb.red(), rgb.green(), rgb.blue())
    return colored


def _stretch(part: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a piece with its own brightness; noise alone is not made bright."""
    if not part.size:
        return part
    low, high = int(part.min()), int(part.max())
    scaled = (part - np.float32(low)) / max(high - low, _LEAST_CONTRAST)
    stretched: NDArray[np.uint8] = (scaled * 255).astype(np.uint8)
    return stretched


def _gray(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Return an image in 256 greys, the few brightest and darkest pixels cut off."""
    low, high = np.nanpercentile(image, (0.1, 99.9))
    scaled = (np.nan_to_num(image, nan=low) - low) / max(high - low, 1e-9)
    gray: NDArray[np.uint8] = (np.clip(scaled, 0, 1) * 255).astype(np.uint8)
    return gray
