"""Read what is to be opened: recordings with their labels, free of Qt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from napari_celltype.errors import LabelError, RecordingError
from napari_celltype.gui.opened import OpenRecording, recording_key
from napari_celltype.labels import LabelKeeper
from napari_celltype.progress import (
    OnProgress,
    Progress,
    ShouldStop,
    ignore_progress,
    never_stop,
    raise_if_stopped,
)
from napari_celltype.recording import attach_movie, find_planes, open_recording


def read_recordings(
    path: Path,
    *,
    plane: int | None = None,
    sampling_frequency: float | None = None,
    movie: Path | None = None,
    labels_dir: Path | None = None,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> list[OpenRecording]:
    """Read every plane of a recording, or one of them.

    Parameters
    ----------
    path : Path
        A session folder, its `suite2p` folder, a plane folder, or a `stat.npy`.
    plane : int, optional
        Take only this one.
    sampling_frequency : float, optional
        Frames per second and plane, Hz, where the files do not say or say it wrong.
    movie : Path, optional
        The imaging stack.
    labels_dir : Path, optional
        Folder of label files, for recordings that are read-only.
    on_progress, should_stop : callable, optional
        See `napari_celltype.progress`.

    Raises
    ------
    RecordingError
        With a sentence that says what is wrong and what to do.
    Stopped
        If `should_stop` answered True.
    """
    folders = find_planes(path)
    if plane is not None:
        numbered = [folder for folder in folders if folder.name == f"plane{plane}"]
        if not numbered:
            raise RecordingError(
                f"{path} has no plane {plane}; it has "
                f"{', '.join(folder.name for folder in folders)}."
            )
        folders = numbered
    found = []
    for number, folder in enumerate(folders):
        raise_if_stopped(should_stop)
        on_progress(Progress(f"Reading {folder.name}", number, len(folders)))
        recording = open_recording(folder, sampling_frequency=sampling_frequency)
        if movie is not None:
            recording = attach_movie(recording, movie)
        key = recording_key(recording)
        opened = OpenRecording(key, recording, movie_path=movie)
        found.append(with_labels(opened, labels_dir))
    return found


def with_labels(opened: OpenRecording, labels_dir: Path | None = None) -> OpenRecording:
    """Return the recording with the labels that are kept beside it.

    A label file that cannot be used is left alone; its sentence joins the notes.
    """
    if opened.recording.path is None:
        return opened
    keeper = LabelKeeper(opened.recording, labels_dir)
    opened = replace(opened, keeper=keeper)
    try:
        labels = keeper.load()
    except LabelError as error:
        return replace(opened, notes=(*opened.notes, str(error)))
    warnings = () if labels is None else labels.warnings
    return replace(opened, labels=labels, notes=(*opened.notes, *warnings))
