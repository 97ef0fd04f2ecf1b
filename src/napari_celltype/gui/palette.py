"""Colours: the 256 pixel values of the ROIs' layer, and the swatches of types."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPen, QPixmap

from napari_celltype.answers.columns import ACCEPTED
from napari_celltype.celltypes import DEFAULT_TYPES, UNSURE_COLOR, TypeTree
from napari_celltype.export.picture import FAINTEST, STRONGEST

CLEAR = 0
UNCLASSIFIED = 1
SELECTED = 2
_FIRST_TYPE = 3

_SELECTED_COLOR = "#FFFFFF"


@dataclass(frozen=True)
class Palette:
    """Which pixel value means which colour."""

    tree: TypeTree = DEFAULT_TYPES

    @property
    def n_shades(self) -> int:
        """Number of steps between the faintest and the strongest fill."""
        return min(24, (256 - _FIRST_TYPE) // len(self.tree.types) - 1)

    def outline(self, name: str) -> int:
        """Return the pixel value of a type's outline; IN's for a user's own type."""
        names = [t.name for t in self.tree.types]
        name = name if name in names else "IN"
        return _FIRST_TYPE + names.index(name) * (self.n_shades + 1)

    def fill(
        self, outline: NDArray[np.uint8], strength: NDArray[np.float64]
    ) -> NDArray[np.uint8]:
        """Return pixel values of fills."""
        shade = np.rint(np.clip(strength, 0, 1) * (self.n_shades - 1))
        return (outline + 1 + shade.astype(np.uint8)).astype(np.uint8)

    def rgba(self) -> NDArray[np.float32]:
        """Return the colour of every pixel value, shape (256, 4), from 0 to 1."""
        table = np.zeros((256, 4), dtype=np.float32)
        table[UNCLASSIFIED] = (*_rgb(UNSURE_COLOR), 0.8)
        table[SELECTED] = (*_rgb(_SELECTED_COLOR), 1)
        shades = np.linspace(FAINTEST, STRONGEST, self.n_shades)
        for cell_type in self.tree.types:
            value = self.outline(cell_type.name)
            table[value] = (*_rgb(cell_type.color), 1)
            table[value + 1 : value + 1 + self.n_shades, :3] = _rgb(cell_type.color)
            table[value + 1 : value + 1 + self.n_shades, 3] = shades
        return table


def _rgb(color: str) -> tuple[float, float, float]:
    red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


Shape = Literal["disc", "ring", "square"]
_SIDE = 12


@lru_cache(maxsize=256)
def mark(color: str, shape: Shape, scale: float = 1.0) -> QPixmap:
    """Return a small picture: a type that was predicted, a hidden one, or a label."""
    side = round(_SIDE * scale)
    picture = QPixmap(side, side)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(scale, scale)
    edge, width = {"disc": (1.5, 0.0), "ring": (2.5, 1.5), "square": (2.5, 2.5)}[shape]
    area = QRectF(edge, edge, _SIDE - 2 * edge, _SIDE - 2 * edge)
    painter.setPen(QPen(QColor(color), width) if width else Qt.PenStyle.NoPen)
    if shape == "disc":
        painter.setBrush(QColor(color))
    if shape == "square":
        painter.drawRect(area)
    else:
        painter.drawEllipse(area)
    painter.end()
    picture.setDevicePixelRatio(scale)
    return picture


def color_of(name: str, tree: TypeTree) -> str:
    """Return the colour of a type, of the type in a label, or of what is neither."""
    name = name.removeprefix("!").removesuffix(ACCEPTED)
    colors = {t.name: t.color for t in tree.types}
    return colors.get(name, UNSURE_COLOR)
