"""What a model says about one recording, and the table that is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_celltype.celltypes import DEFAULT_TYPES
from napari_celltype.recording import Recording, RoiMasks
from napari_celltype.workflows.decisions import Decisions, decide, prediction_sets

if TYPE_CHECKING:
    import pandas as pd

    from napari_celltype.classifiers import ModelCard
    from napari_celltype.labels import LabelTable


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
        Threshold of `unsure`, from the request or the card.
    """

    recording: Recording
    recording_name: str
    card: ModelCard
    model_name: str
    model_sha256: str
    classes: tuple[str, ...]
    probabilities: NDArray[np.float64]
    model_probabilities: NDArray[np.float64]
    n_frames_used: NDArray[np.int64]
    input_name: str
    warnings: tuple[str, ...]
    roi_warnings: tuple[str, ...]
    labels: LabelTable | None
    only_iscell: bool
    shares: Mapping[str, float]
    min_probability: float

    def decisions(self, min_probability: float | None = None) -> Decisions:
        """Name every ROI, without running the network again.

        Parameters
        ----------
        min_probability : float, optional
            Another threshold than the request's.
        """
        return decide(
            self.probabilities,
            self.classes,
            self.min_probability if min_probability is None else min_probability,
            self.shares,
        )

    def table(self, min_probability: float | None = None) -> pd.DataFrame:
        """Return the output table, one row per ROI in the order of `stat.npy`."""
        import pandas as pd

        recording = self.recording
        n_rois = recording.n_rois
        unconfirmed = (
            ""
            if recording.sampling_frequency_confirmed
            else f"frame rate of {recording.sampling_frequency:g} Hz unconfirmed"
        )
        said = self.decisions(min_probability)
        masks = RoiMasks.of(recording.rois)
        has_masks = len(masks) == n_rois
        centroids = masks.centroids if has_masks else np.full((n_rois, 2), np.nan)
        calibration = self.card.calibration
        labels = self.labels.by_roi() if self.labels is not None else {}
        given = [labels.get(roi_id) for roi_id in range(n_rois)]
        merged = recording.merged_into
        columns: dict[str, object] = {
            "recording": self.recording_name,
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
            "group": said.group,
            "p_IN": said.p_in,
            "predicted": said.predicted,
            "best_guess": said.best_guess,
            "probability": said.probabilities.max(axis=1),
            "prediction_set": (
                prediction_sets(
                    self.model_probabilities,
                    self.classes,
                    calibration.steps[0].prediction_set,
                )
                if calibration
                else [""] * n_rois
            ),
            **{
                f"p_{name}": said.probabilities[:, column]
                for column, name in enumerate(self.classes)
            },
            "stability": np.full(n_rois, np.nan),
            "warnings": [
                "; ".join(filter(None, (unconfirmed, own))) for own in self.roi_warnings
            ],
            "merged_into": pd.array(
                [int(m) if m >= 0 else None for m in merged] or [None] * n_rois,
                dtype="Int64",
            ),
            "cell_id": [row.cell_id if row else "" for row in given],
            "model": self.model_name,
            "model_sha256": self.model_sha256,
            "n_frames_used": self.n_frames_used,
        }
        table = pd.DataFrame(columns)
        if self.only_iscell and recording.iscell is not None:
            table = table[recording.iscell].reset_index(drop=True)
        return table

    def summary(self) -> list[str]:
        """Return the counts in sentences, groups before types."""
        return [
            *summarise(self.table(), self.card.subtypes_proven),
            f"Assumed shares: {share_text(self.shares)}.",
        ]


def training_shares(card: ModelCard) -> dict[str, float]:
    """Return the share of each class in a model's training data; equal if unknown."""
    counts = card.training_data.get("class_counts") or dict.fromkeys(card.classes, 1)
    total = sum(counts.values())
    return {name: counts[name] / total for name in card.classes}


def summarise(table: pd.DataFrame, subtypes_proven: bool) -> list[str]:
    """Return the counts of an output table in sentences, groups before types."""
    groups = table["group"].value_counts()
    types = table["predicted"].value_counts()
    lines = [
        f"{len(table)} ROIs: " + _counted(groups),
        "Types: " + _counted(types),
    ]
    if without := int((table["n_frames_used"] == 0).sum()):
        lines.append(
            f"{without} ROIs have no usable trace of their own and are unsure."
        )
    if not subtypes_proven:
        lines.append("Interneuron types are unproven on real cells.")
    return lines


def share_text(shares: Mapping[str, float]) -> str:
    """Return shares of types by group, such as ``PY 50 %, IN 50 %``."""
    tree = DEFAULT_TYPES.including(shares)
    groups: dict[str, float] = {}
    for name, share in shares.items():
        group = tree.group(name)
        groups[group] = groups.get(group, 0) + share
    return ", ".join(f"{name} {100 * share:.3g} %" for name, share in groups.items())


def _counted(counts: pd.Series[int]) -> str:
    names = DEFAULT_TYPES.in_order(counts.index)
    return ", ".join(f"{counts[name]} {name}" for name in names)
