"""The layers of one viewer, kept in step with its session, and clicks on its ROIs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary, WeakSet, ref

import numpy as np
from napari import Viewer
from napari.layers import Layer
from numpy.typing import NDArray
from qtpy.QtCore import QTimer

from napari_celltype.gui.label.autosave import Autosave
from napari_celltype.gui.label.labelling import Labelling
from napari_celltype.gui.layers import (
    METADATA_KEY,
    ROLES,
    Role,
    palette_colormap,
    recording_layers,
    tag_of,
)
from napari_celltype.gui.painting import Painting, roi_values
from napari_celltype.gui.palette import CLEAR, Palette
from napari_celltype.gui.session import Session
from napari_celltype.gui.settings import Settings
from napari_celltype.recording import RoiMasks

_REST_MS = 150
# For the status bar of napari.
_CLICK_HELP = "click a ROI to select it, <Shift>-click for several"
_ADDING = {"Shift", "Control"}
_TREMBLE = 4  # pixels of the screen that a hand may move while it clicks

_scenes: WeakKeyDictionary[Viewer, Scene] = WeakKeyDictionary()


def scene_of(viewer: Viewer) -> Scene:
    """Return the scene of a viewer; its first call makes one."""
    viewer = getattr(viewer, "__wrapped__", viewer)
    if viewer not in _scenes:
        _scenes[viewer] = Scene(viewer)
    return _scenes[viewer]


class Scene:
    """Draws a session into a viewer, and turns clicks into commands to the session."""

    def __init__(self, viewer: Viewer) -> None:
        # Weak, since the scene is kept for as long as its viewer lives.
        self._viewer = ref(viewer)
        self.session = Session()
        self.labelling = Labelling(self.session)
        self.autosave = Autosave(self.session, self.labelling)
        self.session.set_tree(Settings().tree())
        self.palette = Palette(self.session.tree)
        self._paintings: dict[str, Painting] = {}
        self._set_aside: WeakSet[Layer] = WeakSet()
        # Recordings whose movie was uncovered, and the last frame that was shown.
        self._uncovered: set[str] = set()
        self._frame: int | None = None
        self._busy = False
        # Tables follow a slider when it rests; the colours follow it at once.
        self._rest = QTimer(
            singleShot=True, interval=_REST_MS, timeout=self._refresh_all_features
        )
        session = self.session
        session.opened.connect(self._on_opened)
        session.closed.connect(self._on_closed)
        session.replaced.connect(self._on_replaced)
        session.predicted.connect(self._on_predicted)
        session.activated.connect(self._on_activated)
        session.selected.connect(self._on_selected)
        session.recolored.connect(self._on_recolored)
        session.filtered.connect(self._color_recordings)
        session.labelled.connect(self._on_labelled)
        session.types_changed.connect(self._on_types)
        viewer.layers.events.inserted.connect(lambda event: self._adopt(event.value))
        viewer.layers.events.removed.connect(self._on_removed)
        viewer.layers.selection.events.active.connect(self._on_active_layer)
        viewer.dims.events.current_step.connect(self._on_step)
        viewer.mouse_drag_callbacks.append(partial(_select_on_click, self))
        for layer in list(viewer.layers):
            self._adopt(layer)

    @property
    def viewer(self) -> Viewer:
        """The viewer that is drawn into."""
        viewer = self._viewer()
        assert viewer is not None
        return viewer

    def layer(self, key: str, role: Role) -> Any:
        """Return the layer that plays a role for a recording, None without one."""
        return next(self._layers(key, role), None)

    def refresh_features(self, key: str) -> None:
        """Write what is known about the ROIs into the table of their layer."""
        opened = self.session.recordings[key]
        layer = self.layer(key, "rois")
        if layer is not None:
            layer.features = self.session.features(opened)
        self.session.described.emit(key)

    def color(self, key: str) -> None:
        """Colour all ROIs of a recording; colours that were deleted come back."""
        layer, session = self.layer(key, "colors"), self.session
        if key not in self._paintings:
            return
        if layer is None:
            if self.layer(key, "rois") is not None:
                self._show(key, ("colors",))
            return
        opened = session.recordings[key]
        zones = roi_values(
            session.predictions(opened),
            opened.recording.n_rois,
            palette=self.palette,
            by_group=session.by_group,
            labels=session.labels_seen(opened) or (),
        )
        zones[~session.shown(opened)] = CLEAR
        self._paintings[key].color(zones)
        layer.refresh(extent=False)

    def _layers(self, key: str, role: Role | None = None) -> Iterator[Layer]:
        for layer in self.viewer.layers:
            tag = tag_of(layer)
            if tag is not None and tag.key == key and role in (None, tag.role):
                yield layer

    @contextmanager
    def _own_change(self) -> Iterator[None]:
        """Mark changes of layers as ours, so that they are no commands of the user."""
        before, self._busy = self._busy, True
        try:
            yield
        finally:
            self._busy = before

    def _show(self, key: str, roles: Sequence[Role] = ROLES) -> None:
        """Show a recording in its layers of some roles; what is missing is added."""
        layers = self.viewer.layers
        tagged = [(layer.metadata[METADATA_KEY], layer) for layer in self._layers(key)]
        shown = {(tag.role, tag.name): layer for tag, layer in tagged}
        active = layers.selection.active if shown else None
        place = 0 if shown else len(layers)
        with self._own_change():
            for data, options, kind in recording_layers(
                self.session.recordings[key], self.session.titles[key], self.palette
            ):
                tag = options["metadata"][METADATA_KEY]
                role = tag.role
                layer = shown.pop((role, tag.name), None)
                if role in roles and layer is None:
                    layer = Layer.create(data, options, kind)
                    layers.insert(place, layer)
                    self._connect(layer)
                elif role in roles:
                    layer.metadata = options["metadata"]
                    if role == "colors":
                        self._paint(layer, key)
                    else:
                        layer.data = data
                    if role == "movie":
                        layer.contrast_limits = options["contrast_limits"]
                if layer is not None:
                    place = layers.index(layer) + 1
            for (role, _), layer in shown.items():
                if role in roles:
                    layers.remove(layer)
            rois = self.layer(key, "rois")
            layers.selection.active = active if active in layers else rois

    def _adopt(self, layer: Layer) -> None:
        """Take in a layer that the reader made."""
        tag = tag_of(layer)
        if tag is None or self._busy:
            return
        if tag.key not in self.session.recordings:
            with self._own_change():
                self.session.open(tag.opened)
        self._connect(layer)

    def _connect(self, layer: Layer) -> None:
        tag = layer.metadata[METADATA_KEY]
        if tag.role not in ("colors", "rois"):
            return
        # Nothing is painted by hand: the masks are the truth about the ROIs.
        layer.editable = False
        layer.events.help.connect(lambda event: self._offer_click(event.source))
        self._offer_click(layer)
        rois = self.layer(tag.key, "rois")
        if tag.role == "colors":
            self._paint(layer, tag.key)
            if rois is not None:
                layer.visible, layer.opacity = rois.visible, rois.opacity
        else:
            layer.selected_label = 0
            layer.events.selected_label.connect(self._on_selected_label)
            layer.events.visible.connect(self._on_look)
            layer.events.opacity.connect(self._on_look)

    def _offer_click(self, layer: Layer) -> None:
        """Say in the status bar what a click does, where napari offers its brush."""
        layer.help = _CLICK_HELP
        if self.viewer.layers.selection.active is layer:
            self.viewer.help = _CLICK_HELP

    def _paint(self, layer: Layer, key: str) -> None:
        """Draw the ROIs of a recording into its colour layer anew."""
        painting = Painting(self.session.recordings[key].recording)
        self._paintings[key] = painting
        layer.data = painting.values
        active = self.session.active
        if active is not None and active.key == key:
            painting.select(self.session.roi_ids)
        self.color(key)

    def _on_opened(self, key: str) -> None:
        if self._busy:
            return
        first = not self.viewer.layers
        self._show(key)
        if first:
            self.viewer.reset_view()

    def _on_replaced(self, key: str) -> None:
        now = self.session.recordings[key].recording
        movie, rois = self.layer(key, "movie"), self.layer(key, "rois")
        tag = None if rois is None else tag_of(rois)
        if tag is None or tag.opened.recording.rois is not now.rois:
            self._show(key)
        elif now.movie is not None and (movie is None or movie.data is not now.movie):
            self._show(key, ("movie",))

    def _on_closed(self, key: str) -> None:
        self._paintings.pop(key, None)
        leftover = list(self._layers(key))
        # Later: napari may be about to remove the same layers, one after another.
        QTimer.singleShot(0, partial(self._remove, leftover))

    def _remove(self, layers: list[Layer]) -> None:
        viewer = self._viewer()
        if viewer is None:
            return
        with self._own_change():
            if not viewer.layers.selection.isdisjoint(layers):
                # Else napari chooses, and draws, one after another of them.
                viewer.layers.selection.clear()
            for layer in layers:
                if layer in viewer.layers:
                    viewer.layers.remove(layer)

    def _on_predicted(self, key: str) -> None:
        self.color(key)
        self.refresh_features(key)

    def _on_labelled(self, key: str) -> None:
        self.color(key)
        self._rest.start()

    def _on_types(self) -> None:
        """Draw in the colours that the types have now."""
        self.palette = Palette(self.session.tree)
        for key in self.session.recordings:
            for layer in self._layers(key, "colors"):
                layer.colormap = palette_colormap(self.palette)
        self._on_recolored()

    def _on_recolored(self) -> None:
        self._color_recordings()
        self._rest.start()

    def _color_recordings(self) -> None:
        for key in self.session.recordings:
            self.color(key)

    def _refresh_all_features(self) -> None:
        for key in self.session.recordings:
            self.refresh_features(key)

    def _on_activated(self) -> None:
        """Show the active recording; set the others aside."""
        active = self.session.active
        if active is None:
            return
        for layer in self.viewer.layers:
            tag = tag_of(layer)
            if tag is None:
                continue
            if tag.key == active.key and layer in self._set_aside:
                layer.visible = True
                self._set_aside.discard(layer)
            elif tag.key != active.key and layer.visible:
                layer.visible = False
                self._set_aside.add(layer)
        rois = self.layer(active.key, "rois")
        current = self.viewer.layers.selection.active
        tag = None if current is None else tag_of(current)
        if rois is not None and (tag is None or tag.key != active.key):
            self.viewer.layers.selection.active = rois

    def _on_selected(self) -> None:
        active = self.session.active
        for key, painting in self._paintings.items():
            mine = active is not None and active.key == key
            roi_id = self.session.roi_id if mine else None
            roi_ids = self.session.roi_ids if mine else ()
            colors, rois = self.layer(key, "colors"), self.layer(key, "rois")
            if painting.select(roi_ids) and colors is not None:
                colors.refresh(extent=False, thumbnail=False, highlight=False)
            if rois is not None:
                with self._own_change():
                    rois.selected_label = 0 if roi_id is None else roi_id + 1

    def _on_removed(self, event: Any) -> None:
        tag = tag_of(event.value)
        if tag is not None and tag.role == "rois" and not self._busy:
            self.session.close(tag.key)

    def _on_active_layer(self, event: Any) -> None:
        tag = None if event.value is None else tag_of(event.value)
        if tag is not None and tag.key in self.session.recordings and not self._busy:
            self.session.activate(tag.key)

    def _on_selected_label(self, event: Any) -> None:
        tag = tag_of(event.source)
        if self._busy or tag is None or tag.key not in self.session.recordings:
            return
        n_rois = self.session.recordings[tag.key].recording.n_rois
        roi_id = int(event.source.selected_label) - 1
        self.session.activate(tag.key)
        self.session.select(roi_id if 0 <= roi_id < n_rois else None)

    def _on_step(self, event: Any) -> None:
        """Hide the images that lie on a movie when it is first looked through."""
        dims, active = self.viewer.dims, self.session.active
        before = self._frame
        self._frame = dims.current_step[0] if dims.ndim > 2 else None
        moved = before is not None and self._frame not in (None, before)
        if active is None or not moved or self._busy or active.key in self._uncovered:
            return
        if any(movie.visible for movie in self._layers(active.key, "movie")):
            self._uncovered.add(active.key)
            for image in self._layers(active.key, "image"):
                image.visible = False

    def _on_look(self, event: Any) -> None:
        """Let the drawing follow the eye and the opacity of the ROIs layer."""
        tag = tag_of(event.source)
        colors = None if tag is None else self.layer(tag.key, "colors")
        if colors is not None:
            colors.visible = event.source.visible
            colors.opacity = event.source.opacity


def _select_on_click(scene: Scene, viewer: Viewer, event: Any) -> Iterator[None]:
    """Select the ROI under a click; a drag is napari's own."""
    active = scene.session.active
    rois = None if active is None else scene.layer(active.key, "rois")
    current = viewer.layers.selection.active
    editing = current is not None and current.mode != "pan_zoom"
    if rois is None or not rois.visible or editing or event.button != 1:
        return
    start, position, modifiers = event.pos, event.position, set(event.modifiers)
    yield
    while event.type == "mouse_move":
        if np.abs(np.subtract(event.pos, start)).max() > _TREMBLE:
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
    """Select the next ROI at a pixel, beginning with the one that is drawn there."""
    opened, selected = session.active, session.roi_ids
    if opened is None:
        return
    here = []
    if on_top >= 0:
        masks = RoiMasks.of(opened.recording.rois)
        found = masks.roi_ids[(masks.ypix == spot[0]) & (masks.xpix == spot[1])]
        # What the filter hides cannot be clicked on.
        shown = session.shown(opened)
        here = [i for i in dict.fromkeys([on_top, *found.tolist()]) if shown[i]]
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
