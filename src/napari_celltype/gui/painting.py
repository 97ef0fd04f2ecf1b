"""Which pixel of the ROI drawing gets which value; numpy only.

Every pixel knows its ROI and whether it lies on that ROI's edge, as one number. So a
whole frame is coloured by one look-up in a table with two entries per ROI, and one ROI
by the same look-up in its own box.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_celltype.celltypes import UNSURE
from napari_celltype.gui.counts import best_class, class_shares
from napari_celltype.gui.palette import CLEAR, SELECTED, UNCLASSIFIED, Palette
from napari_celltype.gui.session import ColorBy
from napari_celltype.recording import Recording, Roi, label_image

if TYPE_CHECKING:
    from napari_celltype.workflows import Predictions
    from napari_celltype.workflows.decisions import Decisions

Box = tuple[slice, slice]


class Painting:
    """The drawing of a recording's ROIs.

    Parameters
    ----------
    label_image : ndarray of int, shape (Ly, Lx)
        roi_id + 1, and 0 outside the ROIs.
    rois : sequence of Roi
        The masks, for the box around each.

    Attributes
    ----------
    values : ndarray of uint8, shape (Ly, Lx)
        The drawing: pixel values of a `Palette`, changed in place.
    """

    def __init__(self, label_image: NDArray[np.integer], rois: Sequence[Roi]) -> None:
        self._labels = label_image
        self._rois = rois
        self._cells = 2 * label_image.astype(np.int32) + on_edge(label_image)
        self._table = np.zeros(2 * (len(rois) + 1), dtype=np.uint8)
        self._table[3::2] = UNCLASSIFIED
        self._selected: int | None = None
        self.values = self._table[self._cells]

    @classmethod
    def of(cls, recording: Recording) -> Painting:
        """Return the drawing of a recording, all its ROIs unclassified."""
        return cls(label_image(recording), recording.rois)

    def color_all(
        self, edges: NDArray[np.uint8], fills: NDArray[np.uint8]
    ) -> NDArray[np.uint8]:
        """Colour every ROI and return `values`.

        Parameters
        ----------
        edges, fills : ndarray of uint8, shape (n_rois,)
            Pixel values for the edge and for the inside of each ROI.
        """
        self._table[2::2] = fills
        self._table[3::2] = edges
        np.take(self._table, self._cells, out=self.values)
        self._draw_ring()
        return self.values

    def color_one(self, roi_id: int, edge: int, fill: int) -> None:
        """Colour one ROI.

        Parameters
        ----------
        roi_id : int
        edge, fill : int
            Pixel values for its edge and for its inside.
        """
        self._table[2 * roi_id + 2] = fill
        self._table[2 * roi_id + 3] = edge
        self._restore(roi_id)
        self._draw_ring()

    def select(self, roi_id: int | None) -> bool:
        """Draw the ring around a ROI and take away the last one.

        Returns
        -------
        bool
            Whether the drawing changed.
        """
        before, self._selected = self._selected, roi_id
        if before == roi_id:
            return False
        if before is not None:
            self._restore(before)
        self._draw_ring()
        return True

    def _draw_ring(self) -> None:
        box = None if self._selected is None else self._box(self._selected)
        if box is None or self._selected is None:
            return
        inside = self._labels[box] == self._selected + 1
        height, width = inside.shape
        padded = np.pad(inside, 1)
        grown = np.zeros_like(inside)
        for dy in range(3):
            for dx in range(3):
                grown |= padded[dy : dy + height, dx : dx + width]
        core = inside & ~on_edge(inside.astype(np.uint8))
        self.values[box][grown & ~core] = SELECTED

    def _restore(self, roi_id: int) -> None:
        box = self._box(roi_id)
        if box is not None:
            self.values[box] = self._table[self._cells[box]]

    def _box(self, roi_id: int) -> Box | None:
        height, width = self._labels.shape
        rows, columns = self._rois[roi_id].ypix, self._rois[roi_id].xpix
        if not rows.size:
            return None
        top, bottom = max(int(rows.min()) - 1, 0), min(int(rows.max()) + 2, height)
        left, right = max(int(columns.min()) - 1, 0), min(int(columns.max()) + 2, width)
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
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the pixel value of each ROI's edge and of its inside.

    Unclassified ROIs get a grey edge, `unsure` ones an edge in the colour of the best
    guess; the others are filled, fainter the less probable the type or the group is.

    Parameters
    ----------
    predictions : Predictions or None
        None where nothing was classified yet.
    said : Decisions or None
        The names that the ROIs got.
    n_rois : int
    palette : Palette
    color_by : {"type", "group"}

    Returns
    -------
    edges, fills : ndarray of uint8, shape (n_rois,)
    """
    edges = np.full(n_rois, UNCLASSIFIED, dtype=np.uint8)
    fills = np.full(n_rois, CLEAR, dtype=np.uint8)
    if predictions is None or said is None:
        return edges, fills
    names, shares = class_shares(
        predictions, by_group=color_by == "group", tree=palette.tree
    )
    best, probability = best_class(shares)
    outlines = np.array([palette.outline(name) for name in names], dtype=np.uint8)[best]
    known = probability >= 0
    edges[known] = outlines[known]
    given = said.group if color_by == "group" else said.predicted
    sure = known & (np.array(given, dtype=object) != UNSURE)
    fills[sure] = palette.fill(outlines[sure], probability[sure])
    return edges, fills


def on_edge(label_image: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Tell which ROI pixels have a pixel of another value beside them.

    Parameters
    ----------
    label_image : ndarray of int, shape (Ly, Lx)
        0 outside the ROIs.
    """
    height, width = label_image.shape
    padded = np.pad(label_image, 1)
    edge = np.zeros(label_image.shape, dtype=bool)
    for dy, dx in ((0, 1), (2, 1), (1, 0), (1, 2)):
        edge |= padded[dy : dy + height, dx : dx + width] != label_image
    return edge & (label_image > 0)
