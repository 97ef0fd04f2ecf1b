"""What readers share whose recordings are one file of one plane each."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_celltype.errors import CellTypeError, RecordingError
from napari_celltype.recording.npy import file_stamp, require_stamp
from napari_celltype.recording.recording import (
    UNKNOWN,
    Pipeline,
    Recording,
    Segment,
    possible_rate,
)
from napari_celltype.recording.traces import MEMORY_LIMIT


class FileReader(ABC):
    """A `Reader` of files whose ending alone does not say what they are."""

    NAME: str
    LOOKED_FOR: str
    SUFFIXES: tuple[str, ...]
    CITATION: str

    @abstractmethod
    def is_recording(self, path: Path) -> bool:
        """Tell by its beginning or its structure whether a file is a recording."""

    @abstractmethod
    def read(self, path: Path) -> Recording:
        """Return what only this pipeline says: traces, masks, rate, doubts."""

    def open_plane(
        self, plane: Path, *, sampling_frequency: float | None, in_memory: bool
    ) -> Recording:
        """Open a file."""
        stamp = require_stamp(plane)
        # Damaged values become infinities and NaN, which say enough.
        with np.errstate(over="ignore", invalid="ignore"):
            found = self.read(plane)
        traces, warnings = found.raw_traces, [*found.warnings]
        if in_memory and 4 * math.prod(traces.shape) <= MEMORY_LIMIT:
            traces = traces[:]
        if file_stamp(plane) != stamp:
            raise RecordingError(f"{plane} changed while it was opened; open it again.")
        rate = possible_rate(found.sampling_frequency, plane, warnings)
        for array in (*found.images.values(), found.iscell):
            if array is not None:
                array.flags.writeable = False
        recording = replace(
            found,
            raw_traces=traces,
            sampling_frequency=rate,
            sampling_frequency_source=f"{self.NAME} file" if rate else UNKNOWN,
            segments=found.segments or (Segment(0, traces.shape[1]),),
            merged_into=np.full(traces.shape[0], -1, dtype=np.int64),
            path=plane,
            pipeline=Pipeline(self.NAME, None, self.CITATION),
            files={plane: stamp},
            warnings=tuple(warnings),
        )
        return recording.with_sampling_frequency(sampling_frequency)

    def find_planes(self, path: Path) -> list[Path]:
        """Return the file, if it is a recording."""
        fits = path.suffix.lower() in self.SUFFIXES and path.is_file()
        return [path] if fits and self.is_recording(path) else []

    def planes_among(self, folder: Path, names: Collection[str]) -> list[Path]:
        """List the recordings of a folder."""
        shown = (folder / name for name in sorted(names) if not name.startswith("."))
        return [path for path in shown if self.is_own_file(path)]

    def is_own_file(self, path: Path) -> bool:
        """Tell whether a file is a recording; one that cannot be read is none."""
        try:
            return bool(self.find_planes(path))
        except (CellTypeError, OSError):
            return False

    def plane_number(self, plane: Path) -> int:
        """Return 0."""
        return 0

    def session_folder(self, path: Path) -> Path:
        """Return the path."""
        return path

    def why_not(self, names: Sequence[str]) -> str | None:
        """Say nothing of folders."""
        return None
