"""A click on the picture selects the ROI under it.

Where ROIs overlap, each further click selects the next of them. With Shift or Control
the ROI joins the selected ones, or leaves them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.recording import Recording, RoiMasks

if TYPE_CHECKING:
    from napari import Viewer

    from napari_celltype.gui.scene import Scene
    from napari_celltype.gui.session import Session

# For the status bar of napari.
CLICK_HELP = "click a ROI to select it, <Shift>-click for several"
_ADDING = {"Shift", "Control"}
_TREMBLE = 4  # pixels of the screen that a hand may move while it clicks


def select_on_click(scene: Scene, viewer: Viewer, event: Any) -> Iterator[None]:
    """Select the ROI under a click; a drag is napari's own."""
    active = scene.session.active
    rois = None if active is None else scene.layer(active.key, "rois")
    current = viewer.layers.selection.active
    editing = current is not None and current.mode != "pan_zoom"
    if rois is None or not rois.visible or editing or event.button != 1:
        return
    position, modifiers = event.position, set(event.modifiers)
    yield
    while event.type == "mouse_move":
        if _far(position, event.position, viewer.scene.camera.zoom):
            return
        yield
    value = rois.get_value(
        position,
        view_direction=event.view_direction,
        dims_displayed=event.dims_displayed,
        world=True,
    )
    spot = np.rint(rois.world_to_data(position)[-2:]).astype(int)
    _select(scene.session, int(value or 0) - 1, spot, adding=bool(modifiers & _ADDING))


def _select(
    session: Session, on_top: int, spot: NDArray[np.int64], *, adding: bool
) -> None:
    opened, selected = session.active, session.roi_ids
    if opened is None:
        return
    here = []
    if on_top >= 0:
        # What the filter hides cannot be clicked on.
        shown = session.shown(opened)
        found = rois_at(opened.recording, int(spot[0]), int(spot[1]), on_top)
        here = [i for i in found if shown[i]]
    if not here:
        if not adding:
            session.select(None)
        return
    on_top = here[0]
    if adding:
        rest = [i for i in selected if i != on_top]
        session.select_many(rest if on_top in selected else [*rest, on_top])
        return
    alone = selected[0] if len(selected) == 1 else None
    place = here.index(alone) + 1 if alone in here else 0
    session.select(here[place % len(here)])


def rois_at(recording: Recording, y: int, x: int, first: int) -> list[int]:
    """Return the ROIs that have a pixel, beginning with the one that is drawn there."""
    masks = RoiMasks.of(recording.rois)
    found = masks.roi_ids[(masks.ypix == y) & (masks.xpix == x)]
    return [first, *(i for i in found.tolist() if i != first)]


def _far(start: Any, now: Any, zoom: float) -> bool:
    steps = (abs(a - b) for a, b in zip(start, now, strict=True))
    return float(max(steps)) * zoom > _TREMBLE
