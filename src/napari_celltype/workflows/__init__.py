"""The use cases, one function each; the terminal and napari call exactly these."""

from napari_celltype.workflows.classify import (
    ClassifyRequest,
    classify,
    classify_recording,
)
from napari_celltype.workflows.predictions import Predictions, share_text

__all__ = [
    "ClassifyRequest",
    "Predictions",
    "classify",
    "classify_recording",
    "share_text",
]
