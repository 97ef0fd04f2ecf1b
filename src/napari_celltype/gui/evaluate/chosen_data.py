"""The data that an evaluation in the window is about: a path, or a collection."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from napari_celltype.files import claim_folder
from napari_celltype.labels import Reading
from napari_celltype.labels.data_set import LIST_NAME, DataSet
from napari_celltype.protocol.evaluate import ExperimentRequest
from napari_celltype.recording import session_folder


@dataclass(frozen=True, eq=False)
class ChosenData:
    """A trace set, list or folder on disk, or recordings that were collected.

    Attributes
    ----------
    path : Path or None
    collection : DataSet or None
        Instead of a path.
    """

    path: Path | None = None
    collection: DataSet | None = None

    @property
    def place(self) -> Path | None:
        """Path beside which a run folder goes, not always there; None without data."""
        if self.path is not None:
            return self.path
        if self.collection is not None and self.collection.recordings:
            first = self.collection.recordings[0].path
            return first if first.suffix else session_folder(first).with_name(LIST_NAME)
        return None

    def is_same(self, other: ChosenData) -> bool:
        """Tell whether two are the same choice."""
        return self.path == other.path and self.collection is other.collection

    def asked(self, request: ExperimentRequest, folder: Path) -> ExperimentRequest:
        """Return a request about these data.

        Parameters
        ----------
        request : ExperimentRequest
        folder : Path
            Gets the list of a collection, with the labels of recordings that are open
            as they are now.

        Raises
        ------
        LabelError
            If the collection is empty.
        OutputError
            If the list cannot be written.
        """
        if self.collection is None:
            return replace(request, data=self.path or "")
        claim_folder(folder)
        return replace(
            request,
            data=self.collection.write(folder),
            reading=Reading.of(self.collection),
        )
