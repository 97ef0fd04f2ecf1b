"""Reader of the public MATLAB files of CRACK: dF/F of single trials, decoded types.

Each file is one session of an animal; each of its structs `CaA0`, `CaA1` is one of the
areas that were recorded together, and a plane here: ``cc029L-3.mat/CaA0``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import CellTypeError, RecordingError
from napari_celltype.findings import Finding
from napari_celltype.recording.matlab import names_in_mat, read_mat
from napari_celltype.recording.npy import FileStamp, require_stamp
from napari_celltype.recording.recording import (
    DFF_ALONE,
    NO_MASKS,
    TRACE_KINDS,
    UNKNOWN,
    Pipeline,
    Recording,
    file_in,
    possible_rate,
    segments_between,
)
from napari_celltype.recording.traces import StoredTraces

NAME = "CRACK"
LOOKED_FOR = ".mat with CaA0 or CaA1"
CITATION = "CRACK: Condylis et al., Science 375:eabl5981, 2022"
SUFFIXES = (".mat",)

_FIELDS = ("F_dF", "celltype", "sampling_rate")
_AREA = re.compile(r"CaA(\d)")
# cc029L-3.mat is session 3 of cc029; L says that two areas were recorded together.
_SESSION = re.compile(r"([a-z]+\d+)L?-\d+\.mat", re.IGNORECASE)
# By their numbers; Agmat, Baz1a and Adamts2 mark excitatory cells, 0 is not decoded.
_TYPES = ("", "PY", "PY", "PY", "Pvalb", "Sst", "Vip")


def find_planes(path: Path) -> list[Path]:
    """List the areas of a file, or the one that is meant."""
    file = file_in(path, SUFFIXES)
    if file is None or not file.is_file():
        return []
    areas = sorted(filter(_AREA.fullmatch, names_in_mat(file)))
    return [file / area for area in areas if path in (file, file / area)]


def planes_among(folder: Path, names: Collection[str]) -> list[Path]:
    """List the areas of the files of a folder; damaged ones are said on opening."""
    found = []
    for name in sorted(names):
        path = folder / name
        if path.suffix.lower() in SUFFIXES and not name.startswith("."):
            try:
                found += find_planes(path)
            except CellTypeError:
                # Any other program's files may be damaged.
                found += [path] if _SESSION.fullmatch(name) else []
    return found


def plane_number(plane: Path) -> int:
    """Return the number of an area."""
    area = _AREA.fullmatch(plane.name)
    return int(area[1]) if area else 0


def session_folder(path: Path) -> Path:
    """Return the file."""
    return file_in(path, SUFFIXES) or path


def is_own_file(path: Path) -> bool:
    """Tell whether a file has areas in it; one that cannot be read has none."""
    try:
        return bool(find_planes(path))
    except CellTypeError:
        return False


def why_not(names: Sequence[str]) -> str | None:
    """Say what a folder lacks; files say it themselves."""
    return None


@dataclass(frozen=True, eq=False)
class _Area:
    """The trials of an area, one after another, and what is known of its ROIs."""

    traces: NDArray[np.float32]
    starts: tuple[int, ...]
    types: NDArray[Any]
    rate: Any


# One, which may fill hundreds of megabytes.
@lru_cache(maxsize=1)
def _read_area(path: Path, stamp: FileStamp, area: str) -> _Area:
    fields = read_mat(path, *(f"{area}.{n}" for n in _FIELDS))
    cells, types, rate = (fields.get(f"{area}.{n}") for n in _FIELDS)
    try:
        types = np.reshape(() if types is None else np.asarray(types), -1)
    except ValueError:
        # Of cells of several lengths.
        types = np.empty(0)
    # A single trial is no list.
    cells = cells if isinstance(cells, list) else [cells]
    arrays = [np.asarray(c) for c in cells if isinstance(c, np.ndarray | int | float)]
    trials = [array for array in arrays if array.size]
    n_rois = next((len(trial) for trial in trials if trial.ndim == 2), len(types))
    if not trials or not n_rois:
        raise RecordingError(
            f"{path} holds no dF/F of trials ({area or 'CaA0'}.F_dF), as the files of "
            f"CRACK do; copy or fetch it again."
        )
    for number, trial in enumerate(trials):
        # An axis of length one is left out.
        is_flat = trial.ndim < 2 and (n_rois == 1 or trial.size == n_rois)
        trials[number] = trial = trial.reshape(n_rois, -1) if is_flat else trial
        if trial.ndim != 2 or len(trial) != n_rois or trial.dtype.kind not in "fiu":
            raise RecordingError(
                f"{path} holds {trial.dtype} values of shape {trial.shape} in trial "
                f"{number + 1} of {area}.F_dF, where a row of numbers for each of "
                f"{n_rois} ROIs was expected; copy or fetch it again."
            )
    with np.errstate(over="ignore"):
        traces = np.concatenate(trials, axis=1, dtype=np.float32, casting="unsafe")
    traces.flags.writeable = False
    starts = accumulate((trial.shape[1] for trial in trials[:-1]), initial=0)
    return _Area(traces, tuple(starts), types, rate)


class _AreaTraces(StoredTraces):
    """The traces of an area; the file can only be read as a whole."""

    def __init__(self, path: Path, area: str) -> None:
        super().__init__(path)
        self._area = area
        self.shape = self.read().traces.shape

    def read(self) -> _Area:
        return _read_area(self.path, self._stamp, self._area)

    def _read(self, wanted: NDArray[np.int64]) -> NDArray[Any]:
        return self.read().traces[wanted]


def open_plane(
    plane: Path, *, sampling_frequency: float | None, in_memory: bool
) -> Recording:
    """Open one area of a file."""
    path = session_folder(plane)
    stamp = require_stamp(path)
    name = plane.name if plane != path else ""
    stored = _AreaTraces(path, name)
    area = stored.read()
    n_rois, n_frames = area.traces.shape
    warnings = [
        Finding(
            "traces-taken",
            f"The traces are {name}.F_dF, dF/F of {len(area.starts)} trials, one after "
            f"another.",
        ),
        DFF_ALONE,
        NO_MASKS,
    ]
    labels: tuple[str, ...] = ()
    if len(area.types) == n_rois and area.types.dtype.kind in "fiub":
        labels = tuple(map(_type_of, area.types.astype(float).tolist()))
    else:
        sentence = (
            f"{name}.celltype has {len(area.types)} numbers and there are {n_rois} "
            f"ROIs; types are left out."
        )
        warnings.append(Finding("types-in-doubt", sentence))
    rate = possible_rate(area.rate, path, warnings)
    session = _SESSION.fullmatch(path.name)
    recording = Recording(
        raw_traces=area.traces if in_memory else stored,
        sampling_frequency=rate,
        sampling_frequency_source="MATLAB file" if rate else UNKNOWN,
        segments=segments_between(area.starts, np.zeros(n_frames, dtype=bool)),
        boundaries=area.starts,
        merged_into=np.full(n_rois, -1, dtype=np.int64),
        plane=plane_number(plane),
        path=plane,
        pipeline=Pipeline(NAME, None, CITATION),
        files={path: stamp},
        trace_kind=TRACE_KINDS["dF/F"],
        facts={"subject_id": session[1], "session_id": path.stem} if session else {},
        roi_texts={"label": labels} if any(labels) else {},
        warnings=tuple(warnings),
    )
    return recording.with_sampling_frequency(sampling_frequency)


def _type_of(number: float) -> str:
    """Return the type that a number stands for; one that is not listed, as it is."""
    if number in range(len(_TYPES)):
        return _TYPES[int(number)]
    return "" if np.isnan(number) else f"celltype {number:g}"
