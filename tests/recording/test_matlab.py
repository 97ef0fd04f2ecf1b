"""Fall.mat in the place of the .npy files, as suite2p and as MATLAB save it."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
from scipy.io import savemat

from napari_celltype.errors import RecordingError
from napari_celltype.recording import (
    find_recordings,
    matlab,
    open_recording,
    pipeline_of_file,
)


@pytest.fixture
def replace_npy(public_files):
    """Put a Fall.mat in the place of a plane's .npy files, of some of its ROIs."""

    def replace(plane, rows=slice(None), version="suite2p", **more):
        names = ("F", "Fneu", "iscell", "stat")
        loaded = {n: np.load(plane / f"{n}.npy", allow_pickle=True) for n in names}
        ops = np.load(plane / "ops.npy", allow_pickle=True).item()
        content = {name: values[rows] for name, values in loaded.items()}
        content |= {"redcell": [], "spks": np.zeros(3)}
        content["ops"] = {k: v for k, v in ops.items() if v is not None} | more
        for file in plane.glob("*.npy"):
            file.unlink()
        if version == "7.3":
            content["stat"] = list(content["stat"])
            public_files.mat_7_3(plane / "Fall.mat", content)
        else:
            savemat(plane / "Fall.mat", content, do_compression=version == "7")

    return replace


@pytest.fixture
def fall_mat_file(tmp_path):
    """A Fall.mat of three ROIs."""
    path = tmp_path / "Fall.mat"
    roi = {"ypix": [1, 2], "xpix": [1, 2], "lam": [0.5, 0.5]}
    savemat(path, {"F": np.ones((3, 9)), "stat": np.array([roi] * 3)})
    return path


@pytest.mark.parametrize("version", ["suite2p", "7", "7.3"])
def test_a_recording_is_what_it_was(version, suite2p_folder, tmp_path, replace_npy):
    root = suite2p_folder(tmp_path / "m1", n_planes=2, merged=[(1, 4)])
    before = open_recording(root / "plane1")
    arrays = {
        name: np.array(getattr(before, name))
        for name in ("raw_traces", "neuropil", "iscell", "merged_into")
    }
    replace_npy(root / "plane1", version=version)
    after = open_recording(tmp_path / "m1", 1)
    for name, array in arrays.items():
        np.testing.assert_array_equal(np.asarray(getattr(after, name)), array)
    for one, other in zip(after.rois, before.rois, strict=True):
        np.testing.assert_array_equal(one.ypix, other.ypix)
        np.testing.assert_array_equal(one.xpix, other.xpix)
        np.testing.assert_array_equal(one.lam, other.lam)
    for name, image in before.images.items():
        np.testing.assert_array_equal(after.images[name], image)
    for name in ("frame_shape", "sampling_frequency", "segments", "plane"):
        assert getattr(after, name) == getattr(before, name)
    assert after.redcell is None
    assert after.movie is not None
    assert [file.name for file in after.files] == ["Fall.mat"]
    assert find_recordings([tmp_path]).planes == (root / "plane0", root / "plane1")
    assert pipeline_of_file(root / "plane1/Fall.mat") == "suite2p"


def test_a_single_roi_of_a_flat_folder(plane, tmp_path, replace_npy):
    wanted = open_recording(plane)
    replace_npy(plane, slice(3, 4), iplane=2)
    recording = open_recording(plane.rename(tmp_path / "day1") / "Fall.mat")
    assert recording.plane == 2
    np.testing.assert_array_equal(recording.raw_traces, wanted.raw_traces[3:4])
    np.testing.assert_array_equal(recording.iscell, wanted.iscell[3:4])
    np.testing.assert_array_equal(recording.rois[0].ypix, wanted.rois[3].ypix)


def test_names_of_files_tell_where_recordings_were_joined(plane, replace_npy):
    files = ["/data/x_1.tif", "/data/x_2.tif", "/data/other_7.tif"]
    replace_npy(plane, filelist=files, frames_per_file=[300, 300, 300])
    recording = open_recording(plane)
    assert [(s.start, s.stop) for s in recording.segments] == [(0, 600), (600, 900)]
    assert [w.code for w in recording.warnings] == ["taken-for-continuous"]


