"""Labelled recordings: what training, evaluation and the docks learn from.

A data set is immutable; whoever changes something gets another one. Traces are read
when they are needed, by `Reading.load`.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from os.path import exists, isfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.celltypes import DEFAULT_TYPES, TypeTree
from napari_celltype.errors import LabelError
from napari_celltype.files import write_text_atomically
from napari_celltype.labels.label_file import save_labels
from napari_celltype.labels.labelled_recording import (
    LabelledRecording,
    merge_own_types,
    of_trace_set,
    open_listed,
)
from napari_celltype.labels.recording_list import (
    CONDITIONS,
    RecordingList,
    find_listed_planes,
    read_recording_list,
)
from napari_celltype.labels.targets import Targets
from napari_celltype.labels.trace_set import Cells, TraceSet, load_traces
from napari_celltype.progress import (
    OnProgress,
    Progress,
    ShouldStop,
    ignore_progress,
    never_stop,
    raise_if_stopped,
)
from napari_celltype.recording import Recording, recording_names, require_possible

LIST_NAME = "recordings.csv"
# What a trace set without a file is called in sentences.
_IN_MEMORY = "traces in memory"


@dataclass(frozen=True, eq=False)
class DataSet:
    """Labelled recordings, and what was decided about their types.

    Attributes
    ----------
    recordings : tuple of LabelledRecording
    merged : mapping of str to str
        Types whose cells are taken for a parent's: they teach the group alone.
    left_out : tuple of str
        Types whose cells are not used.
    untested : tuple of str
        Types that are trained although nothing can test them.
    resample : float or None
        The frame rate that all recordings are brought down to, Hz.
    session_as_subject : bool
        Each session stands for an animal where no animal is given.
    name : str
        Of the file or the recording.
    path : Path or None
        The file or the folder that it was opened from.
    unused : tuple of str
        Columns of the list that say nothing to this program.
    """

    recordings: tuple[LabelledRecording, ...] = ()
    merged: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    untested: tuple[str, ...] = ()
    resample: float | None = None
    session_as_subject: bool = False
    name: str = Path(LIST_NAME).stem
    path: Path | None = None
    unused: tuple[str, ...] = ()

    @cached_property
    def tree(self) -> TypeTree:
        """The vocabulary with the user's own types of all recordings."""
        tree = DEFAULT_TYPES
        for recording in self.recordings:
            tree = tree.with_types_of(recording.tree)
        return tree

    @property
    def trace_set(self) -> LabelledRecording | None:
        """The trace set, where the data hold one."""
        return next((r for r in self.recordings if r.trace_set is not None), None)

    def labelled(self, with_predictions: bool = False) -> list[LabelledRecording]:
        """Return the recordings with labels that count."""
        return [r for r in self.recordings if len(r.chosen(with_predictions))]

    @property
    def slowest(self) -> float | None:
        """Frame rate of the slowest labelled recording, Hz; None without any."""
        rates = [r.sampling_frequency for r in self.labelled()]
        return min((rate for rate in rates if rate is not None), default=None)

    def added(self, recordings: Iterable[LabelledRecording]) -> DataSet:
        """Return a data set with more recordings.

        One that is there already is read anew, and keeps what the user said of it,
        unless a list says otherwise; guesses change nothing that was given.
        """
        known = {r.key: r for r in self.recordings}
        for new in recordings:
            old = known.get(new.key)
            if old is not None:
                kept: dict[str, Any]
                kept = {n: getattr(old, n) for n in old.given - new.given}
                kept["given"] = old.given | new.given
                kept["facts"] = new.facts or old.facts
                if old.frequency_given and not new.frequency_given:
                    kept["sampling_frequency"] = old.sampling_frequency
                    kept |= {"frequency_given": True, "frequency_confirmed": True}
                new = replace(new, **kept)
            known[new.key] = new
        return replace(self, recordings=tuple(known.values()))

    def removed(self, keys: Collection[str]) -> DataSet:
        """Return a data set without some recordings."""
        kept = tuple(r for r in self.recordings if r.key not in keys)
        return replace(self, recordings=kept)

    def edited(self, key: str, **values: str) -> DataSet:
        """Return a data set in which the user gave something of a recording.

        Planes of one session share the animal, the session and the line.
        """
        chosen = next(r for r in self.recordings if r.key == key)
        given: dict[str, Any] = {n: value.strip() for n, value in values.items()}
        changed = (
            replace(r, **given, given=r.given | set(values))
            if _same_session(r, chosen)
            else r
            for r in self.recordings
        )
        return replace(self, recordings=tuple(changed))

    def subject_of(self, recording: LabelledRecording) -> str:
        """Return the animal of a recording, or the session that stands for one."""
        if recording.subject or not self.session_as_subject:
            return recording.subject
        return recording.session or recording.name

    def label_of(self, label: str) -> str | None:
        """Return what a label is taken for; None where its cells are left out."""
        return None if label in self.left_out else self.merged.get(label, label)

    def counts(self) -> dict[str, int]:
        """Return the labelled cells by what they are taken for, types in tree order."""
        by_subject = self.counts_by_subject()
        return {
            name: sum(by_subject[name].values())
            for name in self.tree.in_order(sorted(by_subject))
        }

    def counts_by_subject(self) -> dict[str, dict[str, int]]:
        """Return the cells of each label by animal; "" where it is not known."""
        found: dict[str, dict[str, int]] = {}
        for recording in self.recordings:
            subject = self.subject_of(recording)
            for label, n in recording.counts.items():
                if (taken_for := self.label_of(label)) is not None:
                    of_label = found.setdefault(taken_for, {})
                    of_label[subject] = of_label.get(subject, 0) + n
        return found

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The types that a model of these data tells apart, in tree order."""
        try:
            classes = Targets.of(self.counts(), self.tree).classes
        except LabelError:
            return ()
        return tuple(self.tree.in_order(list(classes)))

    def cells(self, with_predictions: bool = False) -> Cells | None:
        """Return all labelled cells with what is known of them; None without any.

        In the order of the recordings and their ROIs, before any choice about types.
        """
        used = self.labelled(with_predictions)
        if not used:
            return None
        if used[0].trace_set is not None:
            return used[0].cells.take(used[0].chosen(with_predictions))
        rows = [r.chosen(with_predictions) for r in used]
        sizes = [len(r) for r in rows]
        names = [self._names[r.key] for r in used]
        subjects = [self.subject_of(r) for r in used]
        # One animal that nobody knows may be any of the others.
        known = self._given_everywhere("subject_id")
        cell_ids = [
            _cell_ids(r, n, name, subject if known else "")
            for r, n, name, subject in zip(used, rows, names, subjects, strict=True)
        ]
        lines = self._given_everywhere("line")
        parts = [r.cells.take(n) for r, n in zip(used, rows, strict=True)]
        return Cells(
            np.concatenate([part.labels for part in parts]),
            subject_id=np.repeat(subjects, sizes) if known else None,
            session_id=np.repeat(_sessions(used, subjects, names), sizes),
            cell_id=np.concatenate(cell_ids),
            line=np.repeat([r.line for r in used], sizes) if lines else None,
            label_source=np.concatenate([part.label_source for part in parts]),
            recorded=_recorded(used, rows),
        )

    def chosen_cells(self) -> Cells | None:
        """Return the cells after the choices about their types; None without any."""
        cells = self.cells()
        if cells is None:
            return None
        names, at = np.unique(cells.labels, return_inverse=True)
        labels = np.array([self.label_of(n) or "" for n in names.tolist()])[at]
        kept = labels != ""
        return replace(cells, labels=labels).take(kept) if kept.any() else None

    def remarks(self) -> tuple[str, ...]:
        """Return what a model card has to say about the choices that were made."""
        n = sum(not r.subject for r in self.recordings)
        if not (self.session_as_subject and n):
            return ()
        return (
            f"In {n} of {len(self.recordings)} recordings nobody said which animal it "
            "is, and the session stands for it.",
        )

    def require_one_kind(self) -> None:
        """Refuse a trace set among recordings."""
        if not self.recordings:
            raise LabelError("There is no labelled recording yet; add some first.")
        if self.trace_set is not None and len(self.recordings) > 1:
            raise LabelError(
                f"{self.trace_set.name} is a trace set, which cannot be joined with "
                "other recordings; keep either."
            )

    def write(self, folder: Path) -> Path:
        """Write the recording list that `train` and `evaluate` read.

        Labels of open recordings are written as they are in memory, so that the folder
        says for good what was learned from.

        Parameters
        ----------
        folder : Path
            Gets ``recordings.csv`` and label files; made where it is not there.

        Returns
        -------
        Path
            The list, or the trace set where the data are one.

        Raises
        ------
        LabelError
            If there is nothing to write, or a trace set among recordings.
        OutputError
            If a file cannot be written.
        """
        self.require_one_kind()
        if self.trace_set is not None:
            return self.trace_set.path
        kept = {n: self._given_everywhere(n) for n in ("subject_id", "line")}
        rows = []
        for number, recording in enumerate(self.recordings):
            labels = recording.labels
            if recording.table is not None and recording.recording is not None:
                labels = folder / "labels" / f"{number:03d}"
                save_labels(recording.recording, recording.table, labels)
            rows.append(self._row(recording, labels, kept))
        columns = [n for n in rows[0] if any(row[n] for row in rows)]
        text = io.StringIO()
        writer = csv.DictWriter(
            text, columns, extrasaction="ignore", lineterminator="\n"
        )
        writer.writeheader()
        writer.writerows(rows)
        return write_text_atomically(folder / LIST_NAME, text.getvalue())

    @cached_property
    def _names(self) -> dict[str, str]:
        """The session folder of each recording by its key."""
        names = recording_names([r.path for r in self.recordings])
        return {r.key: n for r, n in zip(self.recordings, names, strict=True)}

    def _given_everywhere(self, column: str) -> bool:
        """Tell whether an animal or a line is known for all; else for none."""
        values = (
            self.subject_of(r) if column == "subject_id" else r.line
            for r in self.recordings
        )
        return all(values)

    def _row(
        self,
        recording: LabelledRecording,
        labels: Path | None,
        kept: Mapping[str, bool],
    ) -> dict[str, str]:
        rate = recording.sampling_frequency if recording.frequency_given else None
        values = {
            "path": recording.key,
            "labels": "" if labels is None else str(labels.resolve()),
            "sampling_frequency": "" if rate is None else repr(rate),
            "subject_id": self.subject_of(recording),
            "session_id": recording.session,
            "line": recording.line,
            **{name: recording.facts.get(name, "") for name in CONDITIONS},
        }
        return {n: v if kept.get(n, True) else "" for n, v in values.items()}


def open_data_set(
    data: str | Path | TraceSet,
    *,
    labels: Path | None = None,
    plane: int | None = None,
    sampling_frequency: float | None = None,
    tree: TypeTree = DEFAULT_TYPES,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> DataSet:
    """Open labelled data; traces of recordings are not read yet."""
    in_memory = isinstance(data, TraceSet)
    path = Path(_IN_MEMORY if isinstance(data, TraceSet) else data).expanduser()
    suffix = path.suffix.lower()
    if in_memory or suffix == ".npz":
        _refuse(path, "labels", labels)
        _refuse(path, "a plane", plane)
        on_progress(Progress(f"Reading {path.name}"))
        traces = (
            _respelled(data, tree)
            if isinstance(data, TraceSet)
            else load_traces(_existing(path), tree)
        )
        if sampling_frequency is not None:
            rate = require_possible(sampling_frequency)
            traces = replace(traces, sampling_frequency=rate)
        whole = of_trace_set(traces, path, tree)
        return DataSet((whole,), name=path.stem, path=path)
    if suffix == ".csv":
        _refuse(path, "labels", labels)
        listed = read_recording_list(path, plane)
        name = path.stem
    elif isfile(path) and suffix != ".npy":
        raise LabelError(
            f"{path} is no labelled data; give a trace set (.npz), a recording list "
            f"(.csv) or a suite2p folder."
        )
    else:
        table = None if labels is None else Path(labels).expanduser()
        listed = RecordingList(tuple(find_listed_planes(path, plane, table)))
        name = recording_names([listed.planes[0].folder])[0]
    tree = merge_own_types(listed.planes, tree)
    names = recording_names([found.folder for found in listed.planes])
    opened = []
    for done, (found, title) in enumerate(zip(listed.planes, names, strict=True)):
        raise_if_stopped(should_stop)
        on_progress(Progress(f"Reading the labels of {title}", done, len(names)))
        opened.append(open_listed(found, title, tree, sampling_frequency))
    return DataSet(tuple(opened), name=name, path=path, unused=listed.unused)


def at_confirmed_rate(recording: Recording, data: DataSet) -> Recording:
    """Return a recording at the rate that was confirmed of it in a data set.

    The same one where it knows its rate, or nothing was confirmed.
    """
    if recording.sampling_frequency_confirmed or recording.path is None:
        return recording
    key = str(recording.path.resolve())
    for known in data.recordings:
        rate = known.sampling_frequency
        if known.key == key and known.frequency_confirmed and rate is not None:
            return recording.with_sampling_frequency(rate)
    return recording


def _same_session(one: LabelledRecording, other: LabelledRecording) -> bool:
    """Tell whether two are one recording, or planes of one session."""
    if one.key == other.key:
        return True
    mine, others = Path(one.key), Path(other.key)
    planes = mine.name.startswith("plane") and others.name.startswith("plane")
    return planes and mine.parent == others.parent


def _sessions(
    recordings: Sequence[LabelledRecording],
    subjects: Sequence[str],
    names: Sequence[str],
) -> list[str]:
    """Name the session of each recording; two animals never share one."""
    given = [(s, r.session) for s, r in zip(subjects, recordings, strict=True)]
    animals = Counter(session for _, session in set(given))
    return [
        name
        if not session
        else (f"{subject}/{session}" if animals[session] > 1 else session)
        for (subject, session), name in zip(given, names, strict=True)
    ]


def _cell_ids(
    recording: LabelledRecording, rows: NDArray[np.int64], name: str, subject: str
) -> NDArray[np.str_]:
    """Name cells: as their labels do, below their animal, else by their ROI."""
    given = recording.cells.take(rows).cell_id
    assert given is not None
    own = np.char.add(
        f"{name}/plane{recording.plane}/roi", recording.roi_ids[rows].astype(str)
    )
    named = np.char.add(f"{subject}/", given) if subject else given
    return np.where(given == "", own, named)


def _recorded(
    recordings: Sequence[LabelledRecording], rows: Sequence[NDArray[np.int64]]
) -> dict[str, NDArray[np.float64]]:
    """Return what recordings were like, see `trace_set.RECORDED`, where it is known."""
    sizes = [len(r) for r in rows]
    pixels = [
        np.full(n, np.nan)
        if r.roi_pixels is None or not len(r.roi_pixels)
        else r.roi_pixels[r.roi_ids[chosen]]
        for r, chosen, n in zip(recordings, rows, sizes, strict=True)
    ]
    columns = {
        "n_pixels": np.concatenate(pixels),
        **{
            name: np.repeat(np.array(values, dtype=np.float64), sizes)
            for name, values in (
                ("plane", [r.plane for r in recordings]),
                ("native_frames", [r.n_frames for r in recordings]),
                (
                    "native_sampling_frequency",
                    [r.sampling_frequency for r in recordings],
                ),
            )
        },
    }
    return {n: v for n, v in columns.items() if not np.isnan(v).all()}


def _existing(path: Path) -> Path:
    if not exists(path):
        raise LabelError(f"{path} does not exist; check the name of the trace set.")
    return path


def _respelled(traces: TraceSet, tree: TypeTree) -> TraceSet:
    """Return traces in memory with canonical names where the tree knows them."""
    names, rows = np.unique(traces.labels, return_inverse=True)
    canonical = [
        tree.canonical(name) if tree.knows(name.strip(" !")) else name
        for name in names.tolist()
    ]
    return replace(traces, labels=np.array(canonical)[rows])


def _refuse(path: Path, what: str, value: object) -> None:
    if value is not None:
        raise LabelError(
            f"{path} is no single recording, so {what} cannot be chosen for it; leave "
            f"that out."
        )
