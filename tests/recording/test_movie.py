"""Movies: data.bin and every kind of TIFF, lazily."""

import contextlib
import zlib

import numpy as np
import pytest
import tifffile

from napari_celltype.errors import RecordingError
from napari_celltype.recording import (
    FROM_TIFF,
    attach_movie,
    movie,
    open_movie,
    open_recording,
)
from napari_celltype.recording.recording import FROM_SUITE2P
from napari_celltype.recording.tiff import open_tiff

STACK = np.random.default_rng(0).integers(0, 4000, (24, 10, 14), dtype=np.uint16)


def write(path, data=STACK, **options):
    tifffile.imwrite(path, data, photometric="minisblack", **options)
    return path


def write_pages(path, data=STACK, **options):
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


def scanimage_software(n_channels=1, n_slices=1, flyback=0):
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
    def test_every_frame_is_the_frame(self, options, tmp_path):
        movie = open_movie(write(tmp_path / "m.tif", **options))
        assert movie.shape == STACK.shape
        assert movie.dtype == STACK.dtype
        np.testing.assert_array_equal(movie[:], STACK)

    @pytest.mark.parametrize("options", [{}, {"bigtiff": True}, {"rowsperstrip": 4}])
    def test_pages_that_lie_apart(self, options, tmp_path):
        movie = open_movie(write_pages(tmp_path / "m.tif", **options))
        np.testing.assert_array_equal(movie[:], STACK)

    def test_frames_written_one_by_one(self, tmp_path):
        with tifffile.TiffWriter(tmp_path / "m.tif") as tif:
            for frame in STACK:
                tif.write(frame, photometric="minisblack")
        np.testing.assert_array_equal(open_movie(tmp_path / "m.tif")[:], STACK)

    def test_single_page(self, tmp_path):
        assert open_movie(write(tmp_path / "m.tif", STACK[0])).shape == (1, 10, 14)

    def test_real_two_photon_movie(self, shared_data):
        path = shared_data / "two_photon_20_frames.tif"
        np.testing.assert_array_equal(open_movie(path)[:], tifffile.imread(path))

    @pytest.mark.parametrize(
        "key",
        [
            5,
            -1,
            slice(2, 20, 7),
            [3, 1],
            (slice(None), 4, 5),
            (slice(0, 3), slice(1, 9, 2), slice(None, 4)),
            (2, ..., 3),
            ...,
            np.array([1, 2]),
        ],
        ids=str,
    )
    def test_indexing_is_that_of_an_array(self, key, tmp_path):
        movie = open_movie(write(tmp_path / "m.tif"))
        np.testing.assert_array_equal(movie[key], STACK[key])
        np.testing.assert_array_equal(np.asarray(movie), STACK)
        assert (len(movie), movie.size) == (24, STACK.size)
        with pytest.raises(IndexError):
            movie[24]


class TestDeinterleaving:
    def test_by_the_counts_given(self, tmp_path):
        path = write(tmp_path / "m.tif")
        movie = open_movie(path, plane=1, channel=1, n_planes=3, n_channels=2)
        np.testing.assert_array_equal(movie[:], STACK[3::6])

    def test_incomplete_last_volume_is_dropped(self, tmp_path):
        movie = open_movie(write(tmp_path / "m.tif"), plane=1, n_planes=5)
        np.testing.assert_array_equal(movie[:], STACK[1:20:5])

    @pytest.mark.parametrize(
        ("n_channels", "n_slices", "flyback"), [(1, 1, 0), (2, 1, 0), (2, 3, 1)]
    )
    def test_by_scanimage_metadata(self, n_channels, n_slices, flyback, tmp_path):
        software = scanimage_software(n_channels, n_slices, flyback)
        path = write_pages(tmp_path / "m.tif", software=software)
        plane = n_slices - 1
        step = n_channels * (n_slices + flyback)
        np.testing.assert_array_equal(
            open_movie(path, plane=plane)[:], STACK[plane * n_channels :: step]
        )

    @pytest.mark.parametrize("form", ["ome", "imagej"])
    def test_by_hyperstack_axes(self, form, tmp_path):
        cube = STACK.reshape(4, 3, 2, 10, 14)
        path = write(
            tmp_path / "m.ome.tif", cube, metadata={"axes": "TZCYX"}, **{form: True}
        )
        movie = open_movie(path, plane=2, channel=1)
        np.testing.assert_array_equal(movie[:], cube[:, 2, 1])

    def test_ome_in_another_order(self, tmp_path):
        cube = STACK.reshape(2, 3, 4, 10, 14)
        path = write(tmp_path / "m.ome.tif", cube, ome=True, metadata={"axes": "CTZYX"})
        movie = open_movie(path, plane=3, channel=1)
        np.testing.assert_array_equal(movie[:], cube[1, :, 3])

    def test_slices_without_time_are_time(self, tmp_path):
        path = write(tmp_path / "m.tif", imagej=True, metadata={"axes": "ZYX"})
        assert open_movie(path).shape == STACK.shape

    def test_plane_that_is_not_there(self, tmp_path):
        with pytest.raises(
            RecordingError, match="3 planes, counted from 0, and plane 3"
        ):
            open_movie(write(tmp_path / "m.tif"), plane=3, n_planes=3)

    def test_fewer_images_than_one_volume(self, tmp_path):
        with pytest.raises(RecordingError, match="24 images, fewer than the 30 of one"):
            open_movie(write(tmp_path / "m.tif"), n_planes=30)


