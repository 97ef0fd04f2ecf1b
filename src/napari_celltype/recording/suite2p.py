"""Reader of suite2p's folders: traces, masks, flags, merges, images and the movie."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from stat import S_ISREG
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import RecordingError
from napari_celltype.findings import Finding
from napari_celltype.recording.frames import LazyFrames, open_binary
from napari_celltype.recording.matlab import (
    FALL_MAT,
    is_fall_mat_alone,
    read_plane,
)
from napari_celltype.recording.npy import (
    file_stamp,
    load_npy,
    open_for_reading,
    read_header,
)
from napari_celltype.recording.recording import (
    NEUROPIL_UNLIKE_TRACES,
    Pipeline,
    Recording,
    Traces,
    segments_between,
)
from napari_celltype.recording.rois import RoiMasks, smallest_frame
from napari_celltype.recording.suite2p_combined import (
    compare_with_combined,
    plane_of_combined,
    planes_of_combined,
)
from napari_celltype.recording.suite2p_rois import (
    read_masks,
    read_merges,
    require_stat,
    without_pixels_outside,
)
from napari_celltype.recording.suite2p_settings import (
    SETTINGS_FILES,
    Settings,
    as_array,
    decide_frame_rate,
    frame_shape,
    interleaving,
    neuropil_coefficient,
    number,
    read_bad_frames,
    read_joins,
    read_settings,
    source_files,
    suite2p_version,
)
from napari_celltype.recording.tiff import TIFF_SUFFIXES, tiff_sampling_frequency
from napari_celltype.recording.traces import FileTraces

NAME = "suite2p"
LOOKED_FOR = "plane0 with F.npy and stat.npy, or Fall.mat"
SUFFIXES: tuple[str, ...] = ()
CITATION = "suite2p: Pachitariu et al., bioRxiv 061507, 2017 (doi:10.1101/061507)"

_PLANE = re.compile(r"plane(\d+)")
_READ = ("F.npy", "Fneu.npy", "stat.npy", "iscell.npy", "redcell.npy")
_WATCHED = (*_READ, *SETTINGS_FILES)
# What suite2p leaves in a plane folder, in small letters.
_OWN = {
    *map(str.casefold, _WATCHED),
    *("spks.npy", "f_chan2.npy", "fneu_chan2.npy", "fall.mat"),
    *("data.bin", "data_raw.bin", "data_chan2.bin", "data_chan2_raw.bin"),
}
# The largest frames of two-photon microscopes have some 25 million pixels.
MAX_FRAME_PIXELS = 1 << 25
# Our names of suite2p's images, its keys, and whether it crops to yrange x xrange.
_IMAGES = {
    "mean image": ("meanImg", False),
    "max projection": ("max_proj", True),
    "enhanced mean image": ("meanImgE", False),
    "correlation map": ("Vcorr", True),
    "mean image, channel 2": ("meanImg_chan2", False),
}


def find_planes(path: Path) -> list[Path]:
    """List the plane folders of a session, suite2p or plane folder, or a file in it."""
    folder = path
    if path.is_file():
        if path.suffix not in (".npy", ".bin", ".mat") or not _is_plane(path.parent):
            return []
        folder = path.parent
    if folder.name == "combined" and (planes := _planes_in(folder.parent)):
        return planes
    if _is_plane(folder) or folder in planes_of_combined(folder.parent):
        return [folder]
    return _planes_in(folder) or _planes_in(folder / "suite2p")


def planes_among(folder: Path, names: Collection[str]) -> list[Path]:
    """Return the folder if it is a plane, and what `combined` alone holds."""
    if "stat.npy" not in names and not (FALL_MAT in names and _is_plane(folder)):
        return []
    if folder.name == "combined" and (planes := _planes_in(folder.parent)):
        return [plane for plane in planes if plane.parent == folder]
    is_empty = _PLANE.fullmatch(folder.name) and not _holds_rois(folder)
    return [] if is_empty and folder not in _planes_in(folder.parent) else [folder]


def plane_number(plane: Path, settings: Settings | None = None) -> int:
    """Return N of a folder `planeN`, else the number that suite2p noted, else 0."""
    if match := _PLANE.fullmatch(plane.name):
        return int(match[1])
    settings = read_settings(plane) if settings is None else settings
    return int(number(settings.get("iplane")) or 0)


def session_folder(path: Path) -> Path:
    """Return the folder above `suite2p`, `planeN` and files in them."""
    if path.name.casefold() in _OWN:
        path = path.parent
    if _PLANE.fullmatch(path.name):
        path = path.parent
    if path.name == "combined" and path.parent.name == "suite2p":
        path = path.parent
    return path.parent if path.name == "suite2p" else path


def is_own_file(path: Path) -> bool:
    """Tell whether a file is one of suite2p's own."""
    if path.name.casefold() == "ophys.nwb":
        return any(map(_is_plane, path.parent.glob("plane*")))
    return path.name.casefold() in _OWN and _is_plane(path.parent)


