"""The one door for NumPy files: object arrays are read, code in them is never run.

suite2p keeps dictionaries in `.npy` files, which NumPy writes as pickles, and a pickle
may call any function while it is read. Here a pickle may name six constructors only,
each replaced by one that builds plain arrays, numbers and dates.
"""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any, BinaryIO, NamedTuple

import numpy as np

from napari_celltype.errors import RecordingError
from napari_celltype.recording.pickle_scan import Refused
from napari_celltype.recording.unpickle import Damaged, safe_unpickle

# Object arrays hold ROI statistics and settings; 2 GiB is 100,000 ROIs and more.
MAX_OBJECT_BYTES = 2 << 30
# Traces compress by a few times; archives that unpack to less than this are let be.
MAX_RATIO, MAX_SMALL_BYTES = 100, 256 << 20

_HEADER_READERS: dict[tuple[int, int], Callable[..., Any]] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


class NpyHeader(NamedTuple):
    """What the first bytes of a `.npy` file say, checked against its size."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran_order: bool
    offset: int


# What NumPy's header parser raises on nonsense, depending on where it gives up.
_HEADER_ERRORS = (
    EOFError,
    KeyError,
    MemoryError,
    RecursionError,
    SyntaxError,
    TypeError,
    ValueError,
    TokenError,
)


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
    """Read a `.npz` archive of plain arrays; objects in it are refused.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    dict of str to ndarray
        Read-only arrays by their names.

    Raises
    ------
    RecordingError
        If the file is missing, damaged, holds objects, or would unpack to far more
        than traces can.
    """
    path = Path(path)
    arrays = {}
    with open_for_reading(path) as file:
        try:
            with zipfile.ZipFile(file) as archive:
                _require_reasonable(archive, path)
                for member in archive.infolist():
                    name = member.filename.removesuffix(".npy")
                    with archive.open(member) as content:
                        arrays[name] = _read_member(content, member, path)
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
            raise RecordingError(
                f"{path} is no .npz archive or is damaged ({error}); copy it again."
            ) from None
    return arrays


def _require_reasonable(archive: zipfile.ZipFile, path: Path) -> None:
    """Refuse an archive that unpacks to much more than it takes on disk."""
    packed = path.stat().st_size
    unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > MAX_SMALL_BYTES and unpacked > MAX_RATIO * packed:
        raise RecordingError(
            f"{path} was refused: its {packed:,} bytes unpack to {unpacked:,}, "
            f"which no traces do; get it from its source again."
        )


def _read_member(
    content: IO[bytes], member: zipfile.ZipInfo, path: Path
) -> np.ndarray[Any, Any]:
    where = f"{path} ({member.filename})"
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise RecordingError(
            f"{where} is packed in a way that NumPy never uses; save it again with "
            f"numpy.savez."
        )
    header = _parse_header(content, where)
    if header.dtype.hasobject:
        raise RecordingError(
            f"{where} holds objects instead of numbers or text, which is refused; save "
            f"it again as plain arrays."
        )
    n_bytes = math.prod(header.shape) * header.dtype.itemsize
    _require_size(member.file_size - header.offset, n_bytes, header.shape, where)
    # Grows as it is unpacked, so that a false size in the archive takes no memory.
    data = content.read(n_bytes)
    _require_size(len(data), n_bytes, header.shape, where)
    array = np.frombuffer(data, dtype=header.dtype)
    return array.reshape(header.shape, order="F" if header.fortran_order else "C")


@contextmanager
def open_for_reading(path: Path) -> Iterator[BinaryIO]:
    """Open a file, or say in one sentence why it cannot be opened or read on.

    Raises
    ------
    RecordingError
        Also inside the block, when a disk or network fails while the file is read.
    """
    try:
        with path.open("rb") as file:
            yield file
    except FileNotFoundError:
        raise RecordingError(
            f"{path} is missing; copy the whole suite2p folder and try again."
        ) from None
    except OSError as error:
        raise RecordingError(
            f"{path} cannot be read ({error.strerror or error}); check its permissions "
            f"and that its disk is connected."
        ) from None


def read_header(file: BinaryIO, path: Path) -> NpyHeader:
    """Read the header of an open `.npy` file and check it against the file's size.

    Raises
    ------
    RecordingError
        If it is no `.npy` file, or announces more data than the file holds.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    header = _parse_header(file, str(path))
    if not header.dtype.hasobject:
        n_bytes = math.prod(header.shape) * header.dtype.itemsize
        _require_size(size - header.offset, n_bytes, header.shape, str(path))
    return header


def _parse_header(file: IO[bytes], where: str) -> NpyHeader:
    try:
        version = np.lib.format.read_magic(file)
        shape, fortran_order, dtype = _HEADER_READERS[version](file)
    except _HEADER_ERRORS:
        raise RecordingError(
            f"{where} is not a NumPy .npy file, or its first bytes are damaged; copy "
            f"it again or run suite2p again."
        ) from None
    if not dtype.itemsize or any(n < 0 for n in shape):
        raise RecordingError(
            f"{where} announces values of shape {shape} of {dtype.itemsize} bytes, "
            f"which is impossible; copy it again or run suite2p again."
        )
    return NpyHeader(shape, dtype, fortran_order, file.tell())


def _require_size(
    there: int, announced: int, shape: tuple[int, ...], where: str
) -> None:
    if there < announced:
        raise RecordingError(
            f"{where} is truncated: it announces {announced:,} bytes of data (shape "
            f"{shape}) and holds {there:,}; copy it again or run suite2p again."
        )


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
    except Damaged as error:
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
