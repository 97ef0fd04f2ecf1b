"""Which pixel of the ROI drawing gets which value; numpy only.

Every pixel knows its ROI and its zone in it, as one number: the inside, the ring along
the edge, and the edge, the latter two in two alternating halves. So a whole frame is
coloured by one look-up in a table with five entries per ROI, and some ROIs by the same
look-up in their box. Predictions fill a ROI; ground truth is a thick outline.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_celltype.celltypes import UNSURE
from napari_celltype.export.picture import fill_strength
from napari_celltype.gui.palette import CLEAR, SELECTED, UNCLASSIFIED, Palette
from napari_celltype.gui.session import ColorBy
from napari_celltype.labels import NOT_A_SOMA, Label
from napari_celltype.recording import Recording, Roi, RoiMasks, label_image

if TYPE_CHECKING:
    from napari_celltype.answers import Predictions
    from napari_celltype.answers.decisions import Decisions

Box = tuple[slice, slice]
RoiIds = Sequence[int] | NDArray[np.intp]

# The inside, two halves of the ring next to the edge, and two halves of the edge.
ZONES = 5
RING = 1
EDGES = slice(3, 5)
RING_AND_EDGE = slice(1, 5)


class Painting:
    """The drawing of a recording's ROIs."""

    def __init__(self, label_image: NDArray[np.integer], rois: Sequence[Roi]) -> None:
        self._labels = label_image
        self._boxes = _boxes(RoiMasks.of(rois))
        self._cells = ZONES * label_image.astype(np.int32) + _zones(label_image)
        self._table = np.zeros((len(rois) + 1) * ZONES, dtype=np.uint8)
        self._table.reshape(-1, ZONES)[1:, EDGES] = UNCLASSIFIED
        self._selected: tuple[int, ...] = ()
        self.values: NDArray[np.uint8] = self._table[self._cells]

    @classmethod
    def of(cls, recording: Recording) -> Painting:
        """Return the drawing of a recording, all its ROIs unclassified."""
        return cls(label_image(recording), recording.rois)

    def color(self, zones: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Colour the ROIs, drawing only around those that change; return `values`."""
        table = self._table.reshape(-1, ZONES)[1:]
        changed = np.flatnonzero((table != zones).any(axis=1))
        table[:] = zones
        self._restore(changed)
        self._draw_ring()
        return self.values

    def select(self, roi_ids: Sequence[int]) -> bool:
        """Draw a ring around ROIs and take away the last ones."""
        before, self._selected = self._selected, tuple(roi_ids)
        if before == self._selected:
            return False
        self._restore(before)
        self._draw_ring()
        return True

    def _draw_ring(self) -> None:
        box = self._box(self._selected)
        if box is None:
            return
        chosen = np.zeros(len(self._boxes) + 1, dtype=bool)
        chosen[np.array(self._selected) + 1] = True
        labels = self._labels[box]
        inside = chosen[labels]
        height, width = inside.shape
        padded = np.pad(inside, 1)
        grown = np.zeros_like(inside)
        for dy in range(3):
            for dx in range(3):
                grown |= padded[dy : dy + height, dx : dx + width]
        core = inside & ~on_edge(np.where(inside, labels, 0))
        self.values[box][grown & ~core] = SELECTED

    def _restore(self, roi_ids: RoiIds) -> None:
        box = self._box(roi_ids)
        if box is not None:
            self.values[box] = self._table[self._cells[box]]

    def _box(self, roi_ids: RoiIds) -> Box | None:
        """Return the part of the frame around ROIs, None where there is no pixel."""
        height, width = self._labels.shape
        boxes = self._boxes[np.asarray(roi_ids, dtype=np.intp)]
        boxes = boxes[boxes[:, 1] > 0]
        if not len(boxes):
            return None
        top, left = np.maximum(boxes[:, [0, 2]].min(axis=0) - 1, 0).tolist()
        bottom, right = (boxes[:, [1, 3]].max(axis=0) + 1).tolist()
        bottom, right = min(bottom, height), min(right, width)
        if top >= bottom or left >= right:
            return None
        return slice(top, bottom), slice(left, right)


def roi_values(
    predictions: Predictions | None,
    said: Decisions | None,
    n_rois: int,
    *,
    palette: Palette,
    color_by: ColorBy,
    labels: Iterable[Label] = (),
) -> NDArray[np.uint8]:
    """Return the pixel values of each ROI's zones."""
    zones = np.full((n_rois, ZONES), CLEAR, dtype=np.uint8)
    zones[:, EDGES] = UNCLASSIFIED
    if predictions is not None and said is not None:
        given, probability = (
            (said.group, said.group_probability)
            if color_by == "group"
            else (said.predicted, said.probability)
        )
        names, column = np.unique(np.array(given, dtype=object), return_inverse=True)
        outlines = np.array([palette.outline(n) for n in names], dtype=np.uint8)[column]
        named = np.array(given, dtype=object) != UNSURE
        strength = fill_strength(
            probability, 2 if color_by == "group" else len(predictions.classes)
        )
        zones[named, EDGES] = outlines[named, None]
        zones[named, : EDGES.start] = palette.fill(outlines[named], strength[named])[
            :, None
        ]
    for row in labels:
        if row.label and row.source == "prediction":
            # Accepted, but no truth: the thin outline of a prediction.
            zones[row.roi_id, EDGES] = palette.outline(row.label)
        elif row.label == NOT_A_SOMA:
            # Filled, so that it is not taken for a ROI without a label.
            zones[row.roi_id] = UNCLASSIFIED
        elif row.label:
            zones[row.roi_id, RING_AND_EDGE] = _truth(row.label, palette)
    return zones


def _truth(label: str, palette: Palette) -> tuple[int, int, int, int]:
    """Return the values of the ring and of the edge of a ROI that has a label."""
    color = palette.outline(label.removeprefix("!"))
    other = CLEAR if label.startswith("!") else color
    return color, other, color, other


def _boxes(masks: RoiMasks) -> NDArray[np.int64]:
    """Return first and past the last row and column of each ROI, shape (n_rois, 4)."""
    boxes = np.zeros((len(masks), 4), dtype=np.int64)
    some = masks.n_pixels > 0
    if some.any():
        starts = masks.starts[:-1][some]
        for column, pixels in ((0, masks.ypix), (2, masks.xpix)):
            boxes[some, column] = np.minimum.reduceat(pixels, starts)
            boxes[some, column + 1] = np.maximum.reduceat(pixels, starts) + 1
    return boxes


def _zones(label_image: NDArray[np.integer]) -> NDArray[np.int8]:
    """Return the zone of each pixel of the frame."""
    edge = on_edge(label_image)
    ring = on_edge(np.where(edge, 0, label_image))
    height, width = label_image.shape
    half = (np.arange(height)[:, None] + np.arange(width)) % 2
    zones = np.where(edge, EDGES.start + half, np.where(ring, RING + half, 0))
    return zones.astype(np.int8)


def on_edge(label_image: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Tell which ROI pixels have a pixel of another value beside them."""
    height, width = label_image.shape
    padded = np.pad(label_image, 1)
    edge = np.zeros(label_image.shape, dtype=bool)
    for dy, dx in ((0, 1), (2, 1), (1, 0), (1, 2)):
        edge |= padded[dy : dy + height, dx : dx + width] != label_image
    return edge & (label_image > 0)