def why_not(names: Sequence[str]) -> str | None:
    """Say what a folder lacks that suite2p has not finished."""
    if any(map(_PLANE.fullmatch, names)):
        return "its plane folders hold no stat.npy: suite2p has not finished there"
    return None


def _is_plane(folder: Path) -> bool:
    if any((folder / name).is_file() for name in ("stat.npy", "F.npy")):
        return True
    # A copy of Fall.mat above plane folders is no recording of its own.
    return (folder / FALL_MAT).is_file() and not any(
        map(_is_plane, [*folder.glob("plane*"), *folder.glob("suite2p/plane*")])
    )


def _planes_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    planes = [p for p in folder.iterdir() if _PLANE.fullmatch(p.name) and _is_plane(p)]
    numbers = {plane_number(plane) for plane in planes}
    if not planes or numbers != set(range(len(planes))):
        combined = planes_of_combined(folder / "combined")
        # Without a plane that was never processed it counts from 0, too.
        if len(combined) > len(planes):
            planes += [p for p in combined if plane_number(p) not in numbers]
    planes.sort(key=plane_number)
    return list(filter(_holds_rois, planes)) or planes


def _holds_rois(plane: Path) -> bool:
    """Tell whether suite2p found any ROI; what cannot be read is said on opening."""
    with suppress(RecordingError), open_for_reading(plane / "F.npy") as file:
        return read_header(file, plane / "F.npy").shape[:1] != (0,)
    return True


def open_plane(plane: Path, sampling_frequency: float | None) -> Recording:
    """Open a plane folder, or a plane that only the combined view holds."""
    if not _is_plane(plane) and plane in planes_of_combined(plane.parent):
        return plane_of_combined(open_plane(plane.parent, sampling_frequency), plane)
    is_mat = is_fall_mat_alone(plane)
    names = (FALL_MAT,) if is_mat else _WATCHED
    found = {plane / name: file_stamp(plane / name) for name in names}
    stamps = {file: stamp for file, stamp in found.items() if stamp is not None}
    content = read_plane(plane / FALL_MAT) if is_mat else _read_npy(plane)
    raw_traces: Traces = content["F"]
    n_rois, n_frames = raw_traces.shape
    warnings: list[Finding] = []

    settings = content["ops"] if is_mat else read_settings(plane, warnings)
    stat_file = plane / (FALL_MAT if is_mat else "stat.npy")
    stat = require_stat(content.pop("stat", None), stat_file, n_rois)
    rois = read_masks(stat, stat_file, warnings)
    merged_into = read_merges(stat, rois, warnings)
    del stat

    shape = _frame_shape(settings, rois, plane, warnings)
    rois = without_pixels_outside(shape, rois, warnings)
    n_planes, n_channels, functional_channel = interleaving(settings)
    rate, rate_source = decide_frame_rate(
        settings,
        sampling_frequency,
        lambda: _rate_of_source(plane, settings, warnings),
        warnings,
    )
    iscell, _ = _flags("iscell", content, n_rois, warnings)
    redcell, redcell_values = _flags("redcell", content, n_rois, warnings)
    if iscell is not None and _PLANE.fullmatch(plane.name):
        compare_with_combined(plane, iscell, _planes_in, warnings)
    joins, boundaries = read_joins(settings, n_frames, warnings)
    bad_frames = read_bad_frames(settings, n_frames, warnings)
    _find_beside(plane, warnings)
    neuropil = _neuropil(content.get("Fneu"), raw_traces.shape, warnings)
    return Recording(
        raw_traces=raw_traces,
        rois=rois,
        sampling_frequency=rate,
        sampling_frequency_source=rate_source,
        segments=segments_between(joins, bad_frames),
        boundaries=tuple(sorted(boundaries)),
        frame_shape=shape,
        images=read_images(settings, shape, warnings),
        neuropil=neuropil,
        iscell=iscell,
        redcell=redcell,
        redcell_values=redcell_values,
        second_channel=_second_channel(plane / "F_chan2.npy", n_rois, warnings),
        merged_into=merged_into,
        movie=_find_movie(plane, settings, n_frames, warnings),
        plane=plane_number(plane, settings),
        n_planes=n_planes,
        n_channels=n_channels,
        functional_channel=functional_channel,
        path=plane,
        neuropil_coefficient=neuropil_coefficient(settings),
        pipeline=Pipeline(NAME, suite2p_version(settings), CITATION),
        files=stamps,
        warnings=tuple(warnings),
    )


