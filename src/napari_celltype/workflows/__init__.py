"""The use cases, one function each; the terminal and napari call exactly these."""

from napari_celltype.workflows.classify import (
    ClassifyRequest,
    classify,
    classify_recording,
)
from napari_celltype.workflows.evaluate import (
    ExperimentRequest,
    evaluate,
    run_experiment,
)
from napari_celltype.workflows.labelled import Reading
from napari_celltype.workflows.predictions import Predictions
from napari_celltype.workflows.shares import Prevalence, prevalence_choices, share_text
from napari_celltype.workflows.summary import Summary
from napari_celltype.workflows.train import Trained, TrainRequest, train_model

__all__ = [
    "ClassifyRequest",
    "ExperimentRequest",
    "Predictions",
    "Prevalence",
    "Reading",
    "Summary",
    "TrainRequest",
    "Trained",
    "classify",
    "classify_recording",
    "evaluate",
    "prevalence_choices",
    "run_experiment",
    "share_text",
    "train_model",
]
