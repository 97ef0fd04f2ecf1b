"""From any path to its recordings, planes and names, or a sentence with near misses."""

from pathlib import Path

import pytest

from napari_celltype.errors import RecordingError
from napari_celltype.recording import (
    find_planes,
    open_recording,
    pipeline_of_file,
    recording_names,
    session_folder,
)


@pytest.mark.parametrize(
    "inside", ["", "suite2p", "suite2p/plane0", "suite2p/plane0/stat.npy"]
)
def test_every_path_kind_opens(inside, plane):
    assert open_recording(plane.parents[1] / inside).path == plane


class TestPlanes:
    def test_are_ordered_by_number(self, suite2p_folder, tmp_path):
        small = {"n_rois": 2, "n_frames": 3, "frame_shape": (20, 20)}
        root = suite2p_folder(tmp_path, n_planes=11, **small)
        assert find_planes(tmp_path) == [root / f"plane{i}" for i in range(11)]

    def test_first_opens_and_the_others_are_named(self, suite2p_folder, tmp_path):
        recording = open_recording(suite2p_folder(tmp_path, n_planes=3))
        assert recording.plane == 0
        assert "3 planes and plane 0 was opened; the others are 1, 2" in str(
            recording.warnings[0]
        )

    def test_chosen_by_number(self, suite2p_folder, tmp_path):
        root = suite2p_folder(tmp_path, n_planes=2)
        recording = open_recording(root, 1)
        assert (recording.plane, recording.warnings) == (1, ())
        with pytest.raises(RecordingError, match="no plane 5; it has 0, 1"):
            open_recording(root, 5)

    def test_combined_opens_as_its_planes(self, suite2p_folder, tmp_path):
        root = suite2p_folder(tmp_path, n_planes=2, combined=True, layout="1.1")
        recording = open_recording(root / "combined" / "stat.npy", 1)
        assert recording.path == root / "plane1"

    def test_flyback_planes_are_left_out(self, suite2p_folder, tmp_path):
        root = suite2p_folder(tmp_path, n_planes=2)
        (root / "plane2").mkdir()
        (root / "plane2" / "db.npy").touch()
        assert len(find_planes(root)) == 2

    @pytest.mark.parametrize(("noted", "number"), [({}, 0), ({"iplane": 2}, 2)])
    def test_renamed_folder_has_the_number_that_is_noted(
        self, noted, number, plane, set_ops, tmp_path
    ):
        set_ops(plane, **noted)
        renamed = plane.rename(tmp_path / "mouse7")
        assert open_recording(renamed).plane == number
        assert find_planes(renamed, number) == [renamed]
        with pytest.raises(RecordingError, match=f"no plane 1; it has {number}"):
            find_planes(renamed, 1)


class TestNearMisses:
    def test_lonely_combined_folder(self, suite2p_folder, tmp_path):
        root = suite2p_folder(tmp_path, n_planes=2, combined=True)
        lonely = (root / "combined").rename(tmp_path / "combined")
        with pytest.raises(RecordingError, match="copy plane0, plane1"):
            find_planes(lonely)

    def test_misspelt_path(self, tmp_path):
        (tmp_path / "mouse_07_day1").mkdir()
        match = r"not exist; similar .*: mouse_07_day1"
        with pytest.raises(RecordingError, match=match):
            find_planes(tmp_path / "mouse_7_day1")
        with pytest.raises(RecordingError, match="the last part that does is"):
            find_planes(tmp_path / "a" / "b" / "c")

    def test_folder_of_sessions(self, suite2p_folder, tmp_path):
        suite2p_folder(tmp_path / "day1")
        match = r"looked for .*found in day1.suite2p"
        with pytest.raises(RecordingError, match=match):
            find_planes(tmp_path)

    @pytest.mark.parametrize(
        ("made", "sentence"),
        [
            ("Fall.mat", r"Fall\.mat is there"),
            ("plane0/ops.npy", "suite2p has not finished there"),
            ("movie.tif", r"it holds movie\.tif"),
        ],
    )
    def test_what_is_there_is_said(self, made, sentence, tmp_path):
        (tmp_path / made).parent.mkdir(exist_ok=True)
        (tmp_path / made).touch()
        with pytest.raises(RecordingError, match=sentence):
            find_planes(tmp_path)

    def test_any_other_file_is_no_recording(self, tmp_path):
        (tmp_path / "movie.tif").touch()
        with pytest.raises(RecordingError, match="is not a suite2p recording"):
            find_planes(tmp_path / "movie.tif")


@pytest.mark.parametrize(
    ("planes", "names"),
    [
        (["m1/day1/suite2p/plane0", "m2/day1/suite2p/plane0"], ["m1/day1", "m2/day1"]),
        (["m1/suite2p/plane0", "m1/suite2p/plane1"], ["m1", "m1"]),
        (["m1/plane0", "m1/day2/plane0"], ["m1", "day2"]),
        (["m1/suite2p/plane0", "m1/suite2p/combined"], ["m1", "m1"]),
        (["m1/combined"], ["combined"]),
        ([None], ["traces"]),
    ],
)
def test_sessions_are_named_relative_to_their_common_folder(planes, names):
    folders = [None if plane is None else Path("/d") / plane for plane in planes]
    assert recording_names(folders) == names


def test_session_of_a_file_and_of_itself():
    assert session_folder(Path("/d/m1/suite2p/plane0/stat.npy")) == Path("/d/m1")
    assert session_folder(Path("/d/m1")) == Path("/d/m1")


def test_files_of_a_pipeline_are_known(plane):
    assert pipeline_of_file(plane / "iscell.npy") == "suite2p"
    assert pipeline_of_file(plane / "celltype.npy") is None
    assert pipeline_of_file(plane.parents[1] / "iscell.npy") is None
