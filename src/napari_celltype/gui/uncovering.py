"""Uncovers the movie when the user first moves through time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from weakref import ref

if TYPE_CHECKING:
    from napari import Viewer
    from napari.layers import Layer

    from napari_celltype.gui.session import Session


class Uncovering:
    """Hides the images that lie on a movie, once for each recording.

    Parameters
    ----------
    viewer : napari.Viewer
    session : Session
    layers : callable
        Takes a recording's key and a role; returns the layers that play it.
    """

    def __init__(
        self,
        viewer: Viewer,
        session: Session,
        layers: Callable[[str, Any], Iterable[Layer]],
    ) -> None:
        self._viewer = ref(viewer)
        self._session = session
        self._layers = layers
        self._done: set[str] = set()
        self._frame: int | None = None
        viewer.dims.events.current_step.connect(self.look)

    def look(self, event: Any = None) -> None:
        """Look whether the time slider has moved."""
        viewer, active = self._viewer(), self._session.active
        if viewer is None:
            return
        before = self._frame
        self._frame = viewer.dims.current_step[0] if viewer.dims.ndim > 2 else None
        moved = before is not None and self._frame not in (None, before)
        if active is None or not moved or active.key in self._done:
            return
        if any(movie.visible for movie in self._layers(active.key, "movie")):
            self._done.add(active.key)
            for image in self._layers(active.key, "image"):
                image.visible = False
