"""Files that are either the old one or the complete new one, never half of it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from napari_celltype.errors import OutputError


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> Path:
    """Write a file through a temporary one in the same folder.

    Parameters
    ----------
    path : Path
        The file; its folder is made when it is missing.
    write : callable
        Takes the open binary file and writes the content.

    Returns
    -------
    Path
        The file written.

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
    """Write a file with a library that wants a file name, as `write_atomically` does.

    Parameters
    ----------
    path : Path
        The file; its folder is made when it is missing.
    write_at : callable
        Takes the name of a temporary file in the same folder, and writes it.

    Raises
    ------
    OutputError
        As `write_atomically`.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
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


def write_text_atomically(path: Path, text: str) -> Path:
    """Write UTF-8 text through a temporary file in the same folder.

    Raises
    ------
    OutputError
        As `write_atomically`.
    """
    return write_atomically(path, lambda file: file.write(text.encode()))
