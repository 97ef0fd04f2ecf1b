"""Inscopix's tables: told from other CSV files, dropped frames, TIFFs of cells."""

import numpy as np
import pytest
import tifffile
from tests.other_pipelines import (
    FRAME_SHAPE,
    N_FRAMES,
    N_ROIS,
    images,
    traces,
    write_inscopix,
)

from napari_celltype.errors import RecordingError
from napari_celltype.recording import find_recordings, open_recording, pipeline_of_file
from napari_celltype.recording.recording import Segment


def codes(recording):
    return {finding.code for finding in recording.warnings}


def test_traces_statuses_rate_and_masks_are_read(tmp_path):
    path = write_inscopix(tmp_path / "m1_traces.csv", tiffs="m1")
    recording = open_recording(path)
    np.testing.assert_allclose(recording.raw_traces[:], traces(3), rtol=1e-5)
    assert recording.raw_traces[:].dtype == np.float32
    assert recording.sampling_frequency == pytest.approx(20)
    assert recording.iscell.tolist() == [True, True, False, True, True, True]
    assert (recording.frame_shape, pipeline_of_file(path)) == (FRAME_SHAPE, "Inscopix")
    drawn = np.zeros((N_ROIS, *FRAME_SHAPE), np.float32)
    for image, roi in zip(drawn, recording.rois, strict=True):
        image[roi.ypix, roi.xpix] = roi.lam
    # A pixel counts from a tenth of the brightest on; the last ROI's is 6, others 0.5.
    expected = images() * (images() > images().max(axis=(1, 2), keepdims=True) / 10)
    np.testing.assert_array_equal(drawn, expected)
    np.testing.assert_array_equal(recording.images["cell map"], images().sum(axis=0))
    assert codes(recording) == {"traces-taken"}


@pytest.mark.parametrize(
    ("statuses", "iscell"),
    [
        ("ruurur", [False, True, True, False, True, False]),
        ("auauaa", [True] * N_ROIS),
        ("u" * N_ROIS, None),
    ],
)
def test_only_what_was_rejected_is_no_cell(tmp_path, statuses, iscell):
    path = write_inscopix(tmp_path / "a.csv")
    lines = path.read_text().splitlines()
    words = {"a": "Accepted", "r": "rejected", "u": "undecided"}
    lines[1] = ", ".join([lines[1].split(",")[0], *(words[s] for s in statuses)])
    path.write_text("\n".join(lines))
    found = open_recording(path).iscell
    assert (None if found is None else found.tolist()) == iscell


@pytest.mark.parametrize("nan", ["nan", "-nan", "", "-nan(ind)", "-1.#IND", "NaN"])
def test_dropped_frames_are_nan_however_they_are_written(tmp_path, nan):
    path = write_inscopix(tmp_path / "a.csv")
    lines = path.read_text().splitlines()
    lines[12] = lines[12].split(",")[0] + f", {nan}" * N_ROIS
    path.write_text("\r\n".join(lines))
    recording = open_recording(path)
    assert np.flatnonzero(np.isnan(recording.raw_traces[0])).tolist() == [10]
    assert recording.segments == (Segment(0, N_FRAMES),)


def test_a_pause_is_a_join_also_of_times_since_1970(tmp_path):
    times = 1.7e9 + np.arange(N_FRAMES) / 20 + 60.0 * (np.arange(N_FRAMES) >= 500)
    recording = open_recording(write_inscopix(tmp_path / "a.csv", times=times))
    assert recording.sampling_frequency == pytest.approx(20, rel=1e-4)
    assert [s.start for s in recording.segments] == [0, 500]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (" , C0", ",C0"),
        (" , C0", "\ufeff , C0"),
        (" , C0", '"" , C0'),
        ("Time(s)/Cell Status", "Time (s)/Cell Status"),
    ],
)
def test_tables_that_were_saved_again_are_known(tmp_path, before, after):
    path = write_inscopix(tmp_path / "a.csv")
    path.write_text(path.read_text().replace(before, after), encoding="utf-8")
    assert open_recording(path).n_rois == N_ROIS


