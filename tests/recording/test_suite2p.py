"""suite2p's folders: every layout, and one sentence for everything bad."""

import os
import pathlib
import pickle

import numpy as np
import pytest
import tifffile

from napari_celltype.errors import RecordingError
from napari_celltype.findings import Finding
from napari_celltype.recording import (
    FROM_TIFF,
    FROM_USER,
    UNCONFIRMED,
    attach_movie,
    label_image,
    open_recording,
    readers,
    subtract_neuropil,
    suite2p,
)
from napari_celltype.recording.recording import ANOTHER_RATE, FROM_SUITE2P, UNKNOWN
from napari_celltype.recording.suite2p import read_images


def change_stat(plane, roi, **entries):
    """Change entries of one ROI; None takes one out."""
    stat = np.load(plane / "stat.npy", allow_pickle=True)
    stat[roi] = {k: v for k, v in (stat[roi] | entries).items() if v is not None}
    np.save(plane / "stat.npy", stat)


@pytest.mark.parametrize(
    ("layout", "with_ops"), [("0.14", True), ("1.1", True), ("1.1", False)]
)
def test_every_layout_is_one_recording(layout, with_ops, suite2p_folder, tmp_path):
    folder = suite2p_folder(tmp_path, layout=layout, with_ops=with_ops)
    recording = open_recording(folder)
    assert (recording.n_rois, recording.n_frames) == (12, 900)
    assert recording.frame_shape == (64, 72)
    assert recording.sampling_frequency == 30.0
    assert recording.sampling_frequency_source == FROM_SUITE2P
    assert recording.neuropil_coefficient == 0.7
    assert recording.pipeline is not None
    assert recording.pipeline.version == {"0.14": "0.14.6", "1.1": "1.1.0"}[layout]
    assert recording.movie is not None
    assert recording.movie.shape == (900, 64, 72)
    assert recording.warnings == ()
    assert set(recording.images) >= {"mean image", "max projection"}


def test_arrays_are_what_the_files_hold_and_read_only(suite2p_folder, tmp_path):
    plane = suite2p_folder(tmp_path, redcell=True) / "plane0"
    recording = open_recording(tmp_path)
    traces = np.asarray(recording.raw_traces)
    np.testing.assert_array_equal(traces, np.load(plane / "F.npy"))
    np.testing.assert_array_equal(recording.neuropil, np.load(plane / "Fneu.npy"))
    iscell, redcell = np.load(plane / "iscell.npy"), np.load(plane / "redcell.npy")
    np.testing.assert_array_equal(recording.iscell, iscell[:, 0] > 0)
    np.testing.assert_array_equal(recording.redcell, redcell[:, 0] > 0)
    np.testing.assert_array_equal(recording.redcell_values, redcell[:, 1])
    stat = np.load(plane / "stat.npy", allow_pickle=True)
    roi = recording.rois[3]
    np.testing.assert_array_equal(roi.ypix, stat[3]["ypix"])
    np.testing.assert_array_equal(roi.lam, stat[3]["lam"])
    arrays = [traces, recording.iscell, recording.redcell, recording.merged_into]
    arrays += [roi.ypix, *recording.images.values(), recording.neuropil[0]]
    assert not any(array.flags.writeable for array in arrays)


def test_path_with_spaces_and_umlauts(suite2p_folder, tmp_path):
    session = tmp_path / "Maus Größe 7 µm"
    suite2p_folder(session)
    assert open_recording(session).n_rois == 12


def test_folder_that_cannot_be_written_opens_and_stays_as_it_is(plane):
    paths = [plane, *plane.iterdir()]
    before = {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in paths}
    for path in before:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        open_recording(plane)
        after = {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in before}
    finally:
        plane.chmod(0o755)
    assert after == before
    assert set(plane.iterdir()) < set(before)


def test_a_recording_travels_to_another_process(plane):
    recording = open_recording(plane)
    copy = pickle.loads(pickle.dumps(recording))  # noqa: S301
    np.testing.assert_array_equal(copy.movie[3], recording.movie[3])
    assert copy.changed_on_disk() is None


