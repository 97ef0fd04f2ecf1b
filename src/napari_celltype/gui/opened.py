"""A recording that is open in the window."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_celltype.recording import Recording, session_folder

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

    @property
    def session_title(self) -> str:
        """Name of the session folder."""
        path = self.recording.path
        return self.key if path is None else session_folder(path).name

    @property
    def plane_title(self) -> str:
        """Name of the plane."""
        return f"plane {self.recording.plane}"

    @property
    def title(self) -> str:
        """A short name: session folder and plane."""
        path = self.recording.path
        if path is None or session_folder(path) == path:
            return self.session_title
        return f"{self.session_title} {self.plane_title}"
