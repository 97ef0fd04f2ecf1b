"""Movies: data.bin and every kind of TIFF, lazily."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from napari_celltype.errors import RecordingError
from napari_celltype.recording import (
    FROM_SUITE2P,
    FROM_TIFF,
    Recording,
    attach_movie,
    open_movie,
    open_recording,
)

Folder = Callable[..., Path]

STACK = np.random.default_rng(0).integers(0, 4000, (24, 10, 14), dtype=np.uint16)


def write(path: Path, data: np.ndarray = STACK, **options: Any) -> Path:
    tifffile.imwrite(path, data, photometric="minisblack", **options)
    return path


def write_pages(path: Path, data: np.ndarray = STACK, **options: Any) -> Path:
    """Pages apart from each other, each with its own description, as ScanImage does."""
    with tifffile.TiffWriter(path, bigtiff=options.pop("bigtiff", False)) as tif:
        for i, frame in enumerate(data):
            tif.write(
                frame,
                photometric="minisblack",
                description=f"frame {i:04d}",
                contiguous=False,
                metadata=None,
                **options,
            )
    return path


def scanimage_software(n_channels: int = 1, n_slices: int = 1, flyback: int = 0) -> str:
    saved = "[" + ";".join(str(c + 1) for c in range(n_channels)) + "]"
    lines = [
        "SI.VERSION_MAJOR = 2020",
        f"SI.hChannels.channelSave = {saved}",
        f"SI.hFastZ.enable = {'true' if n_slices > 1 else 'false'}",
        f"SI.hStackManager.numFramesPerVolumeWithFlyback = {n_slices + flyback}",
        "SI.hRoiManager.scanFrameRate = 30.03",
        f"SI.hRoiManager.scanVolumeRate = {30.03 / (n_slices + flyback)}",
    ]
    return "\n".join(lines)


class TestOneTiff:
    @pytest.mark.parametrize(
        "options",
        [
            {},
            {"bigtiff": True},
            {"imagej": True},
            {"ome": True},
            {"byteorder": ">"},
            {"compression": "zlib"},
            {"compression": "zlib", "predictor": True},
            {"tile": (16, 16)},
            {"rowsperstrip": 3},
            {"metadata": None},
        ],
        ids=str,
    )
    def test_every_frame_is_the_frame(
        self, options: dict[str, Any], tmp_path: Path
    ) -> None:
        movie = open_movie(write(tmp_path / "m.tif", **options))
        assert movie.shape == STACK.shape
        assert movie.dtype == STACK.dtype
        np.testing.assert_array_equal(movie[:], STACK)

    @pytest.mark.parametrize("options", [{}, {"bigtiff": True}, {"rowsperstrip": 4}])
    def test_pages_that_lie_apart(
        self, options: dict[str, Any], tmp_path: Path
    ) -> None:
        movie = open_movie(write_pages(tmp_path / "m.tif", **options))
        np.testing.assert_array_equal(movie[:], STACK)

    def test_frames_written_one_by_one(self, tmp_path: Path) -> None:
        with tifffile.TiffWriter(tmp_path / "m.tif") as tif:
            for frame in STACK:
                tif.write(frame, photometric="minisblack")
        np.testing.assert_array_equal(open_movie(tmp_path / "m.tif")[:], STACK)

    def test_single_page(self, tmp_path: Path) -> None:
        assert open_movie(write(tmp_path / "m.tif", STACK[0])).shape == (1, 10, 14)

    def test_real_two_photon_movie(self, shared_data: Path) -> None:
        path = shared_data / "two_photon_20_frames.tif"
        movie = open_movie(path)
        assert movie.shape == (20, 128, 256)
        np.testing.assert_array_equal(movie[:], tifffile.imread(path))


class TestIndexing:
    @pytest.mark.parametrize(
        "key",
        [
            5,
            -1,
            slice(2, 20, 7),
            [3, 1],
            (slice(None), 4, 5),
            (7, slice(2, 5)),
            (slice(0, 3), slice(1, 9, 2), slice(None, 4)),
            (..., 3),
            (2, ..., 3),
            ...,
            np.array([1, 2]),
        ],
        ids=str,
    )
    def test_as_an_array(self, key: Any, tmp_path: Path) -> None:
        movie = open_movie(write(tmp_path / "m.tif"))
        np.testing.assert_array_equal(movie[key], STACK[key])

    def test_frame_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(IndexError):
            open_movie(write(tmp_path / "m.tif"))[24]

    def test_becomes_an_array(self, tmp_path: Path) -> None:
        movie = open_movie(write(tmp_path / "m.tif"))
        np.testing.assert_array_equal(np.asarray(movie), STACK)
        assert len(movie) == 24
        assert movie.nbytes == STACK.nbytes


class TestDeinterleaving:
    def test_by_the_counts_given(self, tmp_path: Path) -> None:
        path = write(tmp_path / "m.tif")
        movie = open_movie(path, plane=1, channel=1, n_planes=3, n_channels=2)
        np.testing.assert_array_equal(movie[:], STACK[3::6])

    def test_incomplete_last_volume_is_dropped(self, tmp_path: Path) -> None:
        movie = open_movie(write(tmp_path / "m.tif"), plane=1, n_planes=5)
        np.testing.assert_array_equal(movie[:], STACK[1:20:5])

    @pytest.mark.parametrize(
        ("n_channels", "n_slices", "flyback"), [(1, 1, 0), (2, 1, 0), (2, 3, 1)]
    )
    def test_by_scanimage_metadata(
        self, n_channels: int, n_slices: int, flyback: int, tmp_path: Path
    ) -> None:
        software = scanimage_software(n_channels, n_slices, flyback)
        path = write_pages(tmp_path / "m.tif", software=software)
        plane = n_slices - 1
        step = n_channels * (n_slices + flyback)
        np.testing.assert_array_equal(
            open_movie(path, plane=plane)[:], STACK[plane * n_channels :: step]
        )

    @pytest.mark.parametrize("form", ["ome", "imagej"])
    def test_by_hyperstack_axes(self, form: str, tmp_path: Path) -> None:
        cube = STACK.reshape(4, 3, 2, 10, 14)
        path = write(
            tmp_path / "m.ome.tif", cube, metadata={"axes": "TZCYX"}, **{form: True}
        )
        movie = open_movie(path, plane=2, channel=1)
        np.testing.assert_array_equal(movie[:], cube[:, 2, 1])

    def test_ome_in_another_order(self, tmp_path: Path) -> None:
        cube = STACK.reshape(2, 3, 4, 10, 14)
        path = write(tmp_path / "m.ome.tif", cube, ome=True, metadata={"axes": "CTZYX"})
        movie = open_movie(path, plane=3, channel=1)
        np.testing.assert_array_equal(movie[:], cube[1, :, 3])

    def test_slices_without_time_are_time(self, tmp_path: Path) -> None:
        path = write(tmp_path / "m.tif", imagej=True, metadata={"axes": "ZYX"})
        assert open_movie(path).shape == STACK.shape

    def test_plane_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(
            RecordingError, match="3 planes, counted from 0, and plane 3"
        ):
            open_movie(write(tmp_path / "m.tif"), plane=3, n_planes=3)

    def test_fewer_images_than_one_volume(self, tmp_path: Path) -> None:
        with pytest.raises(RecordingError, match="24 images, fewer than the 30 of one"):
            open_movie(write(tmp_path / "m.tif"), n_planes=30)


class TestManyFiles:
    def test_folder_in_the_order_of_numbers(self, tmp_path: Path) -> None:
        for i, name in enumerate(("m_1.tif", "m_2.tif", "m_10.tif")):
            write(tmp_path / name, STACK[i * 8 : (i + 1) * 8])
        np.testing.assert_array_equal(open_movie(tmp_path)[:], STACK)

    def test_planes_go_on_taking_turns_across_files(self, tmp_path: Path) -> None:
        write(tmp_path / "m_1.tif", STACK[:10])
        write(tmp_path / "m_2.tif", STACK[10:])
        movie = open_movie(tmp_path, plane=1, n_planes=3)
        np.testing.assert_array_equal(movie[:], STACK[1::3])

    def test_ome_series_in_several_files(self, tmp_path: Path) -> None:
        xml = (
            '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
            '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" '
            'Type="uint16" SizeX="14" SizeY="10" SizeC="1" SizeZ="1" SizeT="4">'
            + "".join(
                f'<TiffData FirstT="{t}" IFD="0" PlaneCount="1">'
                f'<UUID FileName="f{t}.ome.tif">urn:uuid:{t}</UUID></TiffData>'
                for t in range(4)
            )
            + "</Pixels></Image></OME>"
        )
        for t in range(4):
            write(
                tmp_path / f"f{t}.ome.tif",
                STACK[t],
                description=xml.replace("<OME ", f'<OME UUID="urn:uuid:{t}" ')
                if t
                else xml.replace("<OME ", '<OME UUID="urn:uuid:0" '),
                metadata=None,
            )
        movie = open_movie(tmp_path / "f0.ome.tif")
        np.testing.assert_array_equal(movie[:], STACK[:4])

    def test_files_of_different_sizes(self, tmp_path: Path) -> None:
        write(tmp_path / "a.tif")
        write(tmp_path / "b.tif", STACK[:, :5])
        with pytest.raises(RecordingError, match="different sizes"):
            open_movie(tmp_path)

    def test_folder_without_tiffs(self, tmp_path: Path) -> None:
        with pytest.raises(RecordingError, match="holds no TIFF files"):
            open_movie(tmp_path)


class TestBadMovies:
    def test_missing(self, tmp_path: Path) -> None:
        with pytest.raises(RecordingError, match="does not exist"):
            open_movie(tmp_path / "m.tif")

    def test_no_tiff(self, tmp_path: Path) -> None:
        (tmp_path / "m.tif").write_bytes(b"nothing of the kind")
        with pytest.raises(RecordingError, match="not a readable TIFF"):
            open_movie(tmp_path / "m.tif")

    @pytest.mark.parametrize("keep", [0.3, 0.6])
    def test_truncated(self, keep: float, tmp_path: Path) -> None:
        path = write(tmp_path / "m.tif")
        path.write_bytes(path.read_bytes()[: int(keep * path.stat().st_size)])
        with pytest.raises(RecordingError, match=r"m\.tif"):
            open_movie(path)[23]

    def test_colour_images(self, tmp_path: Path) -> None:
        rgb = np.zeros((3, 8, 8, 3), np.uint8)
        tifffile.imwrite(tmp_path / "m.tif", rgb, photometric="rgb")
        with pytest.raises(RecordingError, match="one grey value per pixel"):
            open_movie(tmp_path / "m.tif")

    def test_rewritten_meanwhile(self, tmp_path: Path) -> None:
        movie = open_movie(write(tmp_path / "m.tif"))
        write(tmp_path / "m.tif", STACK[:7])
        with pytest.raises(RecordingError, match=r"m\.tif changed"):
            movie[3]

    def test_data_bin_without_settings(
        self, suite2p_folder: Folder, tmp_path: Path
    ) -> None:
        root = suite2p_folder(tmp_path, with_ops=False)
        with pytest.raises(RecordingError, match="does not say its frame size"):
            open_movie(root / "plane0" / "data.bin")


class TestDataBin:
    def test_frames(self, suite2p_folder: Folder, tmp_path: Path) -> None:
        plane = suite2p_folder(tmp_path) / "plane0"
        wanted = np.fromfile(plane / "data.bin", np.int16).reshape(900, 64, 72)
        movie = open_recording(plane).movie
        assert movie is not None
        np.testing.assert_array_equal(movie[100:900:200], wanted[100:900:200])
        np.testing.assert_array_equal(open_movie(plane / "data.bin")[7], wanted[7])

    def test_where_suite2p_noted_it(
        self, suite2p_folder: Folder, tmp_path: Path
    ) -> None:
        plane = suite2p_folder(tmp_path) / "plane0"
        moved = (plane / "data.bin").rename(tmp_path / "fast.bin")
        ops = np.load(plane / "ops.npy", allow_pickle=True).item()
        np.save(plane / "ops.npy", {**ops, "reg_file": str(moved)})
        assert open_recording(plane).movie is not None

    def test_empty_file_is_said(self, suite2p_folder: Folder, tmp_path: Path) -> None:
        plane = suite2p_folder(tmp_path) / "plane0"
        (plane / "data.bin").write_bytes(b"")
        recording = open_recording(plane)
        assert recording.movie is None
        assert "no whole frame" in recording.warnings[0]


class TestAttaching:
    def movie_for(self, path: Path, n_frames: int = 900, **metadata: Any) -> Path:
        data = np.zeros((n_frames, 64, 72), np.int16)
        return write(path, data, imagej=True, metadata={"axes": "TYX", **metadata})

    def test_own_plane_of_an_interleaved_file(
        self, suite2p_folder: Folder, tmp_path: Path
    ) -> None:
        recording = open_recording(
            suite2p_folder(tmp_path, n_planes=2, n_frames=12, frame_shape=(20, 24)), 1
        )
        data = np.random.default_rng(0).integers(0, 9, (24, 20, 24), dtype=np.int16)
        attached = attach_movie(recording, write(tmp_path / "m.tif", data), n_planes=2)
        assert attached.movie is not None
        np.testing.assert_array_equal(attached.movie[:], data[1::2])
        assert attached.warnings == recording.warnings

    def test_tiff_confirms_ten_hertz(
        self, suite2p_folder: Folder, tmp_path: Path
    ) -> None:
        recording = open_recording(suite2p_folder(tmp_path, fs=10.0))
        path = self.movie_for(tmp_path / "m.tif", finterval=0.1)
        attached = attach_movie(recording, path)
        assert attached.sampling_frequency == pytest.approx(10)
        assert attached.sampling_frequency_source == FROM_TIFF
        assert not any("10 Hz" in warning for warning in attached.warnings)

    def test_tiff_never_overrules_suite2p(
        self, suite2p_folder: Folder, tmp_path: Path
    ) -> None:
        recording = open_recording(suite2p_folder(tmp_path, fs=30.0))
        path = self.movie_for(tmp_path / "m.tif", finterval=0.1)
        attached = attach_movie(recording, path)
        assert attached.sampling_frequency == 30
        assert attached.sampling_frequency_source == FROM_SUITE2P
        assert "says 10 Hz and suite2p has 30 Hz" in attached.warnings[-1]

    def test_other_frame_size_is_refused(
        self, suite2p_folder: Folder, tmp_path: Path
    ) -> None:
        recording = open_recording(suite2p_folder(tmp_path))
        with pytest.raises(RecordingError, match="choose the movie that suite2p"):
            attach_movie(recording, write(tmp_path / "m.tif"))

    def test_other_length_is_said(self, suite2p_folder: Folder, tmp_path: Path) -> None:
        recording = open_recording(suite2p_folder(tmp_path))
        attached = attach_movie(recording, self.movie_for(tmp_path / "m.tif", 800))
        assert (
            "800 frames of this plane and the traces have 900" in attached.warnings[-1]
        )

    def test_guessed_frame_size_gives_way_to_the_movie(
        self, suite2p_folder: Folder, tmp_path: Path
    ) -> None:
        recording = open_recording(suite2p_folder(tmp_path, with_ops=False))
        assert recording.frame_shape != (64, 72)
        attached = attach_movie(recording, self.movie_for(tmp_path / "m.tif"))
        assert attached.frame_shape == (64, 72)
        assert not any("frame size" in warning for warning in attached.warnings)


class TestInterleavedMovieOfARecording:
    """700 frames of each of 3 planes: 2100 images at 30 Hz, a plane at 10 Hz."""

    SHAPE = (20, 24)

    def recording(
        self,
        folder: Folder,
        path: Path,
        n_planes: int = 3,
        plane: int = 1,
        **noted: Any,
    ) -> Recording:
        root = folder(
            path, n_planes=n_planes, n_frames=700, frame_shape=self.SHAPE, fs=10.0
        )
        ops_file = root / f"plane{plane}" / "ops.npy"
        ops = np.load(ops_file, allow_pickle=True).item()
        np.save(ops_file, np.array(ops | noted, dtype=object))
        return open_recording(root, plane)

    def images(self, n: int) -> np.ndarray:
        return np.broadcast_to(
            np.arange(n, dtype=np.int16)[:, None, None], (n, *self.SHAPE)
        )

    def write(self, path: Path, n: int, **metadata: Any) -> Path:
        metadata = {"axes": "TYX", "finterval": 1 / 30} | metadata
        return write(path, self.images(n), imagej=True, metadata=metadata)

    def shown(self, recording: Recording) -> np.ndarray:
        assert recording.movie is not None
        return recording.movie[:, 0, 0]

    def test_planes_are_taken_apart_as_suite2p_did(
        self, suite2p_folder: Folder, tmp_path: Path
    ) -> None:
        recording = self.recording(suite2p_folder, tmp_path)
        attached = attach_movie(recording, self.write(tmp_path / "m.tif", 2100))
        np.testing.assert_array_equal(self.shown(attached), np.arange(1, 2100, 3))
        assert attached.warnings == recording.warnings

    def test_rate_of_single_images_is_not_taken(
        self, suite2p_folder: Folder, tmp_path: Path
    ) -> None:
        recording = self.recording(suite2p_folder, tmp_path)
        attached = attach_movie(recording, self.write(tmp_path / "m.tif", 2100))
        assert attached.sampling_frequency == 10
        assert not attached.sampling_frequency_confirmed

    def test_rate_of_a_movie_of_another_length_is_not_taken(
        self, suite2p_folder: Folder, tmp_path: Path
    ) -> None:
        recording = self.recording(suite2p_folder, tmp_path, n_planes=1, plane=0)
        attached = attach_movie(recording, self.write(tmp_path / "m.tif", 2100))
        assert not attached.sampling_frequency_confirmed
        assert "2100 frames of this plane and the traces" in attached.warnings[-1]

    def test_functional_channel_is_shown(
        self, suite2p_folder: Folder, tmp_path: Path
    ) -> None:
        recording = self.recording(
            suite2p_folder, tmp_path, nchannels=2, functional_chan=2
        )
        attached = attach_movie(recording, self.write(tmp_path / "m.tif", 4200))
        np.testing.assert_array_equal(self.shown(attached), np.arange(3, 4200, 6))

    def test_file_of_this_plane_alone(
        self, suite2p_folder: Folder, tmp_path: Path
    ) -> None:
        recording = self.recording(suite2p_folder, tmp_path)
        attached = attach_movie(recording, self.write(tmp_path / "m.tif", 700))
        np.testing.assert_array_equal(self.shown(attached), np.arange(700))

    def test_half_a_movie_is_taken_apart_and_its_length_said(
        self, suite2p_folder: Folder, tmp_path: Path
    ) -> None:
        recording = self.recording(suite2p_folder, tmp_path)
        attached = attach_movie(recording, self.write(tmp_path / "m.tif", 1050))
        np.testing.assert_array_equal(self.shown(attached), np.arange(1, 1050, 3))
        assert "350 frames of this plane" in attached.warnings[-1]

    def test_file_that_knows_its_planes_gives_their_rate(
        self, suite2p_folder: Folder, tmp_path: Path
    ) -> None:
        recording = self.recording(suite2p_folder, tmp_path)
        cube = self.images(2100).reshape(700, 3, *self.SHAPE)
        path = write(
            tmp_path / "m.tif",
            cube,
            imagej=True,
            metadata={"axes": "TZYX", "finterval": 0.125},
        )
        attached = attach_movie(recording, path)
        np.testing.assert_array_equal(self.shown(attached), np.arange(1, 2100, 3))
        assert attached.sampling_frequency == pytest.approx(8)

    def test_counts_given_win(self, suite2p_folder: Folder, tmp_path: Path) -> None:
        recording = self.recording(suite2p_folder, tmp_path)
        path = self.write(tmp_path / "m.tif", 2100)
        attached = attach_movie(recording, path, n_planes=2)
        np.testing.assert_array_equal(self.shown(attached), np.arange(1, 2100, 2))
