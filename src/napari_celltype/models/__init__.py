"""The networks of the paper, the estimator around them, saved models, predictions.

Names load on first use: model cards and lists can be read without waiting for torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from napari_celltype.models.registry import DEFAULT_MODEL, NETWORKS, network_title

if TYPE_CHECKING:
    from napari_celltype.models.calibration import calibrate
    from napari_celltype.models.card import Calibration, ModelCard, Score, describe
    from napari_celltype.models.catalog import (
        add_model,
        families_of,
        find_model,
        list_models,
        load_model,
        pack_model,
        verify_model,
    )
    from napari_celltype.models.estimator import TraceClassifier, card_for
    from napari_celltype.models.model import CellTypeModel, predict_recording_traces

__all__ = [
    "DEFAULT_MODEL",
    "NETWORKS",
    "Calibration",
    "CellTypeModel",
    "ModelCard",
    "Score",
    "TraceClassifier",
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
    "verify_model",
]


def __getattr__(name: str) -> Any:
    # Those that need torch come last.
    for module in ("card", "catalog", "calibration", "estimator", "model"):
        if name in __all__:
            found = vars(import_module(f"{__name__}.{module}"))
            if name in found:
                return found[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
