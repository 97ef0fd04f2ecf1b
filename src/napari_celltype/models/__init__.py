"""The networks of the paper, the estimator around them, saved models, predictions.

Names load on first use: model cards and lists can be read without waiting for torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_celltype.models.calibration import (
        Calibration,
        CalibrationStep,
        calibrate,
    )
    from napari_celltype.models.card import ModelCard, card_for, describe
    from napari_celltype.models.catalog import (
        add_model,
        families_of,
        find_model,
        list_models,
        load_model,
        pack_model,
        show_model,
    )
    from napari_celltype.models.estimator import TraceClassifier
    from napari_celltype.models.prediction import (
        TracePredictions,
        predict_recording_traces,
    )
    from napari_celltype.models.saved_model import (
        CellTypeModel,
        read_model,
        save_model,
        verify_model,
    )
    from napari_celltype.models.score import Score

# All networks there are, by the name of their architecture: module and class.
NETWORKS: dict[str, str] = {
    "cnn": ".networks:ConvolutionalNetwork",
    "rnn": ".networks:RecurrentNetwork",
    "lstm": ".networks:LstmNetwork",
    "pooled": ".networks:PooledNetwork",
}


def network_title(architecture: str) -> str:
    """Return the name of a network as it is written: CNN, but pooled."""
    return architecture.upper() if len(architecture) <= 4 else architecture


# The family that classifies where no model is named.
DEFAULT_MODEL = "cnn"

_MODULES = {
    "Calibration": "calibration",
    "CalibrationStep": "calibration",
    "CellTypeModel": "saved_model",
    "ModelCard": "card",
    "Score": "score",
    "TraceClassifier": "estimator",
    "TracePredictions": "prediction",
    "add_model": "catalog",
    "calibrate": "calibration",
    "card_for": "card",
    "describe": "card",
    "families_of": "catalog",
    "find_model": "catalog",
    "list_models": "catalog",
    "load_model": "catalog",
    "pack_model": "catalog",
    "predict_recording_traces": "prediction",
    "read_model": "saved_model",
    "save_model": "saved_model",
    "show_model": "catalog",
    "verify_model": "saved_model",
}

__all__ = [
    "DEFAULT_MODEL",
    "NETWORKS",
    "Calibration",
    "CalibrationStep",
    "CellTypeModel",
    "ModelCard",
    "Score",
    "TraceClassifier",
    "TracePredictions",
    "add_model",
    "calibrate",
    "card_for",
    "describe",
    "families_of",
    "find_model",
    "list_models",
    "load_model",
    "network_title",
    "pack_model",
    "predict_recording_traces",
    "read_model",
    "save_model",
    "show_model",
    "verify_model",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
