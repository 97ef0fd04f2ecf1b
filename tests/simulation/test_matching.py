"""Found ROIs and true cells."""

from __future__ import annotations

import numpy as np

from napari_celltype.recording import Roi
from napari_celltype.simulation import match_rois

SHAPE = (40, 40)


def _square(y: int, x: int, side: int = 6) -> Roi:
    ypix, xpix = np.mgrid[y : y + side, x : x + side].reshape(2, -1)
    return Roi(ypix, xpix, np.ones(side * side, dtype=np.float32))


def test_rois_are_matched_by_overlap():
    truth = [_square(2, 2), _square(20, 20)]
    found = [_square(20, 21), _square(2, 2), _square(30, 5)]
    assert match_rois(truth, found, SHAPE).tolist() == [1, 0, -1]


def test_a_true_cell_is_matched_once():
    assert match_rois(
        [_square(2, 2)], [_square(2, 3), _square(2, 2)], SHAPE
    ).tolist() == [
        -1,
        0,
    ]


def test_little_overlap_is_no_match():
    assert match_rois([_square(2, 2)], [_square(5, 5)], SHAPE).tolist() == [-1]


def test_nothing_found_is_no_error():
    assert match_rois([_square(2, 2)], [], SHAPE).shape == (0,)
