"""The output table as a file: CSV, Parquet and JSON, and back."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from napari_celltype.errors import OutputError
from napari_celltype.export.columns import (
    INTEGER_COLUMNS,
    OPTIONAL_BOOLEAN_COLUMNS,
    OPTIONAL_INTEGER_COLUMNS,
    TEXT_COLUMNS,
    missing_columns,
)
from napari_celltype.export.ownership import write_output

if TYPE_CHECKING:
    import pandas as pd


def table_to_csv(table: pd.DataFrame) -> str:
    """Return the table as CSV text, numbers in full precision."""
    text: str = table.to_csv(index=False, lineterminator="\n")
    return text


def table_to_json(table: pd.DataFrame) -> str:
    """Return the table as a JSON list of rows; what is missing is null."""
    values = table.astype(object).where(table.notna(), None)
    rows = [
        {name: _plain(value) for name, value in row.items()}
        for row in values.to_dict(orient="records")
    ]
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    return f"[\n{lines}\n]\n"


def write_table(
    table: pd.DataFrame,
    path: str | Path,
    *,
    force: bool = False,
    provenance: Mapping[str, Any] | None = None,
) -> Path:
    """Write the output table; the name says the format.

    Parameters
    ----------
    table : pandas.DataFrame
        With the columns of `output_columns`.
    path : str or Path
        Ends in ``.csv``, ``.parquet`` or ``.json``.
    force : bool
        Replace a file that this program did not write.
    provenance : mapping, optional
        Goes into ``OUT.provenance.json`` beside it.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    OutputError
        If the ending is another one, the file may not be replaced, or cannot be
        written; what was there stays.
    """
    path = Path(path)
    writers: dict[str, Callable[[BinaryIO], object]] = {
        ".csv": lambda file: file.write(table_to_csv(table).encode()),
        ".parquet": lambda file: file.write(_parquet(table)),
        ".json": lambda file: file.write(table_to_json(table).encode()),
    }
    return write_output(
        path, writers[_ending(path)], force=force, provenance=provenance
    )


def read_table(path: str | Path) -> pd.DataFrame:
    """Read an output table that this program wrote.

    Parameters
    ----------
    path : str or Path
        Ends in ``.csv``, ``.parquet`` or ``.json``.

    Returns
    -------
    pandas.DataFrame
        With the types of columns that it was written with.

    Raises
    ------
    OutputError
        If the file cannot be read, or lacks columns of the output table.
    """
    import pandas as pd

    path = Path(path)
    ending = _ending(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise OutputError(
            f"{path} cannot be read ({error.strerror}); check the name."
        ) from None
    try:
        if ending == ".csv":
            text = io.BytesIO(data)
            table = _parsed(pd.read_csv(text, dtype=str, keep_default_na=False))
        elif ending == ".parquet":
            table = pd.read_parquet(io.BytesIO(data))
        else:
            table = pd.DataFrame(json.loads(data))
        lacking = missing_columns(table.columns)
        if not lacking:
            return _typed(table)
    except (ValueError, TypeError, OSError, RecursionError) as error:
        reason = str(error).splitlines()[0]
        raise OutputError(
            f"{path} is no {ending} table or is damaged ({reason}); write it again."
        ) from None
    raise OutputError(
        f"{path} lacks the column(s) {', '.join(lacking[:5])}; give a table that "
        f"`napari-celltype classify` wrote."
    )


def _ending(path: Path) -> str:
    ending = path.suffix.lower()
    if ending not in (".csv", ".parquet", ".json"):
        raise OutputError(
            f"{path.name} ends in {ending or 'nothing'}, expected .csv, .parquet or "
            f".json; rename it."
        )
    return ending


def _parquet(table: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()


def _plain(value: Any) -> Any:
    """Return a NumPy scalar as Python's own number."""
    return value.item() if hasattr(value, "item") else value


def _parsed(texts: pd.DataFrame) -> pd.DataFrame:
    """Return columns of text as numbers; empty text is text, or a gap in numbers."""
    table = texts.copy()
    for name in texts.columns.difference(list(TEXT_COLUMNS)):
        values = texts[name].astype(object).replace({"": None})
        if name in OPTIONAL_BOOLEAN_COLUMNS:
            values = values.replace({"True": True, "False": False})
        else:
            # Python's own float() gives back every digit that was written.
            values = values.map(float, na_action="ignore")
        table[name] = values
    return table


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    types: dict[str, str] = {
        name: "float64" for name in table.columns if name not in TEXT_COLUMNS
    }
    types |= dict.fromkeys(TEXT_COLUMNS, "str")
    types |= dict.fromkeys(INTEGER_COLUMNS, "int64")
    types |= dict.fromkeys(OPTIONAL_INTEGER_COLUMNS, "Int64")
    types |= dict.fromkeys(OPTIONAL_BOOLEAN_COLUMNS, "boolean")
    return table.astype(types)
