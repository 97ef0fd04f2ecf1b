"""Opening a plane: every layout and path, and one sentence for everything bad."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from napari_celltype.errors import RecordingError, SamplingFrequencyError
from napari_celltype.recording import (
    FROM_SUITE2P,
    FROM_TIFF,
    FROM_USER,
    UNCONFIRMED,
    UNKNOWN,
    open_recording,
)
from napari_celltype.recording import opening as opening_module

Folder = Callable[..., Path]


@pytest.mark.parametrize(
    ("layout", "with_ops"), [("0.14", True), ("1.1", True), ("1.1", False)]
)
def test_every_layout_gives_the_same_recording(
    layout: str, with_ops: bool, suite2p_folder: Folder, tmp_path: Path
) -> None:
    root = suite2p_folder(tmp_path, layout=layout, with_ops=with_ops)
    recording = open_recording(root)
    assert recording.n_rois == 12
    assert recording.n_frames == 900
    assert recording.frame_shape == (64, 72)
    assert recording.sampling_frequency == 30.0
    assert recording.sampling_frequency_source == FROM_SUITE2P
    assert recording.neuropil_coefficient == 0.7
    assert recording.suite2p_version == {"0.14": "0.14.6", "1.1": "1.1.0"}[layout]
    assert recording.movie is not None
    assert recording.movie.shape == (900, 64, 72)
    assert recording.warnings == ()
    assert set(recording.images) >= {"mean image", "max projection"}


@pytest.mark.parametrize(
    "inside", ["", "suite2p", "suite2p/plane0", "suite2p/plane0/stat.npy"]
)
def test_every_path_kind_opens(
    inside: str, suite2p_folder: Folder, tmp_path: Path
) -> None:
    suite2p_folder(tmp_path)
    assert open_recording(tmp_path / inside).path == tmp_path / "suite2p" / "plane0"


def test_arrays_are_what_the_files_hold_and_read_only(
    suite2p_folder: Folder, tmp_path: Path
) -> None:
    plane = suite2p_folder(tmp_path, redcell=True) / "plane0"
    recording = open_recording(tmp_path)
    traces = np.asarray(recording.raw_traces)
    np.testing.assert_array_equal(traces, np.load(plane / "F.npy"))
    np.testing.assert_array_equal(recording.neuropil, np.load(plane / "Fneu.npy"))
    iscell, redcell = np.load(plane / "iscell.npy"), np.load(plane / "redcell.npy")
    np.testing.assert_array_equal(recording.iscell, iscell[:, 0] > 0)
    np.testing.assert_array_equal(recording.redcell, redcell[:, 0] > 0)
    stat = np.load(plane / "stat.npy", allow_pickle=True)
    np.testing.assert_array_equal(recording.rois[3].ypix, stat[3]["ypix"])
    np.testing.assert_array_equal(recording.rois[3].lam, stat[3]["lam"])
    arrays = [traces, recording.iscell, recording.redcell, recording.merged_into]
    arrays += [
        recording.rois[3].ypix,
        *recording.images.values(),
        recording.neuropil[0],
    ]
    assert not any(array.flags.writeable for array in arrays)


def test_path_with_spaces_and_umlauts(suite2p_folder: Folder, tmp_path: Path) -> None:
    session = tmp_path / "Maus Größe 7 µm"
    suite2p_folder(session)
    assert open_recording(session).n_rois == 12


def test_folder_that_cannot_be_written_opens_and_stays_as_it_is(
    suite2p_folder: Folder, tmp_path: Path
) -> None:
    root = suite2p_folder(tmp_path)
    before = {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in root.rglob("*")}
    for path in before:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        open_recording(root)
        after = {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in root.rglob("*")}
    finally:
        (root / "plane0").chmod(0o755)
    assert after == before


def test_a_recording_travels_to_another_process(
    suite2p_folder: Folder, tmp_path: Path
) -> None:
    recording = open_recording(suite2p_folder(tmp_path))
    copy = pickle.loads(pickle.dumps(recording))  # noqa: S301
    np.testing.assert_array_equal(copy.movie[3], recording.movie[3])
    assert copy.changed_on_disk() is None


class TestPlanes:
    def test_first_plane_opens_and_the_others_are_named(
        self, suite2p_folder: Folder, tmp_path: Path
    ) -> None:
        recording = open_recording(suite2p_folder(tmp_path, n_planes=3))
        assert recording.plane == 0
        assert (
            "3 planes and plane 0 was opened; the others are 1, 2"
            in (recording.warnings[0])
        )

    def test_chosen_plane(self, suite2p_folder: Folder, tmp_path: Path) -> None:
        recording = open_recording(suite2p_folder(tmp_path, n_planes=3), 2)
        assert recording.plane == 2
        assert recording.warnings == ()

    def test_combined_opens_as_its_planes(
        self, suite2p_folder: Folder, tmp_path: Path
    ) -> None:
        root = suite2p_folder(tmp_path, n_planes=2, combined=True, layout="1.1")
        recording = open_recording(root / "combined" / "stat.npy", 1)
        assert recording.path == root / "plane1"

    def test_plane_that_is_not_there(
        self, suite2p_folder: Folder, tmp_path: Path
    ) -> None:
        with pytest.raises(RecordingError, match="no plane 5; it has 0, 1"):
            open_recording(suite2p_folder(tmp_path, n_planes=2), 5)

    def test_sorting_in_the_combined_view_is_noticed(
        self, suite2p_folder: Folder, tmp_path: Path
    ) -> None:
        root = suite2p_folder(tmp_path, n_planes=2, combined=True)
        path = root / "combined" / "iscell.npy"
        iscell = np.load(path)
        iscell[12:15, 0] = 1 - iscell[12:15, 0]
        np.save(path, iscell)
        assert open_recording(root / "plane0").warnings == ()
        assert (
            "iscell of 3 ROIs was changed"
            in (open_recording(root / "plane1").warnings[0])
        )

    def test_combined_view_with_one_column(
        self, suite2p_folder: Folder, tmp_path: Path
    ) -> None:
        root = suite2p_folder(tmp_path, n_planes=2, combined=True)
        path = root / "combined" / "iscell.npy"
        flags = np.load(path)[:, 0]
        flags[12] = 1 - flags[12]
        np.save(path, flags)
        warning = open_recording(root / "plane1").warnings[0]
        assert "iscell of 1 ROIs was changed" in warning

    def test_stray_traces_beside_the_planes(
        self, suite2p_folder: Folder, tmp_path: Path
    ) -> None:
        root = suite2p_folder(tmp_path, n_planes=2, combined=True)
        np.save(root / "F.npy", np.zeros((2, 3), np.float32))
        assert open_recording(root / "plane1").warnings == ()

    @pytest.mark.parametrize(
        "content", [b"broken", np.zeros(()), np.empty((0, 2)), np.array(["a", "b"])]
    )
    def test_damaged_combined_view_is_no_matter_of_a_plane(
        self, content: Any, suite2p_folder: Folder, tmp_path: Path
    ) -> None:
        root = suite2p_folder(tmp_path, n_planes=2, combined=True)
        path = root / "combined" / "iscell.npy"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            np.save(path, content)
        assert open_recording(root / "plane1").warnings == ()


class TestFrameRate:
    def test_user_wins(self, suite2p_folder: Folder, tmp_path: Path) -> None:
        recording = open_recording(suite2p_folder(tmp_path), sampling_frequency=15)
        assert recording.sampling_frequency == 15
        assert recording.sampling_frequency_source == FROM_USER

    @pytest.mark.parametrize("rate", [0, -3, float("nan"), float("inf")])
    def test_impossible_rate_of_the_user(
        self, rate: float, suite2p_folder: Folder, tmp_path: Path
    ) -> None:
        with pytest.raises(SamplingFrequencyError, match="impossible"):
            open_recording(suite2p_folder(tmp_path), sampling_frequency=rate)

    def test_ten_hertz_is_unconfirmed(
        self, suite2p_folder: Folder, tmp_path: Path
    ) -> None:
        recording = open_recording(suite2p_folder(tmp_path, fs=10.0))
        assert recording.sampling_frequency == 10.0
        assert recording.sampling_frequency_source == UNCONFIRMED
        assert not recording.sampling_frequency_confirmed
        assert "suite2p's default" in recording.warnings[0]

    def test_ten_hertz_confirmed_by_the_user(
        self, suite2p_folder: Folder, tmp_path: Path
    ) -> None:
        folder = suite2p_folder(tmp_path, fs=10.0)
        recording = open_recording(folder, sampling_frequency=10)
        assert recording.sampling_frequency_confirmed
        assert recording.warnings == ()

    @pytest.mark.parametrize(("true_rate", "n_warnings"), [(10.0, 0), (30.0, 1)])
    def test_ten_hertz_and_the_source_tiff(
        self, true_rate: float, n_warnings: int, suite2p_folder: Folder, tmp_path: Path
    ) -> None:
        tifffile.imwrite(
            tmp_path / "movie.tif",
            np.zeros((3, 8, 8), np.uint16),
            imagej=True,
            metadata={"axes": "TYX", "finterval": 1 / true_rate},
        )
        folder = suite2p_folder(
            tmp_path, fs=10.0, layout="1.1", file_list=["C:\\other\\movie.tif"]
        )
        recording = open_recording(folder)
        assert recording.sampling_frequency == pytest.approx(true_rate)
        assert recording.sampling_frequency_source == FROM_TIFF
        assert len(recording.warnings) == n_warnings

    @pytest.mark.parametrize("rate", [None, 0.0])
    def test_absent_or_zero_rate_is_unknown(
        self, rate: float | None, suite2p_folder: Folder, tmp_path: Path
    ) -> None:
        recording = open_recording(suite2p_folder(tmp_path, fs=rate))
        assert recording.sampling_frequency is None
        assert recording.sampling_frequency_source == UNKNOWN
        assert "frame rate" in recording.warnings[0]


class TestHalfCopiedFolders:
    def test_without_settings_the_frame_is_taken_from_the_masks(
        self, suite2p_folder: Folder, tmp_path: Path
    ) -> None:
        recording = open_recording(suite2p_folder(tmp_path, with_ops=False))
        ys = [roi.ypix.max() for roi in recording.rois]
        assert recording.frame_shape[0] == max(ys) + 1
        assert recording.sampling_frequency is None
        assert recording.movie is None
        assert "smallest that holds all ROIs" in recording.warnings[0]

    @pytest.mark.parametrize("name", ["F.npy", "stat.npy"])
    def test_missing_file_is_named(
        self, name: str, suite2p_folder: Folder, tmp_path: Path
    ) -> None:
        plane = suite2p_folder(tmp_path) / "plane0"
        (plane / name).unlink()
        with pytest.raises(RecordingError, match=rf"{name} is missing; copy the whole"):
            open_recording(plane)

    @pytest.mark.parametrize(
        ("name", "attribute"),
        [("Fneu.npy", "neuropil"), ("iscell.npy", "iscell"), ("data.bin", "movie")],
    )
    def test_other_files_may_be_absent(
        self, name: str, attribute: str, suite2p_folder: Folder, tmp_path: Path
    ) -> None:
        plane = suite2p_folder(tmp_path) / "plane0"
        (plane / name).unlink()
        assert getattr(open_recording(plane), attribute) is None


class TestBadFiles:
    def test_truncated_traces(self, suite2p_folder: Folder, tmp_path: Path) -> None:
        plane = suite2p_folder(tmp_path) / "plane0"
        data = (plane / "F.npy").read_bytes()
        (plane / "F.npy").write_bytes(data[: len(data) // 2])
        with pytest.raises(RecordingError, match=r"F\.npy is truncated"):
            open_recording(plane)

    def test_traces_and_rois_of_different_lengths(
        self, suite2p_folder: Folder, tmp_path: Path
    ) -> None:
        plane = suite2p_folder(tmp_path) / "plane0"
        np.save(plane / "F.npy", np.load(plane / "F.npy")[:-2])
        with pytest.raises(
            RecordingError, match=r"has 12 ROIs and F\.npy .* 10 traces"
        ):
            open_recording(plane)

    def test_pixel_outside_the_frame(
        self, suite2p_folder: Folder, tmp_path: Path
    ) -> None:
        plane = suite2p_folder(tmp_path) / "plane0"
        stat = np.load(plane / "stat.npy", allow_pickle=True)
        stat[4]["xpix"] = stat[4]["xpix"] + 70
        np.save(plane / "stat.npy", stat)
        with pytest.raises(RecordingError, match=r"ROI 4 has a pixel .* of 64 x 72"):
            open_recording(plane)

    def test_negative_pixel(self, suite2p_folder: Folder, tmp_path: Path) -> None:
        plane = suite2p_folder(tmp_path, with_ops=False) / "plane0"
        stat = np.load(plane / "stat.npy", allow_pickle=True)
        stat[1]["ypix"] = stat[1]["ypix"] - 60
        np.save(plane / "stat.npy", stat)
        with pytest.raises(RecordingError, match="ROI 1 has a pixel"):
            open_recording(plane)

    @pytest.mark.parametrize("shape", [(0, 900), (12, 0)])
    def test_empty_recording(
        self, shape: tuple[int, int], suite2p_folder: Folder, tmp_path: Path
    ) -> None:
        plane = suite2p_folder(tmp_path) / "plane0"
        np.save(plane / "F.npy", np.empty(shape, np.float32))
        with pytest.raises(RecordingError, match=r"F\.npy is empty"):
            open_recording(plane)

    def test_nan_traces_are_kept(self, suite2p_folder: Folder, tmp_path: Path) -> None:
        plane = suite2p_folder(tmp_path) / "plane0"
        traces = np.load(plane / "F.npy")
        traces[2, 5], traces[3, 7] = np.nan, np.inf
        np.save(plane / "F.npy", traces)
        found = np.asarray(open_recording(plane).raw_traces)
        assert np.flatnonzero(~np.isfinite(found).all(axis=1)).tolist() == [2, 3]

    @pytest.mark.parametrize("shape", [(5, 2), (12, 0)])
    def test_iscell_of_another_shape_is_ignored_and_said(
        self, shape: tuple[int, int], suite2p_folder: Folder, tmp_path: Path
    ) -> None:
        plane = suite2p_folder(tmp_path) / "plane0"
        np.save(plane / "iscell.npy", np.ones(shape))
        recording = open_recording(plane)
        assert recording.iscell is None
        assert f"iscell.npy has shape {shape}" in recording.warnings[0]

    def test_absurd_frame_size(self, suite2p_folder: Folder, tmp_path: Path) -> None:
        plane = suite2p_folder(tmp_path) / "plane0"
        ops = np.load(plane / "ops.npy", allow_pickle=True).item()
        np.save(plane / "ops.npy", ops | {"Ly": 10**9, "Lx": 10**9})
        with pytest.raises(RecordingError, match="more than any microscope's"):
            open_recording(plane)

    def test_absurd_pixel_without_settings(
        self, suite2p_folder: Folder, tmp_path: Path
    ) -> None:
        plane = suite2p_folder(tmp_path, with_ops=False) / "plane0"
        stat = np.load(plane / "stat.npy", allow_pickle=True)
        stat[4]["xpix"] = stat[4]["xpix"] + 10**9
        np.save(plane / "stat.npy", stat)
        with pytest.raises(RecordingError, match="more than any microscope's"):
            open_recording(plane)

    def test_stat_that_is_no_stat(self, suite2p_folder: Folder, tmp_path: Path) -> None:
        plane = suite2p_folder(tmp_path) / "plane0"
        np.save(plane / "stat.npy", np.zeros(12))
        with pytest.raises(RecordingError, match="does not hold one entry per ROI"):
            open_recording(plane)

    def test_stat_without_pixels(self, suite2p_folder: Folder, tmp_path: Path) -> None:
        plane = suite2p_folder(tmp_path) / "plane0"
        stat = np.load(plane / "stat.npy", allow_pickle=True)
        del stat[2]["lam"]
        np.save(plane / "stat.npy", stat)
        with pytest.raises(RecordingError, match="ROI 2 lacks ypix, xpix or lam"):
            open_recording(plane)

    def test_pixels_that_are_no_whole_numbers(
        self, suite2p_folder: Folder, tmp_path: Path
    ) -> None:
        plane = suite2p_folder(tmp_path) / "plane0"
        stat = np.load(plane / "stat.npy", allow_pickle=True)
        stat[0]["ypix"] = stat[0]["ypix"].astype(float)
        np.save(plane / "stat.npy", stat)
        assert open_recording(plane).rois[0].ypix.dtype == np.int64
        stat[1]["ypix"] = stat[1]["ypix"] + 0.5
        np.save(plane / "stat.npy", stat)
        with pytest.raises(RecordingError, match="no whole numbers"):
            open_recording(plane)

    def test_movie_of_another_run_is_said(
        self, suite2p_folder: Folder, tmp_path: Path
    ) -> None:
        plane = suite2p_folder(tmp_path) / "plane0"
        os.truncate(plane / "data.bin", 2 * 64 * 72 * 100)
        recording = open_recording(plane)
        assert "data.bin holds 100 frames and the traces 900" in recording.warnings[0]


class TestSuite2pOpenAtTheSameTime:
    def test_nothing_changed(self, suite2p_folder: Folder, tmp_path: Path) -> None:
        assert open_recording(suite2p_folder(tmp_path)).changed_on_disk() is None

    def test_rewritten_files_are_noticed(
        self, suite2p_folder: Folder, tmp_path: Path
    ) -> None:
        plane = suite2p_folder(tmp_path) / "plane0"
        recording = open_recording(plane)
        np.save(plane / "F.npy", np.zeros((13, 900), np.float32))
        (plane / "iscell.npy").unlink()
        sentence = recording.changed_on_disk()
        assert sentence is not None
        assert "F.npy changed and iscell.npy vanished" in sentence

    def test_traces_in_memory_survive_truncation(
        self, suite2p_folder: Folder, tmp_path: Path
    ) -> None:
        plane = suite2p_folder(tmp_path) / "plane0"
        recording = open_recording(plane)
        wanted = float(np.asarray(recording.raw_traces).sum())
        os.truncate(plane / "F.npy", 0)
        assert float(np.asarray(recording.raw_traces).sum()) == wanted

    @pytest.mark.parametrize("name", ["Fneu.npy", "data.bin"])
    def test_late_reads_of_a_truncated_file_are_refused(
        self, name: str, suite2p_folder: Folder, tmp_path: Path
    ) -> None:
        plane = suite2p_folder(tmp_path) / "plane0"
        recording = open_recording(plane)
        os.truncate(plane / name, 1000)
        late = recording.neuropil if name == "Fneu.npy" else recording.movie
        with pytest.raises(RecordingError, match=rf"{name} changed .* open the rec"):
            late[5]

    def test_change_while_opening_is_refused(
        self, suite2p_folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plane = suite2p_folder(tmp_path) / "plane0"
        read = opening_module.read_settings

        def save_meanwhile(folder: Path) -> Any:
            np.save(plane / "iscell.npy", np.zeros((12, 2)))
            return read(folder)

        monkeypatch.setattr(opening_module, "read_settings", save_meanwhile)
        with pytest.raises(RecordingError, match=r"iscell\.npy changed"):
            open_recording(plane)


def test_large_traces_stay_on_disk(
    suite2p_folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plane = suite2p_folder(tmp_path) / "plane0"
    monkeypatch.setattr(opening_module, "MEMORY_LIMIT", 1000)
    traces = open_recording(plane).raw_traces
    wanted = np.load(plane / "F.npy")
    assert not isinstance(traces, np.ndarray)
    for key in (3, slice(2, 9, 3), [5, 1, 2], (slice(3, 6), slice(10, 20))):
        np.testing.assert_array_equal(traces[key], wanted[key])


def test_real_recording_without_settings(shared_data: Path) -> None:
    recording = open_recording(shared_data / "real_suite2p")
    assert (recording.n_rois, recording.n_frames) == (219, 2000)
    assert recording.frame_shape == (607, 608)
    assert recording.sampling_frequency is None
    assert recording.iscell is not None
