"""The labelled traces of many recordings in one array."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.celltypes import TypeTree
from napari_celltype.errors import LabelError
from napari_celltype.labels.common_frames import CommonFrames, plan_frames
from napari_celltype.labels.labelled_plane import (
    LabelledPlane,
    merge_own_types,
    open_labelled_plane,
)
from napari_celltype.labels.notes import (
    first_few,
    notes_on_labels,
    notes_on_recordings,
    nothing_labelled,
    unusable_note,
)
from napari_celltype.labels.recording_list import RecordingList
from napari_celltype.labels.table import Label
from napari_celltype.labels.trace_set import TraceSet
from napari_celltype.progress import (
    OnProgress,
    Progress,
    ShouldStop,
    raise_if_stopped,
)
from napari_celltype.recording import recording_names


@dataclass(frozen=True, eq=False)
class Gathered:
    """What recordings gave.

    Attributes
    ----------
    traces : TraceSet
    tree : TypeTree
        With the user's own types of all label files.
    notes : list of str
        A sentence for whatever was left out or is unusual.
    inputs : list of dict
        What was read, in plain values for JSON.
    """

    traces: TraceSet
    tree: TypeTree
    notes: list[str]
    inputs: list[dict[str, Any]]


def gather(
    recordings: RecordingList,
    tree: TypeTree,
    *,
    where: str,
    timesteps: int | None,
    resample: float | None,
    sampling_frequency: float | None,
    neuropil_coefficient: float,
    with_predictions: bool,
    on_progress: OnProgress,
    should_stop: ShouldStop,
) -> Gathered:
    """Read the labelled traces of recordings, one recording after the other.

    See `load_labelled_data` for the parameters; `where` names the data in sentences.

    Raises
    ------
    CellTypeError
        If a recording or its labels cannot be used, or nothing is labelled.
    Stopped
        If `should_stop` answered True.
    """
    names = recording_names([listed.folder for listed in recordings.planes])
    tree = merge_own_types(recordings.planes, tree)
    opened: list[LabelledPlane] = []
    for done, (listed, name) in enumerate(zip(recordings.planes, names, strict=True)):
        raise_if_stopped(should_stop)
        on_progress(Progress(f"Reading the labels of {name}", done, len(names)))
        opened.append(
            open_labelled_plane(
                listed,
                name,
                tree,
                sampling_frequency=sampling_frequency,
                neuropil_coefficient=neuropil_coefficient,
                with_predictions=with_predictions,
            )
        )
    labelled = [plane for plane in opened if plane.rows]
    if not labelled:
        raise LabelError(nothing_labelled(where, opened))
    notes = notes_on_labels(opened)
    if recordings.unused:
        notes.append(
            f"Columns of the list that say nothing here: "
            f"{first_few(recordings.unused)}."
        )
    frames = plan_frames(
        [plane.title for plane in labelled],
        [plane.n_frames for plane in labelled],
        [plane.sampling_frequency for plane in labelled],
        timesteps=timesteps,
        resample=resample,
    )
    notes += [*frames.notes, *notes_on_recordings(labelled, frames)]
    traces, kept = _read(labelled, frames, on_progress, should_stop)
    unusable = [
        f"{plane.title} ROI {row.roi_id}"
        for plane, keep, usable in zip(labelled, frames.kept, kept, strict=True)
        if keep
        for row, good in zip(plane.rows, usable.tolist(), strict=True)
        if not good
    ]
    notes += unusable_note(unusable)
    if not len(traces):
        raise LabelError(
            f"None of the {len(unusable)} labelled traces of {where} can be used, "
            f"because they hold NaN or infinite values or never change; check F.npy."
        )
    columns = columns_of(labelled, kept)
    return Gathered(
        TraceSet(traces, sampling_frequency=frames.sampling_frequency, **columns),
        tree,
        notes,
        [plane.described for plane in opened],
    )


def _read(
    planes: Sequence[LabelledPlane],
    frames: CommonFrames,
    on_progress: OnProgress,
    should_stop: ShouldStop,
) -> tuple[NDArray[np.float32], list[NDArray[np.bool_]]]:
    """Return traces, and for each plane the labels whose trace is among them."""
    kept = [np.zeros(len(plane.rows), dtype=bool) for plane in planes]
    most = sum(len(k) for k, keep in zip(kept, frames.kept, strict=True) if keep)
    traces = np.empty((most, frames.n_frames), dtype=np.float32)
    n_read = 0
    for number, plane in enumerate(planes):
        raise_if_stopped(should_stop)
        if not frames.kept[number]:
            continue
        on_progress(
            Progress(f"Reading the traces of {plane.title}", number, len(planes))
        )
        rows = np.array([row.roi_id for row in plane.rows], dtype=np.int64)
        kept[number] = frames.read(number, plane.traces, rows, traces[n_read:])
        n_read += int(kept[number].sum())
    return traces[:n_read], kept


def columns_of(
    planes: Sequence[LabelledPlane], kept: Sequence[NDArray[np.bool_]]
) -> dict[str, Any]:
    """Return what is known of each example besides its trace, for a `TraceSet`.

    Parameters
    ----------
    planes : sequence of LabelledPlane
    kept : sequence of ndarray of bool, each (n_rows of the plane,)
        The labels of each plane that are examples.
    """
    rows = [
        (plane, row, n_pixels)
        for plane, keep in zip(planes, kept, strict=True)
        for row, n_pixels, good in zip(plane.rows, plane.n_pixels, keep, strict=True)
        if good
    ]
    facts = [plane.listed.facts for plane, _, _ in rows]
    subjects = [given.get("subject_id", "") for given in facts]
    lines = [given.get("line", "") for given in facts]
    recorded = {
        "n_pixels": [n_pixels for _, _, n_pixels in rows],
        "plane": [plane.plane for plane, _, _ in rows],
        "native_frames": [plane.n_frames for plane, _, _ in rows],
        "native_sampling_frequency": [
            plane.sampling_frequency or np.nan for plane, _, _ in rows
        ],
    }
    return {
        "labels": np.array([row.label for _, row, _ in rows]),
        "subject_id": np.array(subjects) if all(subjects) else None,
        "session_id": np.array(_sessions([plane for plane, _, _ in rows])),
        "cell_id": np.array(
            [_cell_id(plane, row, all(subjects)) for plane, row, _ in rows]
        ),
        "line": np.array(lines) if all(lines) else None,
        "label_source": np.array([row.source for _, row, _ in rows]),
        "recorded": {
            name: np.array(values, dtype=np.float64)
            for name, values in recorded.items()
            if not np.isnan(values).all()
        },
    }


def _sessions(planes: Sequence[LabelledPlane]) -> list[str]:
    """Name the session of each example; two animals never share one."""
    given = [
        (p.listed.facts.get("subject_id", ""), p.listed.facts.get("session_id", ""))
        for p in planes
    ]
    animals = Counter(session for _, session in set(given))
    return [
        plane.name
        if not session
        else (f"{subject}/{session}" if animals[session] > 1 else session)
        for (subject, session), plane in zip(given, planes, strict=True)
    ]


def _cell_id(plane: LabelledPlane, row: Label, subjects_known: bool) -> str:
    """Name a cell: as its labels do, below its animal, else by its ROI.

    Where the animal of a recording is not known it may be any of the others.
    """
    if not row.cell_id:
        return plane.roi_name(row.roi_id)
    subject = plane.listed.facts.get("subject_id")
    return f"{subject}/{row.cell_id}" if subjects_known else row.cell_id