def _read_npy(plane: Path) -> dict[str, Any]:
    """Return what the files hold, by their names; traces are read when asked for."""
    content: dict[str, Any] = {"F": FileTraces(plane / "F.npy")}
    for name in ("stat", "iscell", "redcell", "Fneu"):
        path = plane / f"{name}.npy"
        if path.is_file():
            content[name] = FileTraces(path) if name == "Fneu" else load_npy(path)
    return content


def _frame_shape(
    settings: Settings, rois: RoiMasks, plane: Path, warnings: list[Finding]
) -> tuple[int, int]:
    """Return the frame size that is noted, else the smallest that holds all ROIs."""
    shape = frame_shape(settings)
    if shape is None:
        shape, guess = smallest_frame(rois)
        warnings.append(guess)
    height, width = shape
    if height * width > MAX_FRAME_PIXELS:
        raise RecordingError(
            f"{plane} notes frames of {height} x {width} pixels, more than any "
            f"microscope's; its files are damaged, so copy the whole folder again."
        )
    return shape


def read_images(
    settings: Settings, frame_shape: tuple[int, int], warnings: list[Finding]
) -> dict[str, NDArray[np.float32]]:
    """Take the images out of suite2p's settings, in the order in which they are shown.

    Cropped images are pasted at their offset in a frame that is NaN elsewhere.
    """
    images = {}
    for name, (key, cropped) in _IMAGES.items():
        array = as_array(settings.get(key))
        if array.ndim != 2 or not array.size or array.dtype.kind not in "fiub":
            continue
        top, left = 0, 0
        if cropped and array.shape != frame_shape:
            top, left = _first(settings, "yrange"), _first(settings, "xrange")
        image = np.full(frame_shape, np.nan, dtype=np.float32)
        target = image[top : top + array.shape[0], left : left + array.shape[1]]
        if target.shape != array.shape:
            sentence = (
                f"The {name} has {array.shape[0]} x {array.shape[1]} pixels and does "
                f"not fit the frame of {frame_shape[0]} x {frame_shape[1]}; left out."
            )
            warnings.append(Finding("image-unlike-frame", sentence))
            continue
        target[:] = array
        images[name] = image
    return images


def _first(settings: Settings, key: str) -> int:
    span = as_array(settings.get(key, ()))
    start = number(span[0]) if span.ndim == 1 and span.size else None
    return max(0, int(start or 0))


def _flags(
    name: str, content: Mapping[str, Any], n_rois: int, warnings: list[Finding]
) -> tuple[NDArray[np.bool_] | None, NDArray[np.float64] | None]:
    """Return iscell or redcell: the flag of each ROI, and what it is by."""
    values: NDArray[Any] | None = content.get(name)
    if values is None:
        return None, None
    fits = values.shape[:1] == (n_rois,) and values.size > 0
    if values.dtype.kind not in "fiub" or not fits:
        sentence = f"{name}.npy has shape {values.shape}, not {n_rois} rows; left out."
        warnings.append(Finding("flags-unlike-rois", sentence))
        return None, None
    values = values.reshape(n_rois, -1)
    return values[:, 0] > 0, values[:, -1].astype(np.float64)


