"""The one door for NumPy files: object arrays are read, code in them is never run.

suite2p keeps dictionaries in `.npy` files, which NumPy writes as pickles, and a pickle
may call any function while it is read; see `unpickle`. A file is stamped by size and
time, because suite2p may rewrite it meanwhile.
"""

from __future__ import annotations

import io
import math
import os
import struct
import sys
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any, BinaryIO, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import RecordingError
from napari_celltype.recording.unpickle import Damaged, Refused, safe_unpickle

_AGAIN = "copy it again or run suite2p again"
# Object arrays hold ROI statistics and settings; 2 GiB is 100,000 ROIs and more.
_MAX_OBJECT_BYTES = 2 << 30
# An array of more values or axes is none; NumPy itself fails on them.
_MOST_VALUES, _MOST_AXES = 1 << 48, 32
# Traces compress by a few times; archives that unpack to less than this are let be.
MAX_RATIO, MAX_SMALL_BYTES = 100, 256 << 20

_LFS_POINTER = b"version https://git-lfs"
_HEADER_READERS: dict[tuple[int, int], Callable[..., Any]] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
# What NumPy's header parser raises on nonsense, depending on where it gives up.
_HEADER_ERRORS = (
    *(ArithmeticError, EOFError, LookupError, MemoryError, RecursionError),
    *(SyntaxError, TypeError, ValueError, TokenError),
)
# What zipfile raises on damaged archives; names that are no UTF-8 are a ValueError.
_ZIP_ERRORS = (
    *(zipfile.BadZipFile, zlib.error, struct.error),
    *(ArithmeticError, EOFError, LookupError, RuntimeError, ValueError),
)


class NotFetched(RecordingError):
    """A file is there by its name alone."""


def require_fetched(start: bytes, where: object) -> None:
    """Refuse a file whose first bytes say that Git LFS has it elsewhere."""
    if start.startswith(_LFS_POINTER):
        raise NotFetched(
            f"{where} is a pointer of Git LFS and not the file itself; fetch it with: "
            f"git lfs pull"
        ) from None


class NpyHeader(NamedTuple):
    """What the first bytes of a `.npy` file say, checked against its size."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran_order: bool
    offset: int

    @property
    def n_bytes(self) -> int:
        """Bytes of data behind the header, unless they are objects."""
        return math.prod(self.shape) * self.dtype.itemsize

    def shaped(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return a flat array in the shape of the header, read-only."""
        order: Literal["F", "C"] = "F" if self.fortran_order else "C"
        array = values.reshape(self.shape, order=order)
        array.flags.writeable = False
        return array


def load_npy(path: str | Path) -> Any:
    """Read a `.npy` file, read-only, without running anything that it holds.

    An object array holds plain dicts, lists, numbers, strings, dates and arrays.
    `RecordingError` if the file is missing, damaged, truncated, or asks for code to be
    run.
    """
    path = Path(path)
    with open_for_reading(path) as file:
        header = read_header(file, path)
        if header.dtype.hasobject:
            return _read_objects(file, header, path)
        array = np.empty(math.prod(header.shape), dtype=header.dtype)
        read_exactly(file, array, path)
    return header.shaped(array)


def load_npz(path: str | Path) -> dict[str, np.ndarray[Any, Any]]:
    """Read a `.npz` archive of plain arrays, read-only, by their names.

    `RecordingError` if the file is missing, damaged, holds objects, or would unpack to
    far more than traces can.
    """
    path = Path(path)
    arrays = {}
    with open_for_reading(path) as file:
        try:
            with zipfile.ZipFile(file) as archive:
                packed = path.stat().st_size
                unpacked = sum(member.file_size for member in archive.infolist())
                if unpacked > MAX_SMALL_BYTES and unpacked > MAX_RATIO * packed:
                    raise RecordingError(
                        f"{path} was refused: its {packed:,} bytes unpack to "
                        f"{unpacked:,}, which no traces do."
                    )
                for member in archive.infolist():
                    with archive.open(member) as content:
                        array = _read_member(content, member, path)
                    arrays[member.filename.removesuffix(".npy")] = array
        except _ZIP_ERRORS as error:
            raise RecordingError(
                f"{path} is no .npz archive or is damaged ({error!s:.200}); copy "
                f"it again."
            ) from None
    return arrays


def _read_member(
    content: IO[bytes], member: zipfile.ZipInfo, path: Path
) -> np.ndarray[Any, Any]:
    where = f"{path} ({member.filename})"
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise RecordingError(
            f"{where} is packed as NumPy never does; save it with numpy.savez."
        )
    header = _parse_header(content, where, member.file_size)
    if header.dtype.hasobject:
        raise RecordingError(
            f"{where} holds objects, which are refused; save it as plain arrays."
        )
    # Grows as it is unpacked, so that a false size in the archive takes no memory.
    data = content.read(header.n_bytes)
    _require_size(len(data), header, where)
    return header.shaped(np.frombuffer(data, dtype=header.dtype))


