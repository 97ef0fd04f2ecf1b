"""Pictures around ROIs are cut when they are looked at."""

from unittest.mock import Mock

import numpy as np

from napari_celltype.gui.look import gallery
from napari_celltype.gui.opened import OpenRecording
from napari_celltype.gui.session import Session
from napari_celltype.recording import Recording, Roi

SIDE = 600


def open_many(n_rois):
    places = np.random.default_rng(0).integers(0, SIDE - 5, (n_rois, 2))
    y, x = (grid.ravel() for grid in np.mgrid[:5, :5])
    rois = tuple(Roi(top + y, left + x, np.ones(25, "f4")) for top, left in places)
    return OpenRecording(
        "many",
        Recording(
            np.zeros((n_rois, 10), "f4"),
            rois=rois,
            frame_shape=(SIDE, SIDE),
            images={"mean image": np.random.default_rng(1).random((SIDE, SIDE))},
        ),
    )


def test_of_ten_thousand_pictures_only_those_on_the_screen_are_drawn(
    qtbot, monkeypatch
):
    draw = Mock(wraps=gallery.roi_picture)
    monkeypatch.setattr(gallery, "roi_picture", draw)
    session = Session()
    session.open(open_many(10_000))
    tab = gallery.GalleryTab(session)
    qtbot.addWidget(tab)
    tab.resize(400, 300)
    with qtbot.waitExposed(tab):
        tab.show()
    qtbot.waitUntil(lambda: draw.called)
    assert tab.model.rowCount() == 10_000
    assert draw.call_count < 200
    # Nothing holds it from here on: collected while it is painted, it would crash.
    tab.hide()


def test_the_outline_lies_around_the_middle_of_the_picture():
    opened = open_many(3)
    image = np.zeros((SIDE, SIDE), np.uint8)
    picture = gallery.roi_picture(image, opened, 1, "#FF0000")
    reds = np.argwhere(picture[:, :, 0] == 255)
    assert np.ptp(reds, axis=0).tolist() == [9, 9]
    assert np.abs(reds.mean(axis=0) - len(picture) / 2).max() <= 2


def test_a_roi_at_the_corner_has_a_whole_picture():
    y, x = (grid.ravel() for grid in np.mgrid[:3, :3])
    corner = Recording(
        np.zeros((1, 10), "f4"),
        rois=(Roi(y, x, np.ones(9, "f4")),),
        frame_shape=(20, 20),
    )
    image = np.full((20, 20), 99, np.uint8)
    picture = gallery.roi_picture(image, OpenRecording("c", corner), 0, "#00FF00")
    assert picture.shape == (56, 56, 3)
