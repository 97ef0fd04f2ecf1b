"""Read what is to be opened: recordings with their labels, free of Qt."""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from threading import Thread

from napari_celltype.errors import LabelError
from napari_celltype.gui.opened import OpenRecording
from napari_celltype.labels import LabelFile, LabelTable, SetAside
from napari_celltype.labels.matching import find_again, mask_runs
from napari_celltype.labels.table import changed_rows
from napari_celltype.progress import (
    OnProgress,
    Progress,
    ShouldStop,
    ignore_progress,
    never_stop,
    raise_if_stopped,
)
from napari_celltype.recording import (
    attach_movie,
    find_planes,
    fingerprint,
    open_recording,
)


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
    """Read every plane of a recording, or one of them, with its labels."""
    folders = find_planes(path, plane)
    found = []
    for number, folder in enumerate(folders):
        raise_if_stopped(should_stop)
        on_progress(Progress(f"Reading {folder.name}", number, len(folders)))
        recording = open_recording(folder, sampling_frequency=sampling_frequency)
        if movie is not None:
            recording = attach_movie(recording, movie)
        labels, notes = None, tuple[str, ...]()
        file = LabelFile(recording, labels_dir)
        try:
            labels = file.load()
        except LabelError as error:
            notes = (str(error),)
        if labels is not None:
            notes = labels.warnings
        key = str(folder.resolve())
        opened = OpenRecording(key, recording, None, labels, notes, file, movie)
        found.append(opened)
    return found


def read_again(before: OpenRecording, now: OpenRecording) -> OpenRecording:
    """Return a recording read again, with the labels that were not saved so far."""
    file = before.label_file
    if file is None:
        return now
    unsaved = changed_rows(file.saved, before.labels or LabelTable())
    if fingerprint(before.recording) == fingerprint(now.recording):
        if not unsaved and _is_changed(file):
            return now
        file.recording = now.recording
        return replace(now, labels=before.labels, label_file=file)
    if not unsaved:
        return now
    runs = mask_runs(before.recording.rois, list(unsaved))
    found = find_again(runs, now.recording.rois)
    table = now.labels or LabelTable()
    if before.labels is not None:
        table = replace(table, tree=table.tree.with_types_of(before.labels.tree))
    rows = table.by_roi()
    aside = []
    for former, row in unsaved.items():
        if former in found:
            rows.pop(found[former], None)
        if row is not None and former in found:
            rows[found[former]] = replace(row, roi_id=found[former])
        elif row is not None:
            aside.append(SetAside(row, runs[former]))
    labels = replace(
        table, rows=tuple(rows.values()), set_aside=(*table.set_aside, *aside)
    )
    return replace(now, labels=labels.on_merged(now.recording.merged_into))


def _is_changed(file: LabelFile) -> bool:
    try:
        return file.is_changed()
    except LabelError:
        return True


def import_torch_in_background() -> None:
    """Import torch in a thread of its own, where that was not done yet."""
    if "torch" not in sys.modules:
        Thread(target=import_module, args=("torch",), name="import torch").start()


def prepare_for_layers() -> None:
    """Import what the first layer and its table of features need."""
    import numpy as np
    from napari.layers import Labels

    import_module("pandas")
    Labels(np.zeros((1, 1), dtype=np.uint8))
