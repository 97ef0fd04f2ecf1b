"""Settings of all versions of suite2p read alike; joins and bad frames cut segments."""

import datetime
import pickle

import numpy as np
import pytest

from napari_celltype.errors import RecordingError
from napari_celltype.findings import Finding
from napari_celltype.recording.suite2p_settings import (
    frame_shape,
    interleaving,
    neuropil_coefficient,
    read_segments,
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


def spans(**settings):
    """Segments of a recording of 100 frames, and the sentences about them."""
    warnings: list[Finding] = []
    segments = read_segments(settings, 100, warnings)
    return [(s.start, s.stop) for s in segments], [str(w) for w in warnings]


def bad(n_frames, *frames):
    mask = np.zeros(n_frames, bool)
    mask[list(frames)] = True
    return mask


PIECES = [f"D:\\data\\run_0000{a}_0000{p}.tif" for a, p in ((1, 1), (1, 2), (2, 1))]
TRIALS = ["/data/run_00001.tif", "/data/run_00002.tif"]
IN_TWO_FOLDERS = ["/a/run_00001_00001.tif", "/b/run_00001_00002.tif"]
HALVES = [(0, 50), (50, 100)]


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({}, [(0, 100)]),
        *(
            ({key: np.array([30, 70])}, [(0, 30), (30, 100)])
            for key in ("frames_per_folder", "nframes_per_folder", "frames_per_file")
        ),
        (
            {"frames_per_folder": [40, 60], "frames_per_file": [20, 20, 60]},
            [(0, 20), (20, 40), (40, 100)],
        ),
        ({"badframes": bad(100, 0, 50, 51, 99)}, [(1, 50), (52, 99)]),
        ({"badframes": np.array([50, 51])}, [(0, 50), (52, 100)]),
        (
            {"frames_per_folder": [50, 50], "badframes": bad(100, 50)},
            [(0, 50), (51, 100)],
        ),
        ({"badframes": np.ones(100, bool)}, []),
        ({"frames_per_file": [[1], [2, 3]]}, [(0, 100)]),
        # Pieces of one acquisition of ScanImage, and one frame in each file: no joins.
        (
            {"frames_per_file": [40, 20, 40], "file_list": PIECES},
            [(0, 60), (60, 100)],
        ),
        ({"frames_per_file": np.ones(100, int)}, [(0, 100)]),
        ({"frames_per_file": [50, 50], "filelist": TRIALS}, HALVES),
        ({"frames_per_file": [50, 50], "filelist": IN_TWO_FOLDERS}, HALVES),
    ],
)
def test_segments(settings, wanted):
    assert spans(**settings) == (wanted, [])


def test_counts_that_do_not_fit_are_said():
    segments, (sentence,) = spans(frames_per_folder=[30, 30])
    assert segments == [(0, 30), (30, 60), (60, 100)]
    assert "60 frames in 2 folders and the traces have 100" in sentence


@pytest.mark.parametrize("frames", [bad(90, 3), [[1], [2, 3]]])
def test_bad_frames_that_do_not_fit_are_said(frames):
    segments, (sentence,) = spans(badframes=frames)
    assert segments == [(0, 100)]
    assert "badframes do not fit the 100 frames" in sentence


@pytest.mark.parametrize("value", [np.nan, np.inf, -5, 1e300])
def test_impossible_counts_are_ignored_and_said(value):
    segments, (sentence,) = spans(frames_per_folder=[30.0, value])
    assert segments == [(0, 100)]
    assert "frames_per_folder holds impossible numbers" in sentence


def test_counts_under_the_newer_name_replace_impossible_ones():
    segments, _ = spans(frames_per_folder=[np.nan], nframes_per_folder=[30, 70])
    assert segments == [(0, 30), (30, 100)]