class TestCombinedView:
    def root(self, folder, path, content):
        root = folder(path, n_planes=2, combined=True)
        iscell = root / "combined" / "iscell.npy"
        if callable(content):
            content = content(np.load(iscell))
        if isinstance(content, bytes):
            iscell.write_bytes(content)
        else:
            np.save(iscell, content)
        # Stray traces beside the planes are no matter of theirs.
        np.save(root / "F.npy", np.zeros((2, 3), np.float32))
        return root

    @pytest.mark.parametrize("n_columns", [1, 2])
    def test_sorting_there_is_noticed(self, n_columns, suite2p_folder, tmp_path):
        def swapped(iscell):
            iscell[12:15, 0] = 1 - iscell[12:15, 0]
            return iscell[:, :n_columns]

        root = self.root(suite2p_folder, tmp_path, swapped)
        assert open_recording(root / "plane0").warnings == ()
        (warning,) = open_recording(root / "plane1").warnings
        assert "iscell of 3 ROIs was changed" in str(warning)

    @pytest.mark.parametrize(
        "content", [b"broken", np.zeros(()), np.empty((0, 2)), np.array(["a", "b"])]
    )
    def test_damage_there_is_no_matter_of_a_plane(
        self, content, suite2p_folder, tmp_path
    ):
        root = self.root(suite2p_folder, tmp_path, content)
        assert open_recording(root / "plane1").warnings == ()


class TestFrameRate:
    def test_ten_hertz_is_unconfirmed(self, suite2p_folder, tmp_path):
        folder = suite2p_folder(tmp_path, fs=10.0)
        recording = open_recording(folder)
        assert recording.sampling_frequency == 10.0
        assert recording.sampling_frequency_source == UNCONFIRMED
        assert not recording.sampling_frequency_confirmed
        assert "suite2p's default" in str(recording.warnings[0])
        confirmed = open_recording(folder, sampling_frequency=10)
        assert confirmed.sampling_frequency_source == FROM_USER
        assert confirmed.warnings == ()

    @pytest.mark.parametrize(("true_rate", "n_warnings"), [(10.0, 0), (30.0, 1)])
    def test_ten_hertz_and_the_source_tiff(
        self, true_rate, n_warnings, suite2p_folder, tmp_path
    ):
        tifffile.imwrite(
            tmp_path / "movie.tif",
            np.zeros((3, 8, 8), np.uint16),
            imagej=True,
            metadata={"axes": "TYX", "finterval": 1 / true_rate},
        )
        files = ["C:\\other\\movie.tif"]
        recording = open_recording(
            suite2p_folder(tmp_path, fs=10.0, layout="1.1", file_list=files)
        )
        assert recording.sampling_frequency == pytest.approx(true_rate)
        assert recording.sampling_frequency_source == FROM_TIFF
        assert len(recording.warnings) == n_warnings
        assert recording.with_sampling_frequency(15).warnings == ()

    @pytest.mark.parametrize(("noted", "n_warnings"), [(10.1, 0), (30.0, 1), (10.0, 0)])
    def test_settings_and_the_source_tiff_differ(
        self, noted, n_warnings, suite2p_folder, tmp_path
    ):
        """Settings once called the rate of all planes together `fs`."""
        lines = (
            "SI.VERSION_MAJOR = 2022\nSI.hChannels.channelSave = 1\n"
            "SI.hFastZ.enable = true\nSI.hRoiManager.scanVolumeRate = 10"
        )
        movie = tmp_path / "vol_00001.tif"
        tifffile.imwrite(movie, np.zeros((6, 64, 72), "i2"), description=lines)
        folder = suite2p_folder(
            tmp_path,
            fs=noted,
            layout="1.1",
            n_planes=3,
            file_list=[f"D:\\{movie.name}"],
        )
        recording = open_recording(folder / "plane0")
        assert recording.sampling_frequency == noted
        assert len(recording.warnings) == n_warnings
        for warning in recording.warnings:
            assert "has 30 Hz, which is kept, and the TIFF" in str(warning)
            assert "says 10 Hz" in str(warning)
        with_movie = attach_movie(recording, movie)
        rates = [w for w in with_movie.warnings if w.code == ANOTHER_RATE]
        assert len(rates) <= n_warnings
        assert recording.with_sampling_frequency(30).warnings == ()
        tifffile.imwrite(tmp_path / "plain.tif", np.zeros((6, 64, 72), "i2"))
        plain = attach_movie(recording, tmp_path / "plain.tif")
        assert [w.code for w in plain.warnings].count(ANOTHER_RATE) == n_warnings

    @pytest.mark.parametrize("rate", [None, 0.0])
    def test_absent_or_zero_rate_is_unknown(self, rate, suite2p_folder, tmp_path):
        recording = open_recording(suite2p_folder(tmp_path, fs=rate))
        assert recording.sampling_frequency is None
        assert recording.sampling_frequency_source == UNKNOWN
        assert "frame rate" in str(recording.warnings[0])
        assert recording.with_sampling_frequency(20).warnings == ()


