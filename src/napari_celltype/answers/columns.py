"""The output table: one row of `COLUMNS` says all about one of its columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_celltype.recording import Recording, RoiMasks

if TYPE_CHECKING:
    import pandas as pd

    from napari_celltype.labels import Label, LabelTable

TYPE = "<TYPE>"
UNPROVEN = "unproven on real cells"
# Behind a label that is an accepted prediction, which is no ground truth.
ACCEPTED = " (accepted)"


@dataclass(frozen=True)
class _Rois:
    """What tables are made of; `predictions` is a `Predictions`, or None."""

    recording: Recording
    name: str
    labels: LabelTable | None
    predictions: Any

    @cached_property
    def masks(self) -> RoiMasks | None:
        masks = RoiMasks.of(self.recording.rois)
        return masks if len(masks) == self.recording.n_rois else None

    @cached_property
    def given(self) -> list[Label | None]:
        rows = self.labels.by_roi() if self.labels is not None else {}
        return [rows.get(roi_id) for roi_id in range(self.recording.n_rois)]

    def centroids(self, axis: int) -> Any:
        if self.masks is None:
            return np.full(self.recording.n_rois, np.nan)
        return self.masks.centroids[:, axis].round(2)

    def iscell(self) -> Any:
        import pandas as pd

        known: Any = self.recording.iscell
        known = [None] * self.recording.n_rois if known is None else known
        return pd.array(known, dtype="boolean")

    def merged_into(self) -> Any:
        import pandas as pd

        merged = self.recording.merged_into
        if not len(merged):
            merged = np.full(self.recording.n_rois, -1)
        return pd.arrays.IntegerArray(np.maximum(merged, 0), merged < 0)

    def warnings(self) -> list[str]:
        rate = self.recording.sampling_frequency
        confirmed = self.recording.sampling_frequency_confirmed
        of_rate = "" if confirmed else f"frame rate of {rate:g} Hz unconfirmed"
        own = self.predictions.roi_warnings
        return ["; ".join(filter(None, (of_rate, warning))) for warning in own]


@dataclass(frozen=True)
class Column:
    """A column of the output table."""

    name: str  # `<TYPE>` stands for each class of the model
    dtype: str  # of pandas; `Int64` and `boolean` may have gaps
    description: str  # for people who did not use this program
    # One for each ROI; of `p_<TYPE>` an array of shape (n_rois, n_classes).
    values: Callable[[_Rois], Any]
    title: str = ""  # in the window's table of ROIs; empty: not shown there
    of_model: bool = False  # there only after a model has run
    in_nwb: bool = True  # not what NWB's masks and the file say themselves
    in_files: bool = True  # else for the window only


COLUMNS = (
    Column(
        "index",
        "int64",
        "Pixel value of the ROI in the layer: roi_id + 1.",
        lambda rois: np.arange(rois.recording.n_rois) + 1,
        in_files=False,
    ),
    Column(
        "recording",
        "str",
        "Session folder, relative to the common folder of all recordings.",
        lambda rois: rois.name,
        in_nwb=False,
    ),
    Column(
        "plane",
        "int64",
        "Number of the imaging plane.",
        lambda rois: rois.recording.plane,
        in_nwb=False,
    ),
    Column(
        "roi_id",
        "int64",
        "Row of the ROI in suite2p's stat.npy, counted from 0.",
        lambda rois: np.arange(rois.recording.n_rois),
        "ROI",
    ),
    Column(
        "y",
        "float64",
        "Centre of the ROI, pixels from the top.",
        lambda rois: rois.centroids(0),
        in_nwb=False,
    ),
    Column(
        "x",
        "float64",
        "Centre of the ROI, pixels from the left.",
        lambda rois: rois.centroids(1),
        in_nwb=False,
    ),
    Column(
        "n_pixels",
        "int64",
        "Number of pixels of the ROI.",
        lambda rois: 0 if rois.masks is None else rois.masks.n_pixels,
        "Pixels",
        in_nwb=False,
    ),
    Column(
        "iscell",
        "boolean",
        "Whether suite2p calls the ROI a cell.",
        lambda rois: rois.iscell(),
        "suite2p cell",
    ),
    Column(
        "label",
        "str",
        "Cell type that somebody gave this ROI; '!' before a type means 'not that "
        "type', 'not a soma' that the ROI is no cell body; empty where nothing is "
        "known. See label_source for where it came from.",
        lambda rois: [row.label if row else "" for row in rois.given],
        "Label",
    ),
    Column(
        "label_source",
        "str",
        "Where the label came from: histology, redcell, manual, imported, or "
        "prediction (an accepted prediction, which is no ground truth).",
        lambda rois: [row.source if row else "" for row in rois.given],
    ),
    Column(
        "group",
        "str",
        "PY or IN (interneuron), the more probable one according to the model, or "
        "'unsure'.",
        lambda rois: rois.predictions.decisions.group,
        "Group",
        of_model=True,
    ),
    Column(
        "p_IN",
        "float64",
        "Predicted probability of being an interneuron.",
        lambda rois: rois.predictions.decisions.p_in,
        "p_IN",
        of_model=True,
    ),
    Column(
        "predicted",
        "str",
        "Most probable cell type inside the group, from the calcium trace; 'unsure' "
        "without a usable trace or below a minimum probability. A prediction, not an "
        "identification.",
        lambda rois: rois.predictions.decisions.predicted,
        "Type",
        of_model=True,
    ),
    Column(
        "probability",
        "float64",
        "Probability of the predicted type; NaN without a usable trace.",
        lambda rois: rois.predictions.decisions.probability,
        "Probability",
        of_model=True,
    ),
    Column(
        "subtype",
        "str",
        f"That the predicted interneuron type is {UNPROVEN}.",
        lambda rois: [
            UNPROVEN if name in rois.predictions.unproven_types else ""
            for name in rois.predictions.decisions.predicted
        ],
        of_model=True,
        in_files=False,
    ),
    Column(
        "prediction_set",
        "str",
        "Types that the model cannot rule out, joined by '|'.",
        lambda rois: rois.predictions.prediction_sets,
        "Prediction set",
        of_model=True,
    ),
    Column(
        "why_unsure",
        "str",
        "Why the ROI has no predicted type; empty where it has one.",
        lambda rois: [str(why or "") for why in rois.predictions.decisions.why_unsure],
        "Why unsure",
        of_model=True,
        in_files=False,
    ),
    Column(
        f"p_{TYPE}",
        "float64",
        f"Predicted probability of the type {TYPE}.",
        lambda rois: rois.predictions.probabilities,
        f"p_{TYPE}",
        of_model=True,
    ),
    Column(
        "warnings",
        "str",
        "What to know about this ROI or its recording, joined by ';'.",
        lambda rois: rois.warnings(),
        of_model=True,
    ),
    Column(
        "merged_into",
        "Int64",
        "Row of the merged ROI that this one is a part of; -1 or empty for none.",
        lambda rois: rois.merged_into(),
    ),
    Column(
        "cell_id",
        "str",
        "Name of the same neuron on several days.",
        lambda rois: [row.cell_id if row else "" for row in rois.given],
    ),
    Column(
        "model",
        "str",
        "Name of the model that made the prediction.",
        lambda rois: rois.predictions.model_name,
        of_model=True,
    ),
    Column(
        "model_sha256",
        "str",
        "SHA-256 of the model's file.",
        lambda rois: rois.predictions.model_sha256,
        of_model=True,
    ),
    Column(
        "n_frames_used",
        "int64",
        "Frames that the model has seen of this ROI.",
        lambda rois: rois.predictions.n_frames_used,
        of_model=True,
    ),
)
_BY_NAME = {column.name: column for column in COLUMNS}
_IN_FILES = tuple(column.name for column in COLUMNS if column.in_files)
# The features of the ROIs' layer, in the order of the hover text.
_FEATURES = (
    "index",
    "roi_id",
    "group",
    "p_IN",
    "predicted",
    "probability",
    "subtype",
    "prediction_set",
    "why_unsure",
    "label",
    "warnings",
    "iscell",
    f"p_{TYPE}",
)
# What `napari_celltype.answers.summary.count_rois` looks at.
COUNTED = ("group", "predicted", "why_unsure", "label", "label_source", "merged_into")


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
    """Return the columns of the output table of a model with these classes, in order.

    A class IN has the column p_IN already.
    """
    types = [f"p_{name}" for name in classes if name != "IN"]
    return [
        name for column in _IN_FILES for name in (types if TYPE in column else [column])
    ]


def class_columns(columns: Iterable[str]) -> list[str]:
    """Return the `p_<TYPE>` columns of a table.

    `p_IN` sums the interneuron types, and is a class only where there is none of them.
    """
    found = [c for c in columns if c.startswith("p_")]
    finer = [c for c in found if c not in ("p_PY", "p_IN")]
    return [c for c in found if c != "p_IN" or not finer]


def roi_table(
    recording: Recording,
    name: str = "",
    labels: LabelTable | None = None,
    predictions: Any = None,
    *,
    only_iscell: bool = False,
    columns: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Return the table of a recording's ROIs, in the order of `stat.npy`.

    Parameters
    ----------
    recording : Recording
    name : str
        What the column `recording` says.
    labels : LabelTable, optional
        What is known about the ROIs.
    predictions : Predictions, optional
        Without them the columns that need a model are left out.
    only_iscell : bool
        Leave out the ROIs that suite2p does not call cells.
    columns : sequence of str
        Names of `COLUMNS`, whose words are then objects; by default those of the output
        table.

    Returns
    -------
    pandas.DataFrame
    """
    import pandas as pd

    rois = _Rois(recording, name, labels, predictions)
    found: dict[str, Any] = {}
    for column in map(_BY_NAME.__getitem__, columns or _IN_FILES):
        if column.of_model and predictions is None:
            continue
        values = column.values(rois)
        if TYPE in column.name:
            for number, of_type in enumerate(predictions.classes):
                if of_type != "IN":
                    found[f"p_{of_type}"] = values[:, number]
        elif columns and isinstance(values, list):
            # Much faster than pandas' own text while a window waits.
            found[column.name] = pd.Series(values, dtype=object)
        else:
            found[column.name] = values
    table = pd.DataFrame(found, index=range(recording.n_rois))
    if only_iscell and recording.iscell is not None:
        table = table[recording.iscell].reset_index(drop=True)
    return table


