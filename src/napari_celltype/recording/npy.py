"""The one door for NumPy files: object arrays are read, code in them is never run.

suite2p keeps dictionaries in `.npy` files, which NumPy writes as pickles, and a pickle
may call any function while it is read. Here a pickle may name six constructors only,
each replaced by one that builds plain arrays, numbers and dates.

Trace matrices are held in memory when they fit, else read in blocks; a file is stamped
by size and time, because suite2p may rewrite it meanwhile.
"""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import RecordingError
from napari_celltype.recording.unpickle import Damaged, Refused, safe_unpickle

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


MEMORY_LIMIT = 2 << 30


def trace_file(path: Path) -> FileTraces:
    """Describe a trace file (F.npy, Fneu.npy) without reading its values.

    Raises
    ------
    RecordingError
        If it is missing, truncated, or no (n_rois, n_frames) array of numbers.
    """
    with open_for_reading(path) as file:
        stamp = file_stamp(path)
        header = read_header(file, path)
    if len(header.shape) != 2 or header.dtype.kind not in "fiu":
        raise RecordingError(
            f"{path} holds {header.dtype} values of shape {header.shape} where one row "
            f"of numbers per ROI was expected; check that it is suite2p's file."
        )
    if 0 in header.shape:
        raise RecordingError(
            f"{path} is empty (shape {header.shape}): suite2p found no ROIs or no "
            f"frames; check its settings and run it again."
        )
    if stamp is None:
        raise RecordingError(f"{path} vanished while it was opened; open it again.")
    return FileTraces(path, header, stamp)


class FileTraces:
    """A (n_rois, n_frames) float32 matrix; rows are read when they are asked for.

    Indexing is that of an array: ``traces[i]``, ``traces[a:b]``, ``traces[rows, c:d]``.
    Every read first checks that the file is still the one that was opened.

    Parameters
    ----------
    path : Path
    header : NpyHeader
    stamp : FileStamp
    """

    def __init__(self, path: Path, header: NpyHeader, stamp: FileStamp) -> None:
        self.path = path
        self.stamp = stamp
        self._header = header

    @property
    def shape(self) -> tuple[int, int]:
        """Number of ROIs and number of frames."""
        n_rois, n_frames = self._header.shape
        return n_rois, n_frames

    @property
    def dtype(self) -> np.dtype[np.float32]:
        """Type of the values that indexing returns."""
        return np.dtype(np.float32)

    @property
    def nbytes(self) -> int:
        """Bytes that the whole matrix takes in memory."""
        return math.prod(self.shape) * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any, /) -> NDArray[np.float32]:
        rows, columns = key if isinstance(key, tuple) else (key, slice(None))
        wanted = np.arange(self.shape[0])[rows]
        require_unchanged(self.path, self.stamp)
        with open_for_reading(self.path) as file:
            if self._header.fortran_order:
                values = self._read_transposed(file)[wanted]
            else:
                values = self._read_rows(file, np.atleast_1d(wanted))
                values = values.reshape(np.shape(wanted) + self.shape[1:])
        values = values[..., columns].astype(np.float32, copy=False)
        values.flags.writeable = False
        return values

    def __array__(
        self, dtype: np.dtype[Any] | None = None, copy: bool | None = None
    ) -> NDArray[Any]:
        return self[:].astype(dtype or np.float32, copy=False)

    def _read_rows(self, file: Any, wanted: NDArray[np.int64]) -> NDArray[Any]:
        n_frames = self.shape[1]
        row_bytes = n_frames * self._header.dtype.itemsize
        values = np.empty((len(wanted), n_frames), dtype=self._header.dtype)
        # Neighbouring rows are read in one go.
        joins = np.flatnonzero(np.diff(wanted) != 1) + 1
        for run in np.split(np.arange(len(wanted)), joins):
            if len(run):
                file.seek(self._header.offset + int(wanted[run[0]]) * row_bytes)
                read_exactly(file, values[run[0] : run[-1] + 1], self.path)
        return values

    def _read_transposed(self, file: Any) -> NDArray[Any]:
        values = np.empty(self.shape[::-1], dtype=self._header.dtype)
        file.seek(self._header.offset)
        read_exactly(file, values, self.path)
        return values.T


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


def describe_changes(stamps: Mapping[Path, FileStamp]) -> str | None:
    """Say in one sentence which files differ from their stamps; None if none does."""
    now = {path: file_stamp(path) for path in stamps}
    gone = [path.name for path, stamp in now.items() if stamp is None]
    changed = [p.name for p, s in now.items() if s is not None and s != stamps[p]]
    if not gone and not changed:
        return None
    folder = next(iter(stamps)).parent
    findings = []
    if changed:
        findings.append(f"{_listed(changed)} changed")
    if gone:
        findings.append(f"{_listed(gone)} vanished")
    return (
        f"In {folder}, {' and '.join(findings)} after this recording was opened "
        f"(suite2p may be saving); open the recording again to see what is there now."
    )


def require_unchanged(path: Path, stamp: FileStamp) -> None:
    """Refuse to read a file that is no longer the one that was opened.

    Raises
    ------
    RecordingError
        If its size or time of change differs, or it is gone.
    """
    sentence = describe_changes({path: stamp})
    if sentence is not None:
        raise RecordingError(sentence)


def _listed(names: list[str]) -> str:
    return ", ".join(sorted(names))
