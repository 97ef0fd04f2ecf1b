"""Open one plane of a suite2p recording."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from napari_celltype.errors import RecordingError
from napari_celltype.recording.flags import curated_elsewhere, read_flags
from napari_celltype.recording.folder import find_planes, plane_number
from napari_celltype.recording.frame_rate import decide_frame_rate
from napari_celltype.recording.frames import LazyFrames
from napari_celltype.recording.images import read_images
from napari_celltype.recording.merges import read_merges
from napari_celltype.recording.movie import TIFF_SUFFIXES, open_binary
from napari_celltype.recording.npy import load_npy
from napari_celltype.recording.recording import (
    GUESSED_FRAME_SHAPE,
    Recording,
    Traces,
)
from napari_celltype.recording.rois import read_rois, require_inside, shape_of
from napari_celltype.recording.segments import read_segments
from napari_celltype.recording.settings import (
    OPS,
    PARTS,
    frame_shape,
    interleaving,
    neuropil_coefficient,
    read_settings,
    require_possible_frame,
    source_files,
    suite2p_version,
)
from napari_celltype.recording.settings import (
    number as as_number,
)
from napari_celltype.recording.stamps import describe_changes, file_stamp
from napari_celltype.recording.tiff_metadata import tiff_sampling_frequency
from napari_celltype.recording.traces import MEMORY_LIMIT, FileTraces, trace_file

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
