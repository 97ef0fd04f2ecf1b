"""Read what is to be opened: recordings with their labels, free of Qt."""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from threading import Thread

import numpy as np

from napari_celltype.errors import LabelError
from napari_celltype.gui.opened import OpenRecording, recording_key
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
    Recording,
    RoiMasks,
    attach_movie,
    find_planes,
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
    """Read every plane of a recording, or one of them."""
    folders = find_planes(path, plane)
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
    """Return the recording with the labels that are kept beside it."""
    if opened.recording.path is None:
        return opened
    file = LabelFile(opened.recording, labels_dir)
    opened = replace(opened, label_file=file)
    try:
        labels = file.load()
    except LabelError as error:
        return replace(opened, notes=(*opened.notes, str(error)))
    warnings = () if labels is None else labels.warnings
    return replace(opened, labels=labels, notes=(*opened.notes, *warnings))


def read_again(before: OpenRecording, now: OpenRecording) -> OpenRecording:
    """Return a recording read again, with the labels that were not saved so far."""
    file = before.label_file
    if file is None:
        return now
    unsaved = changed_rows(file.saved, before.labels or LabelTable())
    if _same_rois(before.recording, now.recording):
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
    return replace(now, labels=labels)


def _is_changed(file: LabelFile) -> bool:
    try:
        return file.is_changed()
    except LabelError:
        return True


def _same_rois(one: Recording, other: Recording) -> bool:
    masks = [RoiMasks.of(recording.rois) for recording in (one, other)]
    return one.n_rois == other.n_rois and all(
        np.array_equal(*(getattr(mask, name) for mask in masks))
        for name in ("starts", "ypix", "xpix")
    )


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
