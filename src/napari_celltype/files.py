"""Digests, writing in one step, locks, own folders, and files that others may read."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import platform
import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from filelock import FileLock, Timeout

from napari_celltype.errors import OutputError

# What a file system without locks answers, as some network shares do.
_NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)
# Machine, process and chance, and the seconds after which no writer lives on.
_TEMPORARY = re.compile(r"\..+\.([0-9a-f]{8})-(\d{1,9})-[0-9a-f]{8}\.part")
_ABANDONED = 86_400.0

_NAME = r"""[^\\/:;"<>|\s](?:[^\\/:;"<>|\t\r\n]*[^\\/:;"<>|\s'`(\[=,])?"""
# The folders of an absolute path, of any system, before its last name.
_FOLDERS = rf"(?:[A-Za-z]:)?[\\/]{{1,2}}(?:{_NAME}[\\/])*(?=[^\s\\/])"
_BEFORE_A_PATH = r"(?<![^\s\"'`(\[=,;])"


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def locked(path: Path, timeout: float = 0.0) -> Iterator[None]:
    """Hold a lock file, which no other process and no other thread holds meanwhile.

    The lock of a process that died is free. On a file system without locks, nobody is
    kept out. The folder is made when it is missing.

    Raises
    ------
    OutputError
        If another process holds the lock longer than `timeout` seconds, or if the
        folder cannot be written to.
    """
    # Other accounts that may write to the folder have to be able to lock as well.
    lock = FileLock(path, mode=0o666)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=timeout)
    except Timeout:
        raise OutputError(
            f"{path.parent} is in use by another process; wait for it, or choose "
            f"another folder."
        ) from None
    except NotImplementedError:
        pass
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise OutputError(
                f"{path.parent} cannot be written to ({error.strerror or error}); "
                f"choose another folder, or make room or give yourself write "
                f"permission there."
            ) from None
    try:
        yield
    finally:
        lock.release()


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> Path:
    """Write a file through a temporary one in the same folder: all of it or nothing.

    `write` takes the open binary file; the folder is made when it is missing.

    Raises
    ------
    OutputError
        If the folder cannot be written to or the disk is full; a file that was there
        before is untouched.
    """

    def write_into(temporary: Path) -> None:
        with temporary.open("xb") as file:
            write(file)

    return replace_atomically(path, write_into)


def replace_atomically(path: Path, write_at: Callable[[Path], object]) -> Path:
    """Write a file as `write_atomically`, with a library that wants a file name."""
    writer = f"{_machine()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    temporary = path.with_name(f".{path.name}.{writer}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _clear_abandoned(path.parent)
        write_at(temporary)
        with temporary.open("r+b") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        # Of a library's own words (HDF5's are many) the system's are the reason.
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise OutputError(
            f"{path} cannot be written ({reason}); choose another folder, or make room "
            f"or give yourself write permission there."
        ) from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    return path


def _machine() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def _clear_abandoned(folder: Path) -> None:
    """Remove the temporary files of writers that were killed, not those of others."""
    for name in os.listdir(folder):
        found = _TEMPORARY.fullmatch(name)
        if found is None:
            continue
        with suppress(OSError):
            is_old = time.time() - (folder / name).stat().st_mtime > _ABANDONED
            if is_old or (found[1] == _machine() and not _is_running(int(found[2]))):
                (folder / name).unlink()


def _is_running(process: int) -> bool:
    if os.name == "nt":  # A signal would end it there.
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def write_text_atomically(path: Path, text: str) -> Path:
    """Write UTF-8 text as `write_atomically` does."""
    return write_atomically(path, lambda file: file.write(text.encode()))


def start_lines(path: Path, *, force: bool = False) -> None:
    """Begin a file of JSON lines; `OutputError` if it is there or cannot be written."""
    if path.exists() and not force:
        raise OutputError(f"{path} is there already; choose another name, or --force.")
    write_text_atomically(path, "")


def add_line(path: Path, values: Mapping[str, Any]) -> None:
    """Add a line of JSON to a file, or raise `OutputError`."""
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(values, ensure_ascii=False, allow_nan=False) + "\n")
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(
            f"{path} cannot be written ({reason}); make room there."
        ) from None


def without_places(value: Any, roots: Iterable[Path] = ()) -> Any:
    """Return plain values in which no place of this machine stands, to be shared.

    An absolute path, also inside a sentence, is given from one of `roots` on, and one
    that is in none of them by its last name.
    """
    starts = sorted((str(r) for r in roots if r.parent != r), key=len, reverse=True)
    places = [rf"{re.escape(start)}[\\/]" for start in starts]
    place = re.compile(f"{_BEFORE_A_PATH}(?:{'|'.join([*places, _FOLDERS])})")

    def plain(value: Any) -> Any:
        if isinstance(value, str | Path):
            return place.sub("", str(value))
        if isinstance(value, Mapping):
            return {key: plain(inner) for key, inner in value.items()}
        return list(map(plain, value)) if isinstance(value, list | tuple) else value

    return plain(value)


def place_from(folder: Path, path: Path) -> str | None:
    """Return a path as seen from a folder, so that both can be moved together.

    None where it is neither in the folder nor beside it.
    """
    path, folder = path.expanduser().resolve(), folder.resolve()
    around = folder.parent
    # In the root, or beside the homes, the way would name this machine's folders.
    homes = Path(os.path.expanduser("~")).parent
    if not path.is_relative_to(around) or homes.is_relative_to(around):
        return None
    return Path(os.path.relpath(path, folder)).as_posix()


def claim_folder(folder: Path, *, force: bool = False) -> None:
    """Make a folder for results, or take one that an earlier run has made.

    Raises
    ------
    OutputError
        If the folder holds files that this program did not write and `force` is not
        set, or if it cannot be written.
    """
    marker = folder / ".napari-celltype"
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file, not a folder; choose another name.")
    if folder.is_dir() and not marker.exists() and any(folder.iterdir()) and not force:
        raise OutputError(
            f"{folder} holds files that this program did not write; choose an empty "
            "folder, or use --force to write into this one."
        )
    write_text_atomically(marker, "This folder was made by napari-celltype.\n")
