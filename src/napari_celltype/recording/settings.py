"""suite2p's settings and intermediate results of one plane, of every version alike."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePath, PureWindowsPath
from typing import Any

import numpy as np

from napari_celltype.recording.npy import load_npy

# suite2p 0.x keeps all in ops.npy; 1.x writes four files, and ops.npy only if asked to.
OPS = "ops.npy"
PARTS = ("db.npy", "settings.npy", "reg_outputs.npy", "detect_outputs.npy")


def read_settings(plane: Path) -> dict[str, Any]:
    """Read what suite2p noted about a plane; empty where it left no such files.

    The files of 1.x win over `ops.npy`, because suite2p's GUI rewrites them, and later
    ones win over earlier ones, as in suite2p's own reader.

    Raises
    ------
    RecordingError
        If a file is damaged.
    """
    settings: dict[str, Any] = {}
    for name in (OPS, *PARTS):
        if (plane / name).is_file():
            content = load_npy(plane / name)
            if content.shape == () and isinstance(content.item(), dict):
                settings.update(content.item())
    return settings


def frame_shape(settings: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return (Ly, Lx) in pixels, or None where the settings do not say."""
    height, width = number(settings.get("Ly")), number(settings.get("Lx"))
    if height is None or width is None or height < 1 or width < 1:
        return None
    return int(height), int(width)


def neuropil_coefficient(settings: Mapping[str, Any]) -> float | None:
    """Return the share of neuropil that suite2p subtracted."""
    extraction = settings.get("extraction")
    if isinstance(extraction, Mapping) and "neuropil_coefficient" in extraction:
        return number(extraction["neuropil_coefficient"])
    return number(settings.get("neucoeff"))


def suite2p_version(settings: Mapping[str, Any]) -> str | None:
    """Return the version of suite2p that wrote the folder, as it was noted."""
    version = settings.get("version", settings.get("suite2p_version"))
    return version if isinstance(version, str) else None


def source_files(settings: Mapping[str, Any]) -> list[str]:
    """Return the input files with `/` between folders, whatever system wrote them."""
    files = settings.get("file_list", settings.get("filelist", ()))
    if isinstance(files, np.ndarray):
        files = files.tolist()
    if not isinstance(files, (list, tuple)):
        return []
    return [
        PureWindowsPath(file).as_posix()
        for file in files
        if isinstance(file, (str, PurePath))
    ]


def number(value: Any) -> float | None:
    """Return a finite number as float; None for anything else."""
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.item()
    if isinstance(value, (int, float, np.integer, np.floating)) and np.isfinite(value):
        return float(value)
    return None
