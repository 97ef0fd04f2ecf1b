"""The layers of an open recording, as data; a layer is known by its `LayerTag`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from napari.layers import Layer
from napari.utils.colormaps import CyclicLabelColormap
from numpy.typing import NDArray

from napari_celltype.answers.columns import layer_features
from napari_celltype.gui.opened import OpenRecording
from napari_celltype.gui.painting import Painting
from napari_celltype.gui.palette import Palette
from napari_celltype.models.windows import blocks_of
from napari_celltype.recording import Recording

METADATA_KEY = "napari-celltype"
_MOST_COLUMNS = 4000

Role = Literal["movie", "image", "colors", "rois"]
ROLES: tuple[Role, ...] = get_args(Role)
LayerData = tuple[Any, dict[str, Any], str]


@dataclass(frozen=True, eq=False)
class LayerTag:
    """What a layer is, kept in ``layer.metadata["napari-celltype"]``."""

    key: str
    role: Role
    name: str  # without that of the recording
    opened: OpenRecording


def tag_of(layer: Layer) -> LayerTag | None:
    """Return what a layer is, None where it is none of ours."""
    tag = layer.metadata.get(METADATA_KEY)
    return tag if isinstance(tag, LayerTag) else None


def recording_layers(
    opened: OpenRecording, title: str, palette: Palette | None = None
) -> list[LayerData]:
    """Return the layers of a recording, from bottom to top."""
    recording, found = opened.recording, []

    def add(role: Role, name: str, data: Any, kind: str, **options: Any) -> None:
        options |= {"opacity": 1.0, "name": f"{title} {name}"}
        tag = LayerTag(opened.key, role, name, opened)
        options["metadata"] = {METADATA_KEY: tag}
        found.append((data, options, kind))

    if (movie := recording.movie) is not None:
        n_frames = movie.shape[0]
        picked = sorted({0, n_frames // 2, n_frames - 1})
        limits = _contrast_of(np.stack([np.asarray(movie[i]) for i in picked]))
        # Frames are read as they are looked at.
        add("movie", "movie", movie, "image", contrast_limits=limits, multiscale=False)
    for number, (name, image) in enumerate(reversed([*recording.images.items()])):
        # The first image, which comes last and on top, is the one to look at.
        visible = number == len(recording.images) - 1
        limits = _contrast_of(image)
        add("image", name, image, "image", contrast_limits=limits, visible=visible)
    if recording.rois and min(recording.frame_shape) > 0:
        painting = Painting(recording)
        colormap = palette_colormap(palette or Palette())
        add("colors", "ROI colours", painting.values, "labels", colormap=colormap)
        # 16 bits go to the graphics card as they are; 32 are converted at each refresh.
        narrow = recording.n_rois < 2**16 - 1
        add(
            "rois",
            "ROIs",
            painting.labels.astype(np.uint16) if narrow else painting.labels,
            "labels",
            features=layer_features(recording, opened.labels, opened.predictions),
            colormap=CyclicLabelColormap(colors=np.zeros((2, 4))),
        )
    if not found:
        add("image", "traces, one in each row", _raster(recording), "image")
    return found


def _raster(recording: Recording) -> NDArray[np.float64]:
    """Return all traces as one image, each from 0 to 1, for want of another."""
    step = -(-recording.n_frames // _MOST_COLUMNS)
    # Copies, as views would keep all of the traces.
    blocks = [block[:, ::step].copy() for _, block in blocks_of(recording.raw_traces)]
    values = np.concatenate(blocks)
    values = np.where(np.isfinite(values), values, np.nan).astype(np.float64)
    low, high = np.fmin.reduce(values, axis=1), np.fmax.reduce(values, axis=1)
    span = np.where(high > low, high - low, 1)[:, None]
    raster: NDArray[np.float64] = np.nan_to_num((values - low[:, None]) / span)
    return raster


def palette_colormap(palette: Palette) -> CyclicLabelColormap:
    """Return the colours of the values of a palette, for the layer "ROI colours"."""
    # A cycle as long as the values are many is a look-up table; napari compiles code
    # for seconds before it can use a DirectLabelColormap.
    return CyclicLabelColormap(colors=palette.rgba())


def _contrast_of(image: NDArray[Any]) -> tuple[float, float]:
    low, high = np.nanpercentile(image, (1, 99.5))
    # napari refuses equal limits (an empty image) and NaN (an image without a number).
    return (float(low), float(high)) if low < high else (0.0, 1.0)
