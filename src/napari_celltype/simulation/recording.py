"""A simulated recording: a session whose cells have a place in the field of view."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_celltype.celltypes import DEFAULT_TYPES
from napari_celltype.errors import LabelError, RecordingError
from napari_celltype.recording import Roi
from napari_celltype.simulation.field_of_view import place_somata, resting_image
from napari_celltype.simulation.parameters import MIXTURE
from napari_celltype.simulation.session import Session, simulate_session

_PIXELS_PER_CELL = 380  # loose enough for somata of 6 pixels radius that do not touch
_SMALLEST_SIDE = 128


@dataclass(frozen=True, eq=False)
class SimulatedRecording:
    """A labelled recording with known truth.

    Attributes
    ----------
    session : Session
        Traces, spikes, behaviour and nuisances.
    rois : tuple of Roi
        Masks of the somata, row by row of the session.
    frame_shape : tuple of int
        (Ly, Lx), pixels.
    background : ndarray of float32, shape (Ly, Lx)
        Resting neuropil with its texture and vessels, a.u.
    seed : int
        Seed of what is drawn later, when a movie is written.
    """

    session: Session
    rois: tuple[Roi, ...]
    frame_shape: tuple[int, int]
    background: NDArray[np.float32]
    seed: int

    @property
    def labels(self) -> NDArray[np.str_]:
        """True type of each cell, shape (n_cells,)."""
        return self.session.labels

    @property
    def raw_traces(self) -> NDArray[np.float32]:
        """Raw fluorescence as suite2p's F, shape (n_cells, n_frames)."""
        return self.session.fluorescence.raw_traces

    @property
    def neuropil(self) -> NDArray[np.float32]:
        """Neuropil as suite2p's Fneu, shape (n_cells, n_frames)."""
        return self.session.fluorescence.neuropil

    @property
    def running_speed(self) -> NDArray[np.float32]:
        """Running speed, shape (n_frames,), cm/s."""
        return self.session.behaviour.speed

    @property
    def sampling_frequency(self) -> float:
        """Frames per second, Hz."""
        return self.session.sampling_frequency

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return int(self.raw_traces.shape[1])

    def mean_image(self) -> NDArray[np.float32]:
        """Return the mean image, shape (Ly, Lx), a.u."""
        image = self.background.copy()
        for roi, soma in zip(self.rois, self.session.fluorescence.soma, strict=True):
            image[roi.ypix, roi.xpix] += roi.lam * soma.mean()
        return image


def simulate_recording(
    n_cells: int = 40,
    n_frames: int = 1500,
    sampling_frequency: float = 10.0,
    *,
    counts: Mapping[str, int] | None = None,
    random_state: int | np.random.Generator | None = None,
    frame_shape: tuple[int, int] | None = None,
    regime: str | None = "running",
    indicator: str | None = "GCaMP7f",
    noise: float | None = 0.8,
    expression: float | None = 1.0,
) -> SimulatedRecording:
    """Simulate a labelled recording of one field of view.

    Parameters
    ----------
    n_cells : int
        Cells, divided among the types by `parameters.MIXTURE`.
    n_frames : int
    sampling_frequency : float
        Hz.
    counts : mapping of str to int or None
        Cells of each type; takes the place of `n_cells`.
    random_state : int, numpy.random.Generator or None
        The same number gives the same bytes.
    frame_shape : tuple of int or None
        (Ly, Lx), pixels; None for a square that holds the cells.
    regime, indicator : str or None
        Keys of `parameters.REGIMES` and `parameters.INDICATORS`; drawn when None.
    noise : float or None
        Shot noise nu of the session, % / sqrt(Hz); drawn when None.
    expression : float or None
        Response of the session over its indicator's; drawn when None.

    Returns
    -------
    SimulatedRecording

    Raises
    ------
    LabelError
        If a type is unknown or no cell is asked for.
    RecordingError
        If the cells do not fit into the frame or the noise is not positive.
    SamplingFrequencyError
        If `sampling_frequency` is not positive.
    """
    if noise is not None and not noise > 0:
        raise RecordingError(
            f"A shot noise of {noise} cannot be simulated; give a positive number."
        )
    rng = np.random.default_rng(random_state)
    wanted = dict(counts) if counts is not None else _mixture(n_cells)
    names = [DEFAULT_TYPES.canonical(name) for name in wanted]
    labels = rng.permutation(np.repeat(names, list(wanted.values())))
    if labels.size == 0:
        raise LabelError("No cell was asked for; give n_cells or counts.")
    if frame_shape is None:
        side = int(np.ceil(np.sqrt(labels.size * _PIXELS_PER_CELL) / 32) * 32)
        frame_shape = (max(side, _SMALLEST_SIDE),) * 2
    session_stream, field_stream = rng.spawn(2)
    session = simulate_session(
        labels,
        n_frames,
        sampling_frequency,
        session_stream,
        regime=regime,
        indicator=indicator,
        noise=noise,
        expression=expression,
    )
    rois = place_somata(labels.size, frame_shape, field_stream)
    level = float(session.nuisances.neuropil_brightness.mean())
    background = level * resting_image(frame_shape, field_stream)
    seed = int(field_stream.integers(2**31))
    return SimulatedRecording(session, rois, frame_shape, background, seed)


def _mixture(n_cells: int) -> dict[str, int]:
    """Divide cells among the types by their shares, rounding to the total."""
    shares = np.array([parameter.low for parameter in MIXTURE.values()])
    borders = np.round(np.cumsum(shares / shares.sum()) * n_cells).astype(int)
    sizes = np.diff(borders, prepend=0).tolist()
    return dict(zip(MIXTURE, sizes, strict=True))
