"""The frame rate of one plane, as each kind of TIFF states it."""

import numpy as np
import pytest
import tifffile

from napari_celltype.recording import tiff_sampling_frequency
from napari_celltype.recording.tiff import tiff_pixel_size

STACK = np.zeros((6, 8, 8), np.uint16)
MILLISECONDS = {"axes": "TYX", "TimeIncrement": 100.0, "TimeIncrementUnit": "ms"}


def write(path, **options):
    tifffile.imwrite(path, STACK, photometric="minisblack", **options)
    return path


@pytest.mark.parametrize(
    ("options", "rate"),
    [
        ({"imagej": True, "metadata": {"axes": "TYX", "finterval": 0.05}}, 20.0),
        ({"imagej": True, "metadata": {"axes": "TYX", "fps": 15.0}}, 15.0),
        ({"imagej": True, "metadata": {"finterval": 40, "tunit": "ms"}}, 25.0),
        ({"ome": True, "metadata": MILLISECONDS}, 10.0),
        ({"ome": True, "metadata": {"axes": "TYX", "TimeIncrement": 0.125}}, 8.0),
        ({"ome": True, "metadata": {"axes": "TYX"}}, None),
        ({"imagej": True}, None),
        ({}, None),
        ({"description": "SI4.scanFrameRate = 15.5", "metadata": None}, 15.5),
    ],
)
def test_stated_rate(options, rate, tmp_path):
    assert tiff_sampling_frequency(write(tmp_path / "m.tif", **options)) == (
        None if rate is None else pytest.approx(rate)
    )


@pytest.mark.parametrize(
    ("values", "n_planes", "rate"),
    [
        ({"hFastZ.enable": "false"}, 1, 30),
        ({"hFastZ.enable": "true"}, 1, 7.5),
        ({"hStackManager.enable": "true"}, 1, 7.5),
        ({"hStackManager.enable": "true"}, 4, 7.5),
        # Planes that ScanImage does not know of.
        ({"hStackManager.enable": "false"}, 3, None),
        # Frames that it averaged are one; of volumes it does not say which.
        ({"hScan2D.logAverageFactor": 3}, 1, 10),
        ({"hScan2D.logAverageFactor": 2, "hFastZ.enable": "true"}, 1, None),
        *(({"hScan2D.logAverageFactor": n}, 1, None) for n in (0, "NaN", -2)),
    ],
)
def test_rate_of_one_plane_by_scanimage(values, n_planes, rate, tmp_path):
    lines = ["SI.hRoiManager.scanFrameRate = 30", "SI.hRoiManager.scanVolumeRate = 7.5"]
    lines += [f"SI.{name} = {value}" for name, value in values.items()]
    path = write(tmp_path / "m.tif", software="\n".join(lines), metadata=None)
    assert tiff_sampling_frequency(path, n_planes=n_planes) == (
        None if rate is None else pytest.approx(rate)
    )


def test_real_movie_that_does_not_say(shared_data):
    assert tiff_sampling_frequency(shared_data / "two_photon_20_frames.tif") is None


def test_pixel_size_of_ome(tmp_path):
    metadata = {"axes": "TYX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 600}
    metadata |= {"PhysicalSizeYUnit": "nm"}
    path = write(tmp_path / "m.ome.tif", ome=True, metadata=metadata)
    assert tiff_pixel_size(path) == pytest.approx((0.6, 0.5))
    assert tiff_pixel_size(write(tmp_path / "plain.tif")) is None


@pytest.mark.parametrize("form", ["ome", "imagej"])
@pytest.mark.parametrize(("axes", "rate"), [("TYX", None), ("TZYX", 5.0)])
def test_rate_of_planes_that_the_file_does_not_know_is_not_taken(
    form, axes, rate, tmp_path
):
    data = STACK if axes == "TYX" else STACK.reshape(2, 3, 8, 8)
    metadata = {"axes": axes, "TimeIncrement": 0.2, "finterval": 0.2}
    path = tmp_path / "m.ome.tif"
    tifffile.imwrite(
        path, data, photometric="minisblack", metadata=metadata, **{form: True}
    )
    assert tiff_sampling_frequency(path, n_planes=3) == (
        None if rate is None else pytest.approx(rate)
    )
