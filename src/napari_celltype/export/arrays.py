"""The labels for other programs: `celltype.npy` beside iscell.npy, and MATLAB."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.celltypes import UNSURE
from napari_celltype.errors import OutputError
from napari_celltype.export.columns import class_columns
from napari_celltype.export.ownership import write_output

if TYPE_CHECKING:
    import pandas as pd

# MATLAB's namelengthmax.
_MAX_NAME = 63


def celltype_array(table: pd.DataFrame) -> tuple[NDArray[np.float64], dict[str, Any]]:
    """Return the labels of one plane as suite2p keeps iscell: a plain float array.

    Parameters
    ----------
    table : pandas.DataFrame
        The output table of one plane, with every ROI.

    Returns
    -------
    array : ndarray of float64, shape (n_rois, 2 + n_classes)
        Row i is row i of stat.npy. Column 0 is the code of the predicted type (-1:
        unsure), column 1 its probability, then one column per class; NaN without a
        usable trace.
    legend : dict
        ``columns`` and ``codes``, what the columns and the codes mean.

    Raises
    ------
    OutputError
        If the table is not of one plane, or not of all its ROIs.
    """
    roi_ids = table["roi_id"].to_numpy()
    one_plane = len(table[["recording", "plane"]].drop_duplicates()) == 1
    if not one_plane or not np.array_equal(roi_ids, np.arange(len(table))):
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


def write_npy(
    table: pd.DataFrame,
    path: str | Path,
    *,
    force: bool = False,
    provenance: Mapping[str, Any] | None = None,
) -> Path:
    """Write `celltype.npy`; see `celltype_array` for its columns.

    It loads with ``numpy.load(path)``, without pickle. The provenance beside it holds
    the legend of columns and codes.

    Raises
    ------
    OutputError
        If the table is not of one whole plane, the file may not be replaced, or cannot
        be written.
    """
    array, legend = celltype_array(table)
    return write_output(
        _ending(path, ".npy"),
        lambda file: np.lib.format.write_array(file, array),
        force=force,
        provenance={"legend": legend, **(provenance or {})},
    )


def matlab_variables(table: pd.DataFrame) -> dict[str, NDArray[Any]]:
    """Return the columns as MATLAB variables, each (n_rows, 1).

    Text becomes a cell array of char, numbers double; gaps are NaN. `roi_index_matlab`
    is ``roi_id + 1``. Characters that MATLAB does not allow in a name become ``_``.

    Raises
    ------
    OutputError
        If two columns would get the same name.
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


def write_mat(
    table: pd.DataFrame,
    path: str | Path,
    *,
    force: bool = False,
    provenance: Mapping[str, Any] | None = None,
) -> Path:
    """Write the table as a MATLAB file (version 5), one variable per column.

    ``struct2table(load('celltype.mat'))`` makes a table of it; see
    `matlab_variables`.

    Raises
    ------
    OutputError
        If the file may not be replaced or cannot be written.
    """
    from scipy.io import savemat

    variables = matlab_variables(table)
    content = io.BytesIO()
    # The stubs know file names only; savemat documents file-like objects, too.
    savemat(content, variables, do_compression=True)  # type: ignore[arg-type]
    return write_output(
        _ending(path, ".mat"),
        lambda file: file.write(content.getvalue()),
        force=force,
        provenance=provenance,
    )


def _ending(path: str | Path, ending: str) -> Path:
    path = Path(path)
    if path.suffix.lower() != ending:
        raise OutputError(f"{path.name} does not end in {ending}; rename it.")
    return path
