"""Which pixel gets which value."""

import numpy as np
import pytest

from napari_celltype.gui.painting import Painting, on_edge, roi_values
from napari_celltype.gui.palette import CLEAR, SELECTED, UNCLASSIFIED, Palette
from napari_celltype.labels import NOT_A_SOMA, Label
from napari_celltype.recording import Recording, Roi


def square(top, left, side=5):
    y, x = np.mgrid[top : top + side, left : left + side]
    return Roi(y.ravel(), x.ravel(), np.ones(side * side, np.float32))


@pytest.fixture
def recording():
    return Recording(
        raw_traces=np.zeros((2, 10), np.float32),
        rois=[square(2, 2), square(2, 7)],
        frame_shape=(12, 14),
    )


@pytest.fixture
def painting(recording):
    return Painting(recording)


def test_an_unclassified_roi_is_an_outline(painting):
    assert painting.values[2, 2] == UNCLASSIFIED
    assert painting.values[4, 4] == CLEAR


def test_rois_that_touch_keep_an_edge_between_them():
    labels = np.array([[1, 1, 1, 2, 2, 2]] * 5)
    assert on_edge(labels)[2].tolist() == [True, False, True, True, False, True]


def test_a_roi_at_the_border_of_the_frame_has_an_edge_there():
    assert on_edge(np.ones((3, 3), int))[0].all()


def zones(*rois):
    """Rows of (inside, ring, edge), the halves of ring and edge alike."""
    return np.array([[i, r, r, e, e] for i, r, e in rois], "u1")


def test_colouring_gives_each_roi_its_values_and_leaves_the_others(painting):
    painting.color(zones((11, 12, 10), (21, 22, 20)))
    before = painting.values.copy()
    places = [(2, 2), (3, 3), (4, 4), (4, 9), (0, 0)]
    assert [before[place] for place in places] == [10, 12, 11, 21, CLEAR]
    painting.color(zones((31, 32, 30), (21, 22, 20)))
    assert [painting.values[place] for place in places[:3]] == [30, 32, 31]
    np.testing.assert_array_equal(painting.values[:, 7:], before[:, 7:])


def test_the_ring_survives_a_new_colouring(painting):
    painting.select([0])
    painting.color(zones((11, 12, 10), (21, 22, 20)))
    assert painting.values[2, 2] == SELECTED
    assert painting.values[4, 4] == 11


def test_the_ring_goes_away_without_a_trace(painting):
    before = painting.values.copy()
    painting.select([0])
    painting.select([1])
    painting.select([])
    np.testing.assert_array_equal(painting.values, before)


def test_a_roi_without_a_pixel_cannot_be_ringed():
    empty = Roi(np.empty(0, int), np.empty(0, int), np.empty(0, np.float32))
    recording = Recording(np.zeros((1, 9), "f4"), rois=[empty], frame_shape=(4, 4))
    painting = Painting(recording)
    painting.select([0])
    assert (painting.values == CLEAR).all()


ROWS = [[0.9, 0.05, 0.03, 0.02], [0.1, 0.4, 0.3, 0.2], [np.nan] * 4]


@pytest.fixture
def three(recording):
    return Recording(
        raw_traces=np.zeros((3, 10), np.float32),
        rois=[*recording.rois, square(7, 2)],
        frame_shape=(12, 14),
    )


def values(predictions, by_group=False, min_probability=0.0, labels=()):
    predictions = predictions.with_min_probability(min_probability)
    return roi_values(
        predictions, 3, palette=Palette(), by_group=by_group, labels=labels
    )


def test_a_type_is_filled_the_stronger_the_more_probable(three, make_predictions):
    zones = values(make_predictions(three, ROWS))
    for row, name in enumerate(("PY", "PV")):
        inside, ring, _, edge, other = zones[row]
        assert edge == other == Palette().outline(name)
        assert inside == ring > edge
    opacity = Palette().rgba()[zones[:2, 0], 3]
    assert opacity[0] > 0.8
    assert 0.1 < opacity[1] < 0.4


@pytest.mark.parametrize(("row", "min_probability"), [(1, 0.5), (2, 0.0)])
def test_a_roi_without_a_name_keeps_a_thin_grey_outline(
    three, make_predictions, row, min_probability
):
    made = make_predictions(three, ROWS)
    zones = values(made, min_probability=min_probability)[row]
    assert zones.tolist() == [CLEAR] * 3 + [UNCLASSIFIED] * 2


def test_a_group_is_stronger_than_its_types(three, make_predictions):
    made = make_predictions(three, ROWS)
    by_group, by_type = values(made, by_group=True)[1], values(made)[1]
    assert by_group[-1] == Palette().outline("IN")
    opacity = Palette().rgba()[[by_group[0], by_type[0]], 3]
    assert opacity[0] > opacity[1]


def test_a_label_is_a_thick_outline_around_the_fill_of_a_prediction(
    three, make_predictions
):
    predictions = make_predictions(three, ROWS)
    zones = values(predictions, labels=[Label(0, "VIP")])
    assert (zones[0, 1:] == Palette().outline("VIP")).all()
    assert zones[0, 0] == values(predictions)[0, 0]


def test_a_negation_is_dotted_and_what_is_no_soma_is_grey(three, make_predictions):
    labels = [Label(0, "!PV"), Label(1, NOT_A_SOMA)]
    zones = values(make_predictions(three, ROWS), labels=labels)
    pv = Palette().outline("PV")
    assert zones[0, 1:].tolist() == [pv, CLEAR, pv, CLEAR]
    assert (zones[1] == UNCLASSIFIED).all()


def test_an_accepted_prediction_is_not_drawn_as_ground_truth(three, make_predictions):
    predictions = make_predictions(three, ROWS)
    zones = values(predictions, labels=[Label(1, "VIP", source="prediction")])[1]
    before = values(predictions)[1]
    assert (zones[3:] == Palette().outline("VIP")).all()
    assert (zones[:3] == before[:3]).all()
