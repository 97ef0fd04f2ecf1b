"""Labels and cell identities from a file or folder of whatever program."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from napari_celltype.celltypes import DEFAULT_TYPES, TypeTree
from napari_celltype.errors import LabelError
from napari_celltype.labels.csv_table import read_label_table
from napari_celltype.labels.label_file import FILE_NAME, read_label_file
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
class ImportedLabels:
    """What a file says about the ROIs of one recording."""

    # Labels, or only a cell_id for each ROI.
    table: LabelTable
    # Labels that the same cells have on other days; a proposal.
    carried: LabelTable
    # What was found, in words.
    sentences: tuple[str, ...]


def import_labels(
    path: str | Path,
    recording: Recording,
    tree: TypeTree = DEFAULT_TYPES,
    others: Sequence[tuple[str, Recording, LabelTable]] = (),
) -> ImportedLabels:
    """Read labels or matches for a recording, whatever wrote them.

    Parameters
    ----------
    path : str or Path
        A label table (CSV), a label file of this program (JSON), the folder of Track2p,
        or ROICaT's results (JSON, or the folder with it).
    others : sequence of (str, Recording, LabelTable)
        Open recordings by name, whose labels may be carried over where the file says
        which cells are the same.

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
    if (folder := track2p_folder(path)) is not None:
        return _matches(read_track2p, folder, recording, tree, others)
    if (file := roicat_file(path)) is not None:
        return _matches(read_roicat, file, recording, tree, others)
    if path.suffix.lower() == ".json" and path.is_file():
        table = read_label_file(path, recording, tree)
    elif path.suffix.lower() in (".csv", ".tsv", ".txt"):
        table = read_label_table(path, recording, tree)
    else:
        raise LabelError(
            f"{path} is neither a label table (.csv), nor a label file ({FILE_NAME}), "
            f"nor the folder of Track2p, nor ROICaT's "
            f"NAME.tracking.results_clusters.json; choose one of these."
        )
    n_cells = sum(bool(row.cell_id) for row in table)
    known = f", {counted(n_cells, 'ROI')} with a cell_id" if n_cells else ""
    sentences = (f"{_labels_text(table)}{known}.", *table.warnings)
    return ImportedLabels(table, LabelTable(tree=tree), sentences)


def _labels_text(table: LabelTable) -> str:
    counts = Counter(row.label for row in table if row.label)
    each = ", ".join(f"{n} {name}" for name, n in counts.most_common())
    return counted(counts.total(), "label") + (f" ({each})" if each else "")


def _matches(
    read: Callable[[Path, Recording], MatchedCells],
    path: Path,
    recording: Recording,
    tree: TypeTree,
    others: Sequence[tuple[str, Recording, LabelTable]],
) -> ImportedLabels:
    matched = read(path, recording)
    cell_ids = matched.for_recording(recording)
    labelled = []
    for name, other, labels in others:
        # One may be of another animal; nobody asked about it.
        with suppress(LabelError):
            if other.plane == recording.plane:
                ids = read(path, other).for_recording(other)
                labelled.append((name, labels, ids))
    carried = carried_labels(recording, cell_ids, labelled)
    sentences = [
        f"{matched.program}: recording {matched.day_of(recording) + 1} of "
        f"{len(matched.rows)}; {counted(len(cell_ids), 'ROI')} of "
        f"{recording.n_rois} found again on other days.",
        *matched.notes,
    ]
    if labelled:
        names = ", ".join(name for name, _, _ in labelled)
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
    """What new labels would make of those that are there."""

    table: LabelTable
    # ROIs whose label is another one now, and ROIs that keep theirs although the new
    # labels say something else.
    replaced: tuple[int, ...]
    kept: tuple[int, ...]


def add_labels(
    present: LabelTable, new: LabelTable, *, keep: bool = True, instead_of: str = ""
) -> AddedLabels:
    """Add labels from a file or a channel to those that are there, of one plane.

    A cell_id is added to a label that has none.

    Parameters
    ----------
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
    replaced, kept = [], []
    for roi_id, row in rows.items():
        if row.source == instead_of:
            rows[roi_id] = replace(row, label="", note="")
    for roi_id, row in replace(new, tree=tree).by_roi().items():
        mine = rows.get(roi_id) or replace(row, label="", cell_id="")
        cell_id = mine.cell_id or row.cell_id if keep else row.cell_id or mine.cell_id
        stays = bool(mine.label) and keep and mine.source != "prediction"
        if row.label and not stays:
            rows[roi_id] = replace(row, cell_id=cell_id)
            if mine.label not in ("", row.label):
                replaced.append(roi_id)
        else:
            rows[roi_id] = replace(mine, cell_id=cell_id)
            if row.label not in ("", mine.label):
                kept.append(roi_id)
    labelled = (row for row in rows.values() if row.label or row.cell_id)
    aside = (item for item in new.set_aside if item not in present.set_aside)
    table = replace(
        present,
        rows=tuple(sorted(labelled, key=lambda row: row.roi_id)),
        tree=tree,
        set_aside=(*present.set_aside, *aside),
    )
    return AddedLabels(table, tuple(replaced), tuple(kept))
