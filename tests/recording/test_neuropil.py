"""Neuropil taken away, lazily."""

from __future__ import annotations

import numpy as np
import pytest

from napari_celltype.errors import RecordingError
from napari_celltype.recording import Recording, subtract_neuropil

RAW, AROUND = np.full((3, 5), 10.0), np.arange(15.0).reshape(3, 5)


def recording(neuropil: np.ndarray | None = AROUND) -> Recording:
    return Recording.from_traces(RAW, sampling_frequency=10, neuropil=neuropil)


def test_share_of_neuropil_is_taken_away() -> None:
    traces = subtract_neuropil(recording(), 0.5)
    assert traces.shape == (3, 5)
    np.testing.assert_allclose(traces[1:3], RAW[1:3] - 0.5 * AROUND[1:3])
    np.testing.assert_allclose(traces[0, 2:4], RAW[0, 2:4] - 0.5 * AROUND[0, 2:4])


def test_nothing_to_take_away() -> None:
    bare = recording(None)
    assert subtract_neuropil(bare, 0) is bare.raw_traces


def test_absent_neuropil_is_said() -> None:
    with pytest.raises(RecordingError, match=r"has no Fneu\.npy"):
        subtract_neuropil(recording(None), 0.7)


@pytest.mark.parametrize("coefficient", [-0.1, 1.2, float("nan")])
def test_impossible_coefficient(coefficient: float) -> None:
    with pytest.raises(RecordingError, match="not between 0 and 1"):
        subtract_neuropil(recording(), coefficient)
