"""Open one plane of a suite2p recording: traces, masks, flags, merges and images."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import RecordingError
from napari_celltype.recording.folder import find_planes, plane_number
from napari_celltype.recording.frames import LazyFrames
from napari_celltype.recording.movie import TIFF_SUFFIXES, open_binary
from napari_celltype.recording.npy import (
    MEMORY_LIMIT,
    FileTraces,
    describe_changes,
    file_stamp,
    load_npy,
    trace_file,
)
from napari_celltype.recording.recording import (
    GUESSED_FRAME_SHAPE,
    Recording,
    Traces,
)
from napari_celltype.recording.rois import RoiMasks, read_rois, require_inside, shape_of
from napari_celltype.recording.segments import read_segments
from napari_celltype.recording.settings import (
    OPS,
    PARTS,
    decide_frame_rate,
    frame_shape,
    interleaving,
    neuropil_coefficient,
    number,
    read_settings,
    require_possible_frame,
    source_files,
    suite2p_version,
)
from napari_celltype.recording.settings import (
    number as as_number,
)
from napari_celltype.recording.tiff import tiff_sampling_frequency

_WATCHED = (
    "F.npy",
    "Fneu.npy",
    "stat.npy",
    "iscell.npy",
    "redcell.npy",
    OPS,
    *PARTS,
)


def open_recording(
    path: str | Path,
    plane: int | None = None,
    *,
    sampling_frequency: float | None = None,
    in_memory: bool = True,
) -> Recording:
    """Open one plane of a suite2p recording; nothing in its folder is changed.

    Parameters
    ----------
    path : str or Path
        A session folder, its `suite2p` folder, a plane folder, `combined`, or a
        `stat.npy`.
    plane : int or None
        Number of the plane; None for the first, with a warning where there are more.
    sampling_frequency : float or None
        Frames per second of one plane (Hz), when the files do not say, or say it wrong.
    in_memory : bool
        Read traces of up to 2 GB at once; otherwise rows are read when asked for.

    Returns
    -------
    Recording

    Raises
    ------
    RecordingError
        If the folder is no recording, or its files are missing, damaged, of different
        lengths or being written.
    SamplingFrequencyError
        If `sampling_frequency` is impossible.
    """
    folder, warnings = _choose_plane(path, plane)
    stamps = {
        file: stamp
        for file in (folder / name for name in _WATCHED)
        if (stamp := file_stamp(file)) is not None
    }
    traces_file = trace_file(folder / "F.npy")
    n_rois, n_frames = traces_file.shape

    settings = read_settings(folder)
    stat = _read_stat(folder / "stat.npy", n_rois)
    rois = read_rois(stat, folder / "stat.npy")
    merged_into, notes = read_merges(stat, rois)
    warnings += notes
    del stat

    shape = frame_shape(settings)
    if shape is None:
        shape = shape_of(rois)
        warnings.append(
            f"{GUESSED_FRAME_SHAPE}; {shape[0]} x {shape[1]} pixels is "
            f"the smallest that holds all ROIs."
        )
    require_possible_frame(shape, folder)
    require_inside(rois, shape, folder / "stat.npy")
    images, notes = read_images(settings, shape)
    warnings += notes
    segments, notes = read_segments(settings, n_frames)
    warnings += notes
    rate = decide_frame_rate(
        settings, sampling_frequency, lambda: _rate_of_source(folder, settings)
    )
    warnings += rate.warnings
    iscell = read_flags(folder / "iscell.npy", n_rois, warnings)
    redcell = read_flags(folder / "redcell.npy", n_rois, warnings)
    if iscell is not None:
        warnings += curated_elsewhere(folder, iscell)
    neuropil = _neuropil(folder / "Fneu.npy", traces_file.shape, warnings)

    movie = _find_movie(folder, settings, shape, n_frames, warnings)
    raw_traces: Traces = traces_file
    if in_memory and traces_file.nbytes <= MEMORY_LIMIT:
        raw_traces = traces_file[:]
    changes = describe_changes(stamps)
    if changes is not None:
        raise RecordingError(changes)
    number = plane_number(folder)
    if number is None:
        number = int(as_number(settings.get("iplane")) or 0)
    turns = interleaving(settings)
    return Recording(
        raw_traces=raw_traces,
        rois=rois,
        sampling_frequency=rate.value,
        sampling_frequency_source=rate.source,
        segments=segments,
        frame_shape=shape,
        images=images,
        neuropil=neuropil,
        iscell=iscell,
        redcell=redcell,
        merged_into=merged_into,
        movie=movie,
        plane=number,
        n_planes=turns.n_planes,
        n_channels=turns.n_channels,
        functional_channel=turns.functional_channel,
        path=folder,
        neuropil_coefficient=neuropil_coefficient(settings),
        suite2p_version=suite2p_version(settings),
        files=stamps,
        warnings=tuple(warnings),
    )


def _choose_plane(path: str | Path, plane: int | None) -> tuple[Path, list[str]]:
    planes = find_planes(path, plane)
    if len(planes) == 1:
        return planes[0], []
    first, *others = map(plane_number, planes)
    return planes[0], [
        f"{path} has {len(planes)} planes and plane {first} was opened; the "
        f"others are {', '.join(map(str, others))}."
    ]


def _read_stat(path: Path, n_rois: int) -> NDArray[Any]:
    stat: NDArray[Any] = load_npy(path)
    if stat.ndim != 1 or any(not isinstance(entry, dict) for entry in stat):
        raise RecordingError(
            f"{path} does not hold one entry per ROI; check that it is suite2p's "
            f"stat.npy."
        )
    if len(stat) != n_rois:
        raise RecordingError(
            f"{path} has {len(stat)} ROIs and F.npy beside it has {n_rois} traces; "
            f"they are of different runs, so copy the whole plane folder again."
        )
    return stat


def _neuropil(
    path: Path, shape: tuple[int, int], warnings: list[str]
) -> FileTraces | None:
    if not path.is_file():
        return None
    neuropil = trace_file(path)
    if neuropil.shape != shape:
        warnings.append(
            f"{path.name} has shape {neuropil.shape} and F.npy {shape}; the neuropil "
            f"is ignored."
        )
        return None
    return neuropil


def _find_movie(
    folder: Path,
    settings: Mapping[str, Any],
    shape: tuple[int, int],
    n_frames: int,
    warnings: list[str],
) -> LazyFrames | None:
    """Open data.bin: beside the traces, else where suite2p noted that it put it."""
    noted = settings.get("reg_file")
    places = [folder / "data.bin"]
    if isinstance(noted, (str, Path)):
        places.append(folder / noted)
    path = next((place for place in places if place.is_file()), None)
    if path is None or frame_shape(settings) is None:
        return None
    try:
        movie = open_binary(path, shape)
    except RecordingError as finding:
        warnings.append(str(finding))
        return None
    if len(movie) != n_frames:
        warnings.append(
            f"{path.name} holds {len(movie)} frames and the traces {n_frames}; the "
            f"movie may be of another run."
        )
    return movie


def _rate_of_source(folder: Path, settings: Mapping[str, Any]) -> float | None:
    """Read the frame rate from the movie that suite2p was run on, where it is found."""
    tiff = _source_tiff(folder, settings)
    if tiff is None:
        return None
    try:
        return tiff_sampling_frequency(tiff, n_planes=interleaving(settings).n_planes)
    except RecordingError:
        # The recording does not depend on its movie; a damaged one says nothing.
        return None


def _source_tiff(folder: Path, settings: Mapping[str, Any]) -> Path | None:
    """Find the first TIFF that suite2p was run on: where it was, or near the plane."""
    for noted in source_files(settings)[:1]:
        name = Path(noted).name
        near = [parent / name for parent in folder.parents[:3]]
        for place in (Path(noted), folder / name, *near):
            if place.suffix.lower() in TIFF_SUFFIXES and place.is_file():
                return place
    return None


def read_flags(
    path: Path, n_rois: int, warnings: list[str]
) -> NDArray[np.bool_] | None:
    """Read iscell.npy or redcell.npy: the flag is the first column."""
    if not path.is_file():
        return None
    values: NDArray[Any] = load_npy(path)
    fits = values.shape[:1] == (n_rois,) and values.size > 0
    if values.dtype.kind not in "fiub" or not fits:
        warnings.append(
            f"{path.name} has shape {values.shape} and there are {n_rois} ROIs; it is "
            f"ignored."
        )
        return None
    flags = values.reshape(n_rois, -1)[:, 0] > 0
    flags.flags.writeable = False
    return flags


def curated_elsewhere(folder: Path, iscell: NDArray[np.bool_]) -> list[str]:
    """Notice ROIs that were sorted in suite2p's combined view, which saves there."""
    combined = folder.parent / "combined" / "iscell.npy"
    if plane_number(folder) is None or not combined.is_file():
        return []
    try:
        flags: NDArray[Any] = load_npy(combined)
        earlier = takewhile(lambda p: p != folder, find_planes(combined.parent))
        start = sum(trace_file(plane / "F.npy").shape[0] for plane in earlier)
    except RecordingError:
        # A damaged neighbour is no matter of this plane.
        return []
    if flags.dtype.kind not in "fiub" or not flags.ndim or not flags.size:
        return []
    first_column = flags.reshape(len(flags), -1)[:, 0]
    same = first_column[start : start + len(iscell)] > 0
    n_other = int((same != iscell).sum()) if len(same) == len(iscell) else 0
    if not n_other:
        return []
    return [
        f"iscell of {n_other} ROIs was changed in suite2p's combined view; this "
        f"plane's own iscell.npy is used, so sort the ROIs in the plane's own view."
    ]