@pytest.mark.parametrize(
    "text",
    [
        "roi_id,label\n0,PV\n",
        "path,subject_id\nm1/day1,m1\n",
        ",roi_id,label\n0,0,PV\n",
        "Name,Status,ColorR,ColorG,ColorB\nC0,accepted,255,255,255\n",
        "Time (s), Cell Name, Value\n0.3, C0, 4\n",
        " , C0\nTime(s)/Vessel Status, accepted\n0, 1\n",
        "",
        ",",
        "," * 5000,
    ],
)
def test_other_tables_are_no_recordings(tmp_path, text):
    path = tmp_path / "a.csv"
    path.write_text(text)
    assert pipeline_of_file(path) is None
    with pytest.raises(RecordingError, match="is no recording of suite2p"):
        open_recording(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines[:2],
        lambda lines: [*lines[:9], lines[9][:-14], *lines[10:]],
        lambda lines: [lines[0] + ", C9", lines[1] + ", accepted", *lines[2:]],
        lambda lines: [lines[0], lines[1] + ", accepted", *lines[2:]],
        lambda lines: [*lines[:9], lines[9].replace(",", ", wrong", 1), *lines[10:]],
        lambda lines: [" , ", "Time(s)/Cell Status, ", *lines[2:]],
        lambda lines: [*lines[:9], "\0\ufffe" * 9, *lines[10:]],
    ],
)
def test_damaged_tables_are_refused_in_a_sentence(tmp_path, change):
    path = write_inscopix(tmp_path / "a.csv")
    path.write_text("\n".join(change(path.read_text().splitlines())), encoding="utf-8")
    with pytest.raises(RecordingError, match=r"a\.csv .*export it again"):
        open_recording(path)


@pytest.mark.parametrize("step", [0, 5e-324])
def test_impossible_times_leave_the_rate_to_you(tmp_path, step):
    path = write_inscopix(tmp_path / "a.csv", times=np.arange(N_FRAMES) * step)
    recording = open_recording(path)
    assert recording.sampling_frequency is None
    assert "frame-rate-unknown" in codes(recording)
    assert open_recording(path, sampling_frequency=9).sampling_frequency == 9


@pytest.mark.parametrize(
    ("table", "image_names", "others", "code"),
    [
        ("traces", ["footprints"], [], None),
        ("m1_traces", ["m1"], ["m2_traces"], None),
        ("m1", ["m1"], ["m2"], None),
        ("m1-day2", ["m1", "m1-day2"], ["m1"], None),
        # Cells are called alike in every table: these may be the cells of another.
        ("m1", ["m2"], ["m2"], "no-masks"),
        ("m10", ["m1"], ["m1"], "no-masks"),
        ("traces", ["a", "b"], [], "no-masks"),
        ("traces", [], [], "no-masks"),
    ],
)
def test_images_are_those_of_the_table_or_left_out(
    tmp_path, table, image_names, others, code
):
    for name in image_names:
        write_inscopix(tmp_path / "x.csv", tiffs=name)
    (tmp_path / "x.csv").unlink(missing_ok=True)
    for other in others:
        write_inscopix(tmp_path / f"{other}.csv")
    recording = open_recording(write_inscopix(tmp_path / f"{table}.csv"))
    assert codes(recording) == {"traces-taken"} | ({code} - {None})
    assert len(recording.rois) == (0 if code else N_ROIS)


@pytest.mark.parametrize("shape", [None, (5, 5), (2, *FRAME_SHAPE)])
def test_a_damaged_image_costs_the_masks(tmp_path, shape):
    path = write_inscopix(tmp_path / "traces.csv", tiffs="one")
    image = tmp_path / "one_C3.tiff"
    image.write_bytes(b"II*\0broken")
    if shape is not None:
        tifffile.imwrite(image, np.zeros(shape, np.float32))
    recording = open_recording(path)
    assert "masks-unreadable" in codes(recording)
    assert not len(recording.rois)


def test_a_folder_of_many_is_searched(tmp_path):
    wanted = [write_inscopix(tmp_path / f"m{i}" / "traces.csv") for i in range(2)]
    (tmp_path / "m1" / "labels.csv").write_text("roi_id,label\n0,PV\n")
    assert list(find_recordings([tmp_path]).planes) == wanted
