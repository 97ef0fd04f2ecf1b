"""A recording that is open in the window."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from napari_celltype.recording import FROM_USER, Recording, session_folder

if TYPE_CHECKING:
    from napari_celltype.answers import Predictions
    from napari_celltype.labels import LabelFile, LabelTable

_numbers = count(1)


@dataclass(frozen=True, eq=False)
class OpenRecording:
    """A recording that is open in the viewer, and what a model said about it.

    Attributes
    ----------
    key : str
        Names the recording in layer metadata and in the session.
    recording : Recording
    predictions : Predictions or None
    labels : LabelTable or None
        Ground truth, where there is some.
    notes : tuple of str
        Sentences for the user about what was found on opening.
    label_file : LabelFile or None
        Where the labels are saved; None for traces from elsewhere.
    movie_path : Path or None
        The movie of the user's choice, to be attached again when the folder is read
        again.
    """

    key: str
    recording: Recording
    predictions: Predictions | None = None
    labels: LabelTable | None = None
    notes: tuple[str, ...] = ()
    label_file: LabelFile | None = None
    movie_path: Path | None = None

    @property
    def session_title(self) -> str:
        """Name of the session folder."""
        path = self.recording.path
        if path is None:
            return self.key
        return session_folder(path).name

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

    @property
    def user_frequency(self) -> float | None:
        """The frame rate, Hz, where the user gave it."""
        if self.recording.sampling_frequency_source == FROM_USER:
            return self.recording.sampling_frequency
        return None


def with_recording(opened: OpenRecording, recording: Recording) -> OpenRecording:
    """Return an open recording with another movie or frame rate.

    Predictions made at another rate are dropped.
    """
    predictions = opened.predictions
    if recording.sampling_frequency != opened.recording.sampling_frequency:
        predictions = None
    if predictions is not None:
        predictions = replace(predictions, recording=recording)
    return replace(opened, recording=recording, predictions=predictions)


def recording_key(recording: Recording) -> str:
    """Return the key of a recording: its path, or a number where it has none."""
    if recording.path is None:
        return f"recording {next(_numbers)}"
    return str(recording.path.resolve())
