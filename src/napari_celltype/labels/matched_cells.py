"""The same neuron on several days, as Track2p or ROICaT found it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from napari_celltype.celltypes import DEFAULT_TYPES, TypeTree
from napari_celltype.errors import LabelError
from napari_celltype.labels.table import Label, LabelTable
from napari_celltype.recording import Recording, session_folder


@dataclass(frozen=True)
class MatchedCells:
    """Which ROIs of several recordings are one neuron.

    Attributes
    ----------
    program : str
        Who matched them.
    path : Path
        The file or folder that says so.
    days : tuple of str
        Paths of the recordings as that program noted them, in its order; empty where
        it noted none.
    rows : tuple of mapping of int to str
        For each day roi_id -> cell_id, of the cells that were found on two days at
        least.
    n_rois : tuple of int or None
        For each day the number of ROIs, where the files tell.
    notes : tuple of str
        Sentences about what is unusual.
    """

    program: str
    path: Path
    days: tuple[str, ...]
    rows: tuple[Mapping[int, str], ...]
    n_rois: tuple[int | None, ...]
    notes: tuple[str, ...] = ()

    def day_of(self, recording: Recording) -> int:
        """Return which day a recording is, counted from 0.

        By the end of its path; where no path was noted, by the number of ROIs.

        Raises
        ------
        LabelError
            If it is none of them, or nobody can tell which.
        """
        where = _session_parts(str(recording.path or ""))
        shared = [_shared_end(where, _session_parts(day)) for day in self.days]
        best = max(shared, default=0)
        found = [i for i, n in enumerate(shared) if n == best and n > 0]
        if not any(self.days):
            found = [i for i, n in enumerate(self.n_rois) if n == recording.n_rois]
        if len(found) == 1:
            return found[0]
        this = recording.path or "this recording"
        known = ", ".join(Path(d.replace("\\", "/")).name for d in self.days if d)
        if not found:
            raise LabelError(
                f"{self.path} does not name {this}; it is about "
                f" {known or f'{len(self.rows)} recordings of other sizes'}."
            )
        numbers = ", ".join(str(i + 1) for i in found)
        raise LabelError(
            f"{self.path}: {this} may be any of its recordings "
            f" {numbers}; open it from a path that ends as it did then."
        )

    def for_recording(self, recording: Recording) -> dict[int, str]:
        """Return roi_id -> cell_id of one recording.

        Raises
        ------
        LabelError
            If it is none of the days, or its ROIs are not those that were matched.
        """
        day = self.day_of(recording)
        n_rois, rows = self.n_rois[day], self.rows[day]
        largest = max(rows, default=-1)
        if n_rois not in (None, recording.n_rois) or largest >= recording.n_rois:
            made_on = n_rois or f"at least {largest + 1}"
            raise LabelError(
                f"{self.path} was made on {made_on} ROIs of "
                f"{recording.path or 'this recording'}, which has {recording.n_rois} "
                f"now; run {self.program} again."
            )
        return dict(rows)


def cell_id_table(
    recording: Recording,
    cell_ids: Mapping[int, str],
    tree: TypeTree = DEFAULT_TYPES,
) -> LabelTable:
    """Return a table that says nothing but which cell each ROI is."""
    return LabelTable(
        tuple(
            Label(roi_id, "", recording.plane, "imported", cell_id=cell_id)
            for roi_id, cell_id in sorted(cell_ids.items())
        ),
        tree,
    )


def carried_labels(
    recording: Recording,
    cell_ids: Mapping[int, str],
    others: Sequence[tuple[str, LabelTable, Mapping[int, str]]],
) -> LabelTable:
    """Propose the labels that the same cells have on other days.

    Parameters
    ----------
    recording : Recording
        Whose ROIs get the labels.
    cell_ids : mapping of int to str
        roi_id -> cell_id of that recording.
    others : sequence of (name, labels, roi_id -> cell_id)
        The other days.

    Returns
    -------
    LabelTable
        With the source ``imported``; the note says from which day and ROI and what the
        source was there. A cell with different labels on different days gets none, nor
        does anybody inherit a prediction.
    """
    known: dict[str, list[tuple[str, Label]]] = {}
    tree = DEFAULT_TYPES
    for name, table, ids in others:
        tree = tree.with_types_of(table.tree)
        for row in table:
            cell_id = ids.get(row.roi_id)
            if cell_id is not None and row.is_ground_truth:
                known.setdefault(cell_id, []).append((name, row))
    rows = []
    for roi_id, cell_id in sorted(cell_ids.items()):
        said = known.get(cell_id, [])
        if len({row.label for _, row in said}) != 1:
            continue
        name, row = said[0]
        rows.append(
            Label(
                roi_id=roi_id,
                label=row.label,
                plane=recording.plane,
                source="imported",
                seen_trace=row.seen_trace,
                cell_id=cell_id,
                annotator=row.annotator,
                note=f"from {name}, ROI {row.roi_id} ({row.source})",
            )
        )
    return LabelTable(tuple(rows), tree)


def on_two_days(days: Sequence[Mapping[int, str]]) -> tuple[dict[int, str], ...]:
    """Keep the cells that are there on two days at least, as one ROI each."""
    counts = [Counter(day.values()) for day in days]
    seen = Counter(cell for day in counts for cell, n in day.items() if n == 1)
    return tuple(
        {
            roi_id: cell
            for roi_id, cell in day.items()
            if seen[cell] > 1 and count[cell] == 1
        }
        for day, count in zip(days, counts, strict=True)
    )


def _session_parts(path: str) -> tuple[str, ...]:
    """Return the folders of a path of any system, down to the session."""
    session = session_folder(Path(PureWindowsPath(path).as_posix()))
    return tuple(part for part in session.parts if part != "/")


def _shared_end(first: Sequence[str], second: Sequence[str]) -> int:
    n = 0
    for a, b in zip(reversed(first), reversed(second), strict=False):
        if a.casefold() != b.casefold():
            break
        n += 1
    return n
