"""Classify recordings, and what an answer is: its decisions, table and counts."""

from napari_celltype.answers.classify import (
    ClassifyRequest,
    classify,
    classify_recording,
)
from napari_celltype.answers.days import DayAgreement, agreement_over_days
from napari_celltype.answers.predictions import Predictions
from napari_celltype.answers.shares import prevalence_choices
from napari_celltype.answers.summary import Summary

__all__ = [
    "ClassifyRequest",
    "DayAgreement",
    "Predictions",
    "Summary",
    "agreement_over_days",
    "classify",
    "classify_recording",
    "prevalence_choices",
]
