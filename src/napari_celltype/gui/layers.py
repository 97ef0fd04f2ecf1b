"""The layers of an open recording, as data; a layer is known by its `LayerTag`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_celltype.answers.columns import layer_features
from napari_celltype.gui.opened import OpenRecording
from napari_celltype.gui.painting import Painting
from napari_celltype.gui.palette import Palette
from napari_celltype.recording import Movie, Recording, label_image

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.utils.colormaps import CyclicLabelColormap

METADATA_KEY = "napari-celltype"

Role = Literal["movie", "image", "colors", "rois"]
LayerData = tuple[Any, dict[str, Any], str]


@dataclass(frozen=True, eq=False)
class LayerTag:
    """What a layer is, kept in ``layer.metadata["napari-celltype"]``."""

    key: str
    role: Role
    opened: OpenRecording


def tag_of(layer: Layer) -> LayerTag | None:
    """Return what a layer is, None where it is none of ours."""
    tag = layer.metadata.get(METADATA_KEY)
    return tag if isinstance(tag, LayerTag) else None


def recording_layers(
    opened: OpenRecording, palette: Palette | None = None
) -> list[LayerData]:
    """Return the layers of a recording, from bottom to top."""
    return list(_layers(opened, palette or Palette()))


def movie_layer(opened: OpenRecording, movie: Movie) -> LayerData:
    """Return the layer of a movie, frames read as they are looked at."""
    return (
        movie,
        {
            "name": f"{opened.title} movie",
            "metadata": {METADATA_KEY: LayerTag(opened.key, "movie", opened)},
            "contrast_limits": _contrast_of(_some_frames(movie)),
            "multiscale": False,
        },
        "image",
    )


def colors_layer(
    opened: OpenRecording, palette: Palette, labels: NDArray[np.integer]
) -> LayerData:
    """Return the layer "ROI colours" for a label image, all ROIs unclassified."""
    return (
        Painting(labels, opened.recording.rois).values,
        {
            "name": f"{opened.title} ROI colours",
            "metadata": {METADATA_KEY: LayerTag(opened.key, "colors", opened)},
            "colormap": palette_colormap(palette),
            "opacity": 1.0,
        },
        "labels",
    )


def palette_colormap(palette: Palette) -> CyclicLabelColormap:
    """Return the colours of the values of a palette, for the layer "ROI colours"."""
    from napari.utils.colormaps import CyclicLabelColormap

    # A cycle as long as the values are many is a look-up table; napari compiles code
    # for seconds before it can use a DirectLabelColormap.
    return CyclicLabelColormap(colors=palette.rgba())


def _layers(opened: OpenRecording, palette: Palette) -> Iterator[LayerData]:
    recording = opened.recording
    if recording.movie is not None:
        yield movie_layer(opened, recording.movie)
    for number, (name, image) in enumerate(reversed([*recording.images.items()])):
        yield (
            image,
            {
                "name": f"{opened.title} {name}",
                "metadata": {METADATA_KEY: LayerTag(opened.key, "image", opened)},
                "contrast_limits": _contrast_of(image),
                # The first image, which comes last and on top, is the one to look at.
                "visible": number == len(recording.images) - 1,
            },
            "image",
        )
    if recording.rois and min(recording.frame_shape) > 0:
        yield from _roi_layers(opened, recording, palette)


def _roi_layers(
    opened: OpenRecording, recording: Recording, palette: Palette
) -> Iterator[LayerData]:
    from napari.utils.colormaps import CyclicLabelColormap

    labels = label_image(recording)
    clear = CyclicLabelColormap(colors=np.zeros((2, 4)))
    yield colors_layer(opened, palette, labels)
    yield (
        # 16 bits go to the graphics card as they are; 32 are converted at each refresh.
        labels.astype(np.uint16) if recording.n_rois < 2**16 - 1 else labels,
        {
            "name": f"{opened.title} ROIs",
            "metadata": {METADATA_KEY: LayerTag(opened.key, "rois", opened)},
            "features": layer_features(recording, opened.labels, opened.predictions),
            "colormap": clear,
            "opacity": 1.0,
        },
        "labels",
    )


def _some_frames(movie: Movie) -> NDArray[np.generic]:
    n_frames = movie.shape[0]
    picked = sorted({0, n_frames // 2, n_frames - 1})
    return np.stack([np.asarray(movie[i]) for i in picked])


def _contrast_of(image: NDArray[Any]) -> tuple[float, float]:
    low, high = np.nanpercentile(image, (1, 99.5))
    # napari refuses equal limits (an empty image) and NaN (an image without a number).
    if not low < high:
        return (0.0, 1.0)
    return (float(low), float(high))
