"""What napari calls without a dock: the reader of recordings and the sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from napari_celltype.errors import CellTypeError
from napari_celltype.gui.label.autosave import labels_folder
from napari_celltype.gui.layers import LayerData, recording_layers
from napari_celltype.gui.opened import OpenRecording, titles_of
from napari_celltype.gui.opening import read_recordings
from napari_celltype.recording import (
    FROM_USER,
    Recording,
    Segment,
    find_planes,
    planes_at,
)

PathOrPaths = str | Sequence[str]


def get_reader(path: PathOrPaths) -> Callable[[PathOrPaths], list[LayerData]] | None:
    """Return a reader when every path is a recording, else None."""
    try:
        # Of a file alone the contents are looked at: its folder may hold thousands.
        is_ours = [
            planes_at(one) if one.is_file() else find_planes(one)
            for one in _paths(path)
        ]
    except CellTypeError:
        return None
    return read_layers if all(is_ours) else None


def read_layers(path: PathOrPaths) -> list[LayerData]:
    """Read every plane of the recordings."""
    found = [
        opened
        for one in _paths(path)
        for opened in read_recordings(one, labels_dir=labels_folder())
    ]
    titles = titles_of(found)
    return [
        layer
        for opened in found
        for layer in recording_layers(opened, titles[opened.key])
    ]


def _paths(path: PathOrPaths) -> list[Path]:
    return [Path(p) for p in ([path] if isinstance(path, str) else path)]


_N_CELLS = 150
_N_FRAMES = 1500
_FREQUENCY = 10.0


def sample_recording() -> list[LayerData]:
    """Return the layers of a simulated recording of 150 seconds with its true types."""
    # Imports scipy.signal, which every opening would wait for.
    from napari_celltype.simulation import simulate_recording, truth_table

    simulated = simulate_recording(_N_CELLS, _N_FRAMES, _FREQUENCY, random_state=1)
    recording = Recording(
        raw_traces=simulated.raw_traces,
        neuropil=simulated.neuropil,
        rois=simulated.rois,
        sampling_frequency=_FREQUENCY,
        sampling_frequency_source=FROM_USER,
        segments=(Segment(0, _N_FRAMES),),
        frame_shape=simulated.frame_shape,
        images={"mean image": simulated.projection()},
    )
    labels = truth_table(simulated.labels)
    title = "simulated recording"
    return recording_layers(OpenRecording(title, recording, labels=labels), title)
