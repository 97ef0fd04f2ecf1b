"""Labelled data for training and evaluation, whatever files they are kept in."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from os.path import exists, isfile
from pathlib import Path
from typing import Any

import numpy as np

from napari_celltype.celltypes import DEFAULT_TYPES, TypeTree
from napari_celltype.errors import LabelError
from napari_celltype.labels.choices import apply_choices
from napari_celltype.labels.common_frames import plan_frames
from napari_celltype.labels.gathering import Gathered, gather
from napari_celltype.labels.labelled_plane import describe_file
from napari_celltype.labels.notes import (
    counted,
    first_few,
    predictions_note,
    unusable_note,
)
from napari_celltype.labels.recording_list import (
    RecordingList,
    find_listed_planes,
    read_recording_list,
)
from napari_celltype.labels.targets import Targets
from napari_celltype.labels.trace_set import TEXTS, TraceSet, load_traces
from napari_celltype.progress import (
    OnProgress,
    Progress,
    ShouldStop,
    ignore_progress,
    never_stop,
)
from napari_celltype.recording import (
    recording_names,
    require_possible,
)

# What a trace set without a file is called in sentences.
IN_MEMORY = "traces in memory"


@dataclass(frozen=True, eq=False)
class LabelledData:
    """Labelled traces of one length and frame rate, and what they were made of.

    Attributes
    ----------
    traces : TraceSet
        Finite traces, none of them constant.
    name : str
        Of the file or the recording.
    tree : TypeTree
        The vocabulary, with the user's own types of all label files.
    notes : tuple of str
        A sentence for whatever was left out, cut or is unusual.
    fingerprint : str
        SHA-256 of traces, labels and all columns.
    inputs : list of dict
        The files that were read, in plain values for JSON.
    """

    traces: TraceSet
    name: str
    tree: TypeTree
    notes: tuple[str, ...]
    fingerprint: str
    inputs: list[dict[str, Any]]


def load_labelled_data(
    data: str | Path | TraceSet,
    *,
    labels: str | Path | None = None,
    timesteps: int | None = None,
    resample: float | None = None,
    sampling_frequency: float | None = None,
    neuropil: str | float = "none",
    plane: int | None = None,
    with_predictions: bool = False,
    merged: Mapping[str, str] | None = None,
    left_out: Sequence[str] = (),
    only_tested: bool = False,
    tree: TypeTree = DEFAULT_TYPES,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> LabelledData:
    """Read labelled data for training and evaluation.

    Parameters
    ----------
    data : str, Path or TraceSet
        A trace set (``.npz`` or in memory), a recording list (``.csv``), or a suite2p
        folder that has a label file.
    labels : str or Path or None
        A label table, or a folder of label files, for a suite2p folder.
    timesteps : int or None
        Frames of every trace, after `resample`; None for those of the shortest
        recording, as in Section IV-A. Shorter recordings are dropped.
    resample : float or None
        Bring all recordings down to this frame rate, Hz.
    sampling_frequency : float or None
        Frames per second of one plane (Hz), when the files do not say, or say it wrong.
    neuropil : "none" or float
        Take F, or F - C * Fneu; not for a trace set.
    plane : int or None
        Take this plane only, where a recording list names none.
    with_predictions : bool
        Keep labels that a model gave; their `label_source` stays ``prediction``.
    merged : mapping of str to str, optional
        Types whose cells are taken for a parent's, such as ``{"VIP": "IN"}``.
    left_out : sequence of str
        Types whose cells are not used.
    only_tested : bool
        Nothing is trained on these data, so that cells of one type will do.
    tree : TypeTree
        Vocabulary, extended by the types that label files name.
    on_progress, should_stop : callable
        See `napari_celltype.progress`.

    Returns
    -------
    LabelledData

    Raises
    ------
    LabelError
        If labels or options do not fit, frame rates differ, or there are not two
        types to learn from.
    RecordingError
        If a file is missing or cannot be read.
    Stopped
        If `should_stop` answered True.
    """
    path = Path(IN_MEMORY if isinstance(data, TraceSet) else data).expanduser()
    suffix = path.suffix.lower()
    if isinstance(data, TraceSet) or suffix == ".npz":
        _refuse(path, "labels", labels is not None)
        _refuse(path, "a plane", plane is not None)
        _refuse(path, "neuropil", neuropil != "none")
        on_progress(Progress(f"Reading {path.name}"))
        whole = (
            _respelled(data, tree)
            if isinstance(data, TraceSet)
            else load_traces(_existing(path), tree)
        )
        gathered = _of_trace_set(
            whole, path, tree, timesteps, resample, sampling_frequency, with_predictions
        )
        name = path.stem
    else:
        if suffix == ".csv":
            _refuse(path, "labels", labels is not None)
            recordings = read_recording_list(path, plane)
            name = path.stem
        elif isfile(path) and suffix != ".npy":
            raise LabelError(
                f"{path} is no labelled data; give a trace set (.npz), a recording "
                f"list (.csv) or a suite2p folder."
            )
        else:
            table = None if labels is None else Path(labels).expanduser()
            recordings = RecordingList(tuple(find_listed_planes(path, plane, table)))
            name = recording_names([recordings.planes[0].folder])[0]
        gathered = gather(
            recordings,
            tree,
            where=str(path),
            timesteps=timesteps,
            resample=resample,
            sampling_frequency=sampling_frequency,
            neuropil_coefficient=_coefficient(neuropil),
            with_predictions=with_predictions,
            on_progress=on_progress,
            should_stop=should_stop,
        )
    traces, chosen = apply_choices(
        gathered.traces, gathered.tree, merged or {}, left_out
    )
    notes = [*gathered.notes, *chosen]
    if not only_tested:
        notes += _check_types(traces, gathered.tree, path)
    inputs = [describe_file(path)] if isfile(path) else []
    return LabelledData(
        traces,
        name,
        gathered.tree,
        tuple(notes),
        fingerprint_of(traces, gathered.tree),
        [*inputs, *gathered.inputs],
    )


def fingerprint_of(traces: TraceSet, tree: TypeTree = DEFAULT_TYPES) -> str:
    """Return the SHA-256 of traces, labels, all columns and the user's own types."""
    own = [(t.name, t.parent) for t in tree.types if t not in DEFAULT_TYPES.types]
    digest = hashlib.sha256(f"{own} {traces.sampling_frequency}".encode())
    columns = {name: getattr(traces, name) for name in ("traces", "labels", *TEXTS)}
    for name, values in {**columns, **dict(sorted(traces.recorded.items()))}.items():
        if values is None:
            continue
        digest.update(f"{name} {values.shape}".encode())
        if values.dtype.kind == "U":
            digest.update("\0".join(values.tolist()).encode())
        else:
            order = values.dtype.newbyteorder("<")
            digest.update(np.ascontiguousarray(values, dtype=order).data)
    return digest.hexdigest()