class TestHalfCopiedFolders:
    def test_without_settings_the_frame_is_taken_from_the_masks(
        self, suite2p_folder, tmp_path
    ):
        recording = open_recording(suite2p_folder(tmp_path, with_ops=False))
        ys = [roi.ypix.max() for roi in recording.rois]
        assert recording.frame_shape[0] == max(ys) + 1
        assert recording.sampling_frequency is None
        assert recording.movie is None
        assert "smallest that holds all ROIs" in str(recording.warnings[0])

    @pytest.mark.parametrize(
        ("name", "more"), [("F.npy", ""), ("stat.npy", r".*Recording\.from_traces")]
    )
    def test_missing_file_is_named(self, name, more, plane):
        (plane / name).unlink()
        match = f"{name} is missing; copy the whole{more}"
        with pytest.raises(RecordingError, match=match):
            open_recording(plane)

    @pytest.mark.parametrize(
        ("name", "attribute"),
        [("Fneu.npy", "neuropil"), ("iscell.npy", "iscell"), ("data.bin", "movie")],
    )
    def test_other_files_may_be_absent(self, name, attribute, plane):
        (plane / name).unlink()
        assert getattr(open_recording(plane), attribute) is None


class TestBadFiles:
    @pytest.mark.parametrize(
        ("name", "content", "sentence"),
        [
            ("F.npy", np.zeros((10, 900)), "has 12 ROIs and F has 10 traces"),
            ("F.npy", np.empty((0, 900)), r"F\.npy is empty"),
            ("F.npy", np.empty((12, 0)), r"F\.npy is empty"),
            ("stat.npy", np.zeros(12), "does not hold one entry per ROI"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, name, content, sentence, plane):
        np.save(plane / name, content)
        with pytest.raises(RecordingError, match=sentence):
            open_recording(plane)

    def test_truncated_traces(self, plane):
        os.truncate(plane / "F.npy", 20_000)
        with pytest.raises(RecordingError, match=r"F\.npy is truncated"):
            open_recording(plane)

    @pytest.mark.parametrize("with_ops", [True, False])
    @pytest.mark.parametrize(
        ("entries", "sentence"),
        [
            ({"ypix": None}, "ROI 4 lacks ypix or xpix"),
            ({"ypix": {5}}, "ROI 4 lacks ypix or xpix"),
            ({"xpix": [[1], [2, 3]]}, "ROI 4 lacks ypix or xpix"),
            ({"ypix": np.array([0.5]), "xpix": np.array([3])}, "no whole numbers"),
            ({"ypix": np.arange(9)}, "which should be equal"),
        ],
    )
    def test_impossible_roi(
        self, with_ops, entries, sentence, suite2p_folder, tmp_path
    ):
        plane = suite2p_folder(tmp_path, with_ops=with_ops) / "plane0"
        change_stat(plane, 4, **({"lam": np.ones(1, "f4")} | entries))
        with pytest.raises(RecordingError, match=sentence):
            open_recording(plane)

    @pytest.mark.parametrize("column", [-1, 72, 10**9, 2**62])
    @pytest.mark.parametrize("n_outside", [2, 1000])
    def test_pixels_outside_the_frame_are_lost_and_nothing_else(
        self, column, n_outside, plane
    ):
        whole = open_recording(plane).rois
        xpix = whole[4].xpix.copy()
        xpix[:n_outside] = column
        change_stat(plane, 4, xpix=xpix)
        recording = open_recording(plane)
        assert "the first ROI 4, have pixels outside" in str(recording.warnings[0])
        for i in (3, 4, 5):
            n_lost = n_outside if i == 4 else 0
            np.testing.assert_array_equal(
                recording.rois[i].xpix, whole[i].xpix[n_lost:]
            )
            np.testing.assert_array_equal(recording.rois[i].lam, whole[i].lam[n_lost:])

    def test_far_pixel_without_a_frame_size(self, suite2p_folder, tmp_path):
        plane = suite2p_folder(tmp_path, with_ops=False) / "plane0"
        one = {"ypix": np.array([5]), "xpix": np.array([10**9])}
        change_stat(plane, 4, **one, lam=np.ones(1, "f4"))
        with pytest.raises(RecordingError, match="more than any microscope's"):
            open_recording(plane)

    def test_absurd_frame_size(self, plane, set_ops):
        set_ops(plane, Ly=10**9, Lx=10**9)
        with pytest.raises(RecordingError, match="more than any microscope's"):
            open_recording(plane)

    def test_whole_numbers_as_floats_are_pixels(self, plane):
        ypix = open_recording(plane).rois[0].ypix
        change_stat(plane, 0, ypix=ypix.astype(float))
        assert open_recording(plane).rois[0].ypix.dtype == np.int64

    def test_nan_traces_are_kept(self, plane):
        traces = np.load(plane / "F.npy")
        traces[2, 5], traces[3, 7] = np.nan, np.inf
        np.save(plane / "F.npy", traces)
        found = np.asarray(open_recording(plane).raw_traces)
        assert np.flatnonzero(~np.isfinite(found).all(axis=1)).tolist() == [2, 3]

    @pytest.mark.parametrize(
        ("name", "content", "attribute", "sentence"),
        [
            ("iscell.npy", np.ones((5, 2)), "iscell", "iscell.npy has shape (5, 2)"),
            ("iscell.npy", np.ones((12, 0)), "iscell", "iscell.npy has shape (12, 0)"),
            ("Fneu.npy", np.ones((12, 8)), "neuropil", "Fneu.npy has shape (12, 8)"),
            ("F_chan2.npy", np.ones(3), "second_channel", "one row of numbers"),
        ],
    )
    def test_what_nobody_needs_is_left_out_and_said(
        self, name, content, attribute, sentence, plane
    ):
        np.save(plane / name, content)
        recording = open_recording(plane)
        assert getattr(recording, attribute) is None
        assert sentence in str(recording.warnings[0])

    def test_movie_of_another_run_is_said(self, plane):
        os.truncate(plane / "data.bin", 2 * 64 * 72 * 100)
        (warning,) = open_recording(plane).warnings
        assert "data.bin holds 100 frames and the traces 900" in str(warning)


class TestWhatNobodyNeeds:
    """Left out, with a note where something was there."""

    @pytest.mark.parametrize(
        "lam",
        [None, [[1], [2, 3]], {1.0}, "x"],
        ids=["absent", "ragged", "set", "text"],
    )
    def test_pixels_without_weights_count_alike(self, lam, plane):
        change_stat(plane, 4, lam=lam, med=lam)
        recording = open_recording(plane)
        assert set(recording.rois[4].lam.tolist()) == {1.0}
        assert "1 of 12 ROIs in stat.npy have no weights" in str(recording.warnings[0])

    def test_masks_of_a_converter(self, plane):
        """Track2p writes no more than this."""
        stat = np.load(plane / "stat.npy", allow_pickle=True)
        short = [{k: entry[k] for k in ("ypix", "xpix", "med")} for entry in stat]
        np.save(plane / "stat.npy", np.array(short, object))
        image = np.ones((64, 80))
        np.save(plane / "ops.npy", np.array({"meanImg": image, "fs": 30}))
        recording = open_recording(plane)
        assert recording.frame_shape == (64, 80)
        assert recording.sampling_frequency == 30
        assert list(recording.images) == ["mean image"]
        assert label_image(recording).max() == 12

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (b"", "ops.npy is empty"),
            (
                b"version https://git-lfs.github.com/spec/v1\noid sha256:0",
                "git lfs pull",
            ),
        ],
    )
    def test_files_that_were_not_fetched(self, content, sentence, plane):
        (plane / "ops.npy").write_bytes(content)
        warnings = open_recording(plane, sampling_frequency=30).warnings
        assert any(sentence in str(w) for w in warnings)
        (plane / "F.npy").write_bytes(content)
        with pytest.raises(RecordingError, match=rf"F\.npy is .*{sentence[-5:]}"):
            open_recording(plane)

    @pytest.mark.parametrize("key", ["filelist", "reg_file"])
    @pytest.mark.parametrize("name", ["x" * 300, "a\0b"])
    def test_names_that_the_system_refuses(self, key, name, plane, set_ops):
        (plane / "data.bin").unlink()
        noted = f"{name}.tif"
        set_ops(plane, **{key: [noted] if key == "filelist" else noted})
        (warning,) = open_recording(plane).warnings
        assert warning.code == "path-unreachable"
        assert len(str(warning)) < 200

    @pytest.mark.parametrize("key", ["filelist", "reg_file"])
    def test_folders_that_one_may_not_look_into(self, key, plane, set_ops, monkeypatch):
        (plane / "data.bin").unlink()
        set_ops(
            plane,
            **{key: ["/colleague/a.tif"] if key == "filelist" else "/colleague/a"},
        )
        stat = pathlib.Path.stat

        def refuse(path, **options):
            if path.parts[1:2] == ("colleague",):
                raise PermissionError(13, "Permission denied", str(path))
            return stat(path, **options)

        # Tests may run as root, who may look anywhere.
        monkeypatch.setattr(pathlib.Path, "stat", refuse)
        recording = open_recording(plane)
        assert recording.movie is None
        assert recording.sampling_frequency == 30
        assert "Permission denied" in str(recording.warnings[0])

    def test_neuropil_of_another_length(self, plane):
        np.save(plane / "Fneu.npy", np.zeros((12, 800), np.float32))
        recording = open_recording(plane)
        assert recording.neuropil is None
        sentence = r"Fneu\.npy has shape \(12, 800\) and F\.npy \(12, 900\)"
        with pytest.raises(RecordingError, match=sentence):
            subtract_neuropil(recording, 0.7)

    def test_settings_with_odd_numbers(self, plane, set_ops):
        set_ops(plane, yrange=[[1], [2, 3]], xrange=2**70, tau=2**70, Lx=np.array(72))
        assert open_recording(plane).frame_shape == (64, 72)


