"""The mean image of the second channel, shown in red and alone below the outlines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_celltype.gui.layers import tag_of
from napari_celltype.gui.opened import OpenRecording
from napari_celltype.gui.scene import Scene
from napari_celltype.recording import RED_IMAGE

if TYPE_CHECKING:
    from napari.layers import Layer


class RedImage:
    """Shows the red image of a recording, and puts back what was shown before.

    Parameters
    ----------
    scene : Scene
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._before: dict[str, bool] = {}
        self._shown: OpenRecording | None = None

    def has_one(self, opened: OpenRecording | None) -> bool:
        """Tell whether there is a red image to show."""
        return opened is not None and RED_IMAGE in opened.recording.images

    def show(self, opened: OpenRecording) -> None:
        """Show the red image of a recording in place of its other pictures."""
        self.hide()
        image = opened.recording.images[RED_IMAGE]
        layers = self._pictures(opened)
        if not any(layer.data is image for layer in layers):
            return
        self._shown = opened
        for layer in layers:
            self._before[layer.name] = layer.visible
            layer.visible = layer.data is image
            if layer.data is image:
                layer.colormap = "red"

    def hide(self) -> None:
        """Show what was shown before."""
        if self._shown is None:
            return
        for layer in self._pictures(self._shown):
            layer.visible = self._before.get(layer.name, layer.visible)
        self._before, self._shown = {}, None

    def _pictures(self, opened: OpenRecording) -> list[Layer]:
        """Return the images and the movie of a recording."""
        tagged = [(layer, tag_of(layer)) for layer in self._scene.viewer.layers]
        return [
            layer
            for layer, tag in tagged
            if tag and tag.key == opened.key and tag.role in ("image", "movie")
        ]