def _of_trace_set(
    whole: TraceSet,
    path: Path,
    tree: TypeTree,
    timesteps: int | None,
    resample: float | None,
    sampling_frequency: float | None,
    with_predictions: bool,
) -> Gathered:
    rate = whole.sampling_frequency
    if sampling_frequency is not None:
        rate = require_possible(sampling_frequency)
    frames = plan_frames(
        [str(path)], [whole.n_frames], [rate], timesteps=timesteps, resample=resample
    )
    notes = list(frames.notes)
    rows = np.arange(len(whole))
    if whole.label_source is not None and not with_predictions:
        rows = np.flatnonzero(whole.label_source != "prediction")
        notes += predictions_note(len(whole) - len(rows))
    traces = np.empty((len(rows), frames.n_frames), dtype=np.float32)
    usable = frames.read(0, whole.traces, rows, traces)
    notes += unusable_note([f"row {row}" for row in rows[~usable].tolist()])
    if not usable.any():
        raise LabelError(
            f"{path} holds {counted(len(rows), 'trace')} with ground truth and none "
            f"can be used; check that they are finite and change."
        )
    # The columns alone, so that the traces are not copied once more.
    columns = replace(whole, traces=whole.traces[:, :1]).take(rows[usable])
    kept = traces[: len(columns)]
    return Gathered(
        replace(columns, traces=kept, sampling_frequency=frames.sampling_frequency),
        tree,
        notes,
        [],
    )


def _check_types(traces: TraceSet, tree: TypeTree, path: Path) -> list[str]:
    """Refuse labels of fewer than two types; tell cells that have two of them.

    Raises
    ------
    LabelError
        If there is nothing to tell apart.
    """
    targets = Targets.of(traces.labels, tree)
    if len(targets.classes) < 2:
        raise LabelError(
            f"All labels of {path} leave one type only, {targets.classes[0]}; a "
            f"classifier needs cells of at least two."
        )
    if traces.cell_id is None:
        return []
    cells, number = np.unique(traces.cell_id, return_inverse=True)
    possible = np.ones((len(cells), len(targets.classes)), dtype=bool)
    np.logical_and.at(possible, number, targets.allowed)
    torn = cells[~possible.any(axis=1)].tolist()
    if not torn:
        return []
    return [
        f"Labels that contradict each other in {counted(len(torn), 'cell')}: "
        f"{first_few(torn)}; check cell_id and labels."
    ]


def _existing(path: Path) -> Path:
    if not exists(path):
        raise LabelError(f"{path} does not exist; check the name of the trace set.")
    return path


def _respelled(traces: TraceSet, tree: TypeTree) -> TraceSet:
    """Return traces in memory with canonical names where the tree knows them."""
    names, rows = np.unique(traces.labels, return_inverse=True)
    canonical = []
    for name in names.tolist():
        try:
            canonical.append(tree.canonical(name))
        except LabelError:
            canonical.append(name)
    return replace(traces, labels=np.array(canonical)[rows])


def _refuse(path: Path, what: str, given: bool) -> None:
    if given:
        raise LabelError(
            f"{path} is no single recording, so {what} cannot be chosen for it; leave "
            f"that out."
        )


def _coefficient(neuropil: str | float) -> float:
    try:
        return 0.0 if neuropil == "none" else float(neuropil)
    except ValueError:
        raise LabelError(
            f"neuropil is {neuropil!r}; use none, or a number from 0 to 1 such as 0.7."
        ) from None
