"""One labelled recording: all that is known of it before its traces are read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype import progress
from napari_celltype.celltypes import DEFAULT_TYPES, TypeTree
from napari_celltype.errors import CellTypeError, LabelError
from napari_celltype.labels.csv_table import read_label_table
from napari_celltype.labels.label_file import find_label_file, load_labels, own_types
from napari_celltype.labels.recording_list import (
    ListedPlane,
    is_recording_list,
    read_recording_list,
)
from napari_celltype.labels.table import Label, LabelTable
from napari_celltype.labels.trace_set import Cells, TraceSet, load_traces
from napari_celltype.recording import (
    FROM_TIFF,
    FROM_USER,
    Recording,
    RoiMasks,
    Segment,
    Traces,
    file_of,
    find_recordings,
    open_recording,
    recording_names,
    session_folder,
    subtract_neuropil,
)

# What the user can change about a recording, and its column in a recording list.
_EDITABLE = {"subject": "subject_id", "session": "session_id", "line": "line"}

# What animals and sessions are called in paths.
_EDGE, _END = r"(?<![A-Za-z0-9])", r"(?![A-Za-z0-9])"
_DATE = (
    r"(?<!\d)(?:(?:19|20)\d\d([-_.]?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])"
    r"|\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))(?!\d)"
)
_SUBJECTS = (
    rf"{_EDGE}sub-(?P<name>[A-Za-z0-9]+)",
    rf"{_EDGE}(?P<name>(?:mouse|mice|animal|subject|subj|rat)[-_ #]?\d+[A-Za-z]?)"
    rf"{_END}",
    # M2 may also be a part of the cortex, so that it gives way to a word.
    rf"{_EDGE}(?P<name>(?:an|ms|m)[-_ #]?\d+[A-Za-z]?){_END}",
)
_SESSIONS = (
    r"(?<![A-Za-z])ses-(?P<bids>[A-Za-z0-9]+)",
    _DATE,
    rf"{_EDGE}(?:session|sess|ses|day|run|rec|recording|exp|experiment|fov|d|s)"
    rf"[-_ #]?\d+[A-Za-z]?{_END}",
)
# Tags that labs give to animals: TX61, JB-012, KO3.
_TAG = re.compile(r"(?!data|exp)[A-Za-z]{1,4}[-_]?\d{1,5}[A-Za-z]?", re.IGNORECASE)
_PLANE = re.compile(r"plane\d+|combined|suite2p|stat\.npy|Fall\.mat", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class LabelledRecording:
    """One plane with its labels, or a whole trace set."""

    # The plane folder, or a trace set (.npz).
    path: Path
    # In tables and sentences.
    name: str
    plane: int = 0
    # Empty where they are not known.
    subject: str = ""
    session: str = ""
    line: str = ""
    # A label table, or a folder of label files; None for the recording's own file.
    labels: Path | None = None
    # Of the recording; of a trace set its examples.
    n_frames: int = 0
    n_rois: int = 0
    # Frames per second, Hz.
    sampling_frequency: float | None = None
    # Whether the user or a list gave that rate.
    frequency_given: bool = False
    # Whether anybody ever set that rate, which may be suite2p's default.
    frequency_confirmed: bool = True
    # The labels that name a type, a parent or a negation, in the order of the ROIs;
    # predictions are among them, parts of merged ROIs are not.
    rows: tuple[Label, ...] = ()
    # Labels of parts of merged ROIs, and of ROIs that are not there any more.
    n_parts: int = 0
    n_set_aside: int = 0
    # About the labels, when they were read.
    notes: tuple[str, ...] = ()
    # What a list or its own file says of the recording.
    facts: Mapping[str, str] = field(default_factory=dict)
    # Those of `_EDITABLE` that the user or a list gave; the others are guesses.
    given: frozenset[str] = frozenset()
    # The vocabulary, with the user's own types of its labels.
    tree: TypeTree = DEFAULT_TYPES
    # As it is open in the window or on disk; traces are read when they are needed.
    recording: Recording | None = None
    # Its labels in the window, which count in place of those on disk.
    table: LabelTable | None = None
    trace_set: TraceSet | None = None
    # Pixels of each ROI, shape (n_rois,).
    roi_pixels: NDArray[np.int64] | None = field(default=None, repr=False)

    @cached_property
    def key(self) -> str:
        """Names the recording within a data set."""
        return str(self.path.resolve())

    @cached_property
    def cells(self) -> Cells:
        """All labelled cells, without their traces; `cell_id` is empty if not given."""
        if self.trace_set is not None:
            return self.trace_set.cells
        return Cells(
            np.array([row.label for row in self.rows], dtype=str),
            cell_id=np.array([row.cell_id for row in self.rows], dtype=str),
            label_source=np.array([row.source for row in self.rows], dtype=str),
        )

    @cached_property
    def roi_ids(self) -> NDArray[np.int64]:
        """The row in the traces of each cell."""
        if self.trace_set is not None:
            return np.arange(len(self.trace_set))
        return np.array([row.roi_id for row in self.rows], dtype=np.int64)

    def chosen(self, with_predictions: bool = False) -> NDArray[np.int64]:
        """Return which cells count: those with ground truth, or predictions as well."""
        source = self.cells.label_source
        if source is None or with_predictions:
            return np.arange(len(self.cells))
        return np.flatnonzero(source != "prediction")

    @property
    def n_predictions(self) -> int:
        """Labels that a model gave, which are no ground truth."""
        return len(self.cells) - len(self.chosen())

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """Cells with ground truth by label."""
        return self.cells.take(self.chosen()).counts()

    def recorded(self, rows: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
        """Return what is known of `RECORDED` for some cells; NaN where it is not."""
        pixels = self.roi_pixels
        values: dict[str, Any] = {
            "n_pixels": None if pixels is None else pixels[self.roi_ids[rows]],
            "plane": self.plane,
            "native_frames": self.n_frames,
            "native_sampling_frequency": self.sampling_frequency,
        }
        return {n: np.full(len(rows), v, dtype=np.float64) for n, v in values.items()}

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Frame ranges between which nothing is continuous."""
        if self.recording is None:
            return (Segment(0, self.n_frames),)
        return self.recording.segments

    def traces(self, neuropil_coefficient: float) -> Traces:
        """Return the traces of all ROIs, not yet read."""
        if self.trace_set is not None:
            return self.trace_set.traces
        assert self.recording is not None
        return subtract_neuropil(self.recording, neuropil_coefficient)


