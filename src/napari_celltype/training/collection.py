"""A collection of labelled recordings: what training and evaluation learn from.

It is what a recording list says, with the choices that were made about it. All of it
is immutable; whoever changes something gets another collection.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from napari_celltype.celltypes import DEFAULT_TYPES, TypeTree
from napari_celltype.errors import LabelError
from napari_celltype.labels import (
    save_labels,
    write_text_atomically,
)
from napari_celltype.labels.reading import Reading
from napari_celltype.recording import Recording
from napari_celltype.training.collecting import CollectedRecording

LIST_NAME = "recordings.csv"
# Facts that a list may give beside those that can be edited here.
_OTHER_FACTS = ("indicator", "region", "preparation")


@dataclass(frozen=True, eq=False)
class Collection:
    """Labelled recordings, and what was decided about their types.

    Attributes
    ----------
    recordings : tuple of CollectedRecording
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
    """

    recordings: tuple[CollectedRecording, ...] = ()
    merged: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    untested: tuple[str, ...] = ()
    resample: float | None = None
    session_as_subject: bool = False

    @property
    def tree(self) -> TypeTree:
        """The vocabulary with the user's own types of all recordings."""
        tree = DEFAULT_TYPES
        for recording in self.recordings:
            tree = tree.with_types_of(recording.tree)
        return tree

    @property
    def trace_set(self) -> CollectedRecording | None:
        """The trace set, where the collection holds one."""
        return next((r for r in self.recordings if r.is_trace_set), None)

    @property
    def slowest(self) -> float | None:
        """Frame rate of the slowest labelled recording, Hz; None without any."""
        rates = [
            r.sampling_frequency
            for r in self.recordings
            if r.counts and r.sampling_frequency is not None
        ]
        return min(rates, default=None)

    def added(self, recordings: Iterable[CollectedRecording]) -> Collection:
        """Return a collection with more recordings.

        One that is there already is read anew, and keeps what the user said of it,
        unless a list says otherwise; guesses change nothing that was said.
        """
        known = {r.key: r for r in self.recordings}
        for new in recordings:
            old = known.get(new.key)
            if old is not None:
                kept: dict[str, Any] = {n: getattr(old, n) for n in old.said - new.said}
                kept["said"] = old.said | new.said
                kept["facts"] = new.facts or old.facts
                if old.frequency_given and not new.frequency_given:
                    kept["sampling_frequency"] = old.sampling_frequency
                    kept |= {"frequency_given": True, "frequency_confirmed": True}
                new = replace(new, **kept)
            known[new.key] = new
        return replace(self, recordings=tuple(known.values()))

    def removed(self, keys: Iterable[str]) -> Collection:
        """Return a collection without some recordings."""
        gone = set(keys)
        kept = tuple(r for r in self.recordings if r.key not in gone)
        return replace(self, recordings=kept)

    def edited(self, key: str, **said: str) -> Collection:
        """Return a collection in which the user said something of a recording.

        Planes of one session share the animal, the session and the line.

        Parameters
        ----------
        key : str
        **said
            `subject`, `session` or `line`.
        """
        chosen = next(r for r in self.recordings if r.key == key)
        same = {r.key for r in self.recordings if _same_session(r, chosen)}
        words: dict[str, Any] = {name: value.strip() for name, value in said.items()}
        changed = (
            replace(r, **words, said=r.said | set(said)) if r.key in same else r
            for r in self.recordings
        )
        return replace(self, recordings=tuple(changed))

    def subject_of(self, recording: CollectedRecording) -> str:
        """Return the animal of a recording, or the session that stands for one."""
        if recording.subject or not self.session_as_subject:
            return recording.subject
        return recording.session or recording.name

    def label_of(self, label: str) -> str | None:
        """Return what a label is taken for; None where its cells are left out."""
        if label in self.left_out:
            return None
        return self.merged.get(label, label)

    def counts(self) -> dict[str, int]:
        """Return the labelled ROIs by what they are taken for, types in tree order."""
        total: dict[str, int] = {}
        for recording in self.recordings:
            for label, n in recording.counts.items():
                taken_for = self.label_of(label)
                if taken_for is not None:
                    total[taken_for] = total.get(taken_for, 0) + n
        return {name: total[name] for name in self.tree.in_order(sorted(total))}

    def counts_by_subject(self) -> dict[str, dict[str, int]]:
        """Return the labelled ROIs of each label by animal; "" where it is unknown."""
        found: dict[str, dict[str, int]] = {}
        for recording in self.recordings:
            subject = self.subject_of(recording)
            for label, n in recording.counts.items():
                taken_for = self.label_of(label)
                if taken_for is None:
                    continue
                of_label = found.setdefault(taken_for, {})
                of_label[subject] = of_label.get(subject, 0) + n
        return found

    @cached_property
    def units(self) -> Mapping[str, Mapping[str, int]]:
        """Animals, sessions and cells of each label; {} where not all are known."""
        from napari_celltype.training.held_out import units_of

        return units_of(self)

    @property
    def classes(self) -> tuple[str, ...]:
        """The types that a model of this collection tells apart, in tree order."""
        from napari_celltype.labels import Targets

        counts = self.counts()
        try:
            return tuple(
                self.tree.in_order(list(Targets.of(counts, self.tree).classes))
            )
        except LabelError:
            return ()

    def reading(self, **changes: Any) -> Reading:
        """Return how the list of this collection is to be read.

        Parameters
        ----------
        **changes
            Fields of `Reading` that the collection does not decide, such as `neuropil`.
        """
        said: dict[str, Any] = {
            "resample": self.resample,
            "merged": dict(self.merged),
            "left_out": self.left_out,
        }
        return Reading(**{**said, **changes})

    def remarks(self) -> tuple[str, ...]:
        """Return what a model card has to say about the choices that were made."""
        n = sum(not r.subject for r in self.recordings)
        if not (self.session_as_subject and n):
            return ()
        return (
            f"In {n} of {len(self.recordings)} recordings nobody said which animal it "
            "is, and the session stands for it.",
        )

    def options(self, *, resample: bool = True) -> list[str]:
        """Return the choices as options of `train` and `evaluate` at the terminal.

        Parameters
        ----------
        resample : bool
            Whether the frame rate is among them; a model to start from has its own.
        """
        words: list[str] = []
        for name, parent in self.merged.items():
            words += ["--merge", f"{name}={parent}"]
        for name in self.left_out:
            words += ["--leave-out", name]
        if resample and self.resample is not None:
            words += ["--resample", f"{self.resample:g}"]
        return words

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
            The list, or the trace set where the collection is one.

        Raises
        ------
        LabelError
            If there is nothing to write, or a trace set among recordings.
        OutputError
            If a file cannot be written.
        """
        if not self.recordings:
            raise LabelError("There is no labelled recording yet; add some first.")
        if (whole := self.trace_set) is not None:
            if len(self.recordings) > 1:
                raise LabelError(
                    f"{whole.name} is a trace set, which cannot be joined with other "
                    "recordings; keep either."
                )
            return whole.path
        kept = {n: self._given_everywhere(n) for n in ("subject_id", "line")}
        rows = []
        for number, recording in enumerate(self.recordings):
            labels = recording.labels
            if recording.table is not None and recording.opened is not None:
                labels = folder / "labels" / f"{number:03d}"
                save_labels(recording.opened, recording.table, labels)
            rows.append(self._row(recording, labels, kept))
        columns = [n for n in rows[0] if any(row[n] for row in rows)]
        text = io.StringIO()
        writer = csv.DictWriter(
            text, columns, extrasaction="ignore", lineterminator="\n"
        )
        writer.writeheader()
        writer.writerows(rows)
        return write_text_atomically(folder / LIST_NAME, text.getvalue())

    def _given_everywhere(self, name: str) -> bool:
        """Tell whether a column has no gaps; one with gaps is left out."""
        values = (
            self.subject_of(r) if name == "subject_id" else r.line
            for r in self.recordings
        )
        return all(values)

    def _row(
        self,
        recording: CollectedRecording,
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
            **{name: recording.facts.get(name, "") for name in _OTHER_FACTS},
        }
        return {n: v if kept.get(n, True) else "" for n, v in values.items()}


def first_names(recordings: Sequence[CollectedRecording]) -> str:
    """Return the names of the first recordings, and how many more there are."""
    from napari_celltype.labels.notes import first_few

    return first_few([r.name for r in recordings], 3)


def _same_session(one: CollectedRecording, other: CollectedRecording) -> bool:
    """Tell whether two are one recording, or planes of one session."""
    if one.key == other.key:
        return True
    mine, others = Path(one.key), Path(other.key)
    planes = mine.name.startswith("plane") and others.name.startswith("plane")
    return planes and mine.parent == others.parent


def at_confirmed_rate(recording: Recording, collection: Collection) -> Recording:
    """Return a recording at the rate that was confirmed of it in a collection.

    The same one where it knows its rate, or nothing was confirmed.
    """
    if recording.sampling_frequency_confirmed or recording.path is None:
        return recording
    key = str(recording.path.resolve())
    for collected in collection.recordings:
        rate = collected.sampling_frequency
        if collected.key == key and collected.frequency_confirmed and rate is not None:
            return recording.with_sampling_frequency(rate)
    return recording
