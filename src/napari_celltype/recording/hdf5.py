"""The one door for HDF5 files: no other file is followed, traces are read in blocks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import MissingDependencyError, RecordingError
from napari_celltype.recording.npy import (
    MAX_RATIO,
    MAX_SMALL_BYTES,
    require_fetched,
)
from napari_celltype.recording.traces import StoredTraces

# What h5py raises on damage, depending on where it stumbles.
_ERRORS = (
    *(ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError),
    *(OSError, RuntimeError, TypeError, ValueError),
)
_MOST_STEPS, _MOST_TEXT = 64, 1000
MOST_HELD = 128 << 20  # bytes that are unpacked at once


class NeedsH5py(MissingDependencyError, RecordingError):
    """A recording cannot be used here without h5py; others can."""


def has_h5py() -> bool:
    """Tell whether HDF5 files can be read here."""
    try:
        import h5py  # noqa: F401
    except ImportError:
        return False
    return True


@contextmanager
def open_hdf5(path: Path) -> Iterator[Any]:
    """Open a file for reading, or say in one sentence why it cannot be read (on)."""
    try:
        import h5py
    except ImportError as error:
        raise NeedsH5py(
            f"{path} is an HDF5 file, which needs the package h5py ({error}); install "
            "it with: python -m pip install h5py"
        ) from None
    try:
        with path.open("rb") as content:
            require_fetched(content.read(100), path)
        # Locks fail on shares and read-only disks; a change is noticed by the stamp.
        with h5py.File(path, "r", locking=False) as file:
            yield file
    except FileNotFoundError:
        raise RecordingError(
            f"{path} is missing; copy or fetch the file again."
        ) from None
    except _ERRORS as error:
        reason = getattr(error, "strerror", None) or f"{error}".strip("'\"")
        raise RecordingError(
            f"{path} cannot be read ({reason:.200}); it is damaged, or of another "
            f"format, so copy or fetch it again."
        ) from None


def follow(group: Any, name: str) -> Any:
    """Return what has a name below a group; None where nothing has, or another file."""
    import h5py

    parts, steps = [part for part in name.split("/") if part], 0
    while parts:
        first = parts.pop(0)
        if not isinstance(group, h5py.Group) or (steps := steps + 1) > _MOST_STEPS:
            return None
        link = group.get(first, getlink=True)
        if isinstance(link, h5py.SoftLink):
            parts = [part for part in link.path.split("/") if part] + parts
            group = group.file if link.path.startswith("/") else group
        elif isinstance(link, h5py.HardLink):
            group = group[first]
        else:
            return None
    return group


def members(group: Any) -> Iterator[tuple[str, Any]]:
    """Give what lies in a group itself."""
    import h5py

    for name in group:
        if isinstance(group.get(name, getlink=True), h5py.HardLink):
            yield name, group[name]


def is_group(item: Any) -> bool:
    """Tell whether an item of an HDF5 file holds others."""
    import h5py

    return isinstance(item, h5py.Group)


def array_of(dataset: Any, kinds: str = "fiub") -> NDArray[Any] | None:
    """Read a small dataset; None where there is none, or none of such values."""
    if dataset is None or is_group(dataset) or not is_plain(dataset, kinds):
        return None
    values: NDArray[Any] = np.asarray(dataset[()])
    return values


def value_of(dataset: Any) -> Any:
    """Return the one value of a dataset; None where there is none."""
    if dataset is None or is_group(dataset) or dataset.shape not in ((), (1,)):
        return None
    return np.asarray(dataset[()]).reshape(-1).tolist()[0]


def texts_of(dataset: Any) -> list[str] | None:
    """Read the texts of a dataset; None where it holds none."""
    values = array_of(dataset, "OSU")
    if values is None:
        return None
    return [text_of(value) for value in values.reshape(-1).tolist()]


def text_of(value: Any) -> str:
    """Return a value of an attribute or a dataset as one short line."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return " ".join(value.split())[:_MOST_TEXT] if isinstance(value, str) else ""


