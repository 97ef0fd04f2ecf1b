"""A recording that is open in the window, and the table behind its ROIs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_celltype.recording import FROM_USER, Recording

if TYPE_CHECKING:
    import pandas as pd

    from napari_celltype.labels import LabelTable
    from napari_celltype.workflows import Predictions

_numbers = count(1)


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

    Columns: ``index`` (the pixel value, roi_id + 1), ``roi_id``, ``label``, ``group``,
    ``predicted``, ``probability``, one ``p_<TYPE>`` per class once classified,
    ``warnings`` (why a ROI has no guess), and suite2p's ``iscell``. What is not known
    is None or NaN, which hover text leaves out; the output table has the assumed shares
    there for ROIs without a usable trace.

    Parameters
    ----------
    opened : OpenRecording
    min_probability : float, optional
        Threshold of `unsure`; that of the predictions when not given.
    """
    import pandas as pd

    recording = opened.recording
    roi_id = np.arange(recording.n_rois)
    features = pd.DataFrame({"index": roi_id + 1, "roi_id": roi_id})
    said = ["label", "group", "predicted"]
    if opened.predictions is None:
        labels = opened.labels.by_roi() if opened.labels is not None else {}
        for name in said:
            features[name] = pd.Series([None] * recording.n_rois, dtype=object)
        features["label"] = [
            labels[i].label if i in labels else None for i in range(recording.n_rois)
        ]
        features["probability"] = np.nan
        warnings = [""] * recording.n_rois
    else:
        table = opened.predictions.table(min_probability).set_index("roi_id")
        # Parts of merged ROIs have no label of their own.
        table = table[table["merged_into"].isna()].reindex(roi_id)
        for name in said:
            column = table[name].astype(object)
            features[name] = column.where(column.notna() & (column != ""), None)
        usable: NDArray[np.bool_] = np.asarray(
            np.isfinite(opened.predictions.probabilities).all(axis=1)
        )
        for name in ("probability", *(f"p_{c}" for c in opened.predictions.classes)):
            features[name] = table[name].where(usable).to_numpy(dtype=float)
        warnings = list(opened.predictions.roi_warnings)
    features["warnings"] = pd.Series([w or None for w in warnings], dtype=object)
    if recording.iscell is not None:
        features["iscell"] = recording.iscell
    return features


def recording_key(recording: Recording) -> str:
    """Return the key of a recording: its path, or a number where it has none."""
    if recording.path is None:
        return f"recording {next(_numbers)}"
    return str(recording.path.resolve())
