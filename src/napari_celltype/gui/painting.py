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
from scipy import ndimage

from napari_celltype.celltypes import UNSURE
from napari_celltype.export.picture import fill_strength
from napari_celltype.gui.palette import CLEAR, SELECTED, UNCLASSIFIED, Palette
from napari_celltype.labels import NOT_A_SOMA, Label
from napari_celltype.recording import Recording, label_image

if TYPE_CHECKING:
    from napari_celltype.answers import Predictions

# The inside, two halves of the ring next to the edge, and two halves of the edge.
ZONES = 5
RING = 1
EDGES = slice(3, 5)
RING_AND_EDGE = slice(1, 5)
_NO_BOX = slice(0, 0), slice(0, 0)


class Painting:
    """The drawing of a recording's ROIs, at first all unclassified."""

    def __init__(self, recording: Recording) -> None:
        self.labels = label_image(recording)  # roi_id + 1 of the ROI on top
        found = ndimage.find_objects(self.labels, recording.n_rois)
        # First and past the last row and column of each ROI.
        self._boxes = np.array(
            [
                (y.start, y.stop, x.start, x.stop)
                for y, x in (box or _NO_BOX for box in found)
            ],
            dtype=np.intp,
        ).reshape(-1, 4)
        self._cells = ZONES * self.labels.astype(np.int32) + _zones(self.labels)
        self._table = np.zeros((recording.n_rois + 1) * ZONES, dtype=np.uint8)
        self._table.reshape(-1, ZONES)[1:, EDGES] = UNCLASSIFIED
        self._selected: tuple[int, ...] = ()
        self.values: NDArray[np.uint8] = self._table[self._cells]

    def color(self, zones: NDArray[np.uint8]) -> None:
        """Colour the ROIs by `roi_values`, drawing only around those that change."""
        table = self._table.reshape(-1, ZONES)[1:]
        changed = np.flatnonzero((table != zones).any(axis=1))
        table[:] = zones
        self._restore(changed)
        self._draw_ring()

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
        labels = self.labels[box]
        if not labels.size:
            return
        inside = np.isin(labels, np.array(self._selected, dtype=int) + 1)
        core = inside & ~on_edge(np.where(inside, labels, 0))
        around = ndimage.binary_dilation(inside, np.ones((3, 3), dtype=bool))
        self.values[box][around & ~core] = SELECTED

    def _restore(self, roi_ids: Sequence[int] | NDArray[np.intp]) -> None:
        box = self._box(roi_ids)
        self.values[box] = self._table[self._cells[box]]

    def _box(self, roi_ids: Sequence[int] | NDArray[np.intp]) -> tuple[slice, slice]:
        """Return the part of the frame around ROIs and their ring."""
        boxes = self._boxes[np.asarray(roi_ids, dtype=np.intp)]
        boxes = boxes[boxes[:, 1] > 0]
        if not len(boxes):
            return _NO_BOX
        top, left = np.maximum(boxes[:, [0, 2]].min(axis=0) - 1, 0)
        bottom, right = boxes[:, [1, 3]].max(axis=0) + 1
        return slice(top, bottom), slice(left, right)


def roi_values(
    predictions: Predictions | None,
    n_rois: int,
    *,
    palette: Palette,
    by_group: bool,
    labels: Iterable[Label] = (),
) -> NDArray[np.uint8]:
    """Return the pixel values of each ROI's zones."""
    zones = np.full((n_rois, ZONES), CLEAR, dtype=np.uint8)
    zones[:, EDGES] = UNCLASSIFIED
    if predictions is not None:
        decisions = predictions.decisions
        given, probability = decisions.predicted, decisions.probability
        if by_group:
            given, probability = decisions.group, decisions.group_probability
        names, column = np.unique(np.array(given, dtype=object), return_inverse=True)
        outlines = np.array([palette.outline(n) for n in names], dtype=np.uint8)[column]
        named = np.array(given, dtype=object) != UNSURE
        strength = fill_strength(
            probability, 2 if by_group else len(predictions.classes)
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
            color = palette.outline(row.label.removeprefix("!"))
            other = CLEAR if row.label.startswith("!") else color
            zones[row.roi_id, RING_AND_EDGE] = color, other, color, other
    return zones


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
