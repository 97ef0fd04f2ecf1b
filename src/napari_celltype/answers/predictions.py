"""What a model says about one recording; tables and counts are made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_celltype.answers.columns import COUNTED, roi_table
from napari_celltype.answers.decisions import (
    Decisions,
    UnsureReason,
    decide,
    prediction_sets,
)
from napari_celltype.answers.shares import (
    CA1_INTERNEURONS,
    reweigh,
    training_shares,
)
from napari_celltype.answers.summary import Called, Summary, count_rois
from napari_celltype.celltypes import DEFAULT_TYPES, UNSURE, prior_shares
from napari_celltype.findings import Finding
from napari_celltype.recording import Recording

if TYPE_CHECKING:
    import pandas as pd

    from napari_celltype.labels import LabelTable
    from napari_celltype.models import ModelCard

_SIMULATION = "simulation"


@dataclass(frozen=True, eq=False)
class Predictions:
    """The answer of one model for the ROIs of one recording."""

    recording: Recording
    recording_name: str  # in the table's first column
    card: ModelCard
    model_sha256: str
    # As the model gives them, (n_rois, n_classes) in the order of `classes`; NaN rows
    # for ROIs that get no label of their own.
    model_probabilities: NDArray[np.float64]
    # Windows of each ROI that the model has seen, and frames at the recording's rate.
    n_windows: NDArray[np.int64]
    n_frames_used: NDArray[np.int64]
    input_name: str  # which trace went in, in words
    findings: tuple[Finding, ...]  # while the recording was classified
    roi_warnings: tuple[str, ...]  # of each ROI, empty where there is nothing to say
    labels: LabelTable | None  # ground truth that stands beside the recording
    only_iscell: bool  # table and counts leave out what suite2p does not call a cell
    min_probability: float = 0.0  # a type that is less probable is ``unsure``
    # Shares of the types that the user gave; None for what the card assumes.
    prior: Mapping[str, float] | None = None
    finished: datetime = field(default_factory=datetime.now)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The card's classes, in tree order."""
        return tuple(DEFAULT_TYPES.in_order(self.card.classes))

    @cached_property
    def shares(self) -> dict[str, float]:
        """The share of every class that is assumed."""
        prior = self.prior or self.card.assumed_shares or {}
        return prior_shares(prior, self.classes, training_shares(self.card))

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """Probabilities under the assumed `shares`, shape (n_rois, n_classes)."""
        trained = training_shares(self.card)
        return reweigh(
            self.model_probabilities,
            list(self.shares.values()),
            [trained[name] for name in self.classes],
        )

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What was found in the recording's files, then `findings`."""
        return (*self.recording.warnings, *self.findings)

    @cached_property
    def decisions(self) -> Decisions:
        """The name of every ROI; parts of merged ROIs have none of their own."""
        parts = self.recording.merged_into >= 0
        own = np.where(parts[:, None], np.nan, self.probabilities)
        decisions = decide(own, self.classes, self.min_probability)
        why = [
            UnsureReason.MERGED if part else reason
            for part, reason in zip(parts, decisions.why_unsure, strict=True)
        ]
        return replace(decisions, why_unsure=why)

    @cached_property
    def prediction_sets(self) -> list[str]:
        """The types of each ROI that cannot be ruled out, joined by ``|``."""
        return prediction_sets(
            self.model_probabilities,
            self.n_windows,
            self.classes,
            self.card.calibration,
        )

    @cached_property
    def unproven_types(self) -> frozenset[str]:
        """Classes that are a type within a group and unproven on real cells."""
        tree = DEFAULT_TYPES.including(self.classes)
        finer = frozenset(c for c in self.classes if tree.group(c) != c)
        return frozenset() if self.card.subtypes_proven else finer

    def with_prior(self, prior: Mapping[str, float] | None) -> Predictions:
        """Return the answer for other shares of the types; no network runs.

        None stands for what the card assumes. Raises a `PriorError` if the shares, such
        as ``{"IN": 0.1}``, do not fit the model.
        """
        changed = replace(self, prior=prior)
        _ = changed.shares
        return changed

    def with_min_probability(self, min_probability: float) -> Predictions:
        """Return the answer with another least probability of a name."""
        if min_probability == self.min_probability:
            return self
        return replace(self, min_probability=min_probability)

    def table(self) -> pd.DataFrame:
        """Return the output table, one row per ROI in the order of `stat.npy`."""
        return roi_table(
            self.recording,
            self.recording_name,
            self.labels,
            self,
            only_iscell=self.only_iscell,
        )

    def summary(self) -> Summary:
        """Return the counts, and how many of them are expected to be right."""
        counted = roi_table(
            self.recording,
            predictions=self,
            only_iscell=self.only_iscell,
            columns=("roi_id", *COUNTED),
        )
        counts = count_rois(counted)
        tree = DEFAULT_TYPES.including(self.classes)
        groups: dict[str, list[str]] = {}
        for name in self.classes:
            groups.setdefault(tree.group(name), []).append(name)
        calibration = self.card.calibration
        # The probability of each name is that with which it is right.
        right = rare = None
        if calibration is not None:
            right = self.probabilities
            assumed = self.prior is None and {"PY", "IN"} <= set(groups)
            if assumed and calibration.calibrated_on == _SIMULATION:
                rare = self.with_prior({"IN": CA1_INTERNEURONS}).probabilities

        def called(column: str, members: Mapping[str, list[str]]) -> dict[str, Called]:
            numbers = counts.groups if column == "group" else counts.types
            found = {}
            for name, inside in members.items():
                rois = counted["roi_id"][counted[column] == name].to_numpy()
                columns = [self.classes.index(c) for c in inside]
                expected = [
                    None if p is None else float(p[rois][:, columns].sum())
                    for p in (right, rare)
                ]
                found[name] = Called(numbers[name], *expected)
            return {**found, UNSURE: Called(numbers[UNSURE])}

        return Summary(
            n_rois=counts.n_rois,
            groups=called("group", groups),
            types=called("predicted", {name: [name] for name in self.classes}),
            why_unsure=dict(counts.why_unsure.most_common()),
            shares=(self.shares,),
            shares_assumed=self.prior is None,
            basis=() if calibration is None else (calibration.calibrated_on,),
            subtypes_proven=not self.unproven_types,
        )
