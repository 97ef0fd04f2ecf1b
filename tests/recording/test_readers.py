"""From any path to its recordings, planes and names, or a sentence with near misses."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from napari_celltype.errors import RecordingError
from napari_celltype.labels import Label, LabelFile, LabelTable, load_labels
from napari_celltype.recording import (
    find_planes,
    find_recordings,
    name_of_recording,
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


class TestCombined:
    """suite2p's combined view holds the planes that are not beside it."""

    @pytest.mark.parametrize(
        ("gone", "found"),
        [
            ((0, 1, 2), ["combined/plane0", "combined/plane1", "combined/plane2"]),
            ((0,), ["combined/plane0", "plane1", "plane2"]),
            ((), ["plane0", "plane1", "plane2"]),
        ],
    )
    @pytest.mark.parametrize("inside", ["", "suite2p", "suite2p/combined"])
    def test_holds_what_is_nowhere_else(
        self, gone, found, inside, suite2p_folder, tmp_path
    ):
        session = tmp_path / "day1"
        root = suite2p_folder(session, n_planes=3, combined=True, n_frames=90)
        whole = [open_recording(root / f"plane{i}") for i in range(3)]
        neuropil = [recording.neuropil[:] for recording in whole]
        for i in gone:
            shutil.rmtree(root / f"plane{i}")
        planes = find_planes(session / inside)
        assert planes == [root / name for name in found]
        assert list(find_recordings([tmp_path]).planes) == planes
        assert recording_names(planes) == ["day1"] * 3
        for plane, before in zip(planes, whole, strict=True):
            now = open_recording(plane)
            assert (now.plane, now.n_rois) == (before.plane, before.n_rois)
            np.testing.assert_array_equal(now.neuropil[:], neuropil[now.plane])
            for name in ("raw_traces", "iscell", "merged_into"):
                np.testing.assert_array_equal(getattr(now, name), getattr(before, name))
                assert not getattr(now, name).flags.writeable
            shift = 72 * (plane.parent.name == "combined") * now.plane
            np.testing.assert_array_equal(now.rois[3].xpix, before.rois[3].xpix + shift)

    def test_counts_anew_where_a_plane_was_never_processed(
        self, suite2p_folder, tmp_path
    ):
        root = suite2p_folder(tmp_path, n_planes=2, combined=True, n_frames=90)
        (root / "plane1").rename(root / "plane2")
        (root / "plane0").rename(root / "plane1")
        assert find_planes(root / "combined") == [root / "plane1", root / "plane2"]
        assert len(find_recordings([tmp_path]).planes) == 2

    def test_keeps_labels_of_its_planes(self, suite2p_folder, tmp_path):
        root = suite2p_folder(tmp_path, n_planes=2, combined=True, n_frames=90)
        for i in range(2):
            shutil.rmtree(root / f"plane{i}")
        plane = open_recording(root, 1)
        LabelFile(plane).save(LabelTable((Label(2, "PV", 1),)))
        assert load_labels(open_recording(root, 0)) is None
        assert load_labels(open_recording(root, 1)).by_roi()[2].label == "PV"
        assert list(find_recordings([tmp_path]).planes) == find_planes(root)

    def test_may_be_the_name_of_a_session(self, plane, tmp_path):
        session = plane.rename(tmp_path / "combined")
        assert find_planes(session) == [session] == find_planes(session / "F.npy")
        assert recording_names([session]) == ["combined"]


class TestSearch:
    def test_follows_links_and_ends(self, suite2p_folder, tmp_path):
        for name in ("x1", "x2", "unasked"):
            suite2p_folder(tmp_path / "store" / name, n_frames=20)
        project = tmp_path / "project"
        project.mkdir()
        for name, target in (
            ("day1", "store/x1"),
            ("day2", "store/x2"),
            ("twice", "store/x2"),
            ("above", "."),
            ("here", "project"),
        ):
            (project / name).symlink_to(tmp_path / target)
        planes = find_recordings([project, tmp_path / "store/x1"]).planes
        assert recording_names(planes) == ["day1", "day2"]

    def test_an_only_recording_below_stands_for_its_folder(
        self, suite2p_folder, tmp_path
    ):
        root = suite2p_folder(tmp_path / "m1/day1/run1", n_planes=2, n_frames=20)
        for above in (tmp_path, tmp_path / "m1"):
            assert find_planes(above) == [root / "plane0", root / "plane1"]
        assert open_recording(tmp_path / "m1", 1).path == root / "plane1"
        suite2p_folder(tmp_path / "m1/a/lot/further/down/day2", n_frames=20)
        with pytest.raises(RecordingError, match=r"found in day1.run1.suite2p.plane0"):
            find_planes(tmp_path / "m1")

    def test_leaves_out_what_is_hidden(self, suite2p_folder, tmp_path):
        kept = suite2p_folder(tmp_path / ".git/annex/objects/key", n_frames=20)
        (tmp_path / "day1").symlink_to(kept.parent)
        (found,) = find_recordings([tmp_path]).planes
        assert found == tmp_path / "day1" / kept.name / "plane0"

    @pytest.mark.parametrize(
        "beside", ["suite2p/plane0 - Copy", "suite2p_old/plane0", "suite2p2/plane0"]
    )
    def test_another_run_beside_is_mentioned(self, beside, suite2p_folder, tmp_path):
        plane = suite2p_folder(tmp_path, n_frames=20) / "plane0"
        shutil.copytree(plane, tmp_path / beside)
        assert find_planes(tmp_path) == [plane]
        (finding,) = open_recording(tmp_path).warnings
        assert finding.code == "recordings-beside"
        assert beside.removeprefix("suite2p/").split("/")[0] in str(finding)
        found = find_recordings([tmp_path / "suite2p", tmp_path / beside]).planes
        assert len(set(recording_names(found))) == 2

    def test_a_plane_without_rois_is_left_out_beside_others(
        self, suite2p_folder, tmp_path
    ):
        root = suite2p_folder(tmp_path / "m1", n_planes=3, n_frames=20)
        shutil.rmtree(root / "plane1")
        empty = suite2p_folder(tmp_path / "elsewhere", n_rois=0, n_frames=20)
        (empty / "plane0").rename(root / "plane1")
        shutil.rmtree(empty)
        planes = [root / "plane0", root / "plane2"]
        assert find_planes(root) == planes == [*find_recordings([tmp_path]).planes]
        assert "no ROI in plane1, which is left" in str(
            open_recording(root, 2).warnings
        )
        for plane in planes:
            shutil.rmtree(plane)
        with pytest.raises(RecordingError, match="no ROIs or no frames were found"):
            open_recording(root)


