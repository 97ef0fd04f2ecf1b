"""The whole street: a simulated movie, the real suite2p, ROIs that are the cells."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from napari_celltype.recording import open_recording, run_suite2p
from napari_celltype.simulation import match_rois, simulate_recording, write_movie


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(
    importlib.util.find_spec("suite2p") is None, reason="suite2p is not installed"
)
def test_suite2p_finds_most_cells_that_are_active(tmp_path):
    """Nearly silent cells, as many PY cells are, cannot be found by their activity."""
    simulated = simulate_recording(random_state=1)
    movie = write_movie(simulated, tmp_path / "movie.tif")
    run_suite2p(movie, tmp_path / "found", sampling_frequency=10.0, tau=0.7)
    found = open_recording(tmp_path / "found")
    matches = match_rois(simulated.rois, list(found.rois), found.frame_shape)
    matched = np.flatnonzero(matches >= 0)
    active = simulated.session.dff.max(axis=1) > 0.3
    assert active[matches[matched]].sum() >= 0.65 * active.sum()
    assert matched.size >= 0.8 * len(found.rois)
    soma = simulated.session.fluorescence.soma[matches[matched]]
    raw = np.asarray(found.raw_traces[:])[matched]
    correlations = [np.corrcoef(a, b)[0, 1] for a, b in zip(soma, raw, strict=True)]
    assert np.median(correlations) > 0.8