class TestSuite2pOpenAtTheSameTime:
    def test_rewritten_files_are_noticed(self, plane):
        recording = open_recording(plane)
        assert recording.changed_on_disk() is None
        np.save(plane / "F.npy", np.zeros((13, 900), np.float32))
        (plane / "iscell.npy").unlink()
        sentence = recording.changed_on_disk()
        assert sentence is not None
        assert "F.npy changed and iscell.npy vanished" in sentence

    def test_traces_in_memory_survive_truncation(self, plane):
        recording = open_recording(plane)
        wanted = float(np.asarray(recording.raw_traces).sum())
        os.truncate(plane / "F.npy", 0)
        assert float(np.asarray(recording.raw_traces).sum()) == wanted

    @pytest.mark.parametrize("name", ["Fneu.npy", "data.bin"])
    def test_late_reads_of_a_truncated_file_are_refused(self, name, plane):
        recording = open_recording(plane)
        os.truncate(plane / name, 1000)
        late = recording.neuropil if name == "Fneu.npy" else recording.movie
        with pytest.raises(RecordingError, match=rf"{name} changed .* open the rec"):
            late[5]

    def test_change_while_opening_is_refused(self, plane, monkeypatch):
        read = suite2p.read_settings

        def save_meanwhile(*args):
            np.save(plane / "iscell.npy", np.zeros((12, 2)))
            return read(*args)

        monkeypatch.setattr(suite2p, "read_settings", save_meanwhile)
        with pytest.raises(RecordingError, match=r"iscell\.npy changed"):
            open_recording(plane)


