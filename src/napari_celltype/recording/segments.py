"""Runs of frames without a join between recordings and without a bad frame."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.recording.recording import Segment
from napari_celltype.recording.settings import source_files

# ScanImage numbers the pieces of one acquisition X_00001_00001.tif, X_00001_00002.tif.
_SCANIMAGE_PIECE = re.compile(r"(.*_\d{3,})_(\d{3,})\.tiff?", re.IGNORECASE)
_MOST_FRAMES = 1 << 40


def read_segments(
    settings: Mapping[str, Any], n_frames: int
) -> tuple[tuple[Segment, ...], list[str]]:
    """Cut a recording where folders or files were joined, and at bad frames.

    Files that continue one acquisition are no joins: the numbered pieces that ScanImage
    writes, and series with one frame in each file.

    Parameters
    ----------
    settings : mapping
        suite2p's `frames_per_folder`, `frames_per_file`, `badframes`, file list.
    n_frames : int

    Returns
    -------
    segments : tuple of Segment
    warnings : list of str
        Where the counts do not fit the recording.
    """
    warnings: list[str] = []
    cut = np.zeros(n_frames + 1, dtype=bool)
    cut[[0, -1]] = True
    for counts, what in _counts(settings, warnings):
        if counts.sum() != n_frames:
            warnings.append(
                f"suite2p notes {counts.sum()} frames in {len(counts)} {what} and the "
                f"traces have {n_frames}, so joins between {what} may lie inside what "
                f"is taken as continuous."
            )
        joins = np.cumsum(counts)
        cut[joins[(joins > 0) & (joins < n_frames)]] = True

    bad = _bad_frames(settings.get("badframes"), n_frames)
    if bad is None:
        warnings.append(
            f"suite2p's badframes do not fit the {n_frames} frames of the traces and "
            f"are ignored."
        )
        bad = np.zeros(n_frames, dtype=bool)
    changes = np.flatnonzero(np.diff(bad)) + 1
    cut[changes] = True
    edges = np.flatnonzero(cut)
    return (
        tuple(
            Segment(int(start), int(stop))
            for start, stop in pairwise(edges)
            if not bad[start]
        ),
        warnings,
    )


def _counts(
    settings: Mapping[str, Any], warnings: list[str]
) -> list[tuple[NDArray[np.int64], str]]:
    found = []
    for keys, what in (
        (("frames_per_folder", "nframes_per_folder"), "folders"),
        (("frames_per_file",), "files"),
    ):
        for key in keys:
            counts = np.atleast_1d(np.asarray(settings.get(key, ())))
            if counts.ndim != 1 or not counts.size or counts.dtype.kind not in "iuf":
                continue
            # Not so for NaN either.
            if ((counts >= 0) & (counts <= _MOST_FRAMES)).all():
                found.append((counts.astype(np.int64), what))
                break
            warnings.append(
                f"suite2p's {key} holds impossible numbers and is ignored, so joins "
                f"between {what} may lie inside what is taken as continuous."
            )
    return [
        (_without_continued(counts, source_files(settings)), what)
        if what == "files"
        else (counts, what)
        for counts, what in found
        # One frame in each file: a series, not a concatenation.
        if what == "folders" or counts.max() > 1
    ]


def _without_continued(
    counts: NDArray[np.int64], files: Sequence[str]
) -> NDArray[np.int64]:
    """Add the frames of files that continue an acquisition to its first file."""
    if len(files) != len(counts):
        return counts
    merged: list[int] = []
    previous: tuple[str, int] | None = None
    for file, count in zip(files, counts, strict=True):
        match = _SCANIMAGE_PIECE.fullmatch(file)
        piece = (match[1], int(match[2])) if match else None
        if piece and previous and piece == (previous[0], previous[1] + 1):
            merged[-1] += int(count)
        else:
            merged.append(int(count))
        previous = piece
    return np.array(merged)


def _bad_frames(value: Any, n_frames: int) -> NDArray[np.bool_] | None:
    """Return a mask of bad frames; None if the value does not fit the recording."""
    bad = np.zeros(n_frames, dtype=bool)
    if value is None:
        return bad
    frames = np.asarray(value).reshape(-1)
    if frames.dtype == bool or (frames.size == n_frames and frames.dtype.kind in "iu"):
        return frames.astype(bool) if frames.size == n_frames else None
    if not frames.size:
        return bad
    if frames.dtype.kind in "iu" and frames.min() >= 0 and frames.max() < n_frames:
        bad[frames] = True
        return bad
    return None
