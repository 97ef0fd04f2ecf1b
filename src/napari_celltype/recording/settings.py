"""suite2p's settings and intermediate results of one plane, and its frame rate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path, PurePath, PureWindowsPath
from typing import Any, NamedTuple

import numpy as np

from napari_celltype.errors import RecordingError
from napari_celltype.recording.npy import load_npy
from napari_celltype.recording.recording import (
    ASK_ABOUT_DEFAULT,
    ASK_FOR_RATE,
    FROM_SUITE2P,
    FROM_TIFF,
    FROM_USER,
    UNCONFIRMED,
    UNKNOWN,
    require_possible,
)

# suite2p 0.x keeps all in ops.npy; 1.x writes four files, and ops.npy only if asked to.
OPS = "ops.npy"
PARTS = ("db.npy", "settings.npy", "reg_outputs.npy", "detect_outputs.npy")
# The largest frames of two-photon microscopes have some 25 million pixels.
MAX_FRAME_PIXELS = 1 << 27
# suite2p takes up to 100 planes and 2 channels; larger numbers are damage.
_MOST_IN_TURN = 1000


class Interleaving(NamedTuple):
    """How planes and channels take turns in the movie that suite2p was run on."""

    n_planes: int
    n_channels: int
    functional_channel: int


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


def require_possible_frame(frame_shape: tuple[int, int], plane: Path) -> None:
    """Refuse a frame so large that its images would not fit into memory.

    Raises
    ------
    RecordingError
    """
    height, width = frame_shape
    if height * width > MAX_FRAME_PIXELS:
        raise RecordingError(
            f"{plane} says that its frames have {height} x {width} pixels, more than "
            f"any microscope's; its settings or stat.npy are damaged, so copy the "
            f"whole plane folder again."
        )


def interleaving(settings: Mapping[str, Any]) -> Interleaving:
    """Return the numbers of planes and channels, and the channel of the traces.

    The functional channel is counted from 0; suite2p's `functional_chan` from 1.
    """
    n_planes, n_channels, functional = (
        int(value) if value is not None and 1 <= value <= _MOST_IN_TURN else 1
        for value in (
            number(settings.get(key))
            for key in ("nplanes", "nchannels", "functional_chan")
        )
    )
    return Interleaving(n_planes, n_channels, min(functional, n_channels) - 1)


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


SUITE2P_DEFAULT = 10.0
# `run_suite2p` leaves the user's rate here too: then 10 Hz is no default but a choice.
CONFIRMED_KEY = "napari_celltype_fs"
# Rates that differ by less are one rate, written with different care.
SAME_RATE = 0.02


class FrameRate(NamedTuple):
    """Frames per second of one plane (Hz), its source, and what was odd about it."""

    value: float | None
    source: str
    warnings: tuple[str, ...] = ()


def decide_frame_rate(
    settings: Mapping[str, Any],
    given: float | None,
    rate_of_tiff: Callable[[], float | None],
) -> FrameRate:
    """Choose among the user's word, suite2p's settings and the TIFF's own metadata.

    The user's word wins, now or when `run_suite2p` ran. suite2p's `fs` is taken next,
    except when it is exactly the 10 Hz that suite2p starts with: then nobody may have
    set it, and the TIFF decides.

    Parameters
    ----------
    settings : mapping
    given : float or None
        The user's frame rate, Hz.
    rate_of_tiff : callable
        Looks into the source TIFF; called only where it can matter.

    Raises
    ------
    SamplingFrequencyError
        If the user's frame rate is impossible.
    """
    if given is not None:
        return FrameRate(require_possible(given), FROM_USER)
    noted = number(settings.get("fs"))
    if noted is not None and noted > 0 and noted != SUITE2P_DEFAULT:
        return FrameRate(noted, FROM_SUITE2P)
    if noted is not None and noted == number(settings.get(CONFIRMED_KEY)):
        return FrameRate(noted, FROM_USER)
    measured = rate_of_tiff()
    if measured is not None:
        if noted == SUITE2P_DEFAULT and not np.isclose(measured, noted, rtol=SAME_RATE):
            return FrameRate(
                measured,
                FROM_TIFF,
                (
                    f"suite2p used its default of 10 Hz and the TIFF says {measured:g} "
                    f"Hz, which is taken; give the frame rate if neither is right.",
                ),
            )
        return FrameRate(measured, FROM_TIFF)
    if noted == SUITE2P_DEFAULT:
        return FrameRate(noted, UNCONFIRMED, (ASK_ABOUT_DEFAULT,))
    if noted is not None:
        return FrameRate(
            None,
            UNKNOWN,
            (f"suite2p notes a frame rate of {noted:g} Hz; give the right one.",),
        )
    return FrameRate(None, UNKNOWN, (ASK_FOR_RATE,))
