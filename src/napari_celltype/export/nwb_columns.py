"""The output table as columns of an NWB table, and the provenance as rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.export.columns import TEXT_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

PROVENANCE_TABLE = "CellTypeProvenance"
_OF_THE_MASKS = ("recording", "plane", "y", "x", "n_pixels")
_WORDS = {
    "roi_id": "Row of the ROI in suite2p's stat.npy, counted from 0.",
    "iscell": "Whether suite2p calls the ROI a cell.",
    "label": "Cell type that somebody gave this ROI; '!' before a type means 'not that "
    "type', 'not a soma' that the ROI is no cell body; empty where nothing is known. "
    "See label_source for where it came from.",
    "label_source": "Where the label came from: histology, redcell, manual, imported, "
    "or prediction (an accepted prediction, which is no ground truth).",
    "group": "PY or IN (interneuron), the more probable one according to the model, or "
    "'unsure'.",
    "p_IN": "Predicted probability of being an interneuron.",
    "predicted": "Most probable cell type inside the group, from the calcium trace; "
    "'unsure' without a usable trace or below a minimum probability. A prediction, not "
    "an identification.",
    "probability": "Probability of the predicted type; NaN without a usable trace.",
    "prediction_set": "Types that the model cannot rule out, joined by '|'.",
    "warnings": "What to know about this ROI or its recording, joined by ';'.",
    "merged_into": "Row of the merged ROI that this one is a part of; -1 for none.",
    "cell_id": "Name of the same neuron on several days.",
    "model": "Name of the model that made the prediction.",
    "model_sha256": "SHA-256 of the model's file.",
    "n_frames_used": "Frames that the model has seen of this ROI.",
}


@dataclass(frozen=True)
class NwbColumn:
    """One column of a table in an NWB file.

    Attributes
    ----------
    name, description : str
    data : ndarray or list of str, length n_rows
    """

    name: str
    description: str
    data: NDArray[Any] | list[str]


def nwb_columns(table: pd.DataFrame) -> list[NwbColumn]:
    """Return the columns of the output table that an NWB file gets.

    What the masks and the file say themselves is left out, and so are columns in which
    no ROI has a value. Gaps are NaN in numbers and -1 in `merged_into`.

    Parameters
    ----------
    table : pandas.DataFrame
        The output table, or its part that needs no model.
    """
    columns = []
    for name in table.columns:
        column = table[name]
        if name in _OF_THE_MASKS:
            continue
        data: NDArray[Any] | list[str]
        if name in TEXT_COLUMNS:
            data = [str(text) for text in column]
            known = any(data)
        elif name == "merged_into":
            data = column.fillna(-1).to_numpy(dtype=np.int64)
            known = bool((data >= 0).any())
        elif name == "iscell":
            known = not column.isna().any()
            data = column.to_numpy(dtype=bool, na_value=False)
        else:
            data = column.to_numpy()
            known = data.dtype.kind != "f" or bool(np.isfinite(data).any())
        if known:
            columns.append(NwbColumn(name, _described(name), data))
    return columns


def _described(name: str) -> str:
    if name in _WORDS:
        return _WORDS[name]
    return f"Predicted probability of the type {name.removeprefix('p_')}."


def flat_provenance(provenance: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return the provenance as two columns of text: dotted names and values.

    Paths of the machine are left out, since NWB files are made to be shared.
    """
    rows = [row for row in _rows(provenance, "") if not row[0].endswith(".path")]
    return [name for name, _ in rows], [value for _, value in rows]


def _rows(value: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _rows(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list | tuple) and _is_nested(value):
        for i, inner in enumerate(value):
            yield from _rows(inner, f"{name}.{i}")
    elif isinstance(value, list | tuple):
        yield name, "; ".join(map(str, value))
    else:
        yield name, "" if value is None else str(value)


def _is_nested(values: Iterable[Any]) -> bool:
    return any(isinstance(value, Mapping | list | tuple) for value in values)