class TestNearMisses:
    def test_misspelt_path(self, tmp_path):
        (tmp_path / "mouse_07_day1").mkdir()
        match = r"not exist; similar .*: mouse_07_day1"
        with pytest.raises(RecordingError, match=match):
            find_planes(tmp_path / "mouse_7_day1")
        with pytest.raises(RecordingError, match="the last part that does is"):
            find_planes(tmp_path / "a" / "b" / "c")

    def test_folder_of_sessions(self, suite2p_folder, tmp_path):
        for day in ("day1", "day2"):
            suite2p_folder(tmp_path / day, n_frames=20)
        match = (
            r"no recording itself.*found in day1.suite2p.plane0, day2.suite2p.plane0"
        )
        with pytest.raises(RecordingError, match=match):
            find_planes(tmp_path)

    @pytest.mark.parametrize(
        ("made", "sentence"),
        [
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
        with pytest.raises(RecordingError, match="is no recording of suite2p"):
            find_planes(tmp_path / "movie.tif")


@pytest.mark.parametrize(
    ("planes", "names"),
    [
        (["m1/day1/suite2p/plane0", "m2/day1/suite2p/plane0"], ["m1/day1", "m2/day1"]),
        (["m1/suite2p/plane0", "m1/suite2p/plane1"], ["m1", "m1"]),
        (["m1/plane0", "m1/day2/plane0"], ["m1", "day2"]),
        (["m1/suite2p/combined/plane0", "m1/suite2p/combined/plane1"], ["m1", "m1"]),
        (["m1/combined"], ["combined"]),
        (["r/plane01_x", "r/plane02_x"], ["plane01_x", "plane02_x"]),
        (["m1/plane0", "m1/m1/suite2p/plane0"], ["m1", "m1/m1"]),
        (["m1", "m1/suite2p/plane0"], ["m1", "m1/suite2p/plane0"]),
        (["m1/suite2p/plane0 - Copy", "m1/plane0"], ["suite2p/plane0 - Copy", "m1"]),
        ([None], ["traces"]),
        ([None, "m1/suite2p/plane0", None], ["traces 1", "m1", "traces 2"]),
    ],
)
def test_sessions_are_named_relative_to_their_common_folder(planes, names):
    folders = [None if plane is None else Path("/d") / plane for plane in planes]
    assert recording_names(folders) == names


@pytest.mark.parametrize(
    ("plane", "name"),
    [
        ("m1/day1/suite2p/plane0", "m1/day1"),
        ("m3/day1/suite2p/plane0", "day1"),
        ("m1/m1", "m1/m1"),
        ("r/plane02_x", "plane02_x"),
        ("m1/day1/suite2p/plane0 - Copy", "suite2p/plane0 - Copy"),
        ("m1/day2/suite2p/plane0", None),
        ("m1/xday1", None),
    ],
)
def test_a_name_is_the_end_of_a_path(plane, name):
    names = ("m1/day1", "day1", "m1/m1", "plane02_x", "suite2p/plane0 - Copy")
    assert name_of_recording(Path("/d") / plane, names) == name


def test_session_of_a_file_and_of_itself():
    assert session_folder(Path("/d/m1/suite2p/plane0/stat.npy")) == Path("/d/m1")
    assert session_folder(Path("/d/m1")) == Path("/d/m1")


def test_files_of_a_pipeline_are_known(plane):
    assert pipeline_of_file(plane / "iscell.npy") == "suite2p"
    assert pipeline_of_file(plane / "celltype.npy") is None
    assert pipeline_of_file(plane.parents[1] / "iscell.npy") is None
