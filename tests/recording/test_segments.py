"""Joins and bad frames become the edges of segments."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_celltype.recording.segments import read_segments


def spans(n_frames: int = 100, **settings: Any) -> list[tuple[int, int]]:
    segments, warnings = read_segments(settings, n_frames)
    assert not warnings
    return [(s.start, s.stop) for s in segments]


def bad(n_frames: int, *frames: int) -> np.ndarray:
    mask = np.zeros(n_frames, bool)
    mask[list(frames)] = True
    return mask


def test_without_notes_all_is_one() -> None:
    assert spans() == [(0, 100)]


@pytest.mark.parametrize(
    "key", ["frames_per_folder", "nframes_per_folder", "frames_per_file"]
)
def test_joins_cut(key: str) -> None:
    assert spans(**{key: np.array([30, 70])}) == [(0, 30), (30, 100)]


def test_folders_and_files_both_cut() -> None:
    assert spans(
        frames_per_folder=np.array([40, 60]), frames_per_file=np.array([20, 20, 60])
    ) == [(0, 20), (20, 40), (40, 100)]


def test_bad_frames_belong_to_no_segment() -> None:
    assert spans(badframes=bad(100, 0, 50, 51, 99)) == [(1, 50), (52, 99)]


def test_bad_frames_given_as_numbers() -> None:
    assert spans(badframes=np.array([50, 51])) == [(0, 50), (52, 100)]


def test_bad_frame_at_a_join() -> None:
    joined = spans(frames_per_folder=np.array([50, 50]), badframes=bad(100, 50))
    assert joined == [(0, 50), (51, 100)]


def test_only_bad_frames_leave_nothing() -> None:
    assert spans(badframes=np.ones(100, bool)) == []


def test_pieces_of_one_scanimage_acquisition_are_no_joins() -> None:
    files = [f"D:\\data\\run_0000{a}_0000{p}.tif" for a, p in ((1, 1), (1, 2), (2, 1))]
    cut = spans(frames_per_file=np.array([40, 20, 40]), file_list=files)
    assert cut == [(0, 60), (60, 100)]


def test_trials_in_files_of_their_own_are_joins() -> None:
    files = ["/data/run_00001.tif", "/data/run_00002.tif"]
    assert spans(frames_per_file=[50, 50], filelist=files) == [(0, 50), (50, 100)]


def test_same_names_in_two_folders_are_joins() -> None:
    files = ["/a/run_00001_00001.tif", "/b/run_00001_00002.tif"]
    assert spans(frames_per_file=[50, 50], filelist=files) == [(0, 50), (50, 100)]


def test_one_frame_in_each_file_is_a_series() -> None:
    assert spans(frames_per_file=np.ones(100, int)) == [(0, 100)]


def test_counts_that_do_not_fit_are_said() -> None:
    segments, warnings = read_segments({"frames_per_folder": [30, 30]}, 100)
    assert [s.start for s in segments] == [0, 30, 60]
    assert "60 frames in 2 folders and the traces have 100" in warnings[0]


def test_bad_frames_that_do_not_fit_are_said() -> None:
    segments, warnings = read_segments({"badframes": bad(90, 3)}, 100)
    assert len(segments) == 1
    assert "badframes do not fit the 100 frames" in warnings[0]


@pytest.mark.parametrize("value", [np.nan, np.inf, -5, 1e300])
def test_impossible_counts_are_ignored_and_said(value: float) -> None:
    segments, warnings = read_segments({"frames_per_folder": [30.0, value]}, 100)
    assert [(s.start, s.stop) for s in segments] == [(0, 100)]
    assert len(warnings) == 1
    assert "frames_per_folder holds impossible numbers" in warnings[0]


def test_counts_under_the_newer_name_replace_impossible_ones() -> None:
    settings = {"frames_per_folder": [np.nan], "nframes_per_folder": [30, 70]}
    segments, _ = read_segments(settings, 100)
    assert [(s.start, s.stop) for s in segments] == [(0, 30), (30, 100)]
