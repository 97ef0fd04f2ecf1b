from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from napari_celltype.celltypes import DEFAULT_TYPES
from napari_celltype.export.picture import background, roi_colors, roi_outline
from napari_celltype.recording import Roi, open_recording

MakeTable = Callable[..., pd.DataFrame]


def _colors(
    table: pd.DataFrame, *, by_group: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Fill and outline of each ROI."""
    fills, outlines = roi_colors(12, table, by_group, DEFAULT_TYPES)
    return fills[1:], outlines[1:]


def _one_type(table: pd.DataFrame, name: str, probability: float) -> pd.DataFrame:
    return table.assign(predicted=name, probability=probability, p_IN=probability)


def test_a_sure_roi_is_filled_in_the_colour_of_its_type(
    output_table: MakeTable,
) -> None:
    fills, _ = _colors(_one_type(output_table(), "PV", 1.0))
    red, green, blue, alpha = fills[0]
    assert blue > 0.7 > green
    assert blue - red > 0.4
    assert alpha > 0.8


def test_a_less_probable_type_is_fainter(output_table: MakeTable) -> None:
    chance, doubtful, likely, sure = (
        _colors(_one_type(output_table(), "PV", p))[0][0, 3]
        for p in (0.25, 0.35, 0.9, 1.0)
    )
    assert 0.1 < chance < doubtful < 0.3
    assert 0.8 < likely < sure


def test_unsure_rois_and_those_without_a_row_are_grey_outlines(
    output_table: MakeTable,
) -> None:
    nothing = output_table().assign(predicted="unsure", group="unsure")
    one = _one_type(output_table(), "PV", 1.0).iloc[[3]]
    for table, rois in ((nothing, range(12)), (one, (0, 1))):
        fills, outlines = _colors(table)
        for roi in rois:
            assert not fills[roi].any()
            assert np.ptp(outlines[roi, :3]) == 0
    assert fills[3, 3] > 0.8


def test_groups_have_one_colour(output_table: MakeTable) -> None:
    def color(name: str) -> np.ndarray:
        table = _one_type(output_table(), name, 0.9).assign(group="IN", p_IN=0.9)
        return _colors(table, by_group=True)[0][0]

    np.testing.assert_array_equal(color("PV"), color("VIP"))


def test_a_recording_without_a_mean_image_is_drawn_on_black(
    tmp_path: Path, suite2p_folder: Callable[..., Path]
) -> None:
    plane = suite2p_folder(tmp_path / "s", with_ops=False) / "plane0"
    assert not background(open_recording(plane, sampling_frequency=30)).any()


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