def _find_beside(plane: Path, warnings: list[Finding]) -> None:
    """Notice copies of a plane folder, and other runs of suite2p in the session."""
    if not _PLANE.fullmatch(plane.name):
        return
    above = plane.absolute().parent
    beside, empty = list[Path](), list[Path]()
    with suppress(OSError):
        for other in filter(_is_plane, above.glob("plane*")):
            if not _PLANE.fullmatch(other.name):
                beside.append(other)
            elif not _holds_rois(other):
                empty.append(other)
        if above.name == "suite2p":
            beside += filter(_planes_in, above.parent.glob("suite2p?*"))
    if beside:
        sentence = (
            f"Beside {plane.name} or its suite2p folder there is also "
            f"{', '.join(sorted(p.name for p in beside))}, a recording of its own; a "
            f"copy would count cells twice, so give the path of the one that is meant."
        )
        warnings.append(Finding("recordings-beside", sentence))
    if empty:
        names = ", ".join(sorted(other.name for other in empty))
        sentence = f"suite2p found no ROI in {names}, which is left out."
        warnings.append(Finding("planes-without-rois", sentence))


def _neuropil(
    neuropil: Traces | None, shape: tuple[int, ...], warnings: list[Finding]
) -> Traces | None:
    if neuropil is None or neuropil.shape == shape:
        return neuropil
    sentence = f"Fneu.npy has shape {neuropil.shape} and F.npy {shape}; left out."
    warnings.append(Finding(NEUROPIL_UNLIKE_TRACES, sentence))
    return None


def _second_channel(
    path: Path, n_rois: int, warnings: list[Finding]
) -> FileTraces | None:
    """Open F_chan2.npy; traces of another number of ROIs are of another run."""
    try:
        traces = FileTraces(path) if path.is_file() else None
    except RecordingError as error:
        warnings.append(Finding("second-channel-unreadable", str(error)))
        return None
    return traces if traces is not None and traces.shape[0] == n_rois else None


def _find_movie(
    plane: Path, settings: Settings, n_frames: int, warnings: list[Finding]
) -> LazyFrames | None:
    """Open data.bin: beside the traces, else where suite2p noted that it put it."""
    shape, noted = frame_shape(settings), settings.get("reg_file")
    places = [plane / name for name in ("data.bin", noted) if isinstance(name, str)]
    path = _first_file(places, warnings)
    if path is None or shape is None:
        return None
    try:
        movie = open_binary(path, shape)
    except RecordingError as error:
        warnings.append(Finding("movie-unreadable", str(error)))
        return None
    if len(movie) != n_frames:
        sentence = (
            f"{path.name} holds {len(movie)} frames and the traces {n_frames}; the "
            f"movie may be of another run."
        )
        warnings.append(Finding("movie-unlike-traces", sentence))
    return movie


def _first_file(places: Sequence[Path], warnings: list[Finding]) -> Path | None:
    """Return the first file that exists, of places that may be closed or impossible."""
    for place in places:
        try:
            if S_ISREG(place.stat().st_mode):
                return place
        except (FileNotFoundError, NotADirectoryError):
            pass
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            sentence = (
                f"{str(place.name)[:60]}, which suite2p noted, cannot be looked at "
                f"({reason}); left out."
            )
            if all(w.sentence != sentence for w in warnings):
                warnings.append(Finding("path-unreachable", sentence))
    return None


def _rate_of_source(
    plane: Path, settings: Settings, warnings: list[Finding]
) -> float | None:
    """Read the rate of the first TIFF that suite2p was run on, if it is found."""
    for noted in source_files(settings)[:1]:
        if Path(noted).suffix.lower() not in TIFF_SUFFIXES:
            return None
        near = [plane, *plane.parents[:3]]
        places = Path(noted), *(folder / Path(noted).name for folder in near)
        if place := _first_file(places, warnings):
            try:
                n_planes, *_ = interleaving(settings)
                return tiff_sampling_frequency(place, n_planes=n_planes)
            except RecordingError:
                return None  # The recording does not depend on its movie.
    return None
