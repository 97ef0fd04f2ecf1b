"""Labelled recordings with known truth: spike trains, fluorescence, movies."""

from napari_celltype.simulation.folder import (
    write_labels,
    write_recording,
    write_truth,
)
from napari_celltype.simulation.matching import match_rois
from napari_celltype.simulation.movie import write_movie
from napari_celltype.simulation.recording import SimulatedRecording, simulate_recording
from napari_celltype.simulation.session import (
    Session,
    simulate_session,
    simulate_sessions,
    simulate_traces,
)

__all__ = [
    "Session",
    "SimulatedRecording",
    "match_rois",
    "simulate_recording",
    "simulate_session",
    "simulate_sessions",
    "simulate_traces",
    "write_labels",
    "write_movie",
    "write_recording",
    "write_truth",
]
