"""Labels of two people on one recording, put together ROI by ROI."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from napari_celltype.celltypes import TypeTree
from napari_celltype.labels.table import Label, LabelTable, SetAside

Side: TypeAlias = Literal["mine", "theirs"]

# What belongs together in a row: who said what, from where, and how blind.
_VERDICT = ("label", "source", "seen_trace", "annotator")


@dataclass(frozen=True)
class Dispute:
    """An ROI that both sides changed, each in its own way.

    Attributes
    ----------
    roi_id : int
    mine, theirs : Label or None
        None where the label was taken away.
    """

    roi_id: int
    mine: Label | None
    theirs: Label | None

    @property
    def sentence(self) -> str:
        """What each side says."""
        return (
            f"ROI {self.roi_id}: {_words(self.mine)} here, {_words(self.theirs)} in "
            f"the file."
        )


@dataclass(frozen=True)
class MergedLabels:
    """Two label tables in one.

    Attributes
    ----------
    table : LabelTable
    disputes : tuple of Dispute
        ROIs on which the sides differ; the table has the one that was asked for.
    """

    table: LabelTable
    disputes: tuple[Dispute, ...]


def merge_labels(
    mine: LabelTable, base: LabelTable, theirs: LabelTable, prefer: Side = "mine"
) -> MergedLabels:
    """Put together what two sides made of the same labels.

    A change of one side is kept. Where both changed the label of an ROI, or its
    cell_id, to different ones, the preferred side's is taken and the ROI listed. Two
    people who gave the same label do not differ.

    Parameters
    ----------
    mine, theirs : LabelTable
        Of one plane.
    base : LabelTable
        What both started from; empty if nobody knows.
    prefer : {"mine", "theirs"}
        Whose label a disputed ROI gets.

    Returns
    -------
    MergedLabels
        The types of both, and the labels that either had set aside.

    Raises
    ------
    LabelError
        If a table covers several planes, or a type of theirs cannot be added.
    """
    tree = mine.tree.with_types_of(theirs.tree).with_types_of(base.tree)
    here, there, before = (_rows(table, tree) for table in (mine, theirs, base))
    rows, disputes = [], []
    for roi_id in dict.fromkeys((*before, *here, *there)):
        sides = here.get(roi_id), before.get(roi_id), there.get(roi_id)
        row, disputed = _merge_row(*sides, prefer)
        if disputed:
            disputes.append(Dispute(roi_id, sides[0], sides[2]))
        if row is not None:
            rows.append(row)
    rows.sort(key=lambda row: row.roi_id)
    aside = _together(mine.set_aside, theirs.set_aside)
    merged = LabelTable(tuple(rows), tree, mine.warnings, aside)
    return MergedLabels(merged, tuple(sorted(disputes, key=lambda d: d.roi_id)))


@dataclass(frozen=True)
class AddedLabels:
    """What new labels would make of those that are there.

    Attributes
    ----------
    table : LabelTable
    added, replaced, kept : tuple of int
        ROIs that got a label, ROIs whose label is another one now, and ROIs that keep
        theirs although the new labels say something else.
    """

    table: LabelTable
    added: tuple[int, ...]
    replaced: tuple[int, ...]
    kept: tuple[int, ...]


def add_labels(
    present: LabelTable, new: LabelTable, *, keep: bool = True, instead_of: str = ""
) -> AddedLabels:
    """Add labels from a file or a channel to those that are there.

    A cell_id is added to a label that has none.

    Parameters
    ----------
    present, new : LabelTable
        Of one plane.
    keep : bool
        Whether a label that is there stays; predictions never stay.
    instead_of : str, optional
        A source whose labels are taken back first, whatever `keep` says: ``redcell``
        where the lines were moved.

    Raises
    ------
    LabelError
        If a table covers several planes, or a type of the new ones cannot be added.
    """
    tree = present.tree.with_types_of(new.tree)
    rows = _rows(present, tree)
    added, replaced, kept = [], [], []
    for roi_id, row in list(rows.items()):
        if row.source == instead_of:
            rows[roi_id] = replace(row, label="", note="")
    for roi_id, row in _rows(new, tree).items():
        mine = rows.get(roi_id)
        if mine is None or not (mine.label or mine.cell_id):
            rows[roi_id] = row
            added.append(roi_id)
            continue
        cell_id = mine.cell_id or row.cell_id if keep else row.cell_id or mine.cell_id
        stays = bool(mine.label) and (keep and mine.source != "prediction")
        if not row.label or stays:
            rows[roi_id] = replace(mine, cell_id=cell_id)
            if row.label not in ("", mine.label):
                kept.append(roi_id)
            continue
        rows[roi_id] = replace(row, cell_id=cell_id)
        if not mine.label:
            added.append(roi_id)
        elif mine.label != row.label:
            replaced.append(roi_id)
    said = (row for row in rows.values() if row.label or row.cell_id)
    table = replace(
        present,
        rows=tuple(sorted(said, key=lambda row: row.roi_id)),
        tree=tree,
        set_aside=_together(present.set_aside, new.set_aside),
    )
    return AddedLabels(table, tuple(added), tuple(replaced), tuple(kept))


def changed_rows(before: LabelTable, after: LabelTable) -> dict[int, Label | None]:
    """Return the ROIs whose row differs, with the later row (None if it is gone)."""
    tree = after.tree.with_types_of(before.tree)
    old, new = _rows(before, tree), _rows(after, tree)
    rois = sorted({*old, *new})
    return {i: new.get(i) for i in rois if old.get(i) != new.get(i)}


def _together(
    mine: tuple[SetAside, ...], theirs: tuple[SetAside, ...]
) -> tuple[SetAside, ...]:
    return (*mine, *(item for item in theirs if item not in mine))


def _rows(table: LabelTable, tree: TypeTree) -> dict[int, Label]:
    """Return the rows by ROI, types spelled as in a tree."""
    return replace(table, tree=tree).by_roi()


def _merge_row(
    mine: Label | None, base: Label | None, theirs: Label | None, prefer: Side
) -> tuple[Label | None, bool]:
    if theirs in (mine, base):
        return mine, False
    if mine == base:
        return theirs, False
    if mine is None or theirs is None:
        return (mine if prefer == "mine" else theirs), True
    first, second = (mine, theirs) if prefer == "mine" else (theirs, mine)
    before = base or Label(mine.roi_id, "", mine.plane)
    parts: dict[str, Any] = {}
    disputed = False
    for names in (_VERDICT, ("cell_id",)):
        ours, other, old = (_take(row, names) for row in (first, second, before))
        chosen = ours if _changed(ours, old) else other
        parts |= dict(zip(names, chosen, strict=True))
        if _changed(ours, old) and _changed(other, old):
            disputed |= ours[0] != other[0]
    notes = [row.note for row in (first, second) if row.note != before.note]
    parts["note"] = "; ".join(dict.fromkeys(filter(None, notes)))
    if not notes:
        parts["note"] = before.note
    return replace(first, **parts), disputed


def _changed(now: tuple[object, ...], before: tuple[object, ...]) -> bool:
    """Tell whether a part differs; who gave no label does not matter."""
    return now != before and bool(now[0] or before[0])


def _take(row: Label, names: tuple[str, ...]) -> tuple[object, ...]:
    return tuple(getattr(row, name) for name in names)


def _words(row: Label | None) -> str:
    if row is None:
        return "no label"
    what = row.label or f"only the cell {row.cell_id}"
    return f"{what} by {row.annotator}" if row.annotator else what
