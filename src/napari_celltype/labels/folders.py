"""Folders of the user's that must not be overwritten by mistake."""

from __future__ import annotations

from pathlib import Path

from napari_celltype.errors import OutputError
from napari_celltype.labels.atomic import write_text_atomically

MARKER = ".napari-celltype"


def claim_folder(folder: Path, *, force: bool = False) -> None:
    """Make a folder for results, or take one that an earlier run has made.

    Raises
    ------
    OutputError
        If the folder holds files that this program did not write and `force` is not
        set, or if it cannot be written.
    """
    marker = folder / MARKER
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file, not a folder; choose another name.")
    if folder.is_dir() and not marker.exists() and any(folder.iterdir()) and not force:
        raise OutputError(
            f"{folder} holds files that this program did not write; choose an empty "
            "folder, or use --force to write into this one."
        )
    write_text_atomically(marker, "This folder was made by napari-celltype.\n")
