from __future__ import annotations

import tracemalloc

import numpy as np

from napari_celltype.labels.matching import find_again, mask_runs
from napari_celltype.recording import Roi


def _roi(pixels):
    y, x = np.array(pixels).T
    return Roi(y.astype(np.int64), x.astype(np.int64), np.ones(len(y), np.float32))


def _square(y, x, side=4):
    return _roi([(y + i, x + j) for i in range(side) for j in range(side)])


def test_runs_are_rows_of_pixels():
    roi = _roi([(5, 3), (2, 9), (2, 7), (2, 8), (5, 5)])
    assert mask_runs([roi], [0]) == {0: [[2, 7, 3], [5, 3, 1], [5, 5, 1]]}


def test_every_mask_is_found_in_a_shuffled_order():
    rng = np.random.default_rng(0)
    rois = [_square(int(y), int(x)) for y in range(0, 60, 5) for x in range(0, 60, 5)]
    order = rng.permutation(len(rois))
    stored = mask_runs(rois, range(len(rois)))
    found = find_again(stored, [rois[i] for i in order])
    assert found == {int(former): now for now, former in enumerate(order)}


def test_half_an_overlap_is_no_match():
    stored = mask_runs([_square(0, 0)], [0])
    assert find_again(stored, [_square(0, 2)]) == {}


def test_the_better_of_two_claims_wins():
    stored = mask_runs([_square(0, 0), _square(0, 1)], [0, 1])
    assert find_again(stored, [_square(0, 1)]) == {1: 0}


def test_pixels_right_of_all_rois_do_not_wrap_to_the_next_row():
    wide = _roi([(0, x) for x in range(4, 8)])
    narrow = _roi([(1, x) for x in range(4)])
    assert find_again(mask_runs([wide], [0]), [narrow]) == {}


def test_nothing_is_found_among_no_rois():
    assert find_again(mask_runs([_square(0, 0)], [0]), []) == {}


def test_a_mask_that_claims_far_more_than_the_frame_takes_little_memory():
    tracemalloc.start()
    found = find_again({0: [[0, 0, 65_535]] * 5_000}, [_square(0, 0)])
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == {}
    assert most < 50e6
