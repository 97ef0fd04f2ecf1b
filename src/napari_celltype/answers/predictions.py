"""What a model says about one recording, and the table that is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.answers.columns import output_columns, roi_rows
from napari_celltype.answers.decisions import (
    MERGED,
    Decisions,
    decide,
    prediction_sets,
)
from napari_celltype.answers.shares import prior_shares, reweigh, training_shares
from napari_celltype.answers.summary import Summary, summarise
from napari_celltype.recording import Recording

if TYPE_CHECKING:
    import pandas as pd

    from napari_celltype.labels import LabelTable
    from napari_celltype.models import ModelCard


@dataclass(frozen=True, eq=False)
class Predictions:
    """The answer of one model for the ROIs of one recording.

    Attributes
    ----------
    recording : Recording
    recording_name : str
        What the table's first column says.
    card : ModelCard
    model_name : str
    model_sha256 : str
    classes : tuple of str
        In tree order; the columns of `probabilities`.
    probabilities : ndarray of float64, shape (n_rois, n_classes)
        With the assumed `shares`; NaN rows for ROIs that get no label of their own.
    model_probabilities : ndarray of float64, shape (n_rois, n_classes)
        As the model gives them, with the shares of its training data.
    n_windows : ndarray of int64, shape (n_rois,)
        Windows of each ROI that the model has seen; 0 without a label of its own.
    n_frames_used : ndarray of int64, shape (n_rois,)
        Frames of the recording, at its own rate, that the model has seen.
    input_name : str
        Which trace went in, in words.
    warnings : tuple of str
        Sentences about the whole recording.
    roi_warnings : tuple of str
        One entry per ROI, empty where there is nothing to say.
    labels : LabelTable or None
        Ground truth that stands beside the recording.
    only_iscell : bool
        Whether the table leaves out what suite2p does not call a cell.
    shares : mapping of str to float
        The share of every class that is assumed.
    min_probability : float
        A type that is less probable is ``unsure``.
    prior : mapping of str to float or None
        The shares that the user gave; None for what the card assumes.
    neuropil_coefficient : float
        C of the input F - C * Fneu; 0 for raw F.
    finished : datetime
        When the model had answered, in local time.
    """

    recording: Recording
    recording_name: str
    card: ModelCard
    model_name: str
    model_sha256: str
    classes: tuple[str, ...]
    probabilities: NDArray[np.float64]
    model_probabilities: NDArray[np.float64]
    n_windows: NDArray[np.int64]
    n_frames_used: NDArray[np.int64]
    input_name: str
    warnings: tuple[str, ...]
    roi_warnings: tuple[str, ...]
    labels: LabelTable | None
    only_iscell: bool
    shares: Mapping[str, float]
    min_probability: float = 0.0
    prior: Mapping[str, float] | None = None
    neuropil_coefficient: float = 0.0
    finished: datetime = field(default_factory=datetime.now)

    def with_prior(self, prior: Mapping[str, float] | None) -> Predictions:
        """Return the answer for other shares of the types; no network runs.

        Parameters
        ----------
        prior : mapping of str to float or None
            Expected shares, such as ``{"IN": 0.1}``; None for what the card assumes.

        Raises
        ------
        LabelError
            If the prior does not fit the model.
        """
        trained = training_shares(self.card)
        shares = prior_shares(
            prior or self.card.assumed_shares or {}, self.classes, trained
        )
        return replace(
            self,
            probabilities=reweigh(
                self.model_probabilities,
                list(shares.values()),
                [trained[c] for c in self.classes],
            ),
            shares=shares,
            prior=prior,
        )

    def decisions(self, min_probability: float | None = None) -> Decisions:
        """Name every ROI, without running the network again.

        Parameters
        ----------
        min_probability : float, optional
            Instead of that of the request.
        """
        if min_probability is None:
            min_probability = self.min_probability
        said = decide(self.probabilities, self.classes, min_probability)
        why = np.where(self.merged_parts, MERGED, said.why_unsure)
        return replace(said, why_unsure=why.tolist())

    @property
    def merged_parts(self) -> NDArray[np.bool_]:
        """Which ROIs are parts of a merged one, which carries the name, (n_rois,)."""
        merged_into = self.recording.merged_into
        if not len(merged_into):
            return np.zeros(self.recording.n_rois, dtype=bool)
        return merged_into >= 0

    @property
    def prediction_sets(self) -> list[str]:
        """The types of each ROI that cannot be ruled out, joined by ``|``."""
        return prediction_sets(
            self.model_probabilities,
            self.n_windows,
            self.classes,
            self.card.calibration,
        )

    @property
    def shown(self) -> NDArray[np.bool_]:
        """Which ROIs the table and the counts are about, shape (n_rois,)."""
        if self.only_iscell and self.recording.iscell is not None:
            return self.recording.iscell
        return np.ones(self.recording.n_rois, dtype=bool)

    def table(self, min_probability: float | None = None) -> pd.DataFrame:
        """Return the output table, one row per ROI in the order of `stat.npy`."""
        recording = self.recording
        unconfirmed = (
            ""
            if recording.sampling_frequency_confirmed
            else f"frame rate of {recording.sampling_frequency:g} Hz unconfirmed"
        )
        said = self.decisions(min_probability)
        columns: dict[str, Any] = {
            "group": said.group,
            "p_IN": said.p_in,
            "predicted": said.predicted,
            "probability": said.probability,
            "prediction_set": self.prediction_sets,
            **{
                f"p_{name}": self.probabilities[:, column]
                for column, name in enumerate(self.classes)
            },
            "warnings": [
                "; ".join(filter(None, (unconfirmed, own))) for own in self.roi_warnings
            ],
            "model": self.model_name,
            "model_sha256": self.model_sha256,
            "n_frames_used": self.n_frames_used,
        }
        rows = roi_rows(recording, self.recording_name, self.labels).assign(**columns)
        return rows[self.shown][output_columns(self.classes)].reset_index(drop=True)

    def summary(self, min_probability: float | None = None) -> Summary:
        """Return the counts, and how many of them are expected to be right."""
        return summarise(self, min_probability)
