"""The output table as CSV, Parquet, JSON, MATLAB, celltype.npy; the label table."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.answers.columns import class_columns, find_column, output_columns
from napari_celltype.celltypes import UNSURE
from napari_celltype.errors import OutputError
from napari_celltype.export.content import Content, Format, Preview
from napari_celltype.labels import LabelTable, write_label_table

if TYPE_CHECKING:
    import pandas as pd

# MATLAB's namelengthmax.
_MAX_NAME = 63
READ_ENDINGS = (".csv", ".parquet", ".json")
# What stands in a CSV for no number and for yes and no.
_WORDS = {"": None, "True": True, "False": False}


def table_to_csv(table: pd.DataFrame) -> str:
    """Return the table as CSV text, numbers in full precision."""
    text: str = table.to_csv(index=False, lineterminator="\n")
    return text


def _write_csv(table: pd.DataFrame, path: Path) -> None:
    path.write_bytes(table_to_csv(table).encode())


def _write_parquet(table: pd.DataFrame, path: Path) -> None:
    table.to_parquet(path, index=False)


def _write_json(table: pd.DataFrame, path: Path) -> None:
    """Write a JSON list of rows; what is missing is null."""
    rows = table.astype(object).where(table.notna(), None).to_dict(orient="records")
    # NumPy's numbers become Python's.
    dump = partial(json.dumps, ensure_ascii=False, default=lambda value: value.item())
    lines = ",\n".join(map(dump, rows))
    path.write_bytes(f"[\n{lines}\n]\n".encode())


def celltype_array(table: pd.DataFrame) -> tuple[NDArray[np.float64], dict[str, Any]]:
    """Return the cell types as suite2p keeps iscell, and what columns and codes mean.

    Row i is that of stat.npy: code (-1: unsure), its probability, a column per class.
    """
    if "predicted" not in table.columns:
        raise OutputError(
            "celltype.npy holds what a model said, and no model has run; classify the "
            "recording first, or export the labels as CSV."
        )
    planes = table[["recording", "plane"]].drop_duplicates()
    if len(planes) != 1 or list(table["roi_id"]) != list(range(len(table))):
        raise OutputError(
            "celltype.npy has one row for every row of one plane's stat.npy, and this "
            "table is of several planes or of some ROIs only; export each plane by "
            "itself, without --only-iscell."
        )
    columns = class_columns(table.columns)
    classes = [name.removeprefix("p_") for name in columns]
    codes = {name: code for code, name in enumerate(classes)}
    code = [codes.get(name, -1) for name in table["predicted"]]
    array = np.column_stack(
        [code, table["probability"].to_numpy(), table[columns].to_numpy()]
    ).astype(np.float64)
    legend = {
        "columns": ["code", "probability", *columns],
        "codes": {"-1": UNSURE, **{str(c): name for name, c in codes.items()}},
    }
    return array, legend


def _write_npy(table: pd.DataFrame, path: Path) -> None:
    array, _ = celltype_array(table)
    with path.open("wb") as file:
        np.lib.format.write_array(file, array)


def _npy_preview(content: Content) -> Preview:
    import pandas as pd

    array, legend = celltype_array(content.table)
    return Preview(table=pd.DataFrame(array, columns=legend["columns"]))


def matlab_variables(table: pd.DataFrame) -> dict[str, NDArray[Any]]:
    """Return the columns as MATLAB variables, each (n_rows, 1).

    Text becomes a cell array of char, numbers double; gaps are NaN. `roi_index_matlab`
    is ``roi_id + 1``. Characters that MATLAB does not allow in a name become ``_``.
    """
    variables: dict[str, NDArray[Any]] = {}
    for name, column in table.items():
        name = re.sub(r"\W", "_", str(name), flags=re.ASCII)[:_MAX_NAME]
        if name in variables:
            raise OutputError(
                f"Two columns would be called {name!r} in MATLAB; rename one type."
            )
        if column.dtype.kind in "biuf":
            numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
            variables[name] = numbers.reshape(-1, 1)
        else:
            cells = np.empty((len(column), 1), dtype=object)
            cells[:, 0] = [str(text) for text in column]
            variables[name] = cells
    variables["roi_index_matlab"] = variables["roi_id"] + 1
    return variables


def _write_mat(table: pd.DataFrame, path: Path) -> None:
    from scipy.io import savemat

    variables = matlab_variables(table)
    savemat(str(path), variables, appendmat=False, do_compression=True)


def _labels(content: Content) -> LabelTable:
    labels = content.recordings[0].labels
    if labels is None or not len(labels):
        raise OutputError(
            "No ROI of this recording has a label yet; label some first, or export the "
            "table."
        )
    return labels


def _labels_preview(content: Content) -> Preview:
    import pandas as pd

    return Preview(table=pd.DataFrame([asdict(row) for row in _labels(content)]))


def _table_format(
    key: str, title: str, description: str, write: Callable[[pd.DataFrame, Path], None]
) -> Format:
    return Format(
        key,
        f"Table: {title}",
        f".{key}",
        description,
        lambda content: Preview(table=content.table),
        lambda content, path: write(content.table, path),
        options=("only_iscell",),
        from_table=True,
    )


TABLES = (
    _table_format("csv", "CSV", "For any program.", _write_csv),
    _table_format("parquet", "Parquet", "Keeps column types.", _write_parquet),
    _table_format("json", "JSON", "A list of rows.", _write_json),
    _table_format("mat", "MATLAB (.mat)", "One variable per column.", _write_mat),
    Format(
        "npy",
        "celltype.npy, beside iscell.npy",
        ".npy",
        "Numbers as suite2p keeps iscell; needs predictions.",
        _npy_preview,
        lambda content, path: _write_npy(content.table, path),
        one_recording=True,
        from_table=True,
        legend=lambda table: {"legend": celltype_array(table)[1]},
    ),
    Format(
        "labels",
        "Labels only (CSV, can be imported)",
        ".csv",
        "What people said, to be read again by this program.",
        _labels_preview,
        lambda content, path: write_label_table(_labels(content), path),
        one_recording=True,
    ),
)


def read_table(path: str | Path) -> pd.DataFrame:
    """Read an output table (.csv, .parquet or .json) with its types of columns."""
    import pandas as pd

    path = Path(path)
    ending = path.suffix.lower()
    if ending not in READ_ENDINGS:
        raise OutputError(
            f"{path.name} ends in {ending or 'nothing'}, expected one of "
            f"{', '.join(READ_ENDINGS)}; rename it."
        )
    try:
        data = path.read_bytes()
    except OSError as error:
        raise OutputError(
            f"{path} cannot be read ({error.strerror}); check the name."
        ) from None
    try:
        if ending == ".csv":
            table = pd.read_csv(io.BytesIO(data), dtype=str, keep_default_na=False)
            for name, kind in _types(table).items():
                if kind != "str":
                    # Python's own float() gives back every digit that was written.
                    table[name] = [
                        _WORDS[text] if text in _WORDS else float(text)
                        for text in table[name]
                    ]
        elif ending == ".parquet":
            table = pd.read_parquet(io.BytesIO(data))
        else:
            table = pd.DataFrame(json.loads(data))
        lacking = [name for name in output_columns([]) if name not in table.columns]
        if not lacking:
            with np.errstate(invalid="raise"):
                return table.astype(_types(table))
    except (
        *(ValueError, TypeError, OSError, RecursionError, ArithmeticError),
        AttributeError,  # of pandas below 3, where a row is none
    ) as error:
        raise OutputError(
            f"{path} is no {ending} table or is damaged ({error!s:.200}); write it "
            f"again."
        ) from None
    raise OutputError(
        f"{path} lacks the column(s) {', '.join(lacking[:5])}; give a table that "
        f"`napari-celltype classify` wrote."
    )


def _types(table: pd.DataFrame) -> dict[str, str]:
    found = {name: find_column(str(name)) for name in table.columns}
    return {name: column.dtype for name, column in found.items() if column}