class TestManyFiles:
    def test_folder_in_the_order_of_numbers(self, tmp_path):
        for i, name in enumerate(("m_1.tif", "m_2.tif", "m_10.tif")):
            write(tmp_path / name, STACK[i * 8 : (i + 1) * 8])
        np.testing.assert_array_equal(open_movie(tmp_path)[:], STACK)

    def test_planes_go_on_taking_turns_across_files(self, tmp_path):
        write(tmp_path / "m_1.tif", STACK[:10])
        write(tmp_path / "m_2.tif", STACK[10:])
        movie = open_movie(tmp_path, plane=1, n_planes=3)
        np.testing.assert_array_equal(movie[:], STACK[1::3])

    def test_files_of_different_sizes(self, tmp_path):
        write(tmp_path / "a.tif")
        write(tmp_path / "b.tif", STACK[:, :5])
        with pytest.raises(RecordingError, match="different sizes"):
            open_movie(tmp_path)

    def test_folder_without_tiffs(self, tmp_path):
        with pytest.raises(RecordingError, match="holds no TIFF files"):
            open_movie(tmp_path)


def write_ome_files(folder, n, naming_all):
    """One frame in each file; the OME text of some of them names all files."""
    where = "".join(
        f'<TiffData IFD="0" FirstT="{i}" FirstC="0" FirstZ="0" PlaneCount="1">'
        f'<UUID FileName="ChanA_{i:03d}.tif">urn:uuid:{i}</UUID></TiffData>'
        for i in range(n)
    )
    height, width = STACK.shape[1:]
    for i in range(n):
        series = (
            '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" '
            f'Type="uint16" SizeX="{width}" SizeY="{height}" SizeZ="1" SizeC="1" '
            f'SizeT="{n}"><Channel ID="Channel:0" SamplesPerPixel="1"/>{where}'
            "</Pixels></Image>"
        )
        if i not in naming_all:
            series = '<BinaryOnly MetadataFile="ChanA_000.tif" UUID="urn:uuid:0"/>'
        ome = (
            '<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.'
            f'openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:{i}">'
            f"{series}</OME>"
        )
        path = folder / f"ChanA_{i:03d}.tif"
        write(path, STACK[i], description=ome, metadata=None)


class TestOmeFiles:
    """ThorImage, Bruker: a file for each frame, which may name all of the others."""

    @pytest.mark.parametrize("naming_all", [range(12), [0], [5]])
    def test_every_frame_is_there_once(self, naming_all, tmp_path):
        write_ome_files(tmp_path, 12, naming_all)
        np.testing.assert_array_equal(open_movie(tmp_path)[:], STACK[:12])
        whole = tmp_path / f"ChanA_{naming_all[0]:03d}.tif"
        np.testing.assert_array_equal(open_movie(whole)[:], STACK[:12])

    def test_each_file_is_looked_at_once(self, tmp_path, monkeypatch):
        write_ome_files(tmp_path, 12, range(12))
        opened = []
        monkeypatch.setattr(
            movie, "open_tiff", lambda file: opened.append(file) or open_tiff(file)
        )
        open_movie(tmp_path)
        assert len(opened) == 1

    def test_a_file_that_is_not_there(self, tmp_path):
        write_ome_files(tmp_path, 12, range(12))
        (tmp_path / "ChanA_007.tif").unlink()
        with pytest.raises(RecordingError, match="copy all files of the series"):
            open_movie(tmp_path)