def open_listed(
    listed: ListedPlane,
    name: str,
    tree: TypeTree = DEFAULT_TYPES,
    sampling_frequency: float | None = None,
) -> LabelledRecording:
    """Open one plane of a recording list and read its labels."""
    try:
        recording = open_recording(
            listed.folder,
            sampling_frequency=listed.sampling_frequency or sampling_frequency,
            in_memory=False,
        )
        table = _labels(listed, recording, tree)
    except CellTypeError as error:
        raise type(error)(f"{listed.place}{error}") from None
    if listed.one_of_several or recording.plane > 0:
        name = f"{name} plane {recording.plane}"
    facts = listed.facts
    given = {n: facts[column] for n, column in _EDITABLE.items() if column in facts}
    opened = _of_recording(recording, name, table)
    return replace(
        opened,
        path=listed.folder,
        labels=listed.labels,
        frequency_given=listed.sampling_frequency is not None,
        facts={**opened.facts, **facts},
        given=frozenset(given),
        tree=tree,
        # Masks of many recordings would fill the memory, and nobody needs them more.
        recording=replace(recording, rois=(), images={}, movie=None),
        **given,  # type: ignore[arg-type]
    )


def of_open_recording(
    recording: Recording, labels: LabelTable | None, name: str
) -> LabelledRecording | None:
    """Return an open recording with its labels in memory; None if it has no folder."""
    if recording.path is None:
        return None
    table = LabelTable() if labels is None else labels
    opened = replace(
        _of_recording(recording, name, table),
        # From the user, or from a movie that the folder does not know.
        frequency_given=recording.sampling_frequency_source in (FROM_USER, FROM_TIFF),
        tree=table.tree,
        table=table,
    )
    return _guessed(opened)


