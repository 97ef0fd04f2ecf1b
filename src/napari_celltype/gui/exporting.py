"""What of the open recordings is exported, and the dialog that saves a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QWidget

from napari_celltype.export import (
    FORMATS,
    ExportedRecording,
    ExportRequest,
    table_format,
    write_export,
)
from napari_celltype.gui.opened import OpenRecording
from napari_celltype.gui.session import Session
from napari_celltype.recording import file_of, recording_names


def exported(
    session: Session, chosen: Sequence[OpenRecording]
) -> list[ExportedRecording]:
    """Return what is known about recordings, as it is seen in the window."""
    found = []
    names = recording_names([opened.recording.path for opened in chosen])
    for opened, name in zip(chosen, names, strict=True):
        predictions = session.predictions(opened)
        classes = () if predictions is None else predictions.classes
        labels, tree = session.labels_seen(opened), session.tree.including(classes)
        found.append(
            ExportedRecording(opened.recording, name, labels, tree, predictions)
        )
    return found


def folder_of(opened: OpenRecording) -> Path:
    """Return where the first export of a recording starts: in it, or beside it."""
    path = opened.recording.path or Path()
    file = file_of(path)
    return path if file is None else file.parent


def save_table(parent: QWidget, session: Session, opened: OpenRecording) -> Path | None:
    """Write the output table where the user says; None when nothing was chosen."""
    filters = {
        f"{one.title} (*{one.ending})": one
        for one in FORMATS.values()
        if one.from_table
    }
    start = folder_of(opened) / "cell_types.csv"
    path, chosen = QFileDialog.getSaveFileName(
        parent, "Export table", str(start), ";;".join(filters)
    )
    if not path:
        return None
    target = Path(path)
    if not target.suffix:
        target = filters.get(chosen, FORMATS["csv"]).file(target)
    request = ExportRequest(table_format(target).key)
    # The dialog has asked already whether a file that is there may go.
    return write_export(exported(session, [opened]), request, target, force=True)
