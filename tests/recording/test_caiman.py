"""CaImAn's files: which traces are taken, masks in its order of pixels, damage."""

import shutil

import numpy as np
import pytest
from scipy.sparse import csc_matrix
from tests.other_pipelines import (
    FRAME_SHAPE,
    N_ROIS,
    images,
    traces,
    write_caiman,
    write_inscopix,
    write_mat_7_3,
)

from napari_celltype.errors import MissingDependencyError, RecordingError
from napari_celltype.labels import Label, LabelTable, find_labelled, save_labels
from napari_celltype.recording import (
    find_planes,
    find_recordings,
    label_image,
    open_recording,
    pipeline_of_file,
)
from napari_celltype.recording.recording import ONLY_DFF

h5py = pytest.importorskip("h5py")


def sparse(**changes):
    """A matrix of one pixel, of the first ROI."""
    whole = {"data": [1.0], "indices": [3], "indptr": [0, *[1] * N_ROIS]}
    return whole | {"shape": (640, N_ROIS)} | changes


def codes(recording):
    return {finding.code for finding in recording.warnings}


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize("ending", [".hdf5", ".h5"])
@pytest.mark.parametrize("group", ["estimates", "/"])
def test_measured_traces_masks_and_rate_are_read(tmp_path, in_memory, ending, group):
    path = write_caiman(tmp_path / f"a{ending}", group=group)
    recording = open_recording(path, in_memory=in_memory)
    measured = traces(1).astype("f4") + traces(2).astype("f4")
    np.testing.assert_array_equal(recording.raw_traces[:], measured)
    np.testing.assert_array_equal(recording.raw_traces[[4, 1]], measured[[4, 1]])
    assert recording.sampling_frequency == 20
    assert recording.sampling_frequency_source == "CaImAn file"
    assert recording.iscell.tolist() == [True, False, True, False, False, True]
    assert recording.neuropil is None
    assert recording.trace_kind == "fluorescence after neuropil correction"
    assert recording.images["correlation map"][3, 7] == 3 * 32 + 7
    assert pipeline_of_file(path) == "CaImAn"
    assert codes(recording) == {"traces-taken"}
    # The frame is not square: pixels are counted column by column.
    drawn = np.zeros((N_ROIS, *FRAME_SHAPE), np.float32)
    for image, roi in zip(drawn, recording.rois, strict=True):
        image[roi.ypix, roi.xpix] = roi.lam
    np.testing.assert_array_equal(drawn, images())
    np.testing.assert_array_equal(label_image(recording) > 0, images().any(axis=0))


@pytest.mark.parametrize("residuals", ["YrA", "R"])
def test_residuals_may_have_either_name(tmp_path, residuals):
    parts = {"YrA": None, "R": None} | {residuals: traces(2)}
    recording = open_recording(write_caiman(tmp_path / "a.hdf5", **parts))
    assert recording.raw_traces[3, 7] == pytest.approx(
        traces(1)[3, 7] + traces(2)[3, 7]
    )


@pytest.mark.parametrize("place", ["dims", "params/data/dims"])
def test_the_frame_may_be_said_elsewhere(tmp_path, place):
    path = write_caiman(tmp_path / "a.hdf5", dims=None)
    with h5py.File(path, "r+") as file:
        if place in file:
            del file[place]
        file[place] = FRAME_SHAPE
    assert open_recording(path).frame_shape == FRAME_SHAPE


@pytest.mark.parametrize("absent", [None, ...])
def test_denoised_traces_alone_are_refused_with_the_way_out(tmp_path, absent):
    path = write_caiman(tmp_path / "a.hdf5", YrA=absent)
    with pytest.raises(RecordingError, match=r"C \+ YrA; run .*compute_residuals"):
        open_recording(path)


def test_df_over_f_is_taken_where_it_is_all_that_is_there(tmp_path):
    path = write_caiman(tmp_path / "a.hdf5", YrA=None, C=None, F_dff=traces(4))
    recording = open_recording(path)
    np.testing.assert_array_equal(recording.raw_traces[:], traces(4).astype("f4"))
    assert (recording.trace_kind, codes(recording)) == ("dF/F", {ONLY_DFF})