def test_large_traces_stay_on_disk(plane, monkeypatch):
    monkeypatch.setattr(readers, "MEMORY_LIMIT", 1000)
    traces = open_recording(plane).raw_traces
    assert not isinstance(traces, np.ndarray)
    np.testing.assert_array_equal(traces[2:9:3], np.load(plane / "F.npy")[2:9:3])


def test_real_recording_without_settings(shared_data):
    recording = open_recording(shared_data / "real_suite2p")
    assert (recording.n_rois, recording.n_frames) == (219, 2000)
    assert recording.frame_shape == (607, 608)
    assert recording.sampling_frequency is None
    assert recording.iscell is not None


class TestMerges:
    """Merged ROIs as suite2p's GUI leaves them."""

    def rewrite(self, plane, order):
        """Put rows in another order, as when hand-drawn ROIs are put in front."""
        for name in ("F", "Fneu", "iscell", "stat"):
            values = np.load(plane / f"{name}.npy", allow_pickle=True)
            np.save(plane / f"{name}.npy", values[order])

    @pytest.mark.parametrize(
        ("merged", "parts_of"),
        [
            ([(1, 4), (0, 2, 3)], {12: [1, 4], 13: [0, 2, 3]}),
            # A merged ROI that is merged again is a part of the last.
            ([(1, 4), (1, 4, 6)], {12: [], 13: [1, 4, 6, 12]}),
        ],
    )
    def test_parts_point_to_the_merged_roi(
        self, merged, parts_of, suite2p_folder, tmp_path
    ):
        merged_into = open_recording(
            suite2p_folder(tmp_path, merged=merged)
        ).merged_into
        for row, parts in parts_of.items():
            assert np.flatnonzero(merged_into == row).tolist() == parts
        assert merged_into[13] == -1

    def test_parts_are_found_after_suite2p_has_reset_them(
        self, suite2p_folder, tmp_path
    ):
        plane = suite2p_folder(tmp_path, merged=[(1, 4)]) / "plane0"
        stat = np.load(plane / "stat.npy", allow_pickle=True)
        for entry in stat:
            entry["inmerge"] = 0
            entry.setdefault("imerge", [])
        np.save(plane / "stat.npy", stat)
        merged_into = open_recording(plane).merged_into
        assert np.flatnonzero(merged_into == 12).tolist() == [1, 4]

    def test_parts_are_found_behind_rois_that_were_drawn_later(
        self, suite2p_folder, tmp_path
    ):
        plane = suite2p_folder(tmp_path, merged=[(1, 4)]) / "plane0"
        self.rewrite(plane, [11, 10, *range(10), 12])
        merged_into = open_recording(plane).merged_into
        assert np.flatnonzero(merged_into == 12).tolist() == [3, 6]

    def test_lost_parts_are_said(self, suite2p_folder, tmp_path):
        plane = suite2p_folder(tmp_path, merged=[(1, 4)]) / "plane0"
        self.rewrite(plane, [0, 2, 3, 12])
        recording = open_recording(plane)
        assert (recording.merged_into == -1).all()
        assert "ROI 3 was merged in suite2p" in str(recording.warnings[0])

    def test_impossible_parts_are_said(self, suite2p_folder, tmp_path):
        plane = suite2p_folder(tmp_path) / "plane0"
        for row, noted in enumerate(([-1, 2], [2**63], [0.5], [5], {1}, [[1], [2, 3]])):
            change_stat(plane, row, imerge=noted)
        recording = open_recording(plane)
        assert (recording.merged_into == -1).all()
        assert len(recording.warnings) == 6