@contextmanager
def open_for_reading(path: Path) -> Iterator[BinaryIO]:
    """Open a file, or say in one sentence why it cannot be opened or read on."""
    try:
        with path.open("rb") as file:
            yield file
    except FileNotFoundError:
        raise RecordingError(
            f"{path} is missing; copy the whole folder of the recording again."
        ) from None
    except OSError as error:
        raise RecordingError(
            f"{path} cannot be read ({error.strerror or error}); check its permissions "
            f"and that its disk is connected."
        ) from None


def read_header(file: BinaryIO, path: Path, *, whole: bool = True) -> NpyHeader:
    """Read the header of an open `.npy` file and check it against the file's size.

    Not `whole` is a file that may have more to come.
    """
    size = file.seek(0, io.SEEK_END) if whole else sys.maxsize
    file.seek(0)
    return _parse_header(file, str(path), size)


def _parse_header(file: IO[bytes], where: str, size: int) -> NpyHeader:
    try:
        with warnings.catch_warnings(action="ignore"):  # Of Python 2 and odd dtypes.
            version = np.lib.format.read_magic(file)
            shape, fortran_order, dtype = _HEADER_READERS[version](file)
    except _HEADER_ERRORS:
        file.seek(0)
        start = file.read(len(_LFS_POINTER))
        if not start:
            raise NotFetched(f"{where} is empty (0 bytes); {_AGAIN}.") from None
        require_fetched(start, where)
        raise RecordingError(
            f"{where} is not a NumPy .npy file, or is damaged; {_AGAIN}."
        ) from None
    fits = all(type(n) is int and 0 <= n <= _MOST_VALUES for n in shape)
    if not fits or len(shape) > _MOST_AXES or dtype.subdtype or not dtype.itemsize:
        raise RecordingError(
            f"{where} announces impossible values, {dtype} of shape "
            f"{str(shape)[:80]}; {_AGAIN}."
        )
    header = NpyHeader(shape, dtype, fortran_order, file.tell())
    if not dtype.hasobject:
        _require_size(size - header.offset, header, where)
    return header


def _require_size(there: int, header: NpyHeader, where: str) -> None:
    if there < header.n_bytes:
        raise RecordingError(
            f"{where} is truncated: it announces {header.n_bytes:,} bytes of data "
            f"(shape {header.shape}) and holds {there:,}; {_AGAIN}."
        )


def read_exactly(file: BinaryIO, target: np.ndarray[Any, Any], path: Path) -> None:
    """Fill a C-contiguous array from an open file."""
    view = target.reshape(-1).view(np.uint8).data
    if file.readinto(view) != len(view):  # type: ignore[attr-defined]
        raise RecordingError(
            f"{path} became shorter while it was read; open the recording again when "
            f"suite2p has finished."
        )


def _read_objects(file: BinaryIO, header: NpyHeader, path: Path) -> Any:
    # To the end: Python sets aside as much memory as is asked for.
    if os.fstat(file.fileno()).st_size > _MAX_OBJECT_BYTES:
        raise RecordingError(
            f"{path} holds more than {_MAX_OBJECT_BYTES >> 30} GiB of objects; check "
            f"that it is the right file."
        )
    try:
        array = safe_unpickle(file.read())
    except Refused as finding:
        raise RecordingError(
            f"{path} was refused, and nothing in it was run: {finding}; {_AGAIN}."
        ) from None
    except Damaged as error:
        raise RecordingError(
            f"{path} is damaged or truncated ({error!s:.200}); {_AGAIN}."
        ) from None
    if not isinstance(array, np.ndarray) or array.shape != header.shape:
        raise RecordingError(
            f"{path} is damaged: its content is not of shape {header.shape} as its "
            f"header says; {_AGAIN}."
        )
    return array


class FileStamp(NamedTuple):
    """A file's size in bytes and its time of last change in nanoseconds."""

    size: int
    mtime_ns: int


def file_stamp(path: Path) -> FileStamp | None:
    """Return the stamp of a file as it is now; None where it cannot be found."""
    try:
        status = path.stat()
    except OSError:
        return None
    return FileStamp(status.st_size, status.st_mtime_ns)


def require_stamp(path: Path) -> FileStamp:
    """Return the stamp of a file that was there a moment ago."""
    if (stamp := file_stamp(path)) is None:
        raise RecordingError(f"{path} vanished while it was opened; open it again.")
    return stamp


def describe_changes(stamps: Mapping[Path, FileStamp]) -> str | None:
    """Say in one sentence which files differ from their stamps; None if none does."""
    found: dict[str, list[str]] = {"changed": [], "vanished": []}
    for path, stamp in stamps.items():
        if (now := file_stamp(path)) != stamp:
            found["vanished" if now is None else "changed"].append(path.name)
    what = " and ".join(f"{', '.join(sorted(n))} {v}" for v, n in found.items() if n)
    if not what:
        return None
    return (
        f"In {next(iter(stamps)).parent}, {what} after this recording was opened "
        f"(suite2p may be saving); open the recording again to see what is there now."
    )


def require_unchanged(path: Path, stamp: FileStamp) -> None:
    """Refuse to read a file that is no longer the one that was opened."""
    if sentence := describe_changes({path: stamp}):
        raise RecordingError(sentence)
