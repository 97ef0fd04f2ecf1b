"""Which found ROI is which true cell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_matrix

from napari_celltype.recording import Roi


def match_rois(
    truth: Sequence[Roi],
    found: Sequence[Roi],
    frame_shape: tuple[int, int],
    *,
    least_overlap: float = 0.5,
) -> NDArray[np.int64]:
    """Match found ROIs to true cells by the overlap of their masks, one to one.

    Parameters
    ----------
    truth, found : sequence of Roi
    frame_shape : tuple of int
        (Ly, Lx), pixels.
    least_overlap : float
        Smallest intersection over union that counts as a match.

    Returns
    -------
    ndarray of int64, shape (n_found,)
        Row of the true cell, or -1.
    """
    matches = np.full(len(found), -1, dtype=np.int64)
    if not truth or not found:
        return matches
    true_masks, found_masks = _masks(truth, frame_shape), _masks(found, frame_shape)
    shared = (found_masks @ true_masks.T).toarray()
    union = (
        np.asarray(found_masks.sum(axis=1)).reshape(-1, 1)
        + np.asarray(true_masks.sum(axis=1)).reshape(1, -1)
        - shared
    )
    overlap = shared / union
    rows, columns = linear_sum_assignment(overlap, maximize=True)
    good = overlap[rows, columns] >= least_overlap
    matches[rows[good]] = columns[good]
    return matches


def _masks(rois: Sequence[Roi], frame_shape: tuple[int, int]) -> csr_matrix:
    rows = np.repeat(np.arange(len(rois)), [roi.ypix.size for roi in rois])
    columns = np.concatenate([roi.ypix * frame_shape[1] + roi.xpix for roi in rois])
    shape = (len(rois), frame_shape[0] * frame_shape[1])
    return csr_matrix((np.ones(rows.size), (rows, columns)), shape=shape)