class TestBadMovies:
    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ('SizeT="24"', 'SizeT="999999999"'),
            ('PlaneCount="24"', 'PlaneCount="999999999"'),
            ('SizeT="24"', f'SizeT="{10**30}"'),
        ],
    )
    def test_more_images_than_memory_holds(self, old, new, tmp_path):
        tifffile.imwrite(tmp_path / "a.ome.tif", STACK, metadata={"axes": "TYX"})
        with tifffile.TiffFile(tmp_path / "a.ome.tif") as tif:
            ome = tif.ome_metadata
        assert ome is not None
        assert old in ome
        path = write(
            tmp_path / "m.tif", description=ome.replace(old, new), metadata=None
        )
        with pytest.raises(RecordingError, match="more images than any movie"):
            open_movie(path)

    @pytest.mark.parametrize(
        "error", [zlib.error("x"), EOFError(), SyntaxError("a\nb"), KeyError(3)]
    )
    def test_whatever_a_reader_raises_is_one_sentence(self, error, tmp_path):
        path = write(tmp_path / "m.tif")
        sentence = r"m\.tif is not a readable TIFF \([^\n]+\); copy it again"
        with pytest.raises(RecordingError, match=sentence), open_tiff(path):
            raise error

    def test_missing(self, tmp_path):
        with pytest.raises(RecordingError, match="does not exist"):
            open_movie(tmp_path / "m.tif")

    def test_no_tiff(self, tmp_path):
        (tmp_path / "m.tif").write_bytes(b"nothing of the kind")
        with pytest.raises(RecordingError, match="not a readable TIFF"):
            open_movie(tmp_path / "m.tif")

    @pytest.mark.parametrize("keep", [0.3, 0.6])
    def test_truncated(self, keep, tmp_path):
        path = write(tmp_path / "m.tif")
        path.write_bytes(path.read_bytes()[: int(keep * path.stat().st_size)])
        with pytest.raises(RecordingError, match=r"m\.tif"):
            open_movie(path)[23]

    @pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"ome": True}])
    def test_damaged_bytes_end_in_a_sentence_and_no_log(
        self, options, tmp_path, caplog
    ):
        path = write(tmp_path / "m.tif", **options)
        whole, rng = path.read_bytes(), np.random.default_rng(1)
        for _ in range(60):
            damaged = bytearray(whole)
            for at in rng.integers(4, min(len(whole), 2000), 6):
                damaged[at] = rng.integers(256)
            path.write_bytes(damaged)
            with contextlib.suppress(RecordingError):
                open_movie(path)[:]
        assert caplog.records == []

    def test_colour_images(self, tmp_path):
        rgb = np.zeros((3, 8, 8, 3), np.uint8)
        tifffile.imwrite(tmp_path / "m.tif", rgb, photometric="rgb")
        with pytest.raises(RecordingError, match="one grey value per pixel"):
            open_movie(tmp_path / "m.tif")

    def test_rewritten_meanwhile(self, tmp_path):
        movie = open_movie(write(tmp_path / "m.tif"))
        write(tmp_path / "m.tif", STACK[:7])
        with pytest.raises(RecordingError, match=r"m\.tif changed"):
            movie[3]


class TestDataBin:
    def test_frames(self, plane):
        wanted = np.fromfile(plane / "data.bin", np.int16).reshape(900, 64, 72)
        movie = open_recording(plane).movie
        assert movie is not None
        np.testing.assert_array_equal(movie[100:900:200], wanted[100:900:200])
        np.testing.assert_array_equal(open_movie(plane / "data.bin")[7], wanted[7])

    def test_without_settings(self, suite2p_folder, tmp_path):
        root = suite2p_folder(tmp_path, with_ops=False)
        with pytest.raises(RecordingError, match="does not say its frame size"):
            open_movie(root / "plane0" / "data.bin")

    def test_where_suite2p_noted_it(self, plane, set_ops, tmp_path):
        moved = (plane / "data.bin").rename(tmp_path / "fast.bin")
        set_ops(plane, reg_file=str(moved))
        assert open_recording(plane).movie is not None

    def test_empty_file_is_said(self, plane):
        (plane / "data.bin").write_bytes(b"")
        recording = open_recording(plane)
        assert recording.movie is None
        assert "no whole frame" in str(recording.warnings[0])