def of_trace_set(
    traces: TraceSet, path: Path, tree: TypeTree = DEFAULT_TYPES
) -> LabelledRecording:
    """Return a trace set as the one recording of a data set."""
    return LabelledRecording(
        path,
        path.name,
        n_frames=traces.n_frames,
        n_rois=len(traces),
        sampling_frequency=traces.sampling_frequency,
        tree=tree,
        trace_set=traces,
    )


def find_labelled(
    paths: Iterable[Path],
    *,
    tree: TypeTree = DEFAULT_TYPES,
    labels_dir: Path | None = None,
    sampling_frequency: float | None = None,
    on_progress: progress.OnProgress = progress.ignore_progress,
    should_stop: progress.ShouldStop = progress.never_stop,
) -> tuple[tuple[LabelledRecording, ...], tuple[str, ...]]:
    """Find labelled recordings; one that cannot be read does not stop the others.

    Parameters
    ----------
    paths : iterable of Path
        Recordings, folders that hold many, recording lists (``.csv``) and trace sets
        (``.npz``).
    tree : TypeTree
        Vocabulary, extended by the types that label files name.
    labels_dir : Path, optional
        The labels folder of the user's choice, looked in before the recordings' own.
    sampling_frequency : float, optional
        Hz, of all, where the files do not say or say it wrong.

    Returns
    -------
    recordings : tuple of LabelledRecording
        Subject and session are guessed from the path where nothing gives them.
    failures : tuple of str
        A sentence for each path that gave nothing.
    """
    found: list[LabelledRecording] = []
    listed: list[ListedPlane] = []
    failures: list[str] = []
    for path in paths:
        progress.raise_if_stopped(should_stop)
        on_progress(progress.Progress(f"Looking into {path.name}"))
        try:
            if path.suffix.lower() == ".npz":
                found.append(of_trace_set(load_traces(path, tree), path, tree))
            elif is_recording_list(path):
                listed += read_recording_list(path)[0]
            else:
                listed += _planes_below(path, labels_dir)
        except CellTypeError as error:
            failures.append(str(error))
    # A plane counts once: as a list has it, by its own path, or as a second analysis.
    listed.sort(key=lambda plane: (plane.second_of is not None, not plane.place))
    once = dict[Path, ListedPlane]()
    for plane in listed:
        first = once.setdefault(plane.folder.resolve(), plane)
        if plane.place and first is not plane:
            failures.append(f"{plane.place}{plane.folder} was given before; left out.")
    # What gave a session its labels.
    labelled = dict[Path, Path]()
    names = recording_names([plane.folder for plane in once.values()])
    for done, (plane, name) in enumerate(zip(once.values(), names, strict=True)):
        progress.raise_if_stopped(should_stop)
        # A second analysis counts only where it is the one that has labels.
        own = session_folder(plane.folder)
        session = plane.second_of or own
        if labelled.get(session, own) != own:
            continue
        on_progress(progress.Progress(f"Reading the labels of {name}", done, len(once)))
        try:
            types = merge_own_types([plane], tree)
            opened = open_listed(plane, name, types, sampling_frequency)
            found.append(_guessed(opened))
            if opened.rows:
                labelled.setdefault(session, own)
        except CellTypeError as error:
            failures.append(str(error))
    return tuple(found), tuple(failures)


def _planes_below(path: Path, labels_dir: Path | None) -> list[ListedPlane]:
    """Return the planes at or below a path, and second analyses of their sessions."""
    found = find_recordings([path])
    folders = (*found.planes, *found.second)
    siblings = Counter(map(session_folder, folders))
    labels = labels_dir if labels_dir and labels_dir.is_dir() else None
    return [
        ListedPlane(
            folder,
            labels=labels,
            one_of_several=siblings[session_folder(folder)] > 1,
            second_of=found.second.get(folder),
        )
        for folder in folders
    ]


