"""Labels and cell identities from a file or folder of whatever program."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from napari_celltype.celltypes import DEFAULT_TYPES, TypeTree
from napari_celltype.errors import LabelError
from napari_celltype.labels.csv_table import read_label_table
from napari_celltype.labels.label_file import (
    FILE_NAME,
    is_label_file,
    read_label_file,
)
from napari_celltype.labels.matched_cells import (
    MatchedCells,
    carried_labels,
    read_roicat,
    read_track2p,
    roicat_file,
    track2p_folder,
)
from napari_celltype.labels.notes import counted
from napari_celltype.labels.table import Label, LabelTable
from napari_celltype.recording import Recording


@dataclass(frozen=True)
class OtherDay:
    """Another recording that is open, with its labels."""

    name: str
    recording: Recording
    labels: LabelTable


@dataclass(frozen=True)
class ImportedLabels:
    """What a file says about the ROIs of one recording.

    Attributes
    ----------
    table : LabelTable
        Labels, or only a cell_id for each ROI.
    carried : LabelTable
        Labels that the same cells have on other days; a proposal.
    sentences : tuple of str
        What was found, in words.
    """

    table: LabelTable
    carried: LabelTable
    sentences: tuple[str, ...]


def import_labels(
    path: str | Path,
    recording: Recording,
    tree: TypeTree = DEFAULT_TYPES,
    others: Sequence[OtherDay] = (),
) -> ImportedLabels:
    """Read labels or matches for a recording, whatever wrote them.

    Parameters
    ----------
    path : str or Path
        A label table (CSV), a label file of this program (JSON), the folder of Track2p,
        or ROICaT's results (JSON, or the folder with it).
    recording : Recording
    tree : TypeTree
    others : sequence of OtherDay
        Whose labels may be carried over where the file says which cells are the same.

    Raises
    ------
    LabelError
        If it is none of these, or does not fit the recording.
    RecordingError
        If a file is damaged or asks for code to be run.
    """
    path = Path(path)
    if path.is_file() and path.name == "track_ops.npy":
        path = path.parent
    if path.is_dir() and track2p_folder(path) is not None:
        return _matches(read_track2p, path, recording, tree, others)
    if is_label_file(path):
        table = read_label_file(path, recording, tree)
        sentences = (_table_text(table), *table.warnings)
        return ImportedLabels(table, LabelTable(tree=tree), sentences)
    if roicat_file(path) is not None:
        return _matches(read_roicat, path, recording, tree, others)
    if path.suffix.lower() in (".csv", ".tsv", ".txt"):
        table = read_label_table(path, recording.n_rois, tree, plane=recording.plane)
        return ImportedLabels(table, LabelTable(tree=tree), (_table_text(table),))
    raise LabelError(
        f"{path} is neither a label table (.csv), nor a label file ({FILE_NAME}), nor "
        f"the folder of Track2p, nor ROICaT's NAME.tracking.results_clusters.json; "
        f"choose one of these."
    )


def _table_text(table: LabelTable) -> str:
    """Return how many labels of each type a table has, and how many cell_ids."""
    n_cells = sum(bool(row.cell_id) for row in table)
    known = f", {counted(n_cells, 'ROI')} with a cell_id" if n_cells else ""
    return f"{_labels_text(table)}{known}."


def _labels_text(table: LabelTable) -> str:
    counts = Counter(row.label for row in table if row.label)
    each = ", ".join(f"{n} {name}" for name, n in counts.most_common())
    return counted(counts.total(), "label") + (f" ({each})" if each else "")


def _matches(
    read: Callable[[Path, Recording], MatchedCells],
    path: Path,
    recording: Recording,
    tree: TypeTree,
    others: Sequence[OtherDay],
) -> ImportedLabels:
    matched = read(path, recording)
    cell_ids = matched.for_recording(recording)
    labelled = []
    for other in others:
        if other.recording.plane != recording.plane:
            continue
        try:
            ids = read(path, other.recording).for_recording(other.recording)
        except LabelError:
            # It may be of another animal; nobody asked about it.
            continue
        labelled.append((other.name, other.labels, ids))
    carried = carried_labels(recording, cell_ids, labelled)
    names = ", ".join(name for name, _, _ in labelled)
    sentences = [
        f"{matched.program}: recording {matched.day_of(recording) + 1} of "
        f"{len(matched.rows)}; {counted(len(cell_ids), 'ROI')} of "
        f"{recording.n_rois} found again on other days.",
        *matched.notes,
    ]
    if labelled:
        sentences.append(
            f"On other days ({names}) these cells have {_labels_text(carried)}."
        )
    only_ids = tuple(
        Label(roi_id, "", recording.plane, "imported", cell_id=cell_id)
        for roi_id, cell_id in sorted(cell_ids.items())
    )
    return ImportedLabels(LabelTable(only_ids, tree), carried, tuple(sentences))


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
    rows = replace(present, tree=tree).by_roi()
    added, replaced, kept = [], [], []
    for roi_id, row in list(rows.items()):
        if row.source == instead_of:
            rows[roi_id] = replace(row, label="", note="")
    for roi_id, row in replace(new, tree=tree).by_roi().items():
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
    labelled = (row for row in rows.values() if row.label or row.cell_id)
    aside = (item for item in new.set_aside if item not in present.set_aside)
    table = replace(
        present,
        rows=tuple(sorted(labelled, key=lambda row: row.roi_id)),
        tree=tree,
        set_aside=(*present.set_aside, *aside),
    )
    return AddedLabels(table, tuple(added), tuple(replaced), tuple(kept))
