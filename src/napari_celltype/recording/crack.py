"""Reader of the public MATLAB files of CRACK: dF/F of single trials, decoded types.

Each file is one session of an animal; each of its structs `CaA0`, `CaA1` is one of the
areas that were recorded together, and a plane here: ``cc029L-3.mat/CaA0``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import RecordingError
from napari_celltype.findings import Finding
from napari_celltype.recording.file_reader import FileReader
from napari_celltype.recording.matlab import names_in_mat, read_mat
from napari_celltype.recording.npy import FileStamp
from napari_celltype.recording.recording import (
    DFF_ALONE,
    NO_MASKS,
    TRACE_KINDS,
    Recording,
    segments_between,
)
from napari_celltype.recording.traces import StoredTraces

_FIELDS = ("F_dF", "celltype", "sampling_rate")
_AREA = re.compile(r"CaA(\d)")
# cc029L-3.mat is session 3 of cc029; L says that two areas were recorded together.
_SESSION = re.compile(r"([a-z]+\d+)L?-\d+\.mat", re.IGNORECASE)
# By their numbers; Agmat, Baz1a and Adamts2 mark excitatory cells, 0 is not decoded.
_TYPES = ("", "PY", "PY", "PY", "Pvalb", "Sst", "Vip")


class _Crack(FileReader):
    NAME = "CRACK"
    LOOKED_FOR = ".mat with CaA0 or CaA1"
    SUFFIXES = (".mat",)
    CITATION = "CRACK: Condylis et al., Science 375:eabl5981, 2022"
    OWN_NAME = _SESSION

    def parts(self, path: Path) -> list[str]:
        """List the areas of a file."""
        return sorted(filter(_AREA.fullmatch, names_in_mat(path)))

    def plane_number(self, plane: Path) -> int:
        """Return the number of an area."""
        area = _AREA.fullmatch(plane.name)
        return int(area[1]) if area else 0

    def read(self, path: Path, name: str) -> Recording:
        """Read one area of a file."""
        stored = _AreaTraces(path, name)
        area = stored.read()
        n_rois, n_frames = stored.shape
        warnings = [
            Finding(
                "traces-taken",
                f"The traces are {name}.F_dF, dF/F of {len(area.starts)} trials, one "
                f"after another.",
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
        hit = _SESSION.fullmatch(path.name)
        return Recording(
            raw_traces=stored,
            sampling_frequency=area.rate,
            segments=segments_between(area.starts, np.zeros(n_frames, dtype=bool)),
            boundaries=area.starts,
            plane=self.plane_number(path / name),
            trace_kind=TRACE_KINDS["dF/F"],
            facts={"subject_id": hit[1], "session_id": path.stem} if hit else {},
            roi_texts={"label": labels} if any(labels) else {},
            warnings=tuple(warnings),
        )


READER: FileReader = _Crack()


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
        traces = self.read().traces
        is_whole = np.array_equal(wanted, np.arange(len(traces)))
        return traces if is_whole else traces[wanted]


def _type_of(number: float) -> str:
    """Return the type that a number stands for; one that is not listed, as it is."""
    if number in range(len(_TYPES)):
        return _TYPES[int(number)]
    return "" if np.isnan(number) else f"celltype {number:g}"
