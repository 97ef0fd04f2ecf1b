"""How labelled data are read: the one reader of training, evaluation and the docks."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from os.path import exists, isfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype import progress
from napari_celltype.celltypes import DEFAULT_TYPES, TypeTree
from napari_celltype.errors import LabelError
from napari_celltype.labels.data_set import DataSet, taken_for
from napari_celltype.labels.labelled_recording import (
    LabelledRecording,
    merge_own_types,
    of_trace_set,
    open_listed,
)
from napari_celltype.labels.notes import counted, first_few
from napari_celltype.labels.obstacles import (
    Base,
    Frames,
    label_findings,
    plan_frames,
    require_none,
    type_obstacle,
)
from napari_celltype.labels.recording_list import (
    find_listed_planes,
    is_recording_list,
    read_recording_list,
)
from napari_celltype.labels.targets import Targets
from napari_celltype.labels.trace_set import (
    TEXTS,
    Cells,
    TraceSet,
    identity,
    load_traces,
)
from napari_celltype.parameters import (
    frame_rate_parameter,
    joins_parameter,
    neuropil_parameter,
    parameter,
    plane_parameter,
)
from napari_celltype.recording import (
    FILE_SUFFIXES,
    SeveralRecordings,
    recording_names,
    require_possible,
)
from napari_celltype.recording.windows import lively

# Samples that are read at once: 16 MB as float32, a few times that while averaging.
_BLOCK_SAMPLES = 1 << 22


@dataclass(frozen=True, eq=False)
class LabelledData:
    """Labelled traces of one length and frame rate, and what they were made of."""

    # None of them constant, NaN in gaps; one row for each window of a cell.
    traces: TraceSet
    # Of the file or the recording.
    name: str
    # The vocabulary, with the user's own types of all label files.
    tree: TypeTree
    # A sentence for whatever was left out, cut or is unusual.
    notes: tuple[str, ...]
    # SHA-256 of traces, labels and all columns.
    fingerprint: str
    # The cell of each window, from 0; windows of one follow each other. (n_windows,)
    cell: NDArray[np.int64]

    @property
    def cells(self) -> TraceSet:
        """The cells with all that is known of them, and their first window each."""
        return self.traces.take(np.flatnonzero(np.diff(self.cell, prepend=-1)))


@dataclass(frozen=True)
class Reading:
    """How labelled data are read."""

    labels: Path | None = parameter(
        None,
        "A label table, or a folder of label files, for a suite2p folder.",
        metavar="FILE",
    )
    timesteps: int | None = parameter(
        None,
        "Cut all traces to N frames; without it to the shortest. (Not the T of RNN and "
        "LSTM, the parts that a trace is cut into.)",
        minimum=1,
    )
    resample: float | None = parameter(
        None, "Bring all recordings down to this frame rate.", metavar="HZ"
    )
    sampling_frequency: float | None = frame_rate_parameter()
    neuropil: str | float = neuropil_parameter(
        "none",
        {"none": "raw F"},
        "Raw F, or F - C * Fneu, of recordings; of a trace set, what its traces are.",
    )
    plane: int | None = plane_parameter()
    joins: str = joins_parameter()
    with_predictions: bool = parameter(
        False, "Train on accepted predictions, too; they are never tested on."
    )
    merged: Mapping[str, str] = parameter(
        {},
        "Take cells of a type for its parent's, such as VIP=IN; may be repeated.",
        option="--merge",
        metavar="TYPE=PARENT",
        example="VIP=IN",
        repeated=True,
    )
    left_out: tuple[str, ...] = parameter(
        (),
        "Leave cells of a type out; may be repeated.",
        option="--leave-out",
        metavar="TYPE",
        repeated=True,
    )

    @classmethod
    def of(cls, data: DataSet, **changes: Any) -> Reading:
        """Return how a data set is read, with the choices that were made about it."""
        chosen: dict[str, Any] = {
            "resample": data.resample,
            "merged": dict(data.merged),
            "left_out": data.left_out,
        }
        return cls(**{**chosen, **changes})

    @property
    def coefficient(self) -> float:
        """The share of neuropil that is subtracted."""
        try:
            return 0.0 if self.neuropil == "none" else float(self.neuropil)
        except ValueError:
            raise LabelError(
                f"neuropil is {self.neuropil!r}; use none, or a number from 0 to 1 "
                "such as 0.7."
            ) from None

    def traces_are(self, data: str | Path | TraceSet) -> tuple[str, ...]:
        """Say what the traces of some data are, where that is known: not of arrays."""
        if isinstance(data, TraceSet) or Path(data).suffix.lower() == ".npz":
            return ()
        if self.neuropil == "none":
            return ("Traces were suite2p's raw fluorescence F.",)
        return (f"Traces were F - {self.neuropil} Fneu of suite2p.",)

    def open(
        self,
        data: str | Path | TraceSet | DataSet,
        *,
        on_progress: progress.OnProgress = progress.ignore_progress,
        should_stop: progress.ShouldStop = progress.never_stop,
    ) -> DataSet:
        """Open labelled data without reading the traces of recordings."""
        if isinstance(data, DataSet):
            return data
        if isinstance(data, TraceSet):
            path, suffix = Path("traces in memory"), ".npz"
        else:
            path = Path(data).expanduser()
            suffix = path.suffix.lower()
        is_list = is_recording_list(path)
        for what, value, refused in (
            ("labels", self.labels, suffix == ".npz" or is_list),
            ("a plane", self.plane, suffix == ".npz"),
        ):
            if value is not None and refused:
                raise LabelError(
                    f"{path} is no single recording, so {what} cannot be chosen for "
                    "it; leave that out."
                )
        if suffix == ".npz":
            on_progress(progress.Progress(f"Reading {path.name}"))
            if isinstance(data, TraceSet):
                traces = _respelled(data)
            elif exists(path):
                traces = load_traces(path)
            else:
                raise LabelError(
                    f"{path} does not exist; check the name of the trace set."
                )
            if self.sampling_frequency is not None:
                rate = require_possible(self.sampling_frequency)
                traces = replace(traces, sampling_frequency=rate)
            return DataSet((of_trace_set(traces, path),), name=path.stem, path=path)
        unused: tuple[str, ...] = ()
        if is_list:
            listed, unused = read_recording_list(path, self.plane)
            name = path.stem
        elif isfile(path) and suffix not in (".npy", *FILE_SUFFIXES):
            raise LabelError(
                f"{path} is no labelled data; give a trace set (.npz), a recording "
                "list (.csv), a suite2p folder or a file of another pipeline."
            )
        else:
            labels = None if self.labels is None else Path(self.labels).expanduser()
            try:
                listed = find_listed_planes(path, self.plane, labels)
            except SeveralRecordings as error:
                raise LabelError(
                    f"{error} To learn from all of them, make one trace set first: "
                    f"napari-celltype dataset {path} -o data.npz"
                ) from None
            name = recording_names([listed[0].folder])[0]
        tree = merge_own_types(listed, DEFAULT_TYPES)
        names = recording_names([plane.folder for plane in listed])
        opened = []
        for done, (plane, title) in enumerate(zip(listed, names, strict=True)):
            progress.raise_if_stopped(should_stop)
            on_progress(
                progress.Progress(f"Reading the labels of {title}", done, len(names))
            )
            opened.append(open_listed(plane, title, tree, self.sampling_frequency))
        return DataSet(tuple(opened), name=name, path=path, unused=unused)

    def load(
        self,
        data: str | Path | TraceSet | DataSet,
        *,
        base: Base | None = None,
        only_tested: bool = False,
        needs_rate: bool = False,
        on_progress: progress.OnProgress = progress.ignore_progress,
        should_stop: progress.ShouldStop = progress.never_stop,
    ) -> LabelledData:
        """Read labelled data of a file, a recording, a data set or an array in memory.

        Parameters
        ----------
        base : Base, optional
            The model that training starts from: traces are cut into its windows, with
            its frame rate and neuropil. Of a trace set it is taken for granted that
            its neuropil fits.
        only_tested : bool
            Nothing is trained on them: one type will do, and predictions are left out.
        needs_rate : bool
            Refuse data whose frame rate is not known.

        Raises
        ------
        LabelError, RecordingError
            If the data cannot be used.
        Stopped
            If `should_stop` answered True.
        """
        if base is not None and (self.timesteps, self.resample) != (None, None):
            raise LabelError(
                f"Frame rate and length are those of the model {base.name!r} that "
                "training starts from; leave --resample and --timesteps out."
            )
        how = self if base is None else replace(self, neuropil=base.neuropil)
        coefficient = how.coefficient
        opened = self.open(data, on_progress=on_progress, should_stop=should_stop)
        opened = opened.with_joins(self.joins)
        opened.require_one_kind()
        if base is None and opened.trace_set is not None and self.neuropil != "none":
            raise LabelError(
                f"{opened.path} is a trace set, so neuropil cannot be chosen for it; "
                "leave that out."
            )
        with_predictions = self.with_predictions and not only_tested
        found = [*label_findings(opened, with_predictions)]
        require_none(found)
        labelled = opened.labelled(with_predictions)
        frames = plan_frames(
            opened,
            labelled,
            timesteps=self.timesteps,
            resample=self.resample,
            base=base,
            needs_rate=needs_rate or base is not None,
        )
        require_none(frames.found)
        notes = [str(finding) for finding in (*found, *frames.found)]
        rows = [r.chosen(with_predictions) for r in labelled]
        traces, counts, useless = _read(
            labelled, rows, frames, coefficient, on_progress, should_stop
        )
        if useless:
            notes.append(
                f"Left out: {counted(len(useless), 'labelled trace')} of which too few "
                f"frames have a finite value, or without any change "
                f"({first_few(useless)})."
            )
        cells = opened.cells(with_predictions)
        if cells is None or not counts.any():
            raise LabelError(
                f"None of {counted(len(counts), 'labelled trace')} of {opened.name} "
                "can be used, because too few of their frames have a finite value, or "
                "they never change; check the traces (F.npy) and suite2p's badframes."
            )
        usable = cells.take(counts > 0)
        labels, chosen, choices = _apply_choices(
            usable.labels, opened.tree, self.merged, self.left_out
        )
        notes += choices
        n_windows = counts[counts > 0]
        if not chosen.all():
            traces = traces[np.repeat(chosen, n_windows)]
        cell = np.repeat(np.arange(int(chosen.sum())), n_windows[chosen])
        known = replace(usable, labels=labels).take(chosen)
        whole = known.take(cell).with_traces(traces, frames.sampling_frequency)
        if not only_tested:
            if (obstacle := type_obstacle(known.labels, opened.tree)) is not None:
                require_none([obstacle])
            notes += _contradictions(known, opened.tree)
        return LabelledData(
            whole,
            opened.name,
            opened.tree,
            tuple(notes),
            _fingerprint_of(whole, opened.tree),
            cell,
        )


def _respelled(traces: TraceSet) -> TraceSet:
    """Return traces in memory with canonical names where the tree knows them."""
    names, rows = np.unique(traces.labels, return_inverse=True)
    tree = DEFAULT_TYPES
    canonical = [
        tree.canonical(name) if tree.knows(name.strip(" !")) else name
        for name in names.tolist()
    ]
    return replace(traces, labels=np.array(canonical)[rows])


def _apply_choices(
    labels: NDArray[np.str_],
    tree: TypeTree,
    merged: Mapping[str, str],
    left_out: Collection[str],
) -> tuple[NDArray[np.str_], NDArray[np.bool_], list[str]]:
    """Return labels after choices about types, which are kept, and what was done."""
    merged = {tree.canonical(n): tree.canonical(p) for n, p in merged.items()}
    left_out = dict.fromkeys(tree.canonical(name) for name in left_out)
    names = np.array([taken_for(n, merged, left_out) for n in labels.tolist()])
    kept, notes = names != "", []
    for name, parent in merged.items():
        if name == parent or not tree.is_within(name, parent):
            raise LabelError(
                f"{name} cannot be merged into {parent}, which is not above it; choose "
                f"one of its parents, or leave {name} out."
            )
        n = counted(int((kept & (labels == name)).sum()), "trace")
        notes.append(f"Merged: {n} of {name} count as {parent}.")
    gone = Counter(n if n in left_out else merged.get(n) for n in labels.tolist())
    for name in left_out:
        n = counted(gone[name], "trace")
        notes.append(f"Left out, as chosen: {n} of {name}.")
    if not kept.any():
        raise LabelError("All types were left out; keep two or more.")
    return names, kept, notes


def _contradictions(cells: Cells, tree: TypeTree) -> list[str]:
    """Note cells whose labels leave no class possible."""
    names = identity(cells, "cell_id")
    if names is None or cells.cell_id is None:
        return []
    targets = Targets.of(cells.labels, tree)
    _, first, number = np.unique(names, return_index=True, return_inverse=True)
    possible = np.ones((len(first), len(targets.classes)), dtype=bool)
    np.logical_and.at(possible, number, targets.allowed)
    torn = cells.cell_id[first[~possible.any(axis=1)]].tolist()
    if not torn:
        return []
    return [
        f"Labels that contradict each other in {counted(len(torn), 'cell')}: "
        f"{first_few(torn)}; check cell_id and labels."
    ]


def means_by_cell(
    values: NDArray[np.float64], cell: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return means over the windows of each cell, shape (n_cells, ...)."""
    first = np.flatnonzero(np.diff(cell, prepend=-1))
    n = np.bincount(cell).reshape(-1, *[1] * (values.ndim - 1))
    means: NDArray[np.float64] = np.add.reduceat(values, first, axis=0) / n
    return means


