"""Ask for a folder or a file, beginning where the last one of its kind was found."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QWidget

from napari_celltype.gui.settings import Settings


def ask_folder(parent: QWidget, title: str, kind: str) -> Path | None:
    """Ask for a folder that is there; None where the user thinks better of it.

    Parameters
    ----------
    parent : QWidget
    title : str
    kind : str
        What is looked for, such as "recordings": each kind has its own last place.
    """
    start = Settings().folder(kind)
    return _remembered(QFileDialog.getExistingDirectory(parent, title, start), kind)


def ask_file(parent: QWidget, title: str, kind: str, files: str) -> Path | None:
    """Ask for a file that is there; None where the user thinks better of it.

    Parameters
    ----------
    parent : QWidget
    title : str
    kind : str
        As for `ask_folder`.
    files : str
        Which files are shown, such as ``"Tables (*.csv)"``.
    """
    start = Settings().folder(kind)
    return _remembered(
        QFileDialog.getOpenFileName(parent, title, start, files)[0], kind
    )


def _remembered(chosen: str, kind: str) -> Path | None:
    if not chosen:
        return None
    path = Path(chosen)
    # The folder beside which the next one is likely to be.
    Settings().set_folder(kind, path.parent)
    return path
