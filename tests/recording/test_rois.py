"""ROI masks: label image, fingerprint, merged parts."""

from dataclasses import replace

import numpy as np

from napari_celltype.recording import (
    Recording,
    Roi,
    RoiMasks,
    fingerprint,
    label_image,
    open_recording,
)


def roi(pixels, lam):
    y, x = np.array(pixels, dtype=np.int64).reshape(-1, 2).T
    return Roi(y, x, np.array(lam, dtype=np.float32))


def drawn(*rois, merged_into=None):
    recording = Recording(
        raw_traces=np.zeros((len(rois), 3), np.float32),
        rois=rois,
        frame_shape=(4, 5),
        merged_into=np.array(merged_into or [-1] * len(rois)),
    )
    return label_image(recording)


def test_value_is_roi_id_plus_one():
    image = drawn(roi([(0, 0)], [1]), roi([(3, 4), (3, 3)], [1, 1]))
    assert image.dtype == np.int32
    assert image.shape == (4, 5)
    assert image[0, 0] == 1
    assert image[3].tolist() == [0, 0, 0, 2, 2]


def test_shared_pixel_goes_to_the_larger_weight():
    weak, strong = roi([(1, 1), (1, 2)], [0.1, 0.9]), roi([(1, 1), (1, 3)], [0.8, 0.1])
    assert drawn(weak, strong)[1].tolist() == [0, 2, 1, 2, 0]
    assert drawn(strong, weak)[1].tolist() == [0, 1, 2, 1, 0]


def test_hidden_roi_keeps_a_pixel():
    big = roi([(1, 1), (1, 2), (1, 3)], [0.5, 0.6, 0.7])
    small = roi([(1, 2), (1, 3)], [0.2, 0.1])
    assert drawn(big, small)[1].tolist() == [0, 1, 2, 1, 0]


def test_rescued_pixel_is_not_the_last_of_another():
    one, two, three = roi([(0, 0)], [0.9]), roi([(0, 0), (0, 1)], [0.5, 0.1]), None
    three = roi([(0, 1), (0, 2)], [0.8, 0.9])
    image = drawn(one, two, three)
    assert set(np.unique(image)) == {0, 1, 2, 3}


def test_parts_of_a_merged_roi_are_not_drawn():
    left, right = roi([(2, 1)], [0.9]), roi([(2, 2)], [0.9])
    merged = roi([(2, 1), (2, 2)], [0.1, 0.1])
    image = drawn(left, right, merged, merged_into=[2, 2, -1])
    assert image[2].tolist() == [0, 3, 3, 0, 0]


def test_roi_without_pixels_has_no_centroid():
    empty = roi([], [])
    assert np.isnan(empty.centroid).all()
    assert drawn(empty, roi([(1, 1)], [1])).max() == 2


def test_centroids_of_all_are_those_of_each(suite2p_folder, tmp_path):
    rois = open_recording(suite2p_folder(tmp_path)).rois
    assert isinstance(rois, RoiMasks)
    np.testing.assert_allclose(rois.centroids, [roi.centroid for roi in rois])
    np.testing.assert_array_equal(rois.n_pixels, [len(roi.ypix) for roi in rois])


def test_every_roi_of_a_real_recording_is_drawn(shared_data):
    recording = open_recording(shared_data / "real_suite2p")
    image = label_image(recording)
    assert np.array_equal(np.unique(image), np.arange(recording.n_rois + 1))


def test_fingerprint_follows_the_masks_only(suite2p_folder, tmp_path):
    one = open_recording(suite2p_folder(tmp_path / "a", seed=1, fs=20.0))
    same = open_recording(suite2p_folder(tmp_path / "b", seed=2, layout="1.1"))
    assert fingerprint(one) == fingerprint(same)
    assert fingerprint(one)["n_rois"] == 12
    swapped = replace(one, rois=[one.rois[1], one.rois[0], *one.rois[2:]])
    assert fingerprint(swapped) != fingerprint(one)


def test_fingerprint_of_bare_traces():
    recording = Recording.from_traces(np.ones((2, 5)), sampling_frequency=10)
    assert fingerprint(recording)["n_rois"] == 2