def layer_features(
    recording: Recording, labels: LabelTable | None = None, predictions: Any = None
) -> pd.DataFrame:
    """Return the output table as the features of the ROIs' layer.

    ``index`` is the pixel value. What is not known is None or NaN, which hover text
    leaves out; parts of merged ROIs have no group and no type. ``group``, ``p_IN``,
    ``predicted``, ``probability`` and ``warnings`` are there before a model has run.

    Parameters
    ----------
    recording : Recording
    labels : LabelTable, optional
    predictions : Predictions, optional
    """
    import pandas as pd

    hidden = ("label_source", "merged_into")
    of_rois = [name for name in _FEATURES if name != "warnings"]
    table = roi_table(recording, "", labels, predictions, columns=(*of_rois, *hidden))
    accepted = (table["label_source"] == "prediction") & (table["label"] != "")
    table.loc[accepted, "label"] += ACCEPTED
    if predictions is None:
        table[["group", "predicted", "warnings"]] = ""
        table[["p_IN", "probability"]] = np.nan
    else:
        table["warnings"] = pd.Series(predictions.roi_warnings, dtype=object)
        table.loc[table["merged_into"].notna(), ["group", "predicted"]] = ""
        table.loc[table["probability"].isna(), "prediction_set"] = ""
    order = [name for name in _FEATURES if name in table]
    types = [name for name in class_columns(table.columns) if name != "p_IN"]
    table = table[[*order, *types]]
    table = table.drop(columns="iscell")
    if recording.iscell is not None:
        table.insert(order.index("iscell"), "iscell", recording.iscell)
    # Words as objects, so that what is not said is None and not a number.
    for name, values in table.items():
        if values.dtype.kind not in "biuf":
            known = values.astype(object).to_numpy(copy=True)
            known[known == ""] = None
            table[name] = pd.Series(known, dtype=object)
    return table