def _fingerprint_of(traces: TraceSet, tree: TypeTree) -> str:
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


def _read(
    labelled: Sequence[LabelledRecording],
    rows: Sequence[NDArray[np.int64]],
    frames: Frames,
    coefficient: float,
    on_progress: progress.OnProgress,
    should_stop: progress.ShouldStop,
) -> tuple[NDArray[np.float32], NDArray[np.int64], list[str]]:
    """Return all windows, how many each cell has, and which traces say nothing."""
    jobs = list(zip(labelled, rows, frames.plans, strict=True))
    most = sum(len(chosen) * plan.n_windows for _, chosen, plan in jobs)
    target = np.empty((most, frames.n_frames), dtype=np.float32)
    counts, useless, n_read = [], [], 0
    for number, (recording, chosen, plan) in enumerate(jobs):
        progress.raise_if_stopped(should_stop)
        n_windows = np.zeros(len(chosen), dtype=np.int64)
        counts.append(n_windows)
        if not plan.pieces:
            continue
        on_progress(
            progress.Progress(
                f"Reading the traces of {recording.name}", number, len(jobs)
            )
        )
        traces = recording.traces(coefficient)
        roi_ids = recording.roi_ids[chosen]
        step = max(1, _BLOCK_SAMPLES // max(1, recording.n_frames))
        for start in range(0, len(roi_ids), step):
            block = slice(start, start + step)
            windows = plan.cut(np.asarray(traces[roi_ids[block]], dtype=np.float32))
            alive = lively(windows)
            n_windows[block] = alive.sum(axis=1)
            end = n_read + int(alive.sum())
            target[n_read:end] = windows[alive]
            n_read = end
        where = "row" if recording.trace_set is not None else f"{recording.name} ROI"
        useless += [f"{where} {row}" for row in roi_ids[n_windows == 0].tolist()]
    return target[:n_read], np.concatenate(counts), useless