def read_merges(
    stat: NDArray[Any], rois: RoiMasks
) -> tuple[NDArray[np.int64], list[str]]:
    """Tell for each ROI which merged ROI it is a part of.

    suite2p appends a merged ROI and notes its parts as `imerge`. Two habits of its GUI
    are mended here. ROIs drawn by hand later are put in front, so that the noted rows
    are off by their number: the parts are checked by their pixels. A merged ROI that is
    merged again stays as a row too, and becomes a part of the new one. (`inmerge` of
    the parts is of no use: the GUI sets it to 0 whenever it opens a folder.)

    Parameters
    ----------
    stat : ndarray of object, shape (n_rois,)
        Content of stat.npy.
    rois : RoiMasks

    Returns
    -------
    merged_into : ndarray of int64, shape (n_rois,)
        Row of the merged ROI; -1 for ROIs that stand alone.
    warnings : list of str
        Merged ROIs whose parts cannot be told.
    """
    merged_into = np.full(len(rois), -1, dtype=np.int64)
    warnings: list[str] = []
    parts_of: dict[int, frozenset[int]] = {}
    for row, entry in enumerate(stat):
        noted = np.asarray(entry.get("imerge", ())).reshape(-1)
        if not noted.size:
            continue
        parts = _locate(noted, row, rois) if noted.dtype.kind in "iu" else None
        if parts is None:
            warnings.append(
                f"ROI {row} was merged in suite2p from ROIs that cannot be found any "
                f"more; they are treated as cells of their own."
            )
            continue
        parts_of[row] = parts
        merged_into[sorted(parts)] = row
        for earlier, its_parts in parts_of.items():
            if earlier != row and its_parts <= parts:
                merged_into[earlier] = row
    merged_into.flags.writeable = False
    return merged_into, warnings


