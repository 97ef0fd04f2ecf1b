"""What readers share whose recordings are files: planes in them, and how they open."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from napari_celltype.errors import RecordingError
from napari_celltype.recording.npy import FileStamp, require_stamp
from napari_celltype.recording.recording import (
    UNKNOWN,
    Pipeline,
    Recording,
    Segment,
    file_in,
    possible_rate,
)


class NoTraces(RecordingError):
    """A file is sound and holds no traces of ROIs."""


class FileReader(ABC):
    """A `Reader` of files; a plane is the file, or ``FILE/NAME`` of one in it."""

    NAME: str
    LOOKED_FOR: str
    SUFFIXES: tuple[str, ...]
    CITATION: str
    # Names of files that are listed though they are damaged, which opening them says.
    OWN_NAME = re.compile(r"(?!)")

    @abstractmethod
    def parts(self, path: Path) -> list[str]:
        """Name the planes in a file, "" for the file itself; [] if it is of others."""

    @abstractmethod
    def read(self, path: Path, name: str) -> Recording:
        """Return what only this pipeline says: traces, masks, rate, doubts."""

    def open_plane(self, plane: Path, sampling_frequency: float | None) -> Recording:
        """Open a file, or one of its planes."""
        path = self.session_folder(plane)
        stamp = require_stamp(path)
        # Damaged values become infinities and NaN, which say enough.
        with np.errstate(over="ignore", invalid="ignore"):
            found = self.read(path, "" if plane == path else plane.name)
        warnings = [*found.warnings]
        rate = possible_rate(found.sampling_frequency, path, warnings)
        source = found.sampling_frequency_source
        source = f"{self.NAME} file" if source == UNKNOWN else source
        recording = replace(
            found,
            sampling_frequency=rate,
            sampling_frequency_source=source if rate else UNKNOWN,
            segments=found.segments or (Segment(0, found.n_frames),),
            path=plane,
            pipeline=found.pipeline or Pipeline(self.NAME, None, self.CITATION),
            files={path: stamp},
            warnings=tuple(warnings),
        )
        return recording.with_sampling_frequency(sampling_frequency)

    def find_planes(self, path: Path) -> list[Path]:
        """List the planes of a file, or the one that is meant."""
        file = file_in(path, self.SUFFIXES)
        if file is None or not file.is_file():
            return []
        planes = [file / name for name in _parts(self, file, require_stamp(file))]
        return [plane for plane in planes if path in (file, plane)]

    def planes_among(self, folder: Path, names: Collection[str]) -> list[Path]:
        """List the planes of the files of a folder."""
        found = []
        for name in sorted(names):
            path = folder / name
            # macOS writes ._NAME beside files on disks that are not its own.
            if path.suffix.lower() in self.SUFFIXES and not name.startswith("."):
                # Any other program's files may be damaged, or links to what is lost.
                is_own = self.OWN_NAME.fullmatch(name) is not None
                try:
                    is_lost = is_own and path.is_symlink() and not path.exists()
                    found += [path] if is_lost else self.find_planes(path)
                except NoTraces:
                    pass
                except (RecordingError, OSError):
                    found += [path] if is_own else []
        return found

    def is_own_file(self, path: Path) -> bool:
        """Tell whether a file is a recording."""
        return bool(self.planes_among(path.parent, (path.name,)))

    def plane_number(self, plane: Path) -> int:
        """Return the place of a plane among those of its file."""
        planes = [] if plane.is_file() else self.find_planes(self.session_folder(plane))
        return planes.index(plane) if plane in planes else 0

    def session_folder(self, path: Path) -> Path:
        """Return the file."""
        return file_in(path, self.SUFFIXES) or path

    def why_not(self, names: Sequence[str]) -> str | None:
        """Say nothing of folders; files say it themselves."""
        return None


# Each verb looks several times at the files of a folder, most of which are of others.
@lru_cache(maxsize=1 << 14)
def _parts(reader: FileReader, path: Path, stamp: FileStamp) -> list[str]:
    return reader.parts(path)
