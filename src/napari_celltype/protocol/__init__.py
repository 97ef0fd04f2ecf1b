"""The paper's experiments: splits, baselines, runs that resume, reports."""

from napari_celltype.protocol.paper_protocol import PaperProtocol

__all__ = ["PaperProtocol"]
