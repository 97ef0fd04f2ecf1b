"""Predictions whose probabilities a test chooses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

CLASSES = ("PY", "PV", "SOM", "VIP")


@pytest.fixture
def make_calibration() -> Callable[..., Any]:
    """A calibration with one threshold for all prediction sets.

    `make_calibration(0.3, later={4: 0.5})`: `later` adds steps with another one.
    """
    from napari_celltype.classifiers.calibration import Calibration, CalibrationStep

    def make(
        value: float = 0.3,
        *,
        later: dict[int, float] | None = None,
        calibrated_on: str = "simulation",
    ) -> Calibration:
        return Calibration(
            calibrated_on=calibrated_on,
            coverage=0.9,
            sessions=30,
            cells=1000,
            steps=tuple(
                CalibrationStep(n_windows, 1.0, dict.fromkeys(CLASSES, limit))
                for n_windows, limit in {1: value, **(later or {})}.items()
            ),
        )

    return make


@pytest.fixture
def make_predictions() -> Callable[..., Any]:
    """Predictions of a model that was trained on equal shares of four types.

    `make_predictions(rows, calibration=None, n_windows=1, **of_the_card)`; the shares
    in use are PY 50 %, IN 50 % unless `prior` says otherwise.
    """
    from napari_celltype.classifiers import ModelCard
    from napari_celltype.recording import Recording
    from napari_celltype.workflows import Predictions

    def make(
        rows: Any,
        *,
        calibration: Any = None,
        n_windows: int = 1,
        prior: dict[str, float] | None = None,
        **of_the_card: Any,
    ) -> Predictions:
        rows = np.asarray(rows, dtype=float)
        fields = {
            "name": "tiny-10hz",
            "family": "tiny",
            "classes": CLASSES,
            "architecture": "cnn",
            "window_frames": 100,
            "sampling_frequency": 10.0,
            "normalization": "trace",
            "neuropil": "none",
            "trained_on": "Nothing.",
            "origin": "simulation",
            "subtypes_proven": False,
            "intended_use": "Tests.",
            "not_for": "Anything else.",
            "created": "2020-01-01T00:00:00+00:00",
            "assumed_shares": {"PY": 0.5, "IN": 0.5},
            "calibration": calibration,
            **of_the_card,
        }
        card = ModelCard(**fields)
        usable = np.isfinite(rows).all(axis=1)
        traces = np.random.default_rng(0).normal(size=(len(rows), 200))
        recording = Recording.from_traces(
            traces.astype(np.float32), sampling_frequency=10.0
        )
        return Predictions(
            recording=recording,
            recording_name="test",
            card=card,
            model_name=card.name,
            model_sha256="0" * 64,
            classes=card.classes,
            probabilities=rows,
            model_probabilities=rows,
            n_windows=np.where(usable, n_windows, 0),
            n_frames_used=np.where(usable, 100 * n_windows, 0),
            input_name="F",
            warnings=(),
            roi_warnings=("",) * len(rows),
            labels=None,
            only_iscell=False,
            shares=dict.fromkeys(card.classes, 1 / len(card.classes)),
        ).with_prior(prior)

    return make
