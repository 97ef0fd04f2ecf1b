import numpy as np

from napari_celltype.celltypes import DEFAULT_TYPES
from napari_celltype.export.picture import background, roi_fills, roi_outline
from napari_celltype.recording import Roi, open_recording


def _fills(table, *, by_group=False):
    return roi_fills(table, by_group, DEFAULT_TYPES)


def _one_type(table, name, probability):
    return table.assign(predicted=name, probability=probability, p_IN=probability)


def test_a_roi_has_the_colour_of_its_type_fainter_the_less_probable(output_table):
    looks = [
        _fills(_one_type(output_table(), "PV", p))[0] for p in (0.25, 0.35, 0.9, 1.0)
    ]
    assert {color for color, _ in looks} == {DEFAULT_TYPES["PV"].color}
    chance, doubtful, likely, sure = (opacity for _, opacity in looks)
    assert 0.1 < chance < doubtful < 0.3
    assert 0.8 < likely < sure


def test_unsure_rois_and_those_without_a_row_are_not_filled(output_table):
    assert _fills(output_table().assign(predicted="unsure", group="unsure")) == {}
    assert list(_fills(_one_type(output_table(), "PV", 1.0).iloc[[3]])) == [3]


def test_groups_have_one_colour(output_table):
    def look(name):
        table = _one_type(output_table(), name, 0.9).assign(group="IN", p_IN=0.9)
        return _fills(table, by_group=True)[0]

    assert look("PV") == look("VIP")


def test_a_recording_without_a_mean_image_is_drawn_on_black(tmp_path, suite2p_folder):
    plane = suite2p_folder(tmp_path / "s", with_ops=False) / "plane0"
    assert not background(open_recording(plane, sampling_frequency=30)).any()


def outline(*pixels):
    y, x = np.array(pixels).T
    lines = roi_outline(Roi(y, x, np.ones(len(y), np.float32)))
    return [[(float(a), float(b)) for a, b in line] for line in lines]


def area(lines):
    """The area inside, holes taken off: the shoelace formula."""
    total = 0.0
    for line in lines:
        x, y = np.array(line).T
        total += float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2
    return abs(total)


def test_one_pixel_is_a_square_around_its_middle():
    (line,) = outline((3, 5))
    assert sorted(line) == [(4.5, 2.5), (4.5, 3.5), (5.5, 2.5), (5.5, 3.5)]


def test_a_straight_side_has_two_corners():
    (line,) = outline((0, 0), (0, 1), (0, 2))
    assert len(line) == 4


def test_a_hole_goes_the_other_way_around():
    ring = [(y, x) for y in range(3) for x in range(3) if (y, x) != (1, 1)]
    lines = outline(*ring)
    assert len(lines) == 2
    assert area(lines) == 8


def test_parts_that_touch_at_a_corner_and_parts_apart_keep_their_area():
    assert area(outline((0, 0), (1, 1), (5, 5))) == 3


def test_any_shape_keeps_its_area():
    pixels = np.argwhere(np.random.default_rng(0).random((20, 20)) < 0.6)
    assert area(outline(*map(tuple, pixels))) == len(pixels)