class TestAttaching:
    def movie_for(self, path, n_frames=900, **metadata):
        data = np.zeros((n_frames, 64, 72), np.int16)
        return write(path, data, imagej=True, metadata={"axes": "TYX", **metadata})

    @pytest.mark.parametrize(
        ("noted", "rate", "source"), [(10.0, 10.0, FROM_TIFF), (30.0, 30, FROM_SUITE2P)]
    )
    def test_tiff_confirms_ten_hertz_and_never_overrules_suite2p(
        self, noted, rate, source, suite2p_folder, tmp_path
    ):
        recording = open_recording(suite2p_folder(tmp_path, fs=noted))
        path = self.movie_for(tmp_path / "m.tif", finterval=0.1)
        attached = attach_movie(recording, path)
        assert attached.sampling_frequency == pytest.approx(rate)
        assert attached.sampling_frequency_source == source
        said = "m.tif says 10 Hz and suite2p has 30 Hz, which is kept"
        assert [said in str(w) for w in attached.warnings] == [True] * (rate == 30)

    def test_other_frame_size_is_refused(self, plane, tmp_path):
        with pytest.raises(RecordingError, match="choose the movie that suite2p"):
            attach_movie(open_recording(plane), write(tmp_path / "m.tif"))

    def test_guessed_frame_size_gives_way_to_the_movie(self, suite2p_folder, tmp_path):
        recording = open_recording(suite2p_folder(tmp_path, with_ops=False))
        assert recording.frame_shape != (64, 72)
        attached = attach_movie(recording, self.movie_for(tmp_path / "m.tif"))
        assert attached.frame_shape == (64, 72)
        assert not any("frame size" in str(warning) for warning in attached.warnings)


class TestInterleavedMovieOfARecording:
    """700 frames of each of 3 planes: 2100 images at 30 Hz, a plane at 10 Hz."""

    SHAPE = (20, 24)

    @pytest.fixture
    def recording(self, suite2p_folder, tmp_path, set_ops):
        def opened(n_planes=3, plane=1, **noted):
            size = {"n_frames": 700, "frame_shape": self.SHAPE}
            root = suite2p_folder(tmp_path, n_planes=n_planes, fs=10.0, **size)
            set_ops(root / f"plane{plane}", **noted)
            return open_recording(root, plane)

        return opened

    def images(self, n):
        numbers = np.arange(n, dtype=np.int16)[:, None, None]
        return np.broadcast_to(numbers, (n, *self.SHAPE))

    def write(self, path, n):
        metadata = {"axes": "TYX", "finterval": 1 / 30}
        return write(path / "m.tif", self.images(n), imagej=True, metadata=metadata)

    @pytest.mark.parametrize(
        ("noted", "given", "n_images", "shown"),
        [
            ({}, {}, 2100, np.arange(1, 2100, 3)),
            # A file of this plane alone, and half a movie.
            ({}, {}, 700, np.arange(700)),
            ({}, {}, 1050, np.arange(1, 1050, 3)),
            ({}, {"n_planes": 2}, 2100, np.arange(1, 2100, 2)),
            ({"nplanes": 1}, {"n_planes": 3}, 2100, np.arange(1, 2100, 3)),
            ({"nplanes": 3}, {"n_channels": 2}, 4200, np.arange(2, 4200, 6)),
            ({"nchannels": 2, "functional_chan": 2}, {}, 4200, np.arange(3, 4200, 6)),
        ],
    )
    def test_own_plane_and_channel_are_shown(
        self, noted, given, n_images, shown, recording, tmp_path
    ):
        before = recording(**noted)
        attached = attach_movie(before, self.write(tmp_path, n_images), **given)
        assert attached.movie is not None
        np.testing.assert_array_equal(attached.movie[:, 0, 0], shown)
        # The rate of single images is not that of the plane.
        if n_images != 700:
            assert attached.sampling_frequency == 10
            assert not attached.sampling_frequency_confirmed
        said = f"m.tif has {len(shown)} frames of this plane and the traces have 700."
        new = [str(w) for w in attached.warnings if w not in before.warnings]
        assert new == [said] * (len(shown) != 700)

    def test_rate_of_a_movie_of_another_length_is_not_taken(self, recording, tmp_path):
        one = recording(n_planes=1, plane=0)
        attached = attach_movie(one, self.write(tmp_path, 2100))
        assert not attached.sampling_frequency_confirmed

    def test_file_that_knows_its_planes_gives_their_rate(self, recording, tmp_path):
        cube = self.images(2100).reshape(700, 3, *self.SHAPE)
        metadata = {"axes": "TZYX", "finterval": 0.125}
        path = write(tmp_path / "m.tif", cube, imagej=True, metadata=metadata)
        attached = attach_movie(recording(), path)
        assert attached.movie is not None
        np.testing.assert_array_equal(attached.movie[:, 0, 0], np.arange(1, 2100, 3))
        assert attached.sampling_frequency == pytest.approx(8)
