"""Traces with a share of their neuropil taken away."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import RecordingError
from napari_celltype.recording.recording import Recording, Traces


@dataclass(frozen=True, eq=False)
class NeuropilSubtracted:
    """F - coefficient * Fneu, calculated for the rows and frames that are asked for."""

    raw_traces: Traces
    neuropil: Traces
    coefficient: float

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of ROIs and number of frames."""
        return self.raw_traces.shape

    def __getitem__(self, key: Any, /) -> NDArray[np.float32]:
        return self.raw_traces[key] - np.float32(self.coefficient) * self.neuropil[key]


def subtract_neuropil(recording: Recording, coefficient: float) -> Traces:
    """Return F - coefficient * Fneu, shape (n_rois, n_frames).

    Raises
    ------
    RecordingError
        If the recording has no neuropil traces or the coefficient is not a number
        from 0 to 1.
    """
    if not (math.isfinite(coefficient) and 0 <= coefficient <= 1):
        raise RecordingError(
            f"The neuropil coefficient {coefficient:g} is not between 0 and 1; suite2p "
            "itself uses 0.7."
        )
    if coefficient == 0:
        return recording.raw_traces
    if recording.neuropil is None:
        raise RecordingError(
            f"{recording.path or 'The recording'} has no Fneu.npy, so neuropil cannot "
            "be subtracted; use --neuropil none."
        )
    return NeuropilSubtracted(recording.raw_traces, recording.neuropil, coefficient)
