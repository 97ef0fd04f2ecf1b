from __future__ import annotations

import numpy as np

from napari_celltype.export.outlines import roi_outline
from napari_celltype.recording import Roi


def outline(*pixels: tuple[int, int]) -> list[list[tuple[float, float]]]:
    y, x = np.array(pixels).T
    lines = roi_outline(Roi(y, x, np.ones(len(y), np.float32)))
    return [[(float(a), float(b)) for a, b in line] for line in lines]


def area(lines: list[list[tuple[float, float]]]) -> float:
    """The area inside, holes taken off: the shoelace formula."""
    total = 0.0
    for line in lines:
        x, y = np.array(line).T
        total += float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2
    return abs(total)


def test_one_pixel_is_a_square_around_its_middle() -> None:
    (line,) = outline((3, 5))
    assert sorted(line) == [(4.5, 2.5), (4.5, 3.5), (5.5, 2.5), (5.5, 3.5)]


def test_a_straight_side_has_two_corners() -> None:
    (line,) = outline((0, 0), (0, 1), (0, 2))
    assert len(line) == 4


def test_a_hole_goes_the_other_way_around() -> None:
    ring = [(y, x) for y in range(3) for x in range(3) if (y, x) != (1, 1)]
    lines = outline(*ring)
    assert len(lines) == 2
    assert area(lines) == 8


def test_parts_that_touch_at_a_corner_and_parts_apart_keep_their_area() -> None:
    assert area(outline((0, 0), (1, 1), (5, 5))) == 3


def test_any_shape_keeps_its_area() -> None:
    pixels = np.argwhere(np.random.default_rng(0).random((20, 20)) < 0.6)
    assert area(outline(*map(tuple, pixels))) == len(pixels)
