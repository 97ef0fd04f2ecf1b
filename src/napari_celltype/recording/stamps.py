"""Size and time of change of files that suite2p may rewrite while we look at them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from napari_celltype.errors import RecordingError


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
