"""A simulated recording: a session whose cells have a place in the field of view."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_matrix

from napari_celltype.celltypes import DEFAULT_TYPES
from napari_celltype.errors import LabelError, RecordingError
from napari_celltype.recording import Roi, RoiMasks
from napari_celltype.simulation.parameters import MIXTURE, MOVIE
from napari_celltype.simulation.session import Session, simulate_session

_PIXELS_PER_CELL = 380  # loose enough for somata of 6 pixels radius that do not touch
_SMALLEST_SIDE = 128
_TRIES = 2000  # random places tried for each cell before giving up
_LEAST_OVERLAP = 0.5  # intersection over union of a found ROI that is a true cell


@dataclass(frozen=True, eq=False)
class SimulatedRecording(Session):
    """A session whose cells have a place: a labelled recording with known truth."""

    rois: tuple[Roi, ...]  # masks of the somata, row by row of the session
    frame_shape: tuple[int, int]  # (Ly, Lx), pixels
    background: NDArray[np.float32]  # resting neuropil with vessels, (Ly, Lx), a.u.
    seed: int  # of what is drawn later, when a movie is written

    @property
    def raw_traces(self) -> NDArray[np.float32]:
        """Raw fluorescence as suite2p's F, shape (n_cells, n_frames)."""
        return self.fluorescence.raw_traces

    @property
    def neuropil(self) -> NDArray[np.float32]:
        """Neuropil as suite2p's Fneu, shape (n_cells, n_frames)."""
        return self.fluorescence.neuropil

    def projection(
        self, over_time: Callable[[NDArray[np.float32]], np.float32] = np.mean
    ) -> NDArray[np.float32]:
        """Return the mean image, or another projection, shape (Ly, Lx), a.u."""
        image = self.background.copy()
        for roi, soma in zip(self.rois, self.fluorescence.soma, strict=True):
            image[roi.ypix, roi.xpix] += roi.lam * over_time(soma)
        return image


def simulate_recording(
    n_cells: int = 40,
    n_frames: int = 1500,
    sampling_frequency: float = 10.0,
    *,
    counts: Mapping[str, int] | None = None,
    random_state: int | np.random.Generator | None = None,
    regime: str | None = "running",
    indicator: str | None = "GCaMP7f",
    noise: float | None = 0.8,
    expression: float | None = 1.0,
) -> SimulatedRecording:
    """Simulate a labelled recording of one field of view; what is None is drawn.

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
    regime, indicator : str or None
        Keys of `parameters.REGIMES` and `parameters.INDICATORS`.
    noise : float or None
        Shot noise nu of the session, % / sqrt(Hz).
    expression : float or None
        Response of the session over its indicator's.

    Raises
    ------
    LabelError
        If a type is unknown or no cell is asked for.
    RecordingError, SamplingFrequencyError
        If the noise or the rate is not positive.
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
    side = int(np.ceil(np.sqrt(labels.size * _PIXELS_PER_CELL) / 32) * 32)
    side = max(side, _SMALLEST_SIDE)
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
    rois = _place_somata(labels.size, side, field_stream)
    level = float(session.nuisances.neuropil_brightness.mean())
    background = level * _resting_image(side, field_stream)
    seed = int(field_stream.integers(2**31))
    return SimulatedRecording(
        **vars(session),
        rois=rois,
        frame_shape=(side, side),
        background=background,
        seed=seed,
    )


def _mixture(n_cells: int) -> dict[str, int]:
    """Divide cells among the types by their shares, rounding to the total."""
    shares = np.array([parameter.low for parameter in MIXTURE.values()])
    borders = np.round(np.cumsum(shares / shares.sum()) * n_cells).astype(int)
    sizes = np.diff(borders, prepend=0).tolist()
    return dict(zip(MIXTURE, sizes, strict=True))


def _place_somata(n_cells: int, side: int, rng: np.random.Generator) -> tuple[Roi, ...]:
    """Place somata that do not touch."""
    radii = MOVIE["soma_radius"].draw(rng, n_cells).astype(float)
    edge = radii.max() + 3 * MOVIE["motion"].low
    centres = np.empty((n_cells, 2))
    for cell in range(n_cells):
        candidates = rng.uniform(edge, side - edge, (_TRIES, 2))
        placed = centres[:cell]
        apart = np.linalg.norm(candidates[:, None] - placed[None], axis=2)
        # The stretch of an ellipse is at most 10 %, so 1.1 radii keep somata apart.
        free = (apart > 1.1 * (radii[cell] + radii[:cell])).all(axis=1)
        if not free.any():
            raise RecordingError(f"{n_cells} cells found no place; try another seed.")
        centres[cell] = candidates[free.argmax()]
    return tuple(
        _soma(centre, radius, side, rng)
        for centre, radius in zip(centres, radii, strict=True)
    )


def _resting_image(side: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw the texture of the neuropil with dark vessels, mean about 1, (Ly, Lx)."""
    coarse, fine = _texture(side, 10.0, rng), _texture(side, 1.2, rng)
    image = np.exp(0.2 * coarse + 0.12 * fine)
    y, x = np.mgrid[:side, :side]
    for _ in range(round(MOVIE["vessels"].low)):
        angle = rng.uniform(0, np.pi)
        away = (y - rng.uniform(0, side)) * np.cos(angle)
        away = away - (x - rng.uniform(0, side)) * np.sin(angle)
        away = away + 4 * _texture(side, 15.0, rng)
        depth, thickness = rng.uniform(0.2, 0.6), rng.uniform(1, 4)
        image = image * (1 - depth * np.exp(-0.5 * np.square(away / thickness)))
    return np.asarray(image / image.mean(), dtype=np.float32)


