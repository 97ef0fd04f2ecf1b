"""Which files may be replaced: those that this program wrote and nobody has changed.

`OUT.provenance.json` beside each output names its SHA-256. An output that was edited by
hand no longer has it, and is protected like any other file of the user's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from napari_celltype.errors import OutputError
from napari_celltype.files import file_sha256
from napari_celltype.labels import (
    replace_atomically,
    write_atomically,
    write_text_atomically,
)
from napari_celltype.recording.folder import is_suite2p_file

FORMAT = "napari-celltype provenance"
VERSION = 1


def provenance_path(path: str | Path) -> Path:
    """Return ``OUT.provenance.json`` for an output."""
    path = Path(path)
    return path.with_name(path.name + ".provenance.json")


def read_provenance(path: str | Path) -> dict[str, Any] | None:
    """Return the provenance of an output; None where there is none to be read."""
    try:
        content = json.loads(provenance_path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        return None
    return content


def is_ours(path: str | Path) -> bool:
    """Tell whether this program wrote a file and nobody has changed it since."""
    content = read_provenance(path)
    return content is not None and content.get("sha256") == file_sha256(Path(path))


def require_replaceable(path: str | Path, force: bool = False) -> None:
    """Refuse to replace a file that this program did not write.

    Call it before long work, so that nobody waits for a refusal.

    Raises
    ------
    OutputError
        If the file is a folder or suite2p's, or is not ours and `force` is not set.
    """
    path = Path(path)
    if path.is_dir():
        raise OutputError(f"{path} is a folder; give the name of a file in it.")
    if path.exists() and is_suite2p_file(path):
        raise OutputError(
            f"{path} is suite2p's own file, which is never changed; choose another "
            "name."
        )
    if path.exists() and not force and not is_ours(path):
        raise OutputError(
            f"{path} is there already and was not written by napari-celltype, or was "
            f"changed since; choose another name, or replace it with --force "
            f"(force=True)."
        )


def write_output(
    path: str | Path,
    write: Callable[[BinaryIO], object],
    *,
    force: bool = False,
    provenance: Mapping[str, Any] | None = None,
) -> Path:
    """Write an output and its provenance, each in one step.

    Parameters
    ----------
    path : str or Path
    write : callable
        Takes the open binary file.
    force : bool
        Replace a file that this program did not write.
    provenance : mapping, optional
        What `provenance` returned; without it only the file's SHA-256 is noted.

    Raises
    ------
    OutputError
        If the file may not be replaced or cannot be written; what was there stays.
    """
    path = Path(path)
    require_replaceable(path, force)
    write_atomically(path, write)
    return _write_provenance(path, provenance)


def write_output_at(
    path: str | Path,
    write_at: Callable[[Path], object],
    *,
    force: bool = False,
    provenance: Mapping[str, Any] | None = None,
) -> Path:
    """Write an output with a library that wants a file name, as `write_output` does.

    Parameters
    ----------
    write_at : callable
        Takes the name of a temporary file in the same folder, and writes it.

    Raises
    ------
    OutputError
        As `write_output`.
    """
    path = Path(path)
    require_replaceable(path, force)
    replace_atomically(path, write_at)
    return _write_provenance(path, provenance)


def _write_provenance(path: Path, provenance: Mapping[str, Any] | None) -> Path:
    # Stopped between the two files, the output is complete and needs --force next time.
    of_this_file = {
        "format": FORMAT,
        "version": VERSION,
        "file": path.name,
        "sha256": file_sha256(path),
    }
    # Last again, because the provenance may have been read from another output.
    content = {**of_this_file, **(provenance or {}), **of_this_file}
    text = json.dumps(content, indent=1, ensure_ascii=False, default=str)
    write_text_atomically(provenance_path(path), text + "\n")
    return path
