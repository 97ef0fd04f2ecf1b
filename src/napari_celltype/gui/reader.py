"""The napari reader of suite2p folders, plane folders and stat.npy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from napari_celltype.errors import RecordingError
from napari_celltype.gui.label.autosave import labels_folder
from napari_celltype.gui.layers import LayerData, recording_layers
from napari_celltype.gui.opening import read_recordings
from napari_celltype.recording import find_planes

PathOrPaths = str | Sequence[str]


def get_reader(path: PathOrPaths) -> Callable[[PathOrPaths], list[LayerData]] | None:
    """Return a reader when every path is a suite2p recording, else None."""
    try:
        for one in _paths(path):
            find_planes(one)
    except RecordingError:
        return None
    return read_layers


def read_layers(path: PathOrPaths) -> list[LayerData]:
    """Read every plane of the recordings.

    Raises
    ------
    RecordingError
        With a sentence that says what is wrong and what to do.
    """
    return [
        layer
        for one in _paths(path)
        for opened in read_recordings(one, labels_dir=labels_folder())
        for layer in recording_layers(opened)
    ]


def _paths(path: PathOrPaths) -> list[Path]:
    return [Path(p) for p in ([path] if isinstance(path, str) else path)]
