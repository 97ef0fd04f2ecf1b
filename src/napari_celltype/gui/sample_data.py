"""File > Open Sample: a labelled recording, simulated when it is asked for."""

from __future__ import annotations

from napari_celltype.gui.layers import LayerData, recording_layers
from napari_celltype.gui.opened import OpenRecording
from napari_celltype.labels import Label, LabelTable
from napari_celltype.recording import FROM_USER, Recording, Segment
from napari_celltype.simulation import simulate_recording

_N_CELLS = 150
_N_FRAMES = 1500
_FREQUENCY = 10.0


def sample_recording() -> list[LayerData]:
    """Return the layers of a simulated recording of 150 seconds with its true types."""
    simulated = simulate_recording(_N_CELLS, _N_FRAMES, _FREQUENCY, random_state=1)
    recording = Recording(
        raw_traces=simulated.raw_traces,
        neuropil=simulated.neuropil,
        rois=simulated.rois,
        sampling_frequency=_FREQUENCY,
        sampling_frequency_source=FROM_USER,
        segments=(Segment(0, simulated.n_frames),),
        frame_shape=simulated.frame_shape,
        images={"mean image": simulated.mean_image()},
    )
    labels = LabelTable(
        tuple(
            Label(row, str(name), source="imported", note="simulator truth")
            for row, name in enumerate(simulated.labels)
        )
    )
    return recording_layers(
        OpenRecording("simulated recording", recording, labels=labels)
    )
