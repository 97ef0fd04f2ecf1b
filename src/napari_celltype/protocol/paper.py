"""The numbers that the text of the paper prints.

The bodies of its tables are not repeated here. None of its numbers can be expected on
other recordings: they stand beside ours only under `HEADING`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from napari_celltype.protocol.experiments import EPOCHS

PAPER = "Troullinou et al. 2021 (IEEE TETCI, arXiv 1911.09977)"
HEADING = "the paper, on its own recordings"
# Section IV-B: accuracy of the best architectures by number of epochs.
ACCURACY_BY_EPOCHS: Mapping[str, Mapping[int, float]] = {
    "cnn": {20: 0.8867, 60: 0.8787, 100: 0.881},
    "rnn": {20: 0.8205, 60: 0.8188, 100: 0.8169},
    "lstm": {20: 0.7915, 60: 0.7911, 100: 0.7894},
}
# Section IV-B: the best that RNN and LSTM reached with 4000 time steps of one frame.
ONE_FRAME_PER_STEP = 0.45
ONE_FRAME_SENTENCE = (
    "With one frame per time step the paper gives about 0.45 as the best of both "
    "networks, without a mean."
)
FRAMES = 4000
# Section IV-C: seconds of training by number of training examples, GTX 750 Ti.
TRAIN_SECONDS: Mapping[str, Mapping[int, float]] = {
    "cnn": {2560: 132.46, 6737: 361.155},
    "rnn": {2560: 20.078, 6737: 51.643},
    "lstm": {2560: 52.257, 6737: 129.973},
}
# Section IV-F: accuracy on old and new examples together.
POOLED_WITH_NEW: Mapping[str, float] = {"cnn": 0.8165, "rnn": 0.783, "lstm": 0.7328}
NEW_DATA_SENTENCE = (
    "The paper adds its new traces to 790 old ones and prints one accuracy for both. "
    "It gives the number of new traces as 119 (91 SOM, the rest PV), then as 210, then "
    "as 191 SOM and 28 PV, which are 219."
)
# What the best architecture of each network is made of (Section IV-B).
_BEST: Mapping[str, Mapping[str, Any]] = {
    "cnn": {"normalization": "training-set", "layers": "CCPCD"},
    "rnn": {"normalization": "training-set", "layers": 1, "timesteps": 2},
    "lstm": {"normalization": "training-set", "layers": 2, "timesteps": 2},
}


def is_best(classifier: str, parameters: Mapping[str, Any]) -> bool:
    """Tell whether these are the paper's best parameters of one of its networks."""
    best = _BEST.get(classifier)
    return best is not None and all(
        # These two do not make it another network.
        name in ("epochs", "device") or best.get(name) == value
        for name, value in parameters.items()
    )


def printed_accuracy(
    classifier: str, parameters: Mapping[str, Any], way: str, epochs: int | None = None
) -> float | None:
    """Return the accuracy that the paper prints for a row, None for most."""
    if way != "paper":
        return None
    if classifier in ("rnn", "lstm") and parameters.get("timesteps") == FRAMES:
        return ONE_FRAME_PER_STEP
    if not is_best(classifier, parameters):
        return None
    by_epochs = ACCURACY_BY_EPOCHS[classifier]
    return by_epochs.get(epochs or int(parameters.get("epochs", EPOCHS[0])))


def trained_alike(classifier: str, parameters: Mapping[str, Any], way: str) -> bool:
    """Tell whether the paper's seconds and pooled accuracies are of such a row."""
    usual = parameters.get("epochs", EPOCHS[0]) == EPOCHS[0]
    return way == "paper" and usual and is_best(classifier, parameters)
