"""The use cases, one function each; the terminal and napari call exactly these."""

from napari_celltype.workflows.classify import (
    ClassifyRequest,
    classify,
    classify_recording,
)
from napari_celltype.workflows.predictions import Predictions
from napari_celltype.workflows.prevalence import Prevalence, prevalence_choices
from napari_celltype.workflows.shares import share_text
from napari_celltype.workflows.summary import Summary

__all__ = [
    "ClassifyRequest",
    "Predictions",
    "Prevalence",
    "Summary",
    "classify",
    "classify_recording",
    "prevalence_choices",
    "share_text",
]
