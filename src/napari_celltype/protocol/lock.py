"""One process at a time: a file that the operating system locks, with its owner."""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from napari_celltype.errors import OutputError

# What the system says when somebody else holds the lock.
_TAKEN = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file.

    The lock of a process that died is free: the system takes it back. Where the file
    names an owner on another machine, nobody can tell whether that one lives.

    Raises
    ------
    OutputError
        If another process holds it, or may hold it on another machine.
    """
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror or error}); choose another "
            "folder, or give yourself write permission there."
        ) from None
    try:
        owner = _owner(file)
        if not _acquire(file) or (owner and owner[1] != socket.gethostname()):
            whose = f"process {owner[0]} on {owner[1]}" if owner else "another process"
            raise OutputError(
                f"{path.parent} is in use by {whose}; wait for it or choose another "
                f"folder, and if that process has died, delete {path}."
            )
        _write(file, json.dumps([os.getpid(), socket.gethostname()]))
        try:
            yield
        finally:
            _write(file, "")
    finally:
        os.close(file)


def _acquire(file: int) -> bool:
    """Lock an open file without waiting; say whether it worked."""
    try:
        if sys.platform == "win32":
            import msvcrt

            # Far beyond the text, which others have to be able to read.
            os.lseek(file, 2**30, os.SEEK_SET)
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        # A file system without locks (some network shares) keeps nobody out.
        return error.errno not in _TAKEN
    return True


def _owner(file: int) -> tuple[int, str] | None:
    """Return the process and the machine that the file names."""
    try:
        os.lseek(file, 0, os.SEEK_SET)
        process, host = json.loads(os.read(file, 1000))
    except (OSError, ValueError, TypeError):
        return None
    return process, host


def _write(file: int, text: str) -> None:
    # On a full disk the lock still holds, only nobody can read whose it is.
    with suppress(OSError):
        os.lseek(file, 0, os.SEEK_SET)
        os.ftruncate(file, 0)
        os.write(file, text.encode())