def is_plain(dataset: Any, kinds: str, max_ratio: int = MAX_RATIO) -> bool:
    """Tell whether values lie in the file itself, and are no more than it can hold."""
    if dataset.dtype.kind not in kinds or dataset.shape is None:
        return False
    size = math.prod(dataset.shape) * dataset.dtype.itemsize
    if dataset.external or dataset.is_virtual:
        raise RecordingError(
            f"{dataset.file.filename} keeps {dataset.name} in another file, which is "
            f"not followed; export it as one file."
        )
    stored = dataset.id.get_storage_size()
    if size > MAX_SMALL_BYTES and size > max_ratio * stored:
        raise RecordingError(
            f"{dataset.file.filename} announces {size:,} bytes in {dataset.name} and "
            f"holds {stored:,}; it is damaged, so copy or fetch it again."
        )
    return True


class Hdf5Traces(StoredTraces):
    """Some rows or columns of a dataset, one for each ROI."""

    def __init__(
        self,
        path: Path,
        dataset: Any,
        columns: NDArray[np.int64],
        *,
        n_rois: int | None = None,
    ) -> None:
        """Take the ROIs `columns` of a dataset; of `n_rois`, whichever axis is time."""
        super().__init__(path)
        self._name, self._columns = dataset.name, columns
        shape = dataset.shape if len(dataset.shape or ()) != 1 else (*dataset.shape, 1)
        if not is_plain(dataset, "fiu") or len(shape) != 2 or 0 in shape:
            raise RecordingError(
                f"{path} holds {dataset.dtype} values of shape {dataset.shape} in "
                f"{self._name}, where a trace of each ROI was expected."
            )
        if n_rois is not None and (shape[0] == n_rois) == (shape[1] == n_rois):
            raise RecordingError(
                f"{path} holds traces of shape {shape} in {self._name} and "
                f"{n_rois} ROIs, so that nothing says which axis is time; correct the "
                f"file."
            )
        self._time_first = shape[1] == n_rois
        self._is_flat = len(dataset.shape) == 1
        self.shape = len(columns), shape[0 if self._time_first else 1]
        scale = [dataset.attrs.get(n, v) for n, v in (("conversion", 1), ("offset", 0))]
        self._scale, self._offset = (float(np.float32(value)) for value in scale)

    def _read(self, wanted: NDArray[np.int64]) -> NDArray[Any]:
        wanted = self._columns[wanted]
        values = np.empty((len(wanted), self.shape[1]), dtype=np.float32)
        with open_hdf5(self.path) as file, np.errstate(over="ignore", invalid="ignore"):
            dataset = file[self._name]
            if self._is_flat:
                values[:] = dataset[:]
            else:
                self._fill(values, dataset, wanted)
        if (self._scale, self._offset) != (1.0, 0.0):
            values = values * np.float32(self._scale) + np.float32(self._offset)
        return values

    def _fill(
        self, values: NDArray[Any], dataset: Any, wanted: NDArray[np.int64]
    ) -> None:
        """Read each chunk once, whichever of its ROIs are wanted; else neighbours."""
        step, frames = (dataset.chunks or (1, 1))[:: -1 if self._time_first else 1]
        order = np.argsort(wanted, kind="stable")
        apart = np.diff(wanted[order] // step) > (dataset.chunks is None)
        for mine in np.split(order, np.flatnonzero(apart) + 1) if len(order) else ():
            rois = slice(int(wanted[mine[0]]), int(wanted[mine[-1]]) + 1)
            fits = MOST_HELD // ((rois.stop - rois.start) * dataset.dtype.itemsize)
            length = max(fits // frames, 1) * frames
            for start in range(0, self.shape[1], length):
                part = slice(start, start + length)
                block = (
                    dataset[part, rois].T if self._time_first else dataset[rois, part]
                )
                values[mine, part] = block[wanted[mine] - rois.start]
