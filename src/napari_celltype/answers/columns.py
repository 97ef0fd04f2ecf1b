"""The output table: one row of `COLUMNS` says all about one of its columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
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
    def labelled(self) -> dict[int, Label]:
        return {} if self.labels is None else self.labels.by_roi()

    def given(self, field: str) -> list[str]:
        rows = map(self.labelled.get, range(self.recording.n_rois))
        return [getattr(row, field, "") for row in rows]

    def centroids(self, axis: int) -> Any:
        return np.nan if self.masks is None else self.masks.centroids[:, axis].round(2)

    def iscell(self) -> Any:
        import pandas as pd

        known: Any = self.recording.iscell
        known = [None] * self.recording.n_rois if known is None else known
        return pd.array(known, dtype="boolean")

    def merged_into(self) -> Any:
        import pandas as pd

        merged = self.recording.merged_into
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
    description: str  # for people who did not use this program
    # One for each ROI; of `p_<TYPE>` an array of shape (n_rois, n_classes).
    values: Callable[[_Rois], Any]
    title: str = ""  # in the window's table of ROIs; empty: not shown there
    dtype: str = "str"  # of pandas; `Int64` and `boolean` may have gaps
    of_model: bool = False  # there only after a model has run
    in_nwb: bool = True  # not what NWB's masks and the file say themselves
    in_files: bool = True  # else for the window only


_of_model = partial(Column, of_model=True)
COLUMNS = (
    Column(
        "index",
        "Pixel value of the ROI in the layer: roi_id + 1.",
        lambda rois: np.arange(rois.recording.n_rois) + 1,
        dtype="int64",
        in_files=False,
    ),
    Column(
        "recording",
        "Session folder, relative to the common folder of all recordings.",
        lambda rois: rois.name,
        in_nwb=False,
    ),
    Column(
        "plane",
        "Number of the imaging plane.",
        lambda rois: rois.recording.plane,
        dtype="int64",
        in_nwb=False,
    ),
    Column(
        "roi_id",
        "Row of the ROI in suite2p's stat.npy, counted from 0.",
        lambda rois: np.arange(rois.recording.n_rois),
        "ROI",
        "int64",
    ),
    Column(
        "y",
        "Centre of the ROI, pixels from the top.",
        lambda rois: rois.centroids(0),
        dtype="float64",
        in_nwb=False,
    ),
    Column(
        "x",
        "Centre of the ROI, pixels from the left.",
        lambda rois: rois.centroids(1),
        dtype="float64",
        in_nwb=False,
    ),
    Column(
        "n_pixels",
        "Number of pixels of the ROI.",
        lambda rois: 0 if rois.masks is None else rois.masks.n_pixels,
        "Pixels",
        "int64",
        in_nwb=False,
    ),
    Column(
        "iscell",
        "Whether suite2p calls the ROI a cell.",
        lambda rois: rois.iscell(),
        "suite2p cell",
        "boolean",
    ),
    Column(
        "label",
        "Cell type that somebody gave this ROI; '!' before a type means 'not that "
        "type', 'not a soma' that the ROI is no cell body; empty where nothing is "
        "known. See label_source for where it came from.",
        lambda rois: rois.given("label"),
        "Label",
    ),
    Column(
        "label_source",
        "Where the label came from: histology, redcell, manual, imported, or "
        "prediction (an accepted prediction, which is no ground truth).",
        lambda rois: rois.given("source"),
    ),
    _of_model(
        "group",
        "PY or IN (interneuron), the more probable one according to the model, or "
        "'unsure'.",
        lambda rois: rois.predictions.decisions.group,
        "Group",
    ),
    _of_model(
        "p_IN",
        "Predicted probability of being an interneuron.",
        lambda rois: rois.predictions.decisions.p_in,
        "p_IN",
        "float64",
    ),
    _of_model(
        "predicted",
        "Most probable cell type inside the group, from the calcium trace; 'unsure' "
        "without a usable trace or below a minimum probability. A prediction, not an "
        "identification.",
        lambda rois: rois.predictions.decisions.predicted,
        "Type",
    ),
    _of_model(
        "probability",
        "Probability of the predicted type; NaN without a usable trace.",
        lambda rois: rois.predictions.decisions.probability,
        "Probability",
        "float64",
    ),
    _of_model(
        "subtype",
        f"That the predicted interneuron type is {UNPROVEN}.",
        lambda rois: [
            UNPROVEN if name in rois.predictions.unproven_types else ""
            for name in rois.predictions.decisions.predicted
        ],
        in_files=False,
    ),
    _of_model(
        "prediction_set",
        "Types that the model cannot rule out, joined by '|'.",
        lambda rois: rois.predictions.prediction_sets,
        "Prediction set",
    ),
    _of_model(
        "why_unsure",
        "Why the ROI has no predicted type; empty where it has one.",
        lambda rois: [str(why or "") for why in rois.predictions.decisions.why_unsure],
        "Why unsure",
        in_files=False,
    ),
    _of_model(
        f"p_{TYPE}",
        f"Predicted probability of the type {TYPE}.",
        lambda rois: rois.predictions.probabilities,
        f"p_{TYPE}",
        "float64",
    ),
    _of_model(
        "warnings",
        "What to know about this ROI or its recording, joined by ';'.",
        lambda rois: rois.warnings(),
    ),
    Column(
        "merged_into",
        "Row of the merged ROI that this one is a part of; -1 or empty for none.",
        lambda rois: rois.merged_into(),
        dtype="Int64",
    ),
    Column(
        "cell_id",
        "Name of the same neuron on several days.",
        lambda rois: rois.given("cell_id"),
    ),
    _of_model(
        "model",
        "Name of the model that made the prediction.",
        lambda rois: rois.predictions.card.name,
    ),
    _of_model(
        "model_sha256",
        "SHA-256 of the model's file.",
        lambda rois: rois.predictions.model_sha256,
    ),
    _of_model(
        "n_frames_used",
        "Frames that the model has seen of this ROI.",
        lambda rois: rois.predictions.n_frames_used,
        dtype="int64",
    ),
)
_BY_NAME = {column.name: column for column in COLUMNS}
_IN_FILES = tuple(column.name for column in COLUMNS if column.in_files)
# The features of the ROIs' layer, in the order of the hover text.
_FEATURES = (
    *("index", "roi_id", "group", "p_IN", "predicted", "probability", "subtype"),
    *("prediction_set", "why_unsure", "label", "warnings", "iscell", f"p_{TYPE}"),
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
    """Return the columns of the output table for these classes, in order."""
    # A class IN has the column p_IN already.
    types = [f"p_{name}" for name in classes if name != "IN"]
    return [
        name for column in _IN_FILES for name in (types if TYPE in column else [column])
    ]


def class_columns(columns: Iterable[str]) -> list[str]:
    """Return the `p_<TYPE>` columns of a table."""
    # `p_IN` sums the interneuron types; it is a class only where there is none.
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

    The column `recording` says the name; without predictions, columns that need a model
    are left out. Words of `columns` asked for by name are Python objects.
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
    if recording.iscell is None:
        order.remove("iscell")
    else:
        table["iscell"] = recording.iscell
    types = [name for name in class_columns(table.columns) if name != "p_IN"]
    table = table[[*order, *types]].copy()
    # Words as objects, so that what is not said is None and not a number.
    for name, values in table.items():
        if values.dtype.kind not in "biuf":
            known = values.astype(object).to_numpy(copy=True)
            known[known == ""] = None
            table[name] = pd.Series(known, dtype=object)
    return table
