"""Where the cells lie, and what the field of view looks like at rest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from napari_celltype.errors import RecordingError
from napari_celltype.recording import Roi
from napari_celltype.simulation.parameters import MOVIE

_TRIES = 2000  # random places tried for each cell before giving up


def place_somata(
    n_cells: int, frame_shape: tuple[int, int], rng: np.random.Generator
) -> tuple[Roi, ...]:
    """Place somata that do not touch.

    Parameters
    ----------
    n_cells : int
    frame_shape : tuple of int
        (Ly, Lx), pixels.
    rng : numpy.random.Generator

    Returns
    -------
    tuple of Roi
        `lam` has mean 1 and is lower in the nucleus, where indicators are absent.

    Raises
    ------
    RecordingError
        If the cells do not fit into the frame.
    """
    radii = MOVIE["soma_radius"].draw(rng, n_cells).astype(float)
    edge = radii.max() + 3 * MOVIE["motion"].low
    if min(frame_shape) <= 2 * edge:
        raise RecordingError(
            f"A frame of {frame_shape[0]} x {frame_shape[1]} pixels is too small for "
            "simulated cells; make it 32 x 32 or larger."
        )
    centres = np.empty((n_cells, 2))
    low, high = (edge, edge), (frame_shape[0] - edge, frame_shape[1] - edge)
    for cell in range(n_cells):
        candidates = rng.uniform(low, high, (_TRIES, 2))
        placed = centres[:cell]
        apart = np.linalg.norm(candidates[:, None] - placed[None], axis=2)
        # The stretch of an ellipse is at most 10 %, so 1.1 radii keep somata apart.
        free = (apart > 1.1 * (radii[cell] + radii[:cell])).all(axis=1)
        if not free.any():
            raise RecordingError(
                f"{n_cells} cells do not fit into {frame_shape[0]} x {frame_shape[1]} "
                "pixels; simulate fewer cells or a larger frame."
            )
        centres[cell] = candidates[free.argmax()]
    return tuple(
        _soma(centre, radius, frame_shape, rng)
        for centre, radius in zip(centres, radii, strict=True)
    )


def resting_image(
    frame_shape: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Draw the texture of the neuropil with dark vessels, mean about 1, (Ly, Lx)."""
    coarse = _texture(frame_shape, 10.0, rng)
    fine = _texture(frame_shape, 1.2, rng)
    image = np.exp(0.2 * coarse + 0.12 * fine)
    height, width = frame_shape
    y, x = np.mgrid[:height, :width]
    for _ in range(round(MOVIE["vessels"].low)):
        angle = rng.uniform(0, np.pi)
        away = (y - rng.uniform(0, height)) * np.cos(angle)
        away = away - (x - rng.uniform(0, width)) * np.sin(angle)
        away = away + 4 * _texture(frame_shape, 15.0, rng)
        depth, thickness = rng.uniform(0.2, 0.6), rng.uniform(1, 4)
        image = image * (1 - depth * np.exp(-0.5 * np.square(away / thickness)))
    return np.asarray(image / image.mean(), dtype=np.float32)


def _texture(
    frame_shape: tuple[int, int], size: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    noise = gaussian_filter(rng.standard_normal(frame_shape), size, mode="reflect")
    return np.asarray(noise / noise.std(), dtype=np.float64)


def _soma(
    centre: NDArray[np.float64],
    radius: float,
    frame_shape: tuple[int, int],
    rng: np.random.Generator,
) -> Roi:
    stretch, angle = rng.uniform(1, 1.1), rng.uniform(0, np.pi)
    y, x = np.mgrid[: frame_shape[0], : frame_shape[1]]
    along = (y - centre[0]) * np.cos(angle) + (x - centre[1]) * np.sin(angle)
    across = (x - centre[1]) * np.cos(angle) - (y - centre[0]) * np.sin(angle)
    away = np.hypot(along / stretch, across * stretch) / radius
    ypix, xpix = np.nonzero(away <= 1)
    inside = away[ypix, xpix]
    lam = (1 - 0.4 * np.exp(-np.square(inside / 0.45))).astype(np.float32)
    return Roi(ypix.astype(np.int64), xpix.astype(np.int64), lam / lam.mean())
