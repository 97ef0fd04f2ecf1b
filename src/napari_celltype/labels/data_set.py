"""Labelled recordings: what training, evaluation and the docks learn from.

A data set is immutable; whoever changes something gets another one. Traces are read
when they are needed, by `Reading.load`.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from napari_celltype.celltypes import DEFAULT_TYPES, TypeTree
from napari_celltype.errors import LabelError
from napari_celltype.files import place_from
from napari_celltype.labels.csv_table import write_csv_rows
from napari_celltype.labels.label_file import save_labels
from napari_celltype.labels.labelled_recording import LabelledRecording
from napari_celltype.labels.recording_list import CONDITIONS
from napari_celltype.labels.targets import Targets
from napari_celltype.labels.trace_set import RECORDED, TEXTS, Cells
from napari_celltype.recording import Recording, recording_names, session_folder

LIST_NAME = "recordings.csv"


@dataclass(frozen=True, eq=False)
class DataSet:
    """Labelled recordings, and what was decided about their types."""

    recordings: tuple[LabelledRecording, ...] = ()
    # Types whose cells are taken for a parent's: they teach the group alone.
    merged: Mapping[str, str] = field(default_factory=dict)
    # Types whose cells are not used.
    left_out: tuple[str, ...] = ()
    # Types that are trained although nothing can test them.
    untested: tuple[str, ...] = ()
    # The frame rate that all recordings are brought down to, Hz.
    resample: float | None = None
    # Each session stands for an animal where no animal is given.
    session_as_subject: bool = False
    # Of the file or the recording.
    name: str = Path(LIST_NAME).stem
    # The file or the folder that it was opened from.
    path: Path | None = None
    # Columns of the list that say nothing to this program.
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

    def with_joins(self, joins: str) -> DataSet:
        """Return a data set whose recordings were joined elsewhere, see `Recording`."""
        changed = (
            r
            if r.recording is None
            else replace(r, recording=r.recording.with_joins(joins))
            for r in self.recordings
        )
        return self if joins == "auto" else replace(self, recordings=tuple(changed))

    def removed(self, keys: Collection[str]) -> DataSet:
        """Return a data set without some recordings."""
        kept = tuple(r for r in self.recordings if r.key not in keys)
        return replace(self, recordings=kept)

    def edited(self, key: str, **values: str) -> DataSet:
        """Return a data set in which the user gave something of a recording.

        Planes of one session share the animal, the session and the line.
        """
        given: dict[str, Any] = {n: value.strip() for n, value in values.items()}

        session = session_folder(Path(key))
        changed = tuple(
            replace(r, **given, given=r.given | set(values))
            if session_folder(Path(r.key)) == session
            else r
            for r in self.recordings
        )
        return replace(self, recordings=changed)

    def subject_of(self, recording: LabelledRecording) -> str:
        """Return the animal of a recording, or the session that stands for one."""
        if recording.subject or not self.session_as_subject:
            return recording.subject
        return recording.session or recording.name

    def counts(self) -> dict[str, int]:
        """Return the labelled cells by what they are taken for, types in tree order."""
        by_subject = self.counts_by_subject()
        return {
            name: sum(by_subject[name].values())
            for name in self.tree.in_order(sorted(by_subject))
        }

    def counts_by_subject(self) -> dict[str, Counter[str]]:
        """Return the cells of each label by animal; "" where it is not known."""
        found: dict[str, Counter[str]] = {}
        for recording in self.recordings:
            for label, n in recording.counts.items():
                if name := taken_for(label, self.merged, self.left_out):
                    found.setdefault(name, Counter())[self.subject_of(recording)] += n
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
        names = recording_names([r.path for r in self.recordings])
        name_of = dict(zip([r.key for r in self.recordings], names, strict=True))
        # One animal that nobody knows may be any of the others.
        unknown = set()
        if not all(self.subject_of(r) for r in self.recordings):
            unknown.add("subject_id")
        if not all(r.line for r in self.recordings):
            unknown.add("line")
        sessions = {(self.subject_of(r), r.session) for r in used}
        animals = Counter(session for _, session in sessions)
        parts = []
        for recording in used:
            rows = recording.chosen(with_predictions)
            name, subject = name_of[recording.key], self.subject_of(recording)
            session = recording.session or name
            # Two animals never share a session.
            if recording.session and animals[session] > 1:
                session = f"{subject}/{session}"
            cells = recording.cells.take(rows)
            # As labels name it, below its animal, else by its ROI.
            own = f"{name}/plane{recording.plane}/roi"
            below = f"{subject}/" if subject and "subject_id" not in unknown else ""
            assert cells.cell_id is not None
            cell_id = [
                f"{below}{given}" if given else f"{own}{roi_id}"
                for given, roi_id in zip(
                    cells.cell_id.tolist(), recording.roi_ids[rows], strict=True
                )
            ]
            parts.append(
                replace(
                    cells,
                    subject_id=np.repeat(subject, len(rows)),
                    session_id=np.repeat(session, len(rows)),
                    line=np.repeat(recording.line, len(rows)),
                    cell_id=np.array(cell_id),
                    recorded=recording.recorded(rows),
                )
            )
        columns = {
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in ("labels", *TEXTS)
            if name not in unknown
        }
        recorded = {n: np.concatenate([p.recorded[n] for p in parts]) for n in RECORDED}
        known = {n: v for n, v in recorded.items() if not np.isnan(v).all()}
        return Cells(**columns, recorded=known)

    def chosen_cells(self) -> Cells | None:
        """Return the cells after the choices about their types; None without any."""
        cells = self.cells()
        if cells is None:
            return None
        chose = partial(taken_for, merged=self.merged, left_out=self.left_out)
        labels = np.array([*map(chose, cells.labels.tolist())])
        chosen = replace(cells, labels=labels).take(labels != "")
        return chosen if len(chosen) else None

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

        Returns
        -------
        Path
            ``recordings.csv`` in the folder, or the trace set where the data are one.

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
        rows: list[dict[str, str]] = []
        for number, recording in enumerate(self.recordings):
            labels = recording.labels
            if recording.table is not None and recording.recording is not None:
                labels = folder / "labels" / f"{number:03d}"
                save_labels(recording.recording, recording.table, labels)
            rate = recording.sampling_frequency if recording.frequency_given else None
            row = {
                "path": _place_in_list(folder, recording.path),
                "labels": "" if labels is None else _place_in_list(folder, labels),
                "sampling_frequency": "" if rate is None else repr(rate),
                "subject_id": self.subject_of(recording),
                "session_id": recording.session,
                "line": recording.line,
                **{name: recording.facts.get(name, "") for name in CONDITIONS},
            }
            rows.append(row)
        # An animal or a line is known for all, or for none.
        columns = [
            name
            for name in rows[0]
            if (all if name in ("subject_id", "line") else any)(r[name] for r in rows)
        ]
        return write_csv_rows(folder / LIST_NAME, columns, rows)


def taken_for(label: str, merged: Mapping[str, str], left_out: Collection[str]) -> str:
    """Return what a label counts as after choices about types; empty if left out."""
    # A parent is no class beside its other children: it then stands for any of them.
    name = merged.get(label, label)
    return "" if label in left_out or name in left_out else name


def _place_in_list(folder: Path, path: Path) -> str:
    """Return a path as a list names it: of this machine only where it must be."""
    path, home = path.resolve(), os.path.expanduser("~")
    if near := place_from(folder, path):
        return near
    return (
        f"~/{path.relative_to(home).as_posix()}"
        if path.is_relative_to(home)
        else str(path)
    )


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