@pytest.mark.parametrize(
    ("fr", "rate", "source", "doubts"),
    [
        (30, 30, "CaImAn file", {"frame-rate-unconfirmed"}),
        (7.5, 7.5, "CaImAn file", set()),
        (None, None, "unknown", {"frame-rate-unknown"}),
        (-3, None, "unknown", {"frame-rate-unknown"}),
    ],
)
def test_the_rate_is_that_of_the_file_and_yields_to_yours(
    tmp_path, fr, rate, source, doubts
):
    path = write_caiman(tmp_path / "a.hdf5", fr=fr)
    recording = open_recording(path)
    assert recording.sampling_frequency == rate
    assert recording.sampling_frequency_source == source
    assert codes(recording) == {"traces-taken"} | doubts
    yours = open_recording(path, sampling_frequency=12)
    assert (yours.sampling_frequency, codes(yours)) == (12, {"traces-taken"})


@pytest.mark.parametrize(
    ("accepted", "iscell"),
    [
        (None, None),
        ([], [False] * N_ROIS),
        ([1, 99, -1], [False, True, *[False] * 4]),
    ],
)
def test_components_that_nobody_judged_are_no_cells_and_no_others(
    tmp_path, accepted, iscell
):
    recording = open_recording(
        write_caiman(tmp_path / "a.hdf5", idx_components=accepted)
    )
    assert (None if iscell is None else recording.iscell.tolist()) == iscell
    assert (recording.iscell is None) == (iscell is None)


@pytest.mark.parametrize(
    "changes",
    [
        {"dims": (20, 32, 4)},
        {"dims": (0, 640)},
        {"dims": (1 << 20, 1 << 20)},
        {"dims": (20, 30)},
        {"A": {"data": [1.0], "indices": [3]}},
        {"A": sparse(indptr=[0, 9, 1, 1, 1, 1, 1])},
        {"A": sparse(indptr=[0, 0, 0, 0, 0, 0, 2])},
        {"A": sparse(indptr=[-1, 0, 0, 0, 0, 0, 1])},
        {"A": sparse(indices=[-3])},
        {"A": sparse(indices=[640])},
        {"A": sparse(indices=b"x")},
        {"A": sparse(data=[[1.0]])},
        {"A": csc_matrix(np.ones((640, N_ROIS - 1)))},
    ],
)
def test_masks_that_do_not_fit_cost_no_more_than_themselves(tmp_path, changes):
    recording = open_recording(write_caiman(tmp_path / "a.hdf5", **changes))
    assert (recording.n_rois, len(recording.rois)) == (N_ROIS, 0)
    assert codes(recording) == {"traces-taken", "masks-unreadable"}


@pytest.mark.parametrize(
    "changes",
    [
        {"YrA": traces(2)[:, :800]},
        {"YrA": traces(2)[:4]},
        {"C": np.zeros((0, 1300))},
        {"C": traces(1).astype("S8")},
        {"YrA": traces(2).astype(complex)},
    ],
)
def test_traces_that_do_not_fit_are_refused_in_a_sentence(tmp_path, changes):
    path = write_caiman(tmp_path / "a.hdf5", **changes)
    with pytest.raises(RecordingError, match=r"a\.hdf5 holds"):
        open_recording(path)


def test_other_files_are_left_alone_and_damaged_ones_are_told(tmp_path, monkeypatch):
    other, damaged = tmp_path / "movie.h5", tmp_path / "cut.hdf5"
    with h5py.File(other, "w") as file:
        file["mov"] = np.zeros((4, 5, 6))
        file["estimates/A"] = h5py.ExternalLink("elsewhere.h5", "/A")
    with pytest.raises(RecordingError, match="is no recording of suite2p"):
        open_recording(other)
    whole = write_caiman(tmp_path / "m1" / "day1.hdf5")
    damaged.write_bytes(whole.read_bytes()[:3000])
    with pytest.raises(RecordingError, match=r"cut\.hdf5 cannot be read"):
        open_recording(damaged)
    assert find_recordings([tmp_path]).planes == (whole,)
    assert open_recording(tmp_path).path == whole
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(MissingDependencyError, match="pip install h5py"):
        open_recording(whole)
    with pytest.raises(RecordingError, match="pip install h5py"):
        open_recording(tmp_path)


