"""What suite2p noted of a plane: frame size, turns, frame rate, joins, bad frames."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.findings import Finding
from napari_celltype.recording.matlab import (
    FALL_MAT,
    is_fall_mat_alone,
    read_fall_mat_settings,
)
from napari_celltype.recording.npy import NotFetched, load_npy
from napari_celltype.recording.recording import (
    ANOTHER_RATE,
    FROM_SUITE2P,
    FROM_TIFF,
    FROM_USER,
    RATE_OF_TIFF,
    RATE_UNCONFIRMED,
    RATE_UNKNOWN,
    SAME_RATE,
    TAKEN_FOR_CONTINUOUS,
    UNCONFIRMED,
    UNKNOWN,
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
# suite2p counts the frames of each HDF5 or sbx file under the last of these names.
_COUNTS = {
    "frames_per_folder": "folders",
    "frames_per_file": "files",
    "nframes_per_folder": "files",
}
_FILE_LISTS = ("file_list", "filelist", "h5list")
_DEFAULT_RATE = 10.0
# `run_suite2p` leaves the user's rate here too: then 10 Hz is no default but a choice.
CONFIRMED_KEY = "napari_celltype_fs"
# The last number in the name of a file, without endings such as .ome.tif.
_NUMBER = re.compile(r"(\d{1,18})(\D*)\Z")
_ENDING = re.compile(r"(\.ome)?\.\w+\Z", re.IGNORECASE)
# ScanImage numbers an acquisition and its pieces, X_00001_00002.tif: there is no doubt.
_SCANIMAGE = re.compile(r".*_\d{3,}_\d{3,}\.tiff?", re.IGNORECASE)


def read_settings(plane: Path, warnings: list[Finding] | None = None) -> dict[str, Any]:
    """Read what suite2p noted about a plane; empty where it left no such files.

    Values of types that are not read, and files that were not fetched, are left out.
    """
    if is_fall_mat_alone(plane):
        return read_fall_mat_settings(plane / FALL_MAT)
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
                    entry = repr(key[:40]) if isinstance(key, str) else "an entry"
                    left_out.append(
                        f"{entry} in {name} is of the type {value.type_name}, which is "
                        "not read."
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
    return next(filter(None, _file_lists(settings)), [])


def _file_lists(settings: Settings) -> Iterator[list[str]]:
    for name in _FILE_LISTS:
        files = settings.get(name)
        if isinstance(files, np.ndarray):
            files = files.tolist()
        # MATLAB pads names to one length, and one name is no list.
        files = [files] if isinstance(files, str) else files
        texts = files if isinstance(files, (list, tuple)) else ()
        names = [f.rstrip() for f in texts if isinstance(f, str)]
        yield [PureWindowsPath(name).as_posix() for name in names]


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
    confirmed = number(settings.get(CONFIRMED_KEY))
    if noted is not None and 0 < noted == confirmed:
        # The TIFF need not be looked into.
        return noted, FROM_USER if noted == _DEFAULT_RATE else FROM_SUITE2P
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
            warnings.append(Finding(RATE_OF_TIFF, sentence))
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


def read_joins(
    settings: Settings, n_frames: int, warnings: list[Finding]
) -> tuple[set[int], set[int]]:
    """Return the frames before which recordings were joined, and all boundaries.

    Another folder is a join. Another file is none where its number follows that of the
    file before it, or nobody knows its name: then it is a piece of one acquisition.
    """
    joins: set[int] = set()
    boundaries: set[int] = set()
    assumed: list[list[str]] = []
    for key, what in _COUNTS.items():
        counts = _counts(settings, key, what, warnings)
        if counts is None:
            continue
        if counts.sum() != n_frames:
            sentence = (
                f"suite2p notes {counts.sum()} frames in {len(counts)} {what} and the "
                f"traces have {n_frames}, so joins between {what} may lie inside what "
                f"is taken as continuous."
            )
            warnings.append(Finding("joins-unlike-traces", sentence))
        named = (f for f in _file_lists(settings) if len(f) == len(counts))
        files = next(named, []) if what == "files" else []
        for at, start in enumerate(np.cumsum(counts).tolist()):
            if not 0 < start < n_frames:
                continue
            boundaries.add(start)
            pair = files[at : at + 2]
            goes_on = _goes_on(*pair) if pair[1:] else key == "frames_per_file"
            if goes_on and at + 1 < len(counts):
                known = pair and all(map(_SCANIMAGE.fullmatch, pair))
                if start not in joins and not known:
                    assumed.append(pair)
            else:
                joins.add(start)
    if assumed:
        names = [file.rpartition("/")[2] for file in assumed[0]]
        sentence = (
            "Files count as continuous at file boundaries (if they are not: "
            "--joins break; napari: Joins in the Options of Classify), such as "
            f"{' and '.join(names) or 'files whose names suite2p did not note'}."
        )
        warnings.append(Finding(TAKEN_FOR_CONTINUOUS, sentence))
    return joins, boundaries


def _counts(
    settings: Settings, key: str, what: str, warnings: list[Finding]
) -> NDArray[np.int64] | None:
    """Return the frames of each folder or file; None where there is nothing to cut."""
    noted = np.atleast_1d(as_array(settings.get(key, ())))
    if noted.ndim != 1 or not noted.size or noted.dtype.kind not in "iuf":
        return None
    # Not so for NaN either.
    if not ((noted >= 0) & (noted <= _MOST_FRAMES)).all():
        sentence = (
            f"suite2p's {key} holds impossible numbers and is ignored, so joins "
            f"between {what} may lie inside what is taken as continuous."
        )
        warnings.append(Finding("joins-impossible", sentence))
        return None
    counts = noted.astype(np.int64)
    # One frame in each file: a series, not a concatenation.
    return None if what == "files" and counts.max() <= 1 else counts


def _goes_on(before: str, after: str) -> bool:
    """Tell whether a file goes on with the acquisition of the file before it."""
    whole, name = (_ENDING.sub("", file) for file in (before, after))
    last, earlier = _NUMBER.search(name), _NUMBER.search(whole)
    # Scanbox writes each run to one file.
    if last is None or "/" in last[2] or after.lower().endswith(".sbx"):
        return False
    stem = name[: last.start()]
    if earlier and (whole[: earlier.start()], earlier[2]) == (stem, last[2]):
        return int(last[1]) == int(earlier[1]) + 1
    # The first piece may have no number: X_MMStack.ome.tif, X_MMStack_1.ome.tif.
    return stem.rstrip(" -_(") == whole and int(last[1]) in (1, 2)


def read_bad_frames(
    settings: Settings, n_frames: int, warnings: list[Finding]
) -> NDArray[np.bool_]:
    """Return which frames suite2p marked as bad, (n_frames,)."""
    bad = np.zeros(n_frames, dtype=bool)
    noted = settings.get("badframes")
    frames = as_array(() if noted is None else noted).reshape(-1)
    if frames.size == n_frames and frames.dtype.kind in "biu":
        bad = frames.astype(bool)
    elif frames.size and (
        frames.dtype.kind not in "iu" or frames.min() < 0 or frames.max() >= n_frames
    ):
        sentence = (
            f"suite2p's badframes do not fit the {n_frames} frames of the traces and "
            f"are ignored."
        )
        warnings.append(Finding("bad-frames-unlike-traces", sentence))
    else:
        bad[frames.astype(np.int64)] = True
    if n_bad := int(bad.sum()):
        sentence = (
            f"suite2p marks {n_bad} of {n_frames} frames as bad "
            f"({100 * n_bad / n_frames:.2g} %); no value there is used."
        )
        warnings.append(Finding("bad-frames", sentence))
    return bad
