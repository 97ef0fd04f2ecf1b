"""The columns of the output table: one row of `COLUMNS` says all about one of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_celltype.recording import Recording, RoiMasks

if TYPE_CHECKING:
    import pandas as pd

    from napari_celltype.labels import LabelTable

TYPE = "<TYPE>"


@dataclass(frozen=True)
class Column:
    """A column of the output table.

    Attributes
    ----------
    name : str
        ``<TYPE>`` stands for each class of the model.
    dtype : str
        Of pandas; ``Int64`` and ``boolean`` may have gaps.
    description : str
        One sentence or more, for people who did not use this program.
    title : str
        Heading in the window's table of ROIs; empty where it is not shown there.
    in_nwb : bool
        Whether NWB files have it; not what the masks and the file say themselves.
    """

    name: str
    dtype: str
    description: str
    title: str = ""
    in_nwb: bool = True


COLUMNS = (
    Column(
        "recording",
        "str",
        "Session folder, relative to the common folder of all recordings.",
        in_nwb=False,
    ),
    Column("plane", "int64", "Number of the imaging plane.", in_nwb=False),
    Column(
        "roi_id",
        "int64",
        "Row of the ROI in suite2p's stat.npy, counted from 0.",
        "ROI",
    ),
    Column("y", "float64", "Centre of the ROI, pixels from the top.", in_nwb=False),
    Column("x", "float64", "Centre of the ROI, pixels from the left.", in_nwb=False),
    Column("n_pixels", "int64", "Number of pixels of the ROI.", "Pixels", in_nwb=False),
    Column(
        "iscell", "boolean", "Whether suite2p calls the ROI a cell.", "suite2p cell"
    ),
    Column(
        "label",
        "str",
        "Cell type that somebody gave this ROI; '!' before a type means 'not that "
        "type', 'not a soma' that the ROI is no cell body; empty where nothing is "
        "known. See label_source for where it came from.",
        "Label",
    ),
    Column(
        "label_source",
        "str",
        "Where the label came from: histology, redcell, manual, imported, or "
        "prediction (an accepted prediction, which is no ground truth).",
    ),
    Column(
        "group",
        "str",
        "PY or IN (interneuron), the more probable one according to the model, or "
        "'unsure'.",
        "Group",
    ),
    Column("p_IN", "float64", "Predicted probability of being an interneuron.", "p_IN"),
    Column(
        "predicted",
        "str",
        "Most probable cell type inside the group, from the calcium trace; 'unsure' "
        "without a usable trace or below a minimum probability. A prediction, not an "
        "identification.",
        "Type",
    ),
    Column(
        "probability",
        "float64",
        "Probability of the predicted type; NaN without a usable trace.",
        "Probability",
    ),
    Column(
        "prediction_set",
        "str",
        "Types that the model cannot rule out, joined by '|'.",
        "Prediction set",
    ),
    Column(
        f"p_{TYPE}",
        "float64",
        f"Predicted probability of the type {TYPE}.",
        f"p_{TYPE}",
    ),
    Column(
        "warnings",
        "str",
        "What to know about this ROI or its recording, joined by ';'.",
    ),
    Column(
        "merged_into",
        "Int64",
        "Row of the merged ROI that this one is a part of; -1 for none.",
    ),
    Column("cell_id", "str", "Name of the same neuron on several days."),
    Column("model", "str", "Name of the model that made the prediction."),
    Column("model_sha256", "str", "SHA-256 of the model's file."),
    Column("n_frames_used", "int64", "Frames that the model has seen of this ROI."),
)
_BY_NAME = {column.name: column for column in COLUMNS}


def find_column(name: str) -> Column | None:
    """Return what is known about a column of the table; None for a foreign one."""
    if name in _BY_NAME:
        return _BY_NAME[name]
    if not name.startswith("p_"):
        return None
    of_types = _BY_NAME[f"p_{TYPE}"]
    description = of_types.description.replace(TYPE, name.removeprefix("p_"))
    return replace(of_types, name=name, title=name, description=description)


def output_columns(classes: Iterable[str]) -> list[str]:
    """Return the columns of the output table of a model with these classes.

    Parameters
    ----------
    classes : iterable of str
        Class names in tree order.
    """
    # A class IN has the column p_IN already.
    types = [f"p_{name}" for name in classes if name != "IN"]
    return [
        name
        for column in COLUMNS
        for name in (types if TYPE in column.name else [column.name])
    ]


def class_columns(columns: Iterable[str]) -> list[str]:
    """Return the `p_<TYPE>` columns of a table.

    `p_IN` sums the interneuron types, and is a class only where there is none of them.
    """
    found = [c for c in columns if c.startswith("p_")]
    finer = [c for c in found if c not in ("p_PY", "p_IN")]
    return [c for c in found if c != "p_IN" or not finer]


def roi_rows(
    recording: Recording, name: str, labels: LabelTable | None = None
) -> pd.DataFrame:
    """Return the part of the output table that needs no model, one row per ROI.

    Parameters
    ----------
    recording : Recording
    name : str
        What the column `recording` says.
    labels : LabelTable, optional
        What is known about the ROIs.

    Returns
    -------
    pandas.DataFrame
        In the order of `stat.npy`, with the columns ``recording``, ``plane``,
        ``roi_id``, ``y``, ``x`` (pixels), ``n_pixels``, ``iscell``, ``label``,
        ``label_source``, ``merged_into`` and ``cell_id``.
    """
    import pandas as pd

    n_rois = recording.n_rois
    masks = RoiMasks.of(recording.rois)
    has_masks = len(masks) == n_rois
    centroids = masks.centroids if has_masks else np.full((n_rois, 2), np.nan)
    rows = labels.by_roi() if labels is not None else {}
    given = [rows.get(roi_id) for roi_id in range(n_rois)]
    columns: dict[str, object] = {
        "recording": name,
        "plane": recording.plane,
        "roi_id": np.arange(n_rois),
        "y": centroids[:, 0].round(2),
        "x": centroids[:, 1].round(2),
        "n_pixels": masks.n_pixels if has_masks else np.zeros(n_rois, np.int64),
        "iscell": pd.array(
            [None] * n_rois if recording.iscell is None else recording.iscell,
            dtype="boolean",
        ),
        "label": [row.label if row else "" for row in given],
        "label_source": [row.source if row else "" for row in given],
        "merged_into": pd.array(
            [int(m) if m >= 0 else None for m in recording.merged_into]
            or [None] * n_rois,
            dtype="Int64",
        ),
        "cell_id": [row.cell_id if row else "" for row in given],
    }
    return pd.DataFrame(columns)