@pytest.mark.parametrize("name", ["day1.hdf5", "suite2p/combined"])
def test_without_h5py_a_file_costs_no_more_than_itself(
    tmp_path, monkeypatch, suite2p_folder, name
):
    needs = tmp_path / name
    if needs.suffix:
        write_caiman(needs)
    else:
        needs.mkdir(parents=True)
        write_mat_7_3(needs / "Fall.mat", {"F": traces(1), "stat": [{"iplane": 0}]})
    plane = suite2p_folder(tmp_path / "m2", n_frames=20) / "plane0"
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    found = find_recordings([needs, plane])
    assert plane in found.planes
    reasons = [failure.reason for failure in found.failures]
    with pytest.raises(RecordingError, match="pip install h5py"):
        open_recording(needs)
    assert reasons == [] if needs.is_dir() else "pip install h5py" in reasons[0]


def test_as_many_rois_as_frames_are_no_doubt(tmp_path):
    square = traces(1)[:, :N_ROIS], traces(2)[:, :N_ROIS]
    path = write_caiman(tmp_path / "a.hdf5", C=square[0], YrA=square[1])
    recording = open_recording(path)
    np.testing.assert_allclose(recording.raw_traces[:], sum(square), rtol=1e-6)
    assert len(recording.rois) == N_ROIS


@pytest.mark.parametrize(
    ("flat", "inside"), [(False, "a.hdf5"), (False, "suite2p/a.csv"), (True, "a.hdf5")]
)
def test_a_second_analysis_of_a_session_is_left_out_with_a_note(
    tmp_path, suite2p_folder, inside, flat
):
    session = tmp_path / "m1" / "day1"
    plane = suite2p_folder(session, n_frames=20) / "plane0"
    if flat:
        plane = plane.rename(tmp_path / "flat").rename(session / "flat")
        shutil.rmtree(session / "suite2p")
        session = plane
    write = write_caiman if inside.endswith("hdf5") else write_inscopix
    second = write(session / inside)
    for place in (tmp_path, tmp_path / "m1", session):
        assert find_planes(place) == [plane]
        assert find_recordings([place]).planes == (plane,)
    (note,) = find_recordings([tmp_path, tmp_path / "m1"]).notes
    assert (note.code, str(note).count(str(second))) == ("second-analysis", 1)
    found = find_recordings([tmp_path, second])
    assert (set(found.planes), found.notes) == ({plane, second}, ())
    own = write_caiman(tmp_path / "m2" / "a.hdf5")
    assert find_recordings([tmp_path]).planes == (plane, own)
    with pytest.raises(RecordingError, match="recordings were found in"):
        find_planes(tmp_path)


def test_a_second_analysis_is_labelled_data_where_the_session_is_not(
    tmp_path, suite2p_folder
):
    plane = suite2p_folder(tmp_path / "day1", n_frames=20) / "plane0"
    second = write_caiman(tmp_path / "day1" / "a.hdf5")
    third = write_caiman(tmp_path / "day1" / "b.hdf5")
    for path, wanted in (
        (third, {plane, second, third}),
        (second, {plane, second}),
        (plane, {plane}),
    ):
        save_labels(open_recording(path), LabelTable((Label(0, "PV"),)))
        labelled, _ = find_labelled([tmp_path])
        assert {one.path for one in labelled} == wanted
    labelled, _ = find_labelled([tmp_path, third])
    assert {one.path for one in labelled} == {plane, third}


def test_below_a_session_may_lie_other_recordings(tmp_path, suite2p_folder):
    project = tmp_path / "project"
    plane = suite2p_folder(project, n_frames=20) / "plane0"
    x = write_caiman(project / "m2" / "day1" / "x.hdf5")
    y = write_inscopix(project / "memmap" / "y.csv")
    found = find_recordings([tmp_path])
    assert (set(found.planes), found.notes) == ({plane, x, y}, ())
