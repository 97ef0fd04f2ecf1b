"""The label table as CSV: one row per labelled ROI with the columns of `COLUMNS`.

`roi_id` and `label` are required. A row without a label and without a cell_id says
nothing and is skipped, so that a table may list every ROI.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path

from napari_celltype.celltypes import DEFAULT_TYPES, TypeTree
from napari_celltype.errors import LabelError, OutputError
from napari_celltype.files import write_text_atomically
from napari_celltype.labels.label_file import FILE_NAME
from napari_celltype.labels.table import Label, LabelTable, canonical_label

COLUMNS = tuple(field.name for field in fields(Label))
_YES_NO = {
    "": None,
    **dict.fromkeys(("true", "1", "1.0", "yes"), True),
    **dict.fromkeys(("false", "0", "0.0", "no"), False),
}


def read_label_table(
    path: str | Path,
    n_rois: int | None = None,
    tree: TypeTree = DEFAULT_TYPES,
    *,
    plane: int | None = None,
) -> LabelTable:
    """Read a label table from CSV.

    Parameters
    ----------
    path : str or Path
        UTF-8 text with columns separated by commas, semicolons or tabs. Rows without a
        source are ``imported``.
    n_rois : int, optional
        Number of ROIs of the recording, to find rows that do not exist.
    plane : int, optional
        Take the rows of this plane (and those that name none).

    Raises
    ------
    LabelError
        Naming the line, if a column is missing, a type or source unknown, a roi_id no
        row of the recording, or an ROI given twice.
    """
    path = Path(path)
    rows: list[Label] = []
    seen: dict[tuple[int | None, int], int] = {}
    for line, cells in read_csv_rows(path, ("roi_id", "label")):
        try:
            row = _label(cells, tree)
            if row is None or (plane is not None and row.plane not in (None, plane)):
                continue
            row = row if plane is None else replace(row, plane=plane)
            if n_rois is not None and row.roi_id >= n_rois:
                raise LabelError(
                    f"ROI {row.roi_id} does not exist: the recording has {n_rois} "
                    f"ROIs, 0 to {n_rois - 1}; check that the table is of this "
                    f"recording."
                )
            first = seen.setdefault((row.plane, row.roi_id), line)
            if first != line:
                raise LabelError(
                    f"ROI {row.roi_id} was already given in line {first}; keep the "
                    f"right one."
                )
            rows.append(row)
        except LabelError as error:
            raise LabelError(f"{path}, line {line}: {error}") from None
    return LabelTable(tuple(rows), tree)


def write_label_table(
    table: LabelTable, path: str | Path, *, force: bool = False
) -> Path:
    """Write a label table as CSV, in one step; `force` replaces a file that is there.

    Raises
    ------
    OutputError
        If the file exists and `force` is not set, or cannot be written.
    """
    path = Path(path)
    if path.exists() and not force:
        raise OutputError(
            f"{path} is already there and may hold labels; choose another name, or use "
            f"force to replace it."
        )
    texts = {None: "", True: "true", False: "false"}
    rows = [{**vars(row), "seen_trace": texts[row.seen_trace]} for row in table]
    return write_csv_rows(path, COLUMNS, rows)


def write_csv_rows(
    path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]
) -> Path:
    """Write some columns of rows as CSV, in one step; None is an empty cell."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return write_text_atomically(path, text.getvalue())


def _label(cells: Mapping[str, str], tree: TypeTree) -> Label | None:
    label, cell_id = cells["label"], cells.get("cell_id", "")
    if not label and not cell_id:
        return None
    roi_id = whole_number(cells["roi_id"], "roi_id")
    if roi_id is None:
        raise LabelError("roi_id is empty; give the row in suite2p's stat.npy.")
    seen_trace = cells.get("seen_trace", "").casefold()
    if seen_trace not in _YES_NO:
        raise LabelError(f"seen_trace is {seen_trace!r}; use true or false.")
    try:
        label = canonical_label(label, tree)
    except LabelError as error:
        raise LabelError(
            f"{error} Add a type of your own first (Types and colours... in the Label "
            f"dock), or import the label file {FILE_NAME}, which brings its types."
        ) from None
    return Label(
        roi_id,
        label,
        whole_number(cells.get("plane", ""), "plane"),
        cells.get("source", "").casefold() or "imported",
        _YES_NO[seen_trace],
        cell_id,
        cells.get("annotator", ""),
        cells.get("note", ""),
    )


def read_csv_rows(
    path: Path, required: Sequence[str]
) -> list[tuple[int, dict[str, str]]]:
    """Return line numbers and cells, under column names in lower case."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise LabelError(
            f"{path} is not UTF-8 text; save it as 'CSV UTF-8' in the spreadsheet "
            f"program."
        ) from None
    except OSError as error:
        raise LabelError(
            f"{path} cannot be read ({error.strerror}); check the name and its "
            f"permissions."
        ) from None
    header = text.partition("\n")[0]
    # Lines may end early, or be too long.
    reader = csv.DictReader(
        io.StringIO(text, newline=""),
        restkey="",
        restval="",
        delimiter=max(",;\t", key=header.count),
    )
    try:
        names = [name.strip().casefold() for name in reader.fieldnames or ()]
        reader.fieldnames = names
        rows = [
            (reader.line_num, {n: cell.strip() for n, cell in cells.items() if n})
            for cells in reader
        ]
    except csv.Error as error:
        raise LabelError(
            f"{path}, line {reader.reader.line_num}: this is no CSV ({error}); save "
            f"the table again as CSV."
        ) from None
    for name in required:
        if names.count(name) != 1:
            raise LabelError(
                f"{path} has {names.count(name) or 'no'} column(s) {name!r}, expected "
                f"one; its first line names {', '.join(filter(None, names)) or 'none'}."
            )
    return [(line, cells) for line, cells in rows if any(cells.values())]


def whole_number(text: str, name: str) -> int | None:
    """Return the whole number in a cell; None where it is empty."""
    # Spreadsheets and pandas write whole columns with gaps as 3.0.
    digits = text.removesuffix(".0")
    if digits.isdecimal():
        return int(digits)
    if text:
        raise LabelError(f"{name} is {text!r}; use a whole number from 0 on.")
    return None
