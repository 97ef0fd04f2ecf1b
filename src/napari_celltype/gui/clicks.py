"""A click on the picture selects the ROI under it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari import Viewer

    from napari_celltype.gui.scene import Scene

_TREMBLE = 4  # pixels of the screen that a hand may move while it clicks


def select_on_click(scene: Scene, viewer: Viewer, event: Any) -> Iterator[None]:
    """Select the ROI under a click; a drag is napari's own."""
    active = scene.session.active
    rois = None if active is None else scene.layer(active.key, "rois")
    current = viewer.layers.selection.active
    editing = current is not None and current.mode != "pan_zoom"
    if rois is None or not rois.visible or editing or event.button != 1:
        return
    position = event.position
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
    scene.session.select(int(value) - 1 if value else None)


def _far(start: Any, now: Any, zoom: float) -> bool:
    steps = (abs(a - b) for a, b in zip(start, now, strict=True))
    return float(max(steps)) * zoom > _TREMBLE