def merge_own_types(planes: Iterable[ListedPlane], tree: TypeTree) -> TypeTree:
    """Return one tree with the user's own types of all label files."""
    origin: dict[str, str] = {}
    for listed in planes:
        # A table takes the place of the label file.
        if listed.labels is not None and not listed.labels.is_dir():
            continue
        file = find_label_file(listed.folder, listed.labels)
        for new in () if file is None else own_types(file):
            try:
                known = tree[tree.canonical(new.name)]
            except LabelError:
                tree = tree.with_type(new.name, color=new.color, parent=new.parent)
                origin[new.name] = str(file)
                continue
            if (known.name, known.parent) != (new.name, new.parent):
                raise LabelError(
                    f"{file} has the type {new.name!r} below {new.parent}, and "
                    f"{origin.get(known.name, 'the vocabulary')} has {known.name!r} "
                    f"below {known.parent}; give it one name and one parent."
                )
    return tree


def _of_recording(
    recording: Recording, name: str, table: LabelTable
) -> LabelledRecording:
    """Sort the labels of a recording by whether its ROI is part of a merged one."""
    assert recording.path is not None
    given = sorted((row for row in table if row.names_type), key=lambda r: r.roi_id)
    whole = tuple(r for r in given if recording.merged_into[r.roi_id] < 0)
    n_pixels = RoiMasks.of(recording.rois).n_pixels
    known: dict[str, Any]
    known = {n: recording.facts.get(column, "") for n, column in _EDITABLE.items()}
    return LabelledRecording(
        recording.path,
        name,
        recording.plane,
        n_frames=recording.n_frames,
        n_rois=recording.n_rois,
        sampling_frequency=recording.sampling_frequency,
        frequency_confirmed=recording.sampling_frequency_confirmed,
        rows=whole,
        n_parts=len(given) - len(whole),
        n_set_aside=len(table.set_aside),
        notes=table.warnings,
        facts=recording.facts,
        recording=recording,
        roi_pixels=n_pixels if len(n_pixels) else None,
        **known,
    )


def _guessed(recording: LabelledRecording) -> LabelledRecording:
    """Guess from the path what nothing says; a user can change it."""
    subject, session = guess_from_path(recording.path)
    guesses: dict[str, Any] = {"subject": subject, "session": session}
    unknown = {
        n: v
        for n, v in guesses.items()
        if n not in recording.given and not getattr(recording, n)
    }
    return replace(recording, **unknown)


def guess_from_path(path: Path) -> tuple[str, str]:
    """Return subject and session, empty where the path says nothing.

    BIDS and NWB names (``sub-01/ses-02``), words with numbers (``mouse12/day2``), dates
    with what follows them, and an animal's tag before a date (``TX61/2021_05_03``).
    """
    file = file_of(path)
    if file is not None and not _PLANE.fullmatch(file.name):
        path = file.with_suffix("")
    parts = [p for p in path.parts if p.strip("/\\") and not _PLANE.fullmatch(p)]
    session, before = parts[-1] if parts else "", []
    if hit := _last(_SESSIONS, parts):
        at, found = hit
        below = parts[at + 1 :]
        whole = "_".join([parts[at][found.start() :], *below])
        session = found.groupdict().get("bids") or whole
        # What stands before it in its own folder, and the folder above.
        own = re.split(r"[_ .]", parts[at][: found.start()].strip("_-. "))
        before = [own[0], *parts[at - 1 : at]]
    if hit := _last(_SUBJECTS, parts):
        return hit[1]["name"], session
    return next((name for name in before if _TAG.fullmatch(name)), ""), session


def _last(
    patterns: tuple[str, ...], parts: list[str]
) -> tuple[int, re.Match[str]] | None:
    """Return the last folder that holds the first pattern that is found at all."""
    for pattern in patterns:
        for at in reversed(range(len(parts))):
            if found := re.search(pattern, parts[at], re.IGNORECASE):
                return at, found
    return None


def _labels(listed: ListedPlane, recording: Recording, tree: TypeTree) -> LabelTable:
    """Return the labels of a plane."""
    table = listed.labels
    if table is None or table.is_dir():
        return load_labels(recording, table, tree) or LabelTable()
    several = listed.one_of_several
    return read_label_table(table, recording, tree, each_plane=several)
