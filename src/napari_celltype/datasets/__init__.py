"""Trace sets made of public and own recordings whose cells are of known types."""

from napari_celltype.datasets.make import DatasetRequest, MadeDataset, make_dataset

__all__ = ["DatasetRequest", "MadeDataset", "make_dataset"]