def _texture(side: int, size: float, rng: np.random.Generator) -> NDArray[np.float64]:
    noise = gaussian_filter(rng.standard_normal((side, side)), size, mode="reflect")
    return np.asarray(noise / noise.std(), dtype=np.float64)


def _soma(
    centre: NDArray[np.float64], radius: float, side: int, rng: np.random.Generator
) -> Roi:
    stretch, angle = rng.uniform(1, 1.1), rng.uniform(0, np.pi)
    y, x = np.mgrid[:side, :side]
    along = (y - centre[0]) * np.cos(angle) + (x - centre[1]) * np.sin(angle)
    across = (x - centre[1]) * np.cos(angle) - (y - centre[0]) * np.sin(angle)
    away = np.hypot(along / stretch, across * stretch) / radius
    ypix, xpix = np.nonzero(away <= 1)
    inside = away[ypix, xpix]
    lam = (1 - 0.4 * np.exp(-np.square(inside / 0.45))).astype(np.float32)
    return Roi(ypix.astype(np.int64), xpix.astype(np.int64), lam / lam.mean())


def match_rois(
    truth: Sequence[Roi], found: Sequence[Roi], frame_shape: tuple[int, int]
) -> NDArray[np.int64]:
    """Match found ROIs to true cells whose masks overlap by half or more, one to one.

    Returns
    -------
    ndarray of int64, shape (n_found,)
        Row of the true cell, or -1.
    """
    matches = np.full(len(found), -1, dtype=np.int64)
    if not truth or not found:
        return matches
    masks = mask_matrix(found, frame_shape, weighted=False)
    shared = (masks @ mask_matrix(truth, frame_shape, weighted=False).T).toarray()
    sizes = (RoiMasks.of(rois).n_pixels for rois in (found, truth))
    overlap = shared / (np.add.outer(*sizes) - shared)
    rows, columns = linear_sum_assignment(overlap, maximize=True)
    good = overlap[rows, columns] >= _LEAST_OVERLAP
    matches[rows[good]] = columns[good]
    return matches


def mask_matrix(
    rois: Sequence[Roi], frame_shape: tuple[int, int], *, weighted: bool
) -> csr_matrix:
    """Return masks as a sparse float32 matrix (n_rois, n_pixels) of weights or ones."""
    masks = RoiMasks.of(rois)
    columns = masks.ypix * frame_shape[1] + masks.xpix
    values = masks.lam if weighted else np.ones(len(columns))
    shape = (len(masks), frame_shape[0] * frame_shape[1])
    return csr_matrix((values, (masks.roi_ids, columns)), shape=shape, dtype=np.float32)
