"""Merged ROIs as suite2p's GUI leaves them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from napari_celltype.recording import open_recording

Folder = Callable[..., Path]


def rewrite(plane: Path, order: list[int]) -> None:
    """Put rows in another order, as when suite2p puts hand-drawn ROIs in front."""
    for name in ("F", "Fneu", "iscell", "stat"):
        values = np.load(plane / f"{name}.npy", allow_pickle=True)
        np.save(plane / f"{name}.npy", values[order])


def test_parts_point_to_the_merged_roi(suite2p_folder: Folder, tmp_path: Path) -> None:
    recording = open_recording(suite2p_folder(tmp_path, merged=[(1, 4), (0, 2, 3)]))
    assert recording.n_rois == 14
    assert recording.merged_into[:6].tolist() == [13, 12, 13, 13, 12, -1]
    assert recording.merged_into[12:].tolist() == [-1, -1]


def test_parts_are_found_after_suite2p_has_reset_them(
    suite2p_folder: Folder, tmp_path: Path
) -> None:
    plane = suite2p_folder(tmp_path, merged=[(1, 4)]) / "plane0"
    stat = np.load(plane / "stat.npy", allow_pickle=True)
    for entry in stat:
        entry["inmerge"] = 0
        entry.setdefault("imerge", [])
    np.save(plane / "stat.npy", stat)
    merged_into = open_recording(plane).merged_into
    assert np.flatnonzero(merged_into == 12).tolist() == [1, 4]


def test_roi_merged_twice_is_a_part_of_the_last(
    suite2p_folder: Folder, tmp_path: Path
) -> None:
    folder = suite2p_folder(tmp_path, merged=[(1, 4), (1, 4, 6)])
    merged_into = open_recording(folder).merged_into
    assert np.flatnonzero(merged_into == 13).tolist() == [1, 4, 6, 12]
    assert merged_into[13] == -1


def test_parts_are_found_behind_rois_that_were_drawn_later(
    suite2p_folder: Folder, tmp_path: Path
) -> None:
    plane = suite2p_folder(tmp_path, merged=[(1, 4)]) / "plane0"
    rewrite(plane, [11, 10, *range(10), 12])
    merged_into = open_recording(plane).merged_into
    assert np.flatnonzero(merged_into == 12).tolist() == [3, 6]


def test_lost_parts_are_said(suite2p_folder: Folder, tmp_path: Path) -> None:
    plane = suite2p_folder(tmp_path, merged=[(1, 4)]) / "plane0"
    rewrite(plane, [0, 2, 3, 12])
    recording = open_recording(plane)
    assert (recording.merged_into == -1).all()
    assert "ROI 3 was merged in suite2p" in recording.warnings[0]
