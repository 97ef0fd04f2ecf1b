"""Labelled recordings with known truth: spike trains, fluorescence, movies."""

from napari_celltype.simulation.files import (
    truth_table,
    write_movie,
    write_recording,
    write_truth,
)
from napari_celltype.simulation.parameters import SIMULATOR_VERSION
from napari_celltype.simulation.recording import (
    SimulatedRecording,
    match_rois,
    simulate_recording,
)
from napari_celltype.simulation.session import (
    Session,
    simulate_session,
    simulate_traces,
)

__all__ = [
    "SIMULATOR_VERSION",
    "Session",
    "SimulatedRecording",
    "match_rois",
    "simulate_recording",
    "simulate_session",
    "simulate_traces",
    "truth_table",
    "write_movie",
    "write_recording",
    "write_truth",
]
