"""Digests of files, and lock files that keep other processes out."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from napari_celltype.errors import OutputError

# What a file system without locks answers, as some network shares do.
_NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal.

    Raises
    ------
    OSError
        If the file is not there or cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def locked(path: Path, timeout: float = 0.0) -> Iterator[None]:
    """Hold a lock file, which no other process and no other thread holds meanwhile.

    The lock of a process that died is free. On a file system without locks, nobody
    is kept out.

    Parameters
    ----------
    path : Path
        The lock file; it stays. Its folder is made when it is missing.
    timeout : float
        How long to wait for it, in seconds.

    Raises
    ------
    OutputError
        If another process holds it, or if its folder cannot be written to.
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
