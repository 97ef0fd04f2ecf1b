"""The shape that stands beside the name of a type: filled, open, or a square."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from qtpy.QtCore import QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPen, QPixmap

from napari_celltype.celltypes import UNSURE, UNSURE_COLOR, TypeTree
from napari_celltype.gui.opened import ACCEPTED

Shape = Literal["disc", "ring", "square"]
_SIDE = 12


@lru_cache(maxsize=256)
def mark(color: str, shape: Shape, scale: float = 1.0) -> QPixmap:
    """Return a small picture: what a model named, did not name, or somebody labelled.

    Parameters
    ----------
    color : str
        ``#RRGGBB``.
    shape : {"disc", "ring", "square"}
        A named type is a disc, as ROIs are filled; an unsure one a ring; a label a
        square with a thick edge.
    scale : float
        Pixels of the screen per unit of length.
    """
    side = round(_SIDE * scale)
    picture = QPixmap(side, side)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(scale, scale)
    if shape == "disc":
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(color))
        painter.drawEllipse(QRectF(1.5, 1.5, _SIDE - 3, _SIDE - 3))
    elif shape == "ring":
        painter.setPen(QPen(QColor(color), 1.5))
        painter.drawEllipse(QRectF(2.5, 2.5, _SIDE - 5, _SIDE - 5))
    else:
        painter.setPen(QPen(QColor(color), 2.5))
        painter.drawRect(QRectF(2.5, 2.5, _SIDE - 5, _SIDE - 5))
    painter.end()
    picture.setDevicePixelRatio(scale)
    return picture


def color_of(name: str, tree: TypeTree) -> str:
    """Return the colour of a type, of the type in a label, or of what is neither."""
    name = name.removeprefix("!").removesuffix(ACCEPTED)
    if not name or name == UNSURE:
        return UNSURE_COLOR
    colors = {t.name: t.color for t in tree.types}
    return colors.get(name, UNSURE_COLOR)