def _locate(
    noted: NDArray[np.int64], merged: int, rois: RoiMasks
) -> frozenset[int] | None:
    """Return the noted rows, shifted so that their pixels lie in the merged ROI."""
    whole = _pixels(merged, rois)
    for shift in range(merged - int(noted.max())):
        rows = [int(row) + shift for row in noted]
        if min(rows) >= 0 and all(_pixels(row, rois) <= whole for row in rows):
            return frozenset(rows)
    return None


def _pixels(row: int, rois: RoiMasks) -> set[tuple[int, int]]:
    roi = rois[row]
    return set(zip(roi.ypix.tolist(), roi.xpix.tolist(), strict=True))


# suite2p's keys, and whether it crops them to yrange x xrange.
_NAMES = {
    "mean image": ("meanImg", False),
    "max projection": ("max_proj", True),
    "enhanced mean image": ("meanImgE", False),
    "correlation map": ("Vcorr", True),
    "mean image, channel 2": ("meanImg_chan2", False),
}


def read_images(
    settings: Mapping[str, Any], frame_shape: tuple[int, int]
) -> tuple[dict[str, NDArray[np.float32]], list[str]]:
    """Take the images out of suite2p's settings.

    Cropped images are pasted at their offset in a frame that is NaN elsewhere.

    Parameters
    ----------
    settings : mapping
    frame_shape : tuple of int
        (Ly, Lx), pixels.

    Returns
    -------
    images : dict of str to ndarray of float32, shape (Ly, Lx)
        Read-only, in the order in which they are shown.
    warnings : list of str
        Images that do not fit the frame.
    """
    images, warnings = {}, []
    for name, (key, cropped) in _NAMES.items():
        array = settings.get(key)
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub":
            continue
        if array.ndim != 2 or not array.size:
            continue
        top, left = _crop_offset(settings) if cropped else (0, 0)
        if array.shape == frame_shape:
            top = left = 0
        image = np.full(frame_shape, np.nan, dtype=np.float32)
        target = image[top : top + array.shape[0], left : left + array.shape[1]]
        if target.shape != array.shape:
            warnings.append(
                f"The {name} has {array.shape[0]} x {array.shape[1]} pixels and does "
                f"not fit the frame of {frame_shape[0]} x {frame_shape[1]}; left out."
            )
            continue
        target[:] = array
        image.flags.writeable = False
        images[name] = image
    return images, warnings


def _crop_offset(settings: Mapping[str, Any]) -> tuple[int, int]:
    offsets = []
    for key in ("yrange", "xrange"):
        span = np.asarray(settings.get(key, (0, 0)))
        start = number(span[0]) if span.ndim == 1 and span.size else None
        offsets.append(max(0, int(start or 0)))
    return offsets[0], offsets[1]
