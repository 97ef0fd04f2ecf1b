"""Rows of a CSV file with the lines where they stand, whatever program wrote it."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from napari_celltype.errors import LabelError


def read_csv_rows(
    path: Path, required: Sequence[str]
) -> list[tuple[int, dict[str, str]]]:
    """Return line numbers and cells, under column names in lower case.

    Parameters
    ----------
    path : Path
        UTF-8 text with columns separated by commas, semicolons or tabs; lines without
        any cell are skipped.
    required : sequence of str
        Columns that must be there.

    Raises
    ------
    LabelError
        If the file cannot be read or is no CSV, or a required column is missing or
        there twice.
    """
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
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=max(",;\t", key=header.count)
    )
    try:
        names = [name.strip().casefold() for name in next(reader, [])]
        lines = [(reader.line_num, cells) for cells in reader if any(cells)]
    except csv.Error as error:
        raise LabelError(
            f"{path}, line {reader.line_num}: this is no CSV ({error}); save the table "
            f"again as CSV."
        ) from None
    for name in required:
        if names.count(name) != 1:
            raise LabelError(
                f"{path} has {names.count(name) or 'no'} column(s) {name!r}, expected "
                f"one; its first line names {', '.join(filter(None, names)) or 'none'}."
            )
    # Lines may end early.
    missing = [""] * len(names)
    return [
        (line, dict(zip(names, (c.strip() for c in cells + missing), strict=False)))
        for line, cells in lines
    ]


def whole_number(text: str, name: str) -> int | None:
    """Return the whole number in a cell; None where it is empty.

    Raises
    ------
    LabelError
        If there is something else in it, or a negative number.
    """
    if not text:
        return None
    try:
        # Spreadsheets and pandas write whole columns with gaps as 3.0.
        number = int(text.removesuffix(".0"))
    except ValueError:
        number = -1
    if number < 0:
        raise LabelError(f"{name} is {text!r}; use a whole number from 0 on.")
    return number
