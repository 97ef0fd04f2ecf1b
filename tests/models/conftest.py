"""Small labelled traces, and models trained on them in a moment."""

import numpy as np
import pytest

from napari_celltype.models import (
    Calibration,
    CellTypeModel,
    Score,
    TraceClassifier,
    card_for,
)
from napari_celltype.models.card import CalibrationStep

WINDOW = 60
SCORE = Score(
    "simulated",
    "accuracy",
    0.8123,
    40,
    "sessions",
    low=0.7,
    high=0.9,
    chance=0.25,
    probe="skewness",
    probe_value=0.4,
)


@pytest.fixture(scope="session")
def labelled():
    """Return traces (60, 60) of three classes that differ in their rhythm."""
    random = np.random.default_rng(0)
    labels = np.array(["PY", "PV", "SOM"] * 20)
    periods = {"PY": 30.0, "PV": 12.0, "SOM": 5.0}
    frames = np.arange(WINDOW)
    phase = random.uniform(0, 2 * np.pi, size=60)
    rhythm = np.stack(
        [
            np.sin(2 * np.pi * frames / periods[label] + shift)
            for label, shift in zip(labels, phase, strict=True)
        ]
    )
    noise = random.normal(scale=0.2, size=rhythm.shape)
    return (500 + 30 * (rhythm + noise)).astype(np.float32), labels


@pytest.fixture(scope="session")
def classifier(labelled):
    """Return a small fitted CNN."""
    return TraceClassifier(
        filters=(8, 16),
        kernel_size=5,
        epochs=30,
        learning_rate=0.003,
        random_state=0,
        device="cpu",
    ).fit(*labelled)


@pytest.fixture(scope="session")
def make_card(classifier):
    """Return a function that makes a card of the small CNN, with changes."""

    def make(**changes):
        facts = {
            "name": "tiny-10hz",
            "sampling_frequency": 10.0,
            "origin": "simulation",
            "scores": [SCORE],
            **changes,
        }
        return card_for(classifier, **facts)

    return make


@pytest.fixture(scope="session")
def make_calibration():
    """Return a function that makes the small CNN's calibration by temperatures."""

    def make(temperatures):
        classes = ("PV", "PY", "SOM")
        return Calibration(
            calibrated_on="simulation",
            coverage=0.9,
            sessions=40,
            cells=800,
            steps=tuple(
                CalibrationStep(
                    n_windows=n_windows,
                    temperature=temperature,
                    prediction_set=dict.fromkeys(classes, 0.1),
                )
                for n_windows, temperature in temperatures.items()
            ),
        )

    return make


@pytest.fixture(scope="session")
def model(classifier, make_card):
    """Return the small CNN as a loaded model at 10 Hz, windows of 60 frames."""
    return CellTypeModel(classifier, make_card(), "0" * 64)


@pytest.fixture(scope="session")
def model_file(classifier, make_card, tmp_path_factory):
    """Return a saved model file whose name has a space and an umlaut."""
    path = tmp_path_factory.mktemp("models") / "mein Modell für 10 Hz.safetensors"
    classifier.save(path, make_card())
    return path
