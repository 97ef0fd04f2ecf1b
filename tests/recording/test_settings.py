"""Settings of all versions of suite2p, read alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_celltype.errors import RecordingError
from napari_celltype.recording.settings import (
    frame_shape,
    interleaving,
    neuropil_coefficient,
    read_settings,
    source_files,
    suite2p_version,
)


def save(folder: Path, name: str, content: Any) -> None:
    np.save(folder / name, np.array(content, dtype=object))


def test_later_files_win(tmp_path: Path) -> None:
    save(tmp_path, "ops.npy", {"fs": 1.0, "tau": 1.0, "only": "ops"})
    save(tmp_path, "settings.npy", {"fs": 2.0, "meanImg": "settings"})
    save(tmp_path, "reg_outputs.npy", {"meanImg": "registered"})
    found = read_settings(tmp_path)
    assert found == {"fs": 2.0, "tau": 1.0, "only": "ops", "meanImg": "registered"}


def test_folder_without_settings(tmp_path: Path) -> None:
    assert read_settings(tmp_path) == {}


def test_damaged_settings_are_said(tmp_path: Path) -> None:
    (tmp_path / "ops.npy").write_bytes(b"broken")
    with pytest.raises(RecordingError, match=r"ops\.npy"):
        read_settings(tmp_path)


@pytest.mark.parametrize(
    ("settings", "shape"),
    [
        ({"Ly": 5, "Lx": np.int64(7)}, (5, 7)),
        ({"Ly": 5}, None),
        ({"Ly": 0, "Lx": 7}, None),
        ({"Ly": "5", "Lx": 7}, None),
    ],
)
def test_frame_shape(settings: dict[str, Any], shape: Any) -> None:
    assert frame_shape(settings) == shape


@pytest.mark.parametrize(
    ("settings", "coefficient"),
    [
        ({"neucoeff": 0.6}, 0.6),
        ({"extraction": {"neuropil_coefficient": 0.5}, "neucoeff": 0.6}, 0.5),
        ({"neucoeff": float("nan")}, None),
        ({}, None),
    ],
)
def test_neuropil_coefficient(
    settings: dict[str, Any], coefficient: float | None
) -> None:
    assert neuropil_coefficient(settings) == coefficient


@pytest.mark.parametrize(
    ("settings", "turns"),
    [
        ({}, (1, 1, 0)),
        ({"nplanes": 3, "nchannels": 2, "functional_chan": 2}, (3, 2, 1)),
        ({"nchannels": 1, "functional_chan": 2}, (1, 1, 0)),
        ({"nplanes": 0, "nchannels": -1}, (1, 1, 0)),
        ({"nplanes": 10**18, "nchannels": float("nan")}, (1, 1, 0)),
    ],
)
def test_interleaving(settings: dict[str, Any], turns: tuple[int, int, int]) -> None:
    assert interleaving(settings) == turns


def test_version() -> None:
    assert suite2p_version({"version": "1.1.0"}) == "1.1.0"
    assert suite2p_version({"suite2p_version": "0.14.6"}) == "0.14.6"
    assert suite2p_version({}) is None


def test_source_files_of_any_system() -> None:
    files = {"filelist": np.array(["D:\\day 1\\a.tif", "/data/b.tif"])}
    assert source_files(files) == ["D:/day 1/a.tif", "/data/b.tif"]
    assert source_files({"file_list": None}) == []
