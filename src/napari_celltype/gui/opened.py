"""A recording that is open in the window, and the table behind its ROIs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.answers.summary import UNPROVEN
from napari_celltype.celltypes import DEFAULT_TYPES, TypeTree
from napari_celltype.recording import FROM_USER, Recording

if TYPE_CHECKING:
    import pandas as pd

    from napari_celltype.answers import Predictions
    from napari_celltype.answers.decisions import Decisions
    from napari_celltype.labels import Label, LabelFile, LabelTable

_numbers = count(1)
# Behind a label that is an accepted prediction, which is no ground truth.
ACCEPTED = " (accepted)"


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
    label_file : LabelFile or None
        Where the labels are saved; None for traces from elsewhere.
    movie_path : Path or None
        The movie of the user's choice, to be attached again when the folder is read
        again.
    """

    key: str
    recording: Recording
    predictions: Predictions | None = None
    labels: LabelTable | None = None
    notes: tuple[str, ...] = ()
    label_file: LabelFile | None = None
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


def with_recording(opened: OpenRecording, recording: Recording) -> OpenRecording:
    """Return an open recording with another movie or frame rate.

    Predictions made at another rate are dropped; others lose the warning that nobody
    had confirmed it.
    """
    made, kept = opened.predictions, None
    same_rate = recording.sampling_frequency == opened.recording.sampling_frequency
    if made is not None and same_rate:
        own = (w for w in made.warnings if w not in opened.recording.warnings)
        kept = replace(made, recording=recording, warnings=(*recording.warnings, *own))
    return replace(opened, recording=recording, predictions=kept)


def roi_features(opened: OpenRecording, said: Decisions | None = None) -> pd.DataFrame:
    """Return one row per ROI.

    The columns stand in the order of the hover text: ``index`` (the pixel value,
    roi_id + 1), ``roi_id``, ``group``, ``p_IN``, ``predicted``, ``probability`` (of
    that type), ``subtype`` (that an interneuron type is unproven on real cells),
    ``prediction_set``, ``why_unsure``, ``label``, ``warnings`` (why a ROI has no
    name), suite2p's ``iscell``, and one ``p_<TYPE>`` per class; what only a model
    tells is there once classified. What is not known is None or NaN, which hover text
    leaves out.

    Parameters
    ----------
    opened : OpenRecording
    said : Decisions, optional
        The names that the ROIs got; those of the predictions when not given.
    """
    import pandas as pd

    recording, predictions = opened.recording, opened.predictions
    n_rois = recording.n_rois
    columns: dict[str, Any] = {
        "index": np.arange(n_rois) + 1,
        "roi_id": np.arange(n_rois),
        "group": [None] * n_rois,
        "p_IN": np.full(n_rois, np.nan),
        "predicted": [None] * n_rois,
        "probability": np.full(n_rois, np.nan),
    }
    probabilities: dict[str, NDArray[np.float64]] = {}
    labels = opened.labels
    if predictions is not None:
        labels = predictions.labels or labels
        said = said or predictions.decisions()
        columns |= _answers(predictions, said)
        for column, name in enumerate(predictions.classes):
            probabilities[f"p_{name}"] = predictions.probabilities[:, column]
    given = {} if labels is None else labels.by_roi()
    columns["label"] = [
        _label_text(given[i]) if i in given else None for i in range(n_rois)
    ]
    columns["warnings"] = (
        [None] * n_rois
        if predictions is None
        else [warning or None for warning in predictions.roi_warnings]
    )
    if recording.iscell is not None:
        columns["iscell"] = recording.iscell
    # Words as objects, so that what is not said is None and not a number.
    return pd.DataFrame(
        {
            name: pd.Series(values, dtype=object)
            if isinstance(values, list)
            else values
            for name, values in (columns | probabilities).items()
        }
    )


def _answers(predictions: Predictions, said: Decisions) -> dict[str, Any]:
    """Return what a model says about each ROI; None or NaN where it says nothing."""
    # Parts of merged ROIs have no name of their own.
    whole = ~predictions.merged_parts
    known = whole & ~np.isnan(said.probability)
    doubted = UNPROVEN if not predictions.card.subtypes_proven else None
    subtypes = subtypes_of(predictions)
    answers: dict[str, Any] = {
        "group": _where(whole, said.group),
        "p_IN": np.where(whole, said.p_in, np.nan),
        "predicted": _where(whole, said.predicted),
        "probability": np.where(whole, said.probability, np.nan),
        "subtype": [doubted if name in subtypes else None for name in said.predicted],
    }
    if predictions.card.calibration is not None:
        answers["prediction_set"] = _where(known, predictions.prediction_sets)
    answers["why_unsure"] = [why or None for why in said.why_unsure]
    return answers


def subtypes_of(
    predictions: Predictions, tree: TypeTree = DEFAULT_TYPES
) -> frozenset[str]:
    """Return the classes that are a type within a group, such as PV within IN."""
    tree = tree.including(predictions.classes)
    return frozenset(c for c in predictions.classes if tree.group(c) != c)


def _label_text(row: Label) -> str:
    accepted = row.label and row.source == "prediction"
    return row.label + ACCEPTED if accepted else row.label


def _where(kept: NDArray[np.bool_], words: Sequence[str]) -> list[str | None]:
    return [w if keep else None for keep, w in zip(kept, words, strict=True)]


def recording_key(recording: Recording) -> str:
    """Return the key of a recording: its path, or a number where it has none."""
    if recording.path is None:
        return f"recording {next(_numbers)}"
    return str(recording.path.resolve())