def test_a_combined_view_alone(suite2p_folder, tmp_path, replace_npy):
    root = suite2p_folder(tmp_path)
    combined = (root / "plane0").rename(root / "combined")
    stat = np.load(combined / "stat.npy", allow_pickle=True)
    for i, roi in enumerate(stat):
        roi["iplane"] = i % 3
    np.save(combined / "stat.npy", stat)
    replace_npy(combined)
    assert [p.name for p in find_recordings([tmp_path]).planes] == [
        f"plane{n}" for n in range(3)
    ]
    assert open_recording(tmp_path, 1).n_rois == 4


@pytest.mark.parametrize("place", ["suite2p/plane0", "suite2p", "."])
def test_npy_files_are_read_where_they_are(place, plane, tmp_path):
    (tmp_path / place / "Fall.mat").write_bytes(b"anything")
    assert find_recordings([tmp_path]).planes == (plane,)
    assert open_recording(tmp_path).n_rois == 12


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda whole: whole[: len(whole) // 2], "cannot be read"),
        (lambda whole: b"", "cannot be read"),
        (lambda whole: whole[:128] + bytes(len(whole) - 128), "of the type 0"),
        (lambda whole: b"MATLAB 7.3" + whole, "signature not found"),
    ],
)
def test_damaged_bytes_end_in_a_sentence(fall_mat_file, damage, sentence):
    fall_mat_file.write_bytes(damage(fall_mat_file.read_bytes()))
    with pytest.raises(RecordingError, match=rf"Fall\.mat.*{sentence}"):
        open_recording(fall_mat_file)


class _Harm:
    def __reduce__(self):
        return print, ("harm",)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("import os; os.abort()", "damaged"),
        ("import time; time.sleep(60)", "does not end"),
        (f"import os; os.write(1, {pickle.dumps(_Harm(), 2)!r})", "to call"),
    ],
)
def test_a_reader_that_crashes_hangs_or_is_taken_over(
    code, sentence, fall_mat_file, monkeypatch, capfd
):
    def run(command, timeout, **options):
        command = [sys.executable, "-c", code]
        return subprocess_run(command, timeout=min(timeout, 3), **options)

    subprocess_run = subprocess.run
    monkeypatch.setattr(matlab.subprocess, "run", run)
    with pytest.raises(RecordingError, match=sentence):
        open_recording(fall_mat_file)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "content",
    [
        {"F": np.ones((3, 9))},
        {"F": np.ones((3, 9)), "stat": [{"ypix": [1], "xpix": [1], "lam": [1.0]}]},
        {"F": np.ones((3, 9)), "stat": np.array([1, {}, {}], dtype=object)},
        {"F": np.ones((3, 9, 2)), "stat": {"ypix": 1}},
    ],
)
def test_what_is_no_recording_is_refused(content, tmp_path):
    savemat(tmp_path / "Fall.mat", content)
    with pytest.raises(RecordingError, match=r"Fall\.mat|stat"):
        open_recording(tmp_path)


@pytest.mark.slow
def test_a_file_that_unpacks_to_far_more_than_traces_is_refused(tmp_path):
    zeros = np.zeros((40, 2_000_000), np.float32)
    savemat(tmp_path / "Fall.mat", {"F": zeros, "stat": []}, do_compression=True)
    with pytest.raises(RecordingError, match="unpacks to far more"):
        open_recording(tmp_path)


def test_cells_that_refer_to_themselves_are_refused(tmp_path, public_files):
    h5py = pytest.importorskip("h5py")
    path = public_files.mat_7_3(tmp_path / "Fall.mat", {"F": np.ones((3, 9))})
    with h5py.File(path, "r+") as file:
        cell = file.create_dataset("stat", (1, 100), dtype=h5py.ref_dtype)
        cell.attrs["MATLAB_class"] = np.bytes_("cell")
        cell[:] = cell.ref
    with pytest.raises(RecordingError, match="unpacks to far more"):
        open_recording(path)
