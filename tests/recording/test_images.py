"""Images lie where suite2p took them from."""

from __future__ import annotations

import numpy as np
import pytest

from napari_celltype.recording.opening import read_images


def test_cropped_image_is_pasted_at_its_offset() -> None:
    projection = np.arange(12.0).reshape(3, 4)
    settings = {"max_proj": projection, "yrange": [2, 5], "xrange": [1, 5]}
    image = read_images(settings, (8, 9))[0]["max projection"]
    assert image.shape == (8, 9)
    np.testing.assert_array_equal(image[2:5, 1:5], projection)
    assert np.isnan(image).sum() == 72 - 12


def test_image_of_the_whole_frame_has_no_offset() -> None:
    settings = {"max_proj": np.ones((8, 9)), "yrange": [2, 5], "xrange": [1, 5]}
    assert np.isfinite(read_images(settings, (8, 9))[0]["max projection"]).all()


def test_image_that_does_not_fit_is_left_out_and_said() -> None:
    images, warnings = read_images({"meanImg": np.ones((10, 9))}, (8, 9))
    assert not images
    assert "mean image has 10 x 9 pixels" in warnings[0]


def test_crop_that_is_no_number_is_no_offset() -> None:
    settings = {"max_proj": np.ones((3, 4)), "yrange": [np.nan, 5], "xrange": ["a"]}
    image = read_images(settings, (8, 9))[0]["max projection"]
    assert np.isfinite(image[:3, :4]).all()


@pytest.mark.parametrize("value", [None, 0, "x", np.empty((0, 0)), np.ones(3)])
def test_absent_images_are_no_error(value: object) -> None:
    assert read_images({"meanImg": value}, (8, 9)) == ({}, [])
