"""The label table as CSV: one row per labelled ROI with the columns of `COLUMNS`.

`roi_id` and `label` are required. A row without a label and without a cell_id says
nothing and is skipped, so that a table may list every ROI.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path

from napari_celltype.celltypes import DEFAULT_TYPES, TypeTree
from napari_celltype.errors import LabelError, OutputError
from napari_celltype.files import write_text_atomically
from napari_celltype.labels.label_file import FILE_NAME, require_rows, unreadable
from napari_celltype.labels.notes import first_few
from napari_celltype.labels.table import Label, LabelTable, canonical_label
from napari_celltype.recording import Recording, name_of_recording, session_folder
from napari_celltype.recording.npy import FileStamp, file_stamp

COLUMNS = tuple(field.name for field in fields(Label))
_YES_NO = {
    "": None,
    **dict.fromkeys(("true", "1", "1.0", "yes"), True),
    **dict.fromkeys(("false", "0", "0.0", "no"), False),
}
# What R, pandas and spreadsheets write into an empty cell.
_EMPTY = frozenset(("na", "n/a", "#n/a", "<na>", "nan", "null", "none"))
_SEPARATOR = re.compile(r'"?sep=(.)"?[\s,;]*', re.IGNORECASE)


def read_label_table(
    path: str | Path,
    recording: Recording | None = None,
    tree: TypeTree = DEFAULT_TYPES,
    *,
    each_plane: bool = False,
) -> LabelTable:
    """Read a label table from CSV: of one recording, or all of it.

    Parameters
    ----------
    path : str or Path
        UTF-8 text with columns separated by commas, semicolons or tabs. Rows without a
        source are ``imported``.
    recording : Recording, optional
        Take the rows of its plane and, of a table with a column `recording`, such as
        `classify` writes, of its path (and those that name none). Labels of parts of
        merged ROIs are those of the merged one.
    each_plane : bool
        Refuse a row that names no plane.

    Raises
    ------
    LabelError
        Naming the line, if a column is missing, a type or source unknown, a roi_id no
        row of the recording, or an ROI given twice. If the column `recording` names
        others only, or several and no recording is given.
    """
    path = Path(path)
    rows: list[Label] = []
    seen: dict[tuple[int | None, int], int] = {}
    others: set[int] = set()
    read = _label_rows(path, file_stamp(path))
    names = dict.fromkeys(cells.get("recording", "") for _, cells in read)
    folder = None if recording is None else recording.path
    own = _own_name(path, [name for name in names if name], folder)
    for line, cells in read:
        if cells.get("recording", "") not in ("", own):
            continue
        try:
            row = _label(cells, tree)
            if row is None:
                continue
            if each_plane and row.plane is None:
                raise LabelError(
                    f"nothing says of which plane ROI {row.roi_id} is, and the "
                    f"recording has several; fill in the column plane, or choose one."
                )
            if recording is not None:
                if row.plane not in (None, recording.plane):
                    others.add(row.plane)
                    continue
                row = replace(row, plane=recording.plane)
                require_rows([row.roi_id], recording)
            first = seen.setdefault((row.plane, row.roi_id), line)
            if first != line:
                raise LabelError(
                    f"ROI {row.roi_id} was already given in line {first}; keep the "
                    f"right one."
                )
            rows.append(row)
        except LabelError as error:
            raise LabelError(f"{path}, line {line}: {error}") from None
    if recording is None:
        return LabelTable(tuple(rows), tree)
    warnings: tuple[str, ...] = ()
    if others and not rows:
        of = ", ".join(map(str, sorted(others)))
        warnings = (
            f"{path} has no label of plane {recording.plane}: its rows are of plane "
            f"{of}; choose that plane, or correct the column plane.",
        )
    table = LabelTable(tuple(rows), tree, warnings)
    return table.on_merged(recording.merged_into)


def _own_name(path: Path, names: Collection[str], folder: Path | None) -> str:
    """Return the name in the column `recording` that stands for the plane folder."""
    if folder is not None and names:
        if own := name_of_recording(folder, names):
            return own
        raise LabelError(
            f"{path} is about {first_few(names)}, and not about "
            f"{session_folder(folder)}; correct its column recording, or leave that "
            f"column out."
        )
    if len(names) > 1:
        raise LabelError(
            f"{path} is about several recordings ({first_few(names)}); say which one "
            f"is meant (Python: recording=...), or keep the rows of one."
        )
    return next(iter(names), "")


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
        raise LabelError(f"seen_trace is {seen_trace!r:.60}; use true or false.")
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
        # The output table calls it by its longer name.
        (cells.get("source") or cells.get("label_source") or "imported").casefold(),
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
        raise unreadable(path, error) from None
    # Excel's own first line, such as sep=;
    first, _, below = text.partition("\n")
    given = _SEPARATOR.fullmatch(first)
    mark = given[1] if given else max(",;\t", key=first.count)
    reader = csv.reader(
        io.StringIO(below if given else text, newline=""), delimiter=mark
    )
    above = int(given is not None)
    try:
        rows = [(reader.line_num + above, row) for row in reader if any(row)]
    except csv.Error as error:
        raise LabelError(
            f"{path}, line {reader.line_num + above}: this is no CSV ({error}); save "
            f"the table again as CSV."
        ) from None
    names = [name.strip().casefold() for name in rows[0][1]] if rows else []
    for name in required:
        if names.count(name) != 1:
            known = first_few((f"{n:.60}" for n in names if n), 20) or "none"
            raise LabelError(
                f"{path} has {names.count(name) or 'no'} column(s) {name!r}, expected "
                f"one; its first line names {known}."
            )
    # R's write.table gives names to its rows, and none to their column.
    if all(len(row) == len(names) + 1 and row[-1] for _, row in rows[1:]):
        names.insert(0, "")
    found = []
    for line, row in rows[1:]:
        cells = zip_longest(names, map(_cell, row), fillvalue="")
        found.append((line, {name: cell for name, cell in cells if name}))
    return [(line, cells) for line, cells in found if any(cells.values())]


@lru_cache(maxsize=2)
def _label_rows(
    path: Path, stamp: FileStamp | None
) -> Sequence[tuple[int, Mapping[str, str]]]:
    """Return the rows of a label table at a stamp: many recordings may share one."""
    return read_csv_rows(path, ("roi_id", "label"))


def _cell(text: str) -> str:
    text = text.strip()
    return "" if text.casefold() in _EMPTY else text


def whole_number(text: str, name: str) -> int | None:
    """Return the whole number in a cell; None where it is empty."""
    # Spreadsheets and pandas write whole columns with gaps as 3.0 or 3,0.
    if digits := re.fullmatch(r"(\d{1,18})([.,]0{0,2})?", text):
        return int(digits[1])
    if text:
        raise LabelError(f"{name} is {text!r:.60}; use a whole number from 0 on.")
    return None
