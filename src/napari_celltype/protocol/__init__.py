"""The paper's experiments: splits, baselines, runs that resume, reports."""

from napari_celltype.protocol.splits import PaperProtocol

__all__ = ["PaperProtocol"]
