"""What there is to export of one recording: predictions, labels, or both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from napari_celltype.celltypes import DEFAULT_TYPES, TypeTree
from napari_celltype.export import (
    describe_labels,
    describe_recording,
    provenance,
    roi_rows,
)
from napari_celltype.labels import LabelTable
from napari_celltype.recording import Recording
from napari_celltype.workflows.batch import done
from napari_celltype.workflows.predictions import Predictions

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Material:
    """One recording with what a model and people said about its ROIs.

    Attributes
    ----------
    recording : Recording
    name : str
        What the table's first column says.
    predictions : Predictions or None
        None where no model ran, or what it said is not to be told.
    labels : LabelTable or None
    tree : TypeTree
        The types, with the user's own ones and colours.
    """

    recording: Recording
    name: str
    predictions: Predictions | None = None
    labels: LabelTable | None = None
    tree: TypeTree = DEFAULT_TYPES

    def told(self, only_iscell: bool | None = None) -> Predictions | None:
        """Return the predictions with the labels as they are now.

        Parameters
        ----------
        only_iscell : bool, optional
            Leave out what suite2p does not call a cell; by default as the predictions
            say.
        """
        if self.predictions is None:
            return None
        made = self.predictions
        return replace(
            made,
            recording_name=self.name,
            labels=self.labels,
            only_iscell=made.only_iscell if only_iscell is None else only_iscell,
        )

    def table(self, only_iscell: bool | None = None) -> pd.DataFrame:
        """Return the output table, or its part that needs no model."""
        predictions = self.told(only_iscell)
        if predictions is not None:
            return predictions.table()
        rows = roi_rows(self.recording, self.name, self.labels)
        if only_iscell and self.recording.iscell is not None:
            rows = rows[self.recording.iscell].reset_index(drop=True)
        return rows

    def origin(self) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Return what was read, and the card of the model where one ran."""
        predictions = self.told()
        if predictions is not None:
            finished = done(predictions)
            return finished.inputs, finished.card
        inputs = {
            **describe_recording(self.recording),
            "name": self.name,
            "labels": describe_labels(self.labels),
            "warnings": list(self.recording.warnings),
        }
        return inputs, None

    @property
    def subtypes_proven(self) -> bool:
        """Whether the model's types were shown on real cells, if one ran."""
        return self.predictions is None or self.predictions.card.subtypes_proven


def tables(materials: Sequence[Material], only_iscell: bool | None) -> pd.DataFrame:
    """Return the tables one below the other; gaps where only some were classified."""
    import pandas as pd

    found = [material.table(only_iscell) for material in materials]
    if len(found) == 1:
        return found[0]
    whole = pd.concat(found, ignore_index=True)
    # Columns in the order of the most complete table.
    widest = max(found, key=lambda table: len(table.columns))
    order = [*widest.columns, *(c for c in whole.columns if c not in widest.columns)]
    whole = whole[order]
    texts = whole.select_dtypes(exclude=["number", "boolean"]).columns
    return whole.fillna(dict.fromkeys(texts, ""))


def origin_of(
    materials: Sequence[Material], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the provenance of all recordings together."""
    origins = [material.origin() for material in materials]
    cards = [card for _, card in origins if card is not None]
    return provenance([inputs for inputs, _ in origins], cards, settings)
