"""The label table: what is known about single ROIs, and from where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_celltype.celltypes import DEFAULT_TYPES, TypeTree
from napari_celltype.errors import LabelError
from napari_celltype.labels.matching import Runs

SOURCES = ("histology", "redcell", "manual", "imported", "prediction")
# A label that is no type: suite2p's ROI is no cell body. Nothing is trained on it.
NOT_A_SOMA = "not a soma"


@dataclass(frozen=True)
class Label:
    """What is known about one ROI.

    Raises
    ------
    LabelError
        If the roi_id is negative or the source unknown.
    """

    # Row in suite2p's stat.npy.
    roi_id: int
    # A type, a parent or a negation in canonical spelling, or `NOT_A_SOMA`; empty where
    # only the cell_id is known.
    label: str
    plane: int | None = None
    # One of `SOURCES`.
    source: str = "manual"
    # Whether the trace or the prediction was on screen when the label was given; None
    # where nobody noted it.
    seen_trace: bool | None = None
    # The same neuron on several days.
    cell_id: str = ""
    annotator: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        if self.roi_id < 0:
            raise LabelError(f"roi_id {self.roi_id} is negative; rows count from 0.")
        if self.source not in SOURCES:
            raise LabelError(
                f"source is {self.source!r:.60}; use one of {', '.join(SOURCES)}."
            )

    @property
    def names_type(self) -> bool:
        """Whether it says something about the type of a cell."""
        return self.label not in ("", NOT_A_SOMA)

    @property
    def is_ground_truth(self) -> bool:
        """Whether it may be tested on: a predicted label never is ground truth."""
        return self.names_type and self.source != "prediction"


@dataclass(frozen=True)
class SetAside:
    """A label whose ROI is not there any more; kept until the ROI comes back."""

    # With the roi_id that it had.
    label: Label
    # The mask that it was made on.
    runs: Runs


@dataclass(frozen=True)
class LabelTable:
    """Labels of the ROIs of one recording, at most one for each ROI of a plane.

    Raises
    ------
    LabelError
        If an ROI has two rows, or a label is no type.
    """

    rows: tuple[Label, ...] = ()
    # The vocabulary, with the user's own types.
    tree: TypeTree = DEFAULT_TYPES
    # Sentences about labels that were moved or set aside when they were read.
    warnings: tuple[str, ...] = ()
    # Labels of ROIs that are not there any more.
    set_aside: tuple[SetAside, ...] = ()

    def __post_init__(self) -> None:
        spellings = {row.label for row in self.rows}
        names = {label: canonical_label(label, self.tree) for label in spellings}
        rows = tuple(
            row
            if names[row.label] == row.label
            else replace(row, label=names[row.label])
            for row in self.rows
        )
        object.__setattr__(self, "rows", rows)
        seen: set[tuple[int | None, int]] = set()
        for row in rows:
            if (row.plane, row.roi_id) in seen:
                where = "" if row.plane is None else f" of plane {row.plane}"
                raise LabelError(
                    f"ROI {row.roi_id}{where} has two rows; keep the right one."
                )
            seen.add((row.plane, row.roi_id))

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    def __iter__(self) -> Iterator[Label]:
        """Go through the rows."""
        return iter(self.rows)

    def by_roi(self) -> dict[int, Label]:
        """Return the rows of one plane by their roi_id."""
        rows = {row.roi_id: row for row in self.rows}
        if len(rows) < len(self.rows):
            raise LabelError(
                "The labels are of several planes; take one with for_plane(N)."
            )
        return rows

    def for_plane(self, plane: int) -> LabelTable:
        """Return the rows of one plane.

        A row that names no plane belongs to every one, but gives way to one that names
        it.
        """
        rows = {r.roi_id: r for r in self.rows if r.plane is None}
        rows |= {r.roi_id: r for r in self.rows if r.plane == plane}
        mine = tuple(replace(row, plane=plane) for row in rows.values())
        return replace(self, rows=mine)

    def on_merged(self, merged_into: NDArray[np.int64]) -> LabelTable:
        """Return labels of parts of merged ROIs as those of the merged ROI.

        A merged ROI that has a label keeps it, and parts that contradict each other
        keep theirs. See `Recording.merged_into`.
        """
        rows, parts = self.by_roi(), dict[int, list[Label]]()
        for row in self.rows:
            whole = row.roi_id
            # A merged ROI may be a part itself.
            while whole < len(merged_into) and merged_into[whole] >= 0:
                whole = int(merged_into[whole])
            if whole != row.roi_id:
                parts.setdefault(whole, []).append(row)
        warnings = []
        for whole, given in parts.items():
            own = rows.get(whole)
            if own is not None and own.label:
                continue
            proven = [row for row in given if row.is_ground_truth] or given
            if len({row.label for row in proven} - {""}) > 1:
                each = ", ".join(f"{row.roi_id} {row.label}" for row in proven)
                warnings.append(
                    f"ROI {whole} was merged in suite2p from ROIs with different "
                    f"labels ({each}); label ROI {whole}."
                )
                continue
            best = min(
                proven, key=lambda row: (not row.label, SOURCES.index(row.source))
            )
            cell_ids = {row.cell_id for row in (own, *given) if row and row.cell_id}
            if len(cell_ids) > 1:
                warnings.append(
                    f"ROI {whole} was merged in suite2p from ROIs of different cells "
                    f"({', '.join(sorted(cell_ids))}); their rows are left as they are."
                )
                continue
            cell_id = next(iter(cell_ids), "")
            rows[whole] = replace(best, roi_id=whole, cell_id=cell_id)
            for row in given:
                del rows[row.roi_id]
            former = ", ".join(str(row.roi_id) for row in given)
            warnings.append(
                f"What is known of ROI {former} is that of ROI {whole} now, into which "
                f"suite2p merged it."
            )
        if not warnings:
            return self
        moved = tuple(sorted(rows.values(), key=lambda row: row.roi_id))
        return replace(self, rows=moved, warnings=(*self.warnings, *warnings))


def canonical_label(label: str, tree: TypeTree = DEFAULT_TYPES) -> str:
    """Return the canonical spelling of a label, which may be empty or `NOT_A_SOMA`."""
    if not label.strip() or label.strip().casefold() == NOT_A_SOMA:
        return label.strip().casefold()
    return tree.canonical(label)


def changed_rows(before: LabelTable, after: LabelTable) -> dict[int, Label | None]:
    """Return the ROIs whose row differs, with the later row (None if it is gone)."""
    # Types that the two spell differently are the same types.
    tree = after.tree.with_types_of(before.tree)
    old, new = (replace(table, tree=tree).by_roi() for table in (before, after))
    rois = sorted({*old, *new})
    return {i: new.get(i) for i in rois if old.get(i) != new.get(i)}
