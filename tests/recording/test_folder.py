"""From any path of a recording to its planes, or a sentence with near misses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from napari_celltype.errors import RecordingError
from napari_celltype.recording import find_planes

Folder = Callable[..., Path]


def test_planes_are_ordered_by_number(suite2p_folder: Folder, tmp_path: Path) -> None:
    root = suite2p_folder(
        tmp_path, n_planes=11, n_rois=2, n_frames=3, frame_shape=(20, 20)
    )
    assert [p.name for p in find_planes(tmp_path)] == [f"plane{i}" for i in range(11)]
    assert find_planes(root)[10] == root / "plane10"


def test_skipped_flyback_planes_are_left_out(
    suite2p_folder: Folder, tmp_path: Path
) -> None:
    root = suite2p_folder(tmp_path, n_planes=2)
    (root / "plane2").mkdir()
    (root / "plane2" / "db.npy").touch()
    assert len(find_planes(root)) == 2


def test_renamed_plane_folder_opens(suite2p_folder: Folder, tmp_path: Path) -> None:
    plane = suite2p_folder(tmp_path) / "plane0"
    renamed = plane.rename(tmp_path / "mouse7")
    assert find_planes(renamed) == [renamed]


def test_lonely_combined_folder_says_what_is_missing(
    suite2p_folder: Folder, tmp_path: Path
) -> None:
    root = suite2p_folder(tmp_path, n_planes=2, combined=True)
    lonely = (root / "combined").rename(tmp_path / "combined")
    with pytest.raises(RecordingError, match="copy plane0, plane1"):
        find_planes(lonely)


def test_misspelt_path_lists_similar_names(tmp_path: Path) -> None:
    (tmp_path / "mouse_07_day1").mkdir()
    with pytest.raises(RecordingError, match=r"not exist; similar .*: mouse_07_day1"):
        find_planes(tmp_path / "mouse_7_day1")


def test_path_without_parent_names_the_last_folder(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="the last part that does is"):
        find_planes(tmp_path / "a" / "b" / "c")


def test_folder_of_sessions_lists_the_recordings(
    suite2p_folder: Folder, tmp_path: Path
) -> None:
    suite2p_folder(tmp_path / "day1")
    with pytest.raises(RecordingError, match=r"looked for .*found in day1.suite2p"):
        find_planes(tmp_path)


def test_folder_with_only_matlab_output_says_so(tmp_path: Path) -> None:
    (tmp_path / "Fall.mat").touch()
    with pytest.raises(RecordingError, match=r"Fall\.mat is there"):
        find_planes(tmp_path)


def test_unfinished_run_says_so(tmp_path: Path) -> None:
    (tmp_path / "suite2p" / "plane0").mkdir(parents=True)
    with pytest.raises(RecordingError, match="suite2p has not finished there"):
        find_planes(tmp_path / "suite2p")


def test_any_other_file_is_no_recording(tmp_path: Path) -> None:
    (tmp_path / "movie.tif").touch()
    with pytest.raises(RecordingError, match="is not a suite2p recording"):
        find_planes(tmp_path / "movie.tif")
