"""Read what folders, lists, trace sets and open recordings add to a collection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from napari_celltype.celltypes import DEFAULT_TYPES, TypeTree
from napari_celltype.errors import CellTypeError
from napari_celltype.labels import LabelTable, TraceSet, load_traces
from napari_celltype.labels.labelled_plane import merge_own_types, open_labelled_plane
from napari_celltype.labels.path_guess import guess_from_path
from napari_celltype.labels.recording_list import ListedPlane, read_recording_list
from napari_celltype.labels.table import Label
from napari_celltype.progress import (
    OnProgress,
    Progress,
    ShouldStop,
    ignore_progress,
    never_stop,
    raise_if_stopped,
)
from napari_celltype.recording import (
    FROM_TIFF,
    FROM_USER,
    Recording,
    recording_names,
)

# What the user can change about a recording, and its column in a recording list.
EDITABLE = {"subject": "subject_id", "session": "session_id", "line": "line"}


@dataclass(frozen=True, eq=False)
class CollectedRecording:
    """One plane with labels, or a whole trace set.

    Attributes
    ----------
    path : Path
        The plane folder, or a trace set (``.npz``).
    name : str
        What it is called in tables and sentences.
    plane : int
    subject, session, line : str
        Empty where nobody said.
    labels : Path or None
        A label table, or a folder of label files; None for the recording's own file.
    n_frames, n_rois : int
        Of the recording; of a trace set its examples.
    sampling_frequency : float or None
        Frames per second, Hz.
    frequency_given : bool
        Whether the user or a list gave that rate; the files then need not say it.
    frequency_confirmed : bool
        Whether anybody ever set that rate, which may be suite2p's default.
    examples : TraceSet or None
        The ROIs that somebody labelled with a type, a parent or a negation, without
        their traces: the label and the neuron, empty where nobody named it. Of a trace
        set all that it says of them. None without any.
    n_predictions : int
        Labels that a model gave, which count for nothing.
    facts : mapping of str to str
        What a list says of the recording beside these.
    said : frozenset of str
        Those of `EDITABLE` that the user or a list gave; the others are guesses.
    tree : TypeTree
        The vocabulary, with the user's own types that its labels name.
    opened : Recording or None
        The recording where it is open in the viewer.
    table : LabelTable or None
        Its labels in memory, which count in place of those on disk.
    """

    path: Path
    name: str
    plane: int = 0
    subject: str = ""
    session: str = ""
    line: str = ""
    labels: Path | None = None
    n_frames: int = 0
    n_rois: int = 0
    sampling_frequency: float | None = None
    frequency_given: bool = False
    frequency_confirmed: bool = True
    examples: TraceSet | None = None
    n_predictions: int = 0
    facts: Mapping[str, str] = field(default_factory=dict)
    said: frozenset[str] = frozenset()
    tree: TypeTree = DEFAULT_TYPES
    opened: Recording | None = None
    table: LabelTable | None = None

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """ROIs by label, see `examples`."""
        return {} if self.examples is None else self.examples.counts()

    @cached_property
    def key(self) -> str:
        """Names the recording within a collection."""
        return str(self.path.resolve())

    @property
    def is_trace_set(self) -> bool:
        """Whether it is a trace set, which says itself whose cells it holds."""
        return self.path.suffix == ".npz"

    @property
    def seconds(self) -> float | None:
        """How long it is."""
        rate = self.sampling_frequency
        return None if rate is None else self.n_frames / rate


@dataclass(frozen=True)
class Collected:
    """What paths gave.

    Attributes
    ----------
    recordings : tuple of CollectedRecording
    failures : tuple of str
        A sentence for each path that gave nothing.
    """

    recordings: tuple[CollectedRecording, ...]
    failures: tuple[str, ...] = ()


def collect_paths(
    paths: Iterable[Path],
    *,
    tree: TypeTree = DEFAULT_TYPES,
    labels_dir: Path | None = None,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> Collected:
    """Read labelled recordings; what cannot be read is told and stops nothing.

    Parameters
    ----------
    paths : iterable of Path
        Recordings, folders that hold many, recording lists (``.csv``) and trace sets
        (``.npz``).
    tree : TypeTree
        Vocabulary, extended by the types that label files name.
    labels_dir : Path, optional
        The labels folder of the user's choice, looked in before the recordings' own.
    on_progress, should_stop : callable, optional
        See `napari_celltype.progress`.

    Raises
    ------
    Stopped
        If `should_stop` answered True.
    """
    found: list[CollectedRecording] = []
    listed: list[ListedPlane] = []
    failures: list[str] = []
    for path in paths:
        raise_if_stopped(should_stop)
        on_progress(Progress(f"Looking into {path.name}"))
        try:
            if path.suffix.lower() == ".npz":
                found.append(_trace_set(path, tree))
            else:
                listed += _planes_at(path, labels_dir)
        except CellTypeError as error:
            failures.append(str(error))
    names = recording_names([plane.folder for plane in listed])
    for done, (plane, name) in enumerate(zip(listed, names, strict=True)):
        raise_if_stopped(should_stop)
        on_progress(Progress(f"Reading the labels of {name}", done, len(listed)))
        try:
            found.append(_of_plane(plane, name, tree))
        except CellTypeError as error:
            failures.append(str(error))
    return Collected(tuple(found), tuple(failures))


def collect_open(
    recording: Recording, labels: LabelTable | None, name: str
) -> CollectedRecording | None:
    """Return an open recording with its labels in memory; None if it has no folder.

    Parameters
    ----------
    recording : Recording
    labels : LabelTable or None
    name : str
        What the window calls it.
    """
    if recording.path is None:
        return None
    guess = guess_from_path(recording.path)
    # From the user, or from a movie that the folder does not know.
    given = recording.sampling_frequency_source in (FROM_USER, FROM_TIFF)
    bare = CollectedRecording(
        recording.path,
        name,
        recording.plane,
        guess.subject,
        guess.session,
        n_frames=recording.n_frames,
        n_rois=recording.n_rois,
        sampling_frequency=recording.sampling_frequency,
        frequency_given=given and recording.sampling_frequency is not None,
        frequency_confirmed=recording.sampling_frequency_confirmed,
        opened=recording,
    )
    return with_labels(bare, labels or LabelTable())


def with_labels(collected: CollectedRecording, table: LabelTable) -> CollectedRecording:
    """Return an open recording with the labels that it has now."""
    opened = collected.opened
    merged = None if opened is None else opened.merged_into
    whole = [
        row
        for row in table
        if merged is None or not len(merged) or merged[row.roi_id] < 0
    ]
    return replace(
        collected,
        table=table,
        tree=table.tree,
        n_predictions=sum(r.names_type and r.source == "prediction" for r in whole),
        examples=_examples([row for row in whole if row.is_ground_truth]),
    )


def _planes_at(path: Path, labels_dir: Path | None) -> list[ListedPlane]:
    if path.suffix.lower() == ".csv":
        return list(read_recording_list(path).planes)
    from napari_celltype.recording import find_recordings

    if labels_dir is not None and not labels_dir.is_dir():
        labels_dir = None
    planes = find_recordings([path]).planes
    siblings = Counter(plane.parent for plane in planes)
    return [
        ListedPlane(plane, labels=labels_dir, one_of_several=siblings[plane.parent] > 1)
        for plane in planes
    ]


def _of_plane(
    listed: ListedPlane, name: str, vocabulary: TypeTree
) -> CollectedRecording:
    tree = merge_own_types([listed], vocabulary)
    plane = open_labelled_plane(
        listed,
        name,
        tree,
        sampling_frequency=None,
        neuropil_coefficient=0.0,
        with_predictions=False,
    )
    guess, facts = guess_from_path(listed.folder), listed.facts
    n_rois, n_frames = plane.traces.shape
    return CollectedRecording(
        listed.folder,
        plane.title,
        plane.plane,
        # A list that names some of its animals knows them better than a path.
        facts.get("subject_id", guess.subject),
        facts.get("session_id", guess.session),
        facts.get("line", ""),
        listed.labels,
        n_frames,
        n_rois,
        plane.sampling_frequency,
        listed.sampling_frequency is not None,
        plane.rate_confirmed,
        n_predictions=plane.n_predictions,
        facts=facts,
        said=frozenset(n for n, column in EDITABLE.items() if column in facts),
        tree=tree,
        examples=_examples(plane.rows),
    )


def _trace_set(path: Path, tree: TypeTree) -> CollectedRecording:
    traces = load_traces(path, tree)
    seen = np.ones(len(traces), dtype=bool)
    if traces.label_source is not None:
        seen = traces.label_source != "prediction"
    bare = replace(traces, traces=traces.traces[:, :1])
    return CollectedRecording(
        path,
        path.name,
        n_frames=traces.n_frames,
        n_rois=len(traces),
        sampling_frequency=traces.sampling_frequency,
        examples=bare.take(seen) if seen.any() else None,
        n_predictions=int((~seen).sum()),
        tree=tree,
    )


def _examples(rows: Sequence[Label]) -> TraceSet | None:
    if not rows:
        return None
    return TraceSet(
        np.zeros((len(rows), 1), dtype=np.float32),
        np.array([row.label for row in rows]),
        cell_id=np.array([row.cell_id for row in rows]),
    )
