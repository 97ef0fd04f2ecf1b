"""A recording that is open in the window, and the table behind its ROIs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_celltype.gui.counts import UNPROVEN, subtypes_of
from napari_celltype.recording import FROM_USER, Recording

if TYPE_CHECKING:
    import pandas as pd

    from napari_celltype.labels import LabelTable
    from napari_celltype.workflows import Predictions

_numbers = count(1)

_SHOWN = (
    "group",
    "p_IN",
    "predicted",
    "probability",
    "subtype",
    "prediction_set",
    "why_unsure",
    "stability",
    "label",
    "warnings",
)
_NUMBERS = ("p_IN", "probability", "stability")


@dataclass(frozen=True, eq=False)
class OpenRecording:
    """A recording that is open in the viewer, and what a model said about it.

    Attributes
    ----------
    key : str
        Names the recording in layer metadata and in the session.
    recording : Recording
    predictions : Predictions or None
    labels : LabelTable or None
        Ground truth, where there is some.
    notes : tuple of str
        Sentences for the user about what was found on opening.
    movie_path : Path or None
        The movie of the user's choice, to be attached again when the folder is read
        again.
    """

    key: str
    recording: Recording
    predictions: Predictions | None = None
    labels: LabelTable | None = None
    notes: tuple[str, ...] = ()
    movie_path: Path | None = None

    @property
    def session_title(self) -> str:
        """Name of the session folder."""
        path = self.recording.path
        if path is None:
            return self.key
        session = path.parent if self._in_plane_folder else path
        session = session.parent if session.name == "suite2p" else session
        return session.name

    @property
    def plane_title(self) -> str:
        """Name of the plane."""
        return f"plane {self.recording.plane}"

    @property
    def title(self) -> str:
        """A short name: session folder and plane."""
        if self.recording.path is None or not self._in_plane_folder:
            return self.session_title
        return f"{self.session_title} {self.plane_title}"

    @property
    def user_frequency(self) -> float | None:
        """The frame rate, Hz, where the user gave it."""
        if self.recording.sampling_frequency_source == FROM_USER:
            return self.recording.sampling_frequency
        return None

    @property
    def _in_plane_folder(self) -> bool:
        path = self.recording.path
        return path is not None and path.name.startswith("plane")


def roi_features(
    opened: OpenRecording, min_probability: float | None = None
) -> pd.DataFrame:
    """Return one row per ROI.

    The columns stand in the order of the hover text: ``index`` (the pixel value,
    roi_id + 1), ``roi_id``, ``group``, ``p_IN``, ``predicted``, ``probability``,
    ``subtype`` (that it is unproven on real cells, where an interneuron type is named
    or guessed), ``prediction_set``, ``why_unsure``, ``stability``, ``label``,
    ``warnings`` (why a ROI has no guess), suite2p's ``iscell``, and one ``p_<TYPE>``
    per class once classified. What is not known is None or NaN, which hover text leaves
    out; the output table has the assumed shares there for ROIs without a usable trace.

    Parameters
    ----------
    opened : OpenRecording
    min_probability : float, optional
        Threshold of `unsure`; that of the predictions when not given.
    """
    import pandas as pd

    recording, predictions = opened.recording, opened.predictions
    roi_id = np.arange(recording.n_rois)
    features = pd.DataFrame({"index": roi_id + 1, "roi_id": roi_id})
    classes: tuple[str, ...] = ()
    if predictions is None:
        labels = opened.labels.by_roi() if opened.labels is not None else {}
        table = pd.DataFrame(index=roi_id)
        table["label"] = [
            labels[i].label if i in labels else "" for i in range(recording.n_rois)
        ]
        warnings: Sequence[str] = [""] * recording.n_rois
        known = np.zeros(recording.n_rois, dtype=bool)
    else:
        classes, warnings = predictions.classes, predictions.roi_warnings
        table = predictions.table(min_probability).set_index("roi_id")
        table["subtype"] = _unproven(table["best_guess"], predictions)
        table["why_unsure"] = predictions.decisions(min_probability).why_unsure
        # Parts of merged ROIs have no label of their own.
        table = table[table["merged_into"].isna()].reindex(roi_id)
        known = np.asarray(np.isfinite(predictions.probabilities).all(axis=1))
    table["warnings"] = list(warnings)
    for name in _SHOWN:
        column = table[name] if name in table else pd.Series(np.nan, index=roi_id)
        if name in _NUMBERS:
            features[name] = column.where(known).to_numpy(dtype=float)
        else:
            column = column.astype(object)
            usable = known if name in ("subtype", "prediction_set") else True
            said = column.notna() & (column != "") & usable
            # As objects, so that what is not said is None and not a number.
            features[name] = pd.Series(column.where(said, None), dtype=object)
    if recording.iscell is not None:
        features["iscell"] = recording.iscell
    for name in (f"p_{c}" for c in classes):
        features[name] = table[name].where(known).to_numpy(dtype=float)
    return features


def _unproven(best_guess: pd.Series[str], predictions: Predictions) -> list[str]:
    """Return a remark for each ROI whose type its model did not prove on real cells."""
    subtypes = set() if predictions.card.subtypes_proven else subtypes_of(predictions)
    return [UNPROVEN if name in subtypes else "" for name in best_guess]


def recording_key(recording: Recording) -> str:
    """Return the key of a recording: its path, or a number where it has none."""
    if recording.path is None:
        return f"recording {next(_numbers)}"
    return str(recording.path.resolve())
