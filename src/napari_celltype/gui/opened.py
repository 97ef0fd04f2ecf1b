"""A recording that is open in the window, and what it is called there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_celltype.recording import Recording, recording_names, session_folder

if TYPE_CHECKING:
    from napari_celltype.answers import Predictions
    from napari_celltype.labels import LabelFile, LabelTable


@dataclass(frozen=True, eq=False)
class OpenRecording:
    """A recording that is open in the viewer, with its predictions and labels."""

    key: str  # in layer metadata and in the session
    recording: Recording
    predictions: Predictions | None = None
    labels: LabelTable | None = None
    notes: tuple[str, ...] = ()  # about what was found on opening, for the user
    label_file: LabelFile | None = None  # None for traces from elsewhere
    movie_path: Path | None = None  # of the user's choice, for reading it again


def titles_of(recordings: Collection[OpenRecording]) -> dict[str, str]:
    """Return short names by key: session folder and plane.

    Folders above stand before sessions of one name, as `recording_names` has them.
    """
    titles = {opened.key: opened.key for opened in recordings}
    alike = defaultdict(list)
    for opened in recordings:
        if (path := opened.recording.path) is not None:
            alike[session_folder(path).name].append((opened, path))
    for sessions in alike.values():
        names = recording_names([path for _, path in sessions])
        for (opened, path), name in zip(sessions, names, strict=True):
            is_plane = session_folder(path) != path
            plane = f" plane {opened.recording.plane}" if is_plane else ""
            titles[opened.key] = name + plane
    return titles