class TestImages:
    """Images lie where suite2p took them from, in a frame of 8 x 9 pixels."""

    def read(self, **settings):
        warnings: list[Finding] = []
        return read_images(settings, (8, 9), warnings), warnings

    def test_cropped_image_is_pasted_at_its_offset(self):
        projection = np.arange(12.0).reshape(3, 4)
        images, _ = self.read(max_proj=projection, yrange=[2, 5], xrange=[1, 5])
        image = images["max projection"]
        assert image.shape == (8, 9)
        np.testing.assert_array_equal(image[2:5, 1:5], projection)
        assert np.isnan(image).sum() == 72 - 12

    def test_image_of_the_whole_frame_has_no_offset(self):
        images, _ = self.read(max_proj=np.ones((8, 9)), yrange=[2, 5], xrange=[1, 5])
        assert np.isfinite(images["max projection"]).all()

    def test_image_that_does_not_fit_is_left_out_and_said(self):
        images, warnings = self.read(meanImg=np.ones((10, 9)))
        assert not images
        assert "mean image has 10 x 9 pixels" in str(warnings[0])

    def test_crop_that_is_no_number_is_no_offset(self):
        for yrange, xrange in (([np.nan], ["a"]), ([[1], [2, 3]], 5)):
            images, _ = self.read(
                max_proj=np.ones((3, 4)), yrange=yrange, xrange=xrange
            )
            assert np.isfinite(images["max projection"][:3, :4]).all()

    @pytest.mark.parametrize("value", [None, 0, "x", np.empty((0, 0)), np.ones(3)])
    def test_absent_images_are_no_error(self, value):
        assert self.read(meanImg=value) == ({}, [])
