"""The one door for NumPy files: object arrays are read, code in them is never run.

suite2p keeps dictionaries in `.npy` files, which NumPy writes as pickles, and a pickle
may call any function while it is read. Here a pickle may name six constructors only,
each replaced by one that builds plain arrays, numbers and dates.
"""

from __future__ import annotations

import io
import math
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from napari_celltype.errors import RecordingError
from napari_celltype.recording.unpickle import Refused, safe_unpickle

# Object arrays hold ROI statistics and settings; 2 GiB is 100,000 ROIs and more.
MAX_OBJECT_BYTES = 2 << 30


class NpyHeader(NamedTuple):
    """What the first bytes of a `.npy` file say, checked against its size."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran_order: bool
    offset: int


def load_npy(path: str | Path) -> Any:
    """Read a `.npy` file without running anything that it holds.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    ndarray
        The array, read-only. An object array holds plain dicts, lists, numbers,
        strings, dates and arrays.

    Raises
    ------
    RecordingError
        If the file is missing, damaged, truncated, or asks for code to be run.
    """
    path = Path(path)
    with open_for_reading(path) as file:
        header = read_header(file, path)
        if header.dtype.hasobject:
            return _read_objects(file, header, path)
        array = np.empty(math.prod(header.shape), dtype=header.dtype)
        read_exactly(file, array, path)
    array = array.reshape(header.shape, order="F" if header.fortran_order else "C")
    array.flags.writeable = False
    return array


def load_npz(path: str | Path) -> dict[str, np.ndarray[Any, Any]]:
    """Read a `.npz` archive of plain arrays."""
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def open_for_reading(path: Path) -> BinaryIO:
    """Open a file, or say in one sentence why it cannot be opened."""
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise RecordingError(
            f"{path} is missing; copy the whole suite2p folder and try again."
        ) from None
    except OSError as error:
        raise RecordingError(
            f"{path} cannot be read ({error.strerror}); check its permissions."
        ) from None


def read_header(file: BinaryIO, path: Path) -> NpyHeader:
    """Read and check the header of an open `.npy` file.

    Raises
    ------
    RecordingError
        If it is no `.npy` file, or announces more data than the file holds.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    readers: dict[tuple[int, int], Callable[..., Any]] = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    try:
        version = np.lib.format.read_magic(file)
        shape, fortran_order, dtype = readers[version](file)
    except (ValueError, KeyError, SyntaxError, EOFError, RecursionError, MemoryError):
        raise RecordingError(
            f"{path} is not a NumPy .npy file, or its first bytes are damaged; copy it "
            f"again or run suite2p again."
        ) from None
    header = NpyHeader(shape, dtype, fortran_order, file.tell())
    expected = math.prod(shape) * dtype.itemsize
    if not dtype.hasobject and size - header.offset < expected:
        raise RecordingError(
            f"{path} is truncated: it announces {expected:,} bytes of data (shape "
            f"{shape}) and holds {size - header.offset:,}; copy it again or run "
            f"suite2p again."
        )
    return header


def read_exactly(file: BinaryIO, target: np.ndarray[Any, Any], path: Path) -> None:
    """Fill a C-contiguous array from an open file."""
    view = target.reshape(-1).view(np.uint8).data
    if file.readinto(view) != len(view):  # type: ignore[attr-defined]
        raise RecordingError(
            f"{path} became shorter while it was read; wait until suite2p has finished "
            f"and open the recording again."
        )


def _read_objects(file: BinaryIO, header: NpyHeader, path: Path) -> Any:
    data = file.read(MAX_OBJECT_BYTES + 1)
    if len(data) > MAX_OBJECT_BYTES:
        raise RecordingError(
            f"{path} holds more than {MAX_OBJECT_BYTES >> 30} GiB of objects, which no "
            f"suite2p file does; check that it is the right file."
        )
    try:
        array = safe_unpickle(data)
    except Refused as finding:
        raise RecordingError(
            f"{path} was refused, and nothing in it was run: {finding}; get the file "
            f"from its source again or run suite2p again."
        ) from None
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError) as error:
        raise RecordingError(
            f"{path} is damaged or truncated ({error}); copy it again or run "
            f"suite2p again."
        ) from None
    if not isinstance(array, np.ndarray) or array.shape != header.shape:
        raise RecordingError(
            f"{path} is damaged: its header announces shape {header.shape} and its "
            f"content differs; copy it again or run suite2p again."
        )
    return array
