"""Labelled recordings with known truth: spike trains, fluorescence, movies."""

from napari_celltype.simulation.session import (
    Session,
    simulate_session,
    simulate_sessions,
    simulate_traces,
)

__all__ = ["Session", "simulate_session", "simulate_sessions", "simulate_traces"]
