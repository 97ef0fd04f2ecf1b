"""Settings of all versions of suite2p read alike; joins and bad frames cut segments."""

import datetime
import pickle

import numpy as np
import pytest

from napari_celltype.errors import RecordingError
from napari_celltype.findings import Finding
from napari_celltype.recording import Recording, Segment
from napari_celltype.recording.recording import TAKEN_FOR_CONTINUOUS, segments_between
from napari_celltype.recording.suite2p_settings import (
    decide_frame_rate,
    frame_shape,
    interleaving,
    neuropil_coefficient,
    read_bad_frames,
    read_joins,
    read_settings,
    source_files,
    suite2p_version,
)


def save(folder, name, content):
    np.save(folder / name, np.array(content, dtype=object))


def test_later_files_win(tmp_path):
    assert read_settings(tmp_path) == {}
    save(tmp_path, "ops.npy", {"fs": 1.0, "tau": 1.0, "only": "ops"})
    save(tmp_path, "settings.npy", {"fs": 2.0, "meanImg": "settings"})
    save(tmp_path, "reg_outputs.npy", {"meanImg": "registered"})
    found = read_settings(tmp_path)
    assert found == {"fs": 2.0, "tau": 1.0, "only": "ops", "meanImg": "registered"}


def test_damaged_settings_are_said(tmp_path):
    (tmp_path / "ops.npy").write_bytes(b"broken")
    with pytest.raises(RecordingError, match=r"ops\.npy"):
        read_settings(tmp_path)


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_values_of_types_that_nobody_needs_are_left_out_and_said(protocol, tmp_path):
    odd = {
        "a": {1, 2},
        "b": frozenset("x"),
        "c": slice(1, 2),
        "d": datetime.date(2020, 1, 2),
        "e": datetime.time(1),
        "f": 1j,
        "g": range(3),
        "h": bytearray(b"x"),
        "i": np.datetime64("2020-01-02"),
        "j": np.array(["2020-01-02"], "M8[D]"),
    }
    kept = {"fs": 30.0, "ragged": [[1], [2, 3]], "raw": b"\x00\xff", "none": b""}
    with open(tmp_path / "ops.npy", "wb") as file:
        header = {"descr": "|O", "fortran_order": False, "shape": ()}
        np.lib.format.write_array_header_1_0(file, header)
        pickle.dump(np.array(odd | kept, object), file, protocol=protocol)
    warnings: list[Finding] = []
    assert read_settings(tmp_path, warnings) == kept
    assert len(warnings) == len(odd)
    assert "'a' in ops.npy is of the type set" in str(warnings[0])


NAN = float("nan")
FILES = {"filelist": np.array(["D:\\day 1\\a.tif", "/data/b.tif"])}


@pytest.mark.parametrize(
    ("read", "settings", "found"),
    [
        (frame_shape, {"Ly": 5, "Lx": np.int64(7)}, (5, 7)),
        (frame_shape, {"Ly": 5}, None),
        (frame_shape, {"Ly": 5, "meanImg": np.ones((6, 7))}, (6, 7)),
        (frame_shape, {"meanImg": np.ones(6)}, None),
        (frame_shape, {"Ly": 0, "Lx": 7}, None),
        (frame_shape, {"Ly": "5", "Lx": 7}, None),
        (frame_shape, {"Ly": 10**400, "Lx": 7}, None),
        (frame_shape, {"Ly": 2**70, "Lx": 7}, (2**70, 7)),
        (neuropil_coefficient, {"neucoeff": 0.6}, 0.6),
        (
            neuropil_coefficient,
            {"extraction": {"neuropil_coefficient": 0.5}, "neucoeff": 0.6},
            0.5,
        ),
        (neuropil_coefficient, {"neucoeff": NAN}, None),
        (neuropil_coefficient, {}, None),
        (interleaving, {}, (1, 1, 0)),
        (interleaving, {"nplanes": 3, "nchannels": 2, "functional_chan": 2}, (3, 2, 1)),
        (interleaving, {"nchannels": 1, "functional_chan": 2}, (1, 1, 0)),
        (interleaving, {"nplanes": 0, "nchannels": -1}, (1, 1, 0)),
        (interleaving, {"nplanes": 10**18, "nchannels": NAN}, (1, 1, 0)),
        (suite2p_version, {"version": "1.1.0"}, "1.1.0"),
        (suite2p_version, {"suite2p_version": "0.14.6"}, "0.14.6"),
        (suite2p_version, {}, None),
        (source_files, FILES, ["D:/day 1/a.tif", "/data/b.tif"]),
        (source_files, {"file_list": None}, []),
    ],
)
def test_what_is_noted(read, settings, found):
    assert read(settings) == found


def spans(joins="auto", **settings):
    """Segments of a recording of 100 frames, and the codes of what is told of them."""
    warnings: list[Finding] = []
    starts, boundaries = read_joins(settings, 100, warnings)
    recording = Recording(
        raw_traces=np.ones((1, 100), np.float32),
        segments=segments_between(starts, read_bad_frames(settings, 100, warnings)),
        boundaries=tuple(boundaries),
        warnings=tuple(warnings),
    ).with_joins(joins)
    segments = [(s.start, s.stop) for s in recording.segments]
    return segments, [w.code for w in recording.warnings]


def test_break_keeps_the_joins_that_a_recording_has():
    segments = Segment(0, 50), Segment(50, 100)
    recording = Recording(np.ones((1, 100), np.float32), segments=segments)
    assert recording.with_joins("break").segments == segments


