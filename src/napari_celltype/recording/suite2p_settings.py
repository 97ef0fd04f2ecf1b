"""What suite2p noted of a plane: frame size, turns, frame rate, joins, bad frames."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.findings import Finding
from napari_celltype.recording.npy import NotFetched, load_npy
from napari_celltype.recording.recording import (
    ANOTHER_RATE,
    FROM_SUITE2P,
    FROM_TIFF,
    FROM_USER,
    RATE_UNCONFIRMED,
    RATE_UNKNOWN,
    SAME_RATE,
    UNCONFIRMED,
    UNKNOWN,
    Segment,
    require_possible,
)
from napari_celltype.recording.unpickle import Unread

Settings = Mapping[str, Any]

# suite2p 0.x keeps all in ops.npy; 1.x writes four files, and ops.npy only if asked to.
# Later ones win, as in suite2p's own reader, because its GUI rewrites those of 1.x.
SETTINGS_FILES = (
    *("ops.npy", "db.npy", "settings.npy"),
    *("reg_outputs.npy", "detect_outputs.npy"),
)
# suite2p takes up to 100 planes and 2 channels; larger numbers are damage.
_MOST_IN_TURN = 1000
_MOST_FRAMES = 1 << 40
_COUNT_KEYS = {
    "folders": ("frames_per_folder", "nframes_per_folder"),
    "files": ("frames_per_file",),
}
_DEFAULT_RATE = 10.0
# `run_suite2p` leaves the user's rate here too: then 10 Hz is no default but a choice.
CONFIRMED_KEY = "napari_celltype_fs"
# ScanImage numbers the pieces of one acquisition X_00001_00001.tif, X_00001_00002.tif.
_SCANIMAGE_PIECE = re.compile(r"(.*_\d{3,})_(\d{3,})\.tiff?", re.IGNORECASE)


def read_settings(plane: Path, warnings: list[Finding] | None = None) -> dict[str, Any]:
    """Read what suite2p noted about a plane; empty where it left no such files.

    Values of types that are not read, and files that were not fetched, are left out.
    """
    settings: dict[str, Any] = {}
    left_out: list[str] = []
    for name in SETTINGS_FILES:
        if not (plane / name).is_file():
            continue
        try:
            content = load_npy(plane / name)
        except NotFetched as error:
            left_out.append(str(error))
            continue
        if content.shape == () and isinstance(content.item(), dict):
            for key, value in content.item().items():
                if isinstance(value, Unread):
                    left_out.append(
                        f"{str(key)[:40]!r} in {name} is of the type "
                        f"{value.type_name}, which is not read."
                    )
                else:
                    settings[key] = value
    if warnings is not None:
        for sentence in left_out:
            warnings.append(Finding("settings-left-out", f"Left out: {sentence}"))
    return settings


def number(value: Any) -> float | None:
    """Return a finite number as float; None for anything else."""
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.item()
    if not isinstance(value, (int, float, np.integer, np.floating)):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def as_array(value: Any) -> NDArray[Any]:
    """Return a value as an array, which holds None where rows are of unequal length."""
    try:
        return np.asarray(value)
    except ValueError:
        return np.array([None])


def frame_shape(settings: Settings) -> tuple[int, int] | None:
    """Return (Ly, Lx) in pixels, or None where neither these nor the mean image say."""
    height, width = (number(settings.get(key)) or 0 for key in ("Ly", "Lx"))
    if min(height, width) < 1:
        mean_image = as_array(settings.get("meanImg"))
        if mean_image.ndim != 2 or not mean_image.size:
            return None
        height, width = mean_image.shape
    return int(height), int(width)


def interleaving(settings: Settings) -> tuple[int, int, int]:
    """Return the numbers of planes and channels, and the channel of the traces from 0.

    They take turns in the movie that suite2p was run on.
    """
    noted = [
        number(settings.get(k)) for k in ("nplanes", "nchannels", "functional_chan")
    ]
    n_planes, n_channels, functional = (
        int(value) if value is not None and 1 <= value <= _MOST_IN_TURN else 1
        for value in noted
    )
    return n_planes, n_channels, min(functional, n_channels) - 1


def neuropil_coefficient(settings: Settings) -> float | None:
    """Return the share of neuropil that suite2p subtracted."""
    extraction = settings.get("extraction")
    if isinstance(extraction, Mapping) and "neuropil_coefficient" in extraction:
        return number(extraction["neuropil_coefficient"])
    return number(settings.get("neucoeff"))


def suite2p_version(settings: Settings) -> str | None:
    """Return the version of suite2p that wrote the folder, as it was noted."""
    version = settings.get("version", settings.get("suite2p_version"))
    return version if isinstance(version, str) else None


def source_files(settings: Settings) -> list[str]:
    """Return the input files with `/` between folders, whatever system wrote them."""
    files = settings.get("file_list", settings.get("filelist", ()))
    if isinstance(files, np.ndarray):
        files = files.tolist()
    texts = files if isinstance(files, (list, tuple)) else ()
    return [PureWindowsPath(f).as_posix() for f in texts if isinstance(f, str)]


def decide_frame_rate(
    settings: Settings,
    given: float | None,
    rate_of_tiff: Callable[[], float | None],
    warnings: list[Finding],
) -> tuple[float | None, str]:
    """Choose among the user's word, suite2p's settings and the TIFF's own metadata.

    The user's word wins, now or when `run_suite2p` ran. suite2p's `fs` is taken next,
    with a warning where the TIFF differs, except when it is exactly the 10 Hz that
    suite2p starts with: then nobody may have set it, and the TIFF decides. Returns the
    frames per second of one plane (Hz) and where they came from.
    """
    if given is not None:
        return require_possible(given), FROM_USER
    noted = number(settings.get("fs"))
    if noted == number(settings.get(CONFIRMED_KEY)) and noted == _DEFAULT_RATE:
        return noted, FROM_USER
    measured = rate_of_tiff()
    differs = (
        noted is not None
        and measured is not None
        and not np.isclose(measured, noted, rtol=SAME_RATE)
    )
    if noted is not None and noted > 0 and noted != _DEFAULT_RATE:
        if differs:
            sentence = (
                f"suite2p has {noted:g} Hz, which is kept, and the TIFF that it was "
                f"run on says {measured:g} Hz; give the frame rate of one plane if "
                f"{noted:g} Hz is wrong."
            )
            warnings.append(Finding(ANOTHER_RATE, sentence))
        return noted, FROM_SUITE2P
    if measured is not None:
        if noted == _DEFAULT_RATE and differs:
            sentence = (
                f"suite2p used its default of 10 Hz and the TIFF says {measured:g} Hz, "
                f"which is taken; give the frame rate if neither is right."
            )
            warnings.append(Finding("frame-rate-of-tiff", sentence))
        return measured, FROM_TIFF
    if noted == _DEFAULT_RATE:
        sentence = (
            "The frame rate of exactly 10 Hz is suite2p's default and may never have "
            "been set; confirm it or give the right one."
        )
        warnings.append(Finding(RATE_UNCONFIRMED, sentence))
        return noted, UNCONFIRMED
    sentence = "The files do not say the frame rate; give it in Hz."
    if noted is not None:
        sentence = f"suite2p notes a frame rate of {noted:g} Hz; give the right one."
    warnings.append(Finding(RATE_UNKNOWN, sentence))
    return None, UNKNOWN


def read_segments(
    settings: Settings, n_frames: int, warnings: list[Finding]
) -> tuple[Segment, ...]:
    """Cut a recording where folders or files were joined, and at bad frames.

    Files that continue one acquisition are no joins: the numbered pieces that ScanImage
    writes, and series with one frame in each file.
    """
    cut = np.zeros(n_frames + 1, dtype=bool)
    cut[[0, -1]] = True
    for what in _COUNT_KEYS:
        counts = _counts(settings, what, warnings)
        if counts is None:
            continue
        if counts.sum() != n_frames:
            sentence = (
                f"suite2p notes {counts.sum()} frames in {len(counts)} {what} and the "
                f"traces have {n_frames}, so joins between {what} may lie inside what "
                f"is taken as continuous."
            )
            warnings.append(Finding("joins-unlike-traces", sentence))
        joins = np.cumsum(counts)
        cut[joins[(joins > 0) & (joins < n_frames)]] = True

    bad = _bad_frames(settings.get("badframes"), n_frames)
    if bad is None:
        sentence = (
            f"suite2p's badframes do not fit the {n_frames} frames of the traces and "
            f"are ignored."
        )
        warnings.append(Finding("bad-frames-unlike-traces", sentence))
        bad = np.zeros(n_frames, dtype=bool)
    cut[np.flatnonzero(np.diff(bad)) + 1] = True
    edges = pairwise(np.flatnonzero(cut).tolist())
    return tuple(Segment(start, stop) for start, stop in edges if not bad[start])


def _counts(
    settings: Settings, what: str, warnings: list[Finding]
) -> NDArray[np.int64] | None:
    """Return the frames of each folder or file; None where there is nothing to cut."""
    for key in _COUNT_KEYS[what]:
        noted = np.atleast_1d(as_array(settings.get(key, ())))
        if noted.ndim != 1 or not noted.size or noted.dtype.kind not in "iuf":
            continue
        # Not so for NaN either.
        if not ((noted >= 0) & (noted <= _MOST_FRAMES)).all():
            sentence = (
                f"suite2p's {key} holds impossible numbers and is ignored, so joins "
                f"between {what} may lie inside what is taken as continuous."
            )
            warnings.append(Finding("joins-impossible", sentence))
            continue
        counts = noted.astype(np.int64)
        if what == "folders":
            return counts
        # One frame in each file: a series, not a concatenation.
        if counts.max() <= 1:
            return None
        return _without_continued(counts, source_files(settings))
    return None


def _without_continued(
    counts: NDArray[np.int64], files: list[str]
) -> NDArray[np.int64]:
    """Add the frames of files that continue an acquisition to its first file."""
    if len(files) != len(counts):
        return counts
    names = map(_SCANIMAGE_PIECE.fullmatch, files)
    pieces = [(match[1], int(match[2])) if match else None for match in names]
    starts = [0]
    for i, (before, piece) in enumerate(pairwise(pieces), start=1):
        if piece is None or before is None or piece != (before[0], before[1] + 1):
            starts.append(i)
    joined: NDArray[np.int64] = np.add.reduceat(counts, starts)
    return joined


def _bad_frames(value: Any, n_frames: int) -> NDArray[np.bool_] | None:
    """Return a mask of bad frames; None if the value does not fit the recording."""
    bad = np.zeros(n_frames, dtype=bool)
    frames = as_array(() if value is None else value).reshape(-1)
    if not frames.size:
        return bad
    if frames.size == n_frames and frames.dtype.kind in "biu":
        return frames.astype(bool)
    if frames.dtype.kind in "iu" and frames.min() >= 0 and frames.max() < n_frames:
        bad[frames] = True
        return bad
    return None
