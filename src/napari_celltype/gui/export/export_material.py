"""What of the open recordings may be exported now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from napari_celltype.gui.opened import OpenRecording
from napari_celltype.gui.session import Session
from napari_celltype.recording.naming import recording_names
from napari_celltype.workflows.material import Material


def materials_of(session: Session, chosen: Sequence[OpenRecording]) -> list[Material]:
    """Return what is known about recordings, as it is seen in the window.

    Parameters
    ----------
    session : Session
        Threshold, types, and whether predictions may be seen, are the window's.
    chosen : sequence of OpenRecording
    """
    names = recording_names([opened.recording.path for opened in chosen])
    return [
        _material(session, opened, name)
        for opened, name in zip(chosen, names, strict=True)
    ]


def _material(session: Session, opened: OpenRecording, name: str) -> Material:
    predictions, tree = session.predictions(opened), session.tree
    labels = session.labels_seen(opened)
    if predictions is not None:
        labels = labels or predictions.labels
        tree = tree.including(predictions.classes)
        predictions = replace(predictions, min_probability=session.min_probability)
    return Material(opened.recording, name, predictions, labels, tree)