def test_a_rate_that_the_user_gave_before_is_not_doubted():
    noted, warnings = {"fs": 30.0, "napari_celltype_fs": 30.0}, []
    assert decide_frame_rate(noted, None, lambda: 15.0, warnings)[0] == 30
    assert warnings == []


def bad(n_frames, *frames):
    mask = np.zeros(n_frames, bool)
    mask[list(frames)] = True
    return mask


WHOLE, HALVES = [(0, 100)], [(0, 50), (50, 100)]
PIECES = [f"D:\\data\\run_0000{a}_0000{p}.tif" for a, p in ((1, 1), (1, 2), (2, 1))]


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({}, WHOLE),
        *(
            ({key: np.array([30, 70])}, [(0, 30), (30, 100)])
            for key in ("frames_per_folder", "nframes_per_folder")
        ),
        # Pieces of one acquisition of ScanImage, and one frame in each file: no joins.
        ({"frames_per_file": [40, 20, 40], "file_list": PIECES}, [(0, 60), (60, 100)]),
        ({"frames_per_file": np.ones(100, int)}, WHOLE),
        ({"frames_per_file": [[1], [2, 3]]}, WHOLE),
    ],
)
def test_segments(settings, wanted):
    assert spans(**settings) == (wanted, [])


@pytest.mark.parametrize(
    ("frames", "wanted", "continues"),
    [
        (bad(100, 0, 50, 51, 99), [(1, 50), (52, 99)], [False, True]),
        (np.array([50, 51]), [(0, 50), (52, 100)], [False, True]),
        (np.ones(100, bool), [], []),
    ],
)
def test_bad_frames_part_segments_that_go_on(frames, wanted, continues):
    assert spans(badframes=frames) == (wanted, ["bad-frames"])
    segments = segments_between((), read_bad_frames({"badframes": frames}, 100, []))
    assert [s.continues for s in segments] == continues


@pytest.mark.parametrize("frame", [49, 50])
def test_a_join_beside_a_bad_frame_is_a_join(frame):
    _, second = segments_between({50}, bad(100, frame))
    assert not second.continues


@pytest.mark.parametrize(
    ("first", "second", "continuous"),
    [
        ("movie_part1.tif", "movie_part2.tif", True),
        ("1.tif", "2.tif", True),
        ("m1_009.tif", "m1_010.tif", True),
        ("Cycle00001_Ch2_000001.ome.tif", "Cycle00001_Ch2_000002.ome.tif", True),
        ("X_MMStack_Pos0.ome.tif", "X_MMStack_Pos0_1.ome.tif", True),
        ("m1_01.h5", "m1_02.h5", True),
        ("part 1 of 2.tif", "part 1 of 2.tif", False),
        ("a_001.tif", "a_003.tif", False),
        ("a_001.tif", "b_002.tif", False),
        ("dark.tif", "grating.tif", False),
        ("day1/movie.tif", "day2/movie.tif", False),
        ("day1/a_001.tif", "day2/a_002.tif", False),
        ("m1_000_001.sbx", "m1_000_002.sbx", False),
        (f"{'9' * 5000}.tif", f"{'9' * 4999}8.tif", False),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("key", "files"),
    [("frames_per_file", "filelist"), ("nframes_per_folder", "h5list")],
)
def test_numbered_files_of_a_folder_are_one_acquisition(
    key, files, first, second, continuous
):
    noted = {key: [50, 50], files: [f"D:\\data\\{first}", f"D:\\data\\{second}"]}
    told = [TAKEN_FOR_CONTINUOUS] if continuous else []
    assert spans(**noted) == (WHOLE if continuous else HALVES, told)
    assert spans("continuous", **noted) == (WHOLE, [])
    assert spans("break", **noted) == (HALVES, [])


def test_files_are_those_that_were_counted():
    one = {"filelist": ["/data/run.tif"], "frames_per_file": np.array([100])}
    h5 = {"h5list": ["m1_01.h5", "m1_02.h5"], "nframes_per_folder": [50, 50]}
    assert spans(**one, **h5) == (WHOLE, [TAKEN_FOR_CONTINUOUS])


def test_files_without_names_are_pieces_of_their_folders():
    noted = {"frames_per_folder": [40, 60], "frames_per_file": [20, 20, 60]}
    assert spans(**noted) == ([(0, 40), (40, 100)], [TAKEN_FOR_CONTINUOUS])
    assert spans("break", **noted) == ([(0, 20), (20, 40), (40, 100)], [])
    assert spans("continuous", **noted, badframes=np.array([40])) == (
        [(0, 40), (41, 100)],
        ["bad-frames"],
    )


def test_joins_are_one_of_three():
    with pytest.raises(RecordingError, match="use auto, continuous or break"):
        spans("never")


@pytest.mark.parametrize(
    ("settings", "segments", "code"),
    [
        (
            {"frames_per_folder": [30, 30]},
            [(0, 30), (30, 60), (60, 100)],
            "joins-unlike-traces",
        ),
        ({"badframes": bad(90, 3)}, WHOLE, "bad-frames-unlike-traces"),
        ({"badframes": [[1], [2, 3]]}, WHOLE, "bad-frames-unlike-traces"),
        *(
            ({"frames_per_folder": [30.0, value]}, WHOLE, "joins-impossible")
            for value in (np.nan, np.inf, -5, 1e300)
        ),
    ],
)
def test_what_does_not_fit_is_told(settings, segments, code):
    assert spans(**settings) == (segments, [code])


def test_counts_under_the_newer_name_replace_impossible_ones():
    segments, _ = spans(frames_per_folder=[np.nan], nframes_per_folder=[30, 70])
    assert segments == [(0, 30), (30, 100)]
