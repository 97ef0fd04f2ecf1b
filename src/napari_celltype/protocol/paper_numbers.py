"""The numbers that the paper prints in its text, on its own recordings.

Troullinou et al., IEEE TETCI 2021 (arXiv 1911.09977). The bodies of its tables are not
repeated here. None of these numbers can be expected on other recordings: they stand
beside ours only under `HEADING`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
# What accuracies, times and pooled accuracies are of, unless said.
_EPOCHS = 20
_NORMALIZATION = {"normalization": "training-set"}
# What the best architecture of each network is made of (Section IV-B).
_BEST: Mapping[str, Mapping[str, Any]] = {
    "cnn": {**_NORMALIZATION, "layers": "CCPCD"},
    "rnn": {**_NORMALIZATION, "layers": 1, "timesteps": 2},
    "lstm": {**_NORMALIZATION, "layers": 2, "timesteps": 2},
}
# Parameters that do not make it another network.
_ELSEWHERE = {"epochs", "device"}


def is_best(classifier: str, parameters: Mapping[str, Any]) -> bool:
    """Tell whether these are the paper's best parameters of one of its networks."""
    best = _BEST.get(classifier)
    return best is not None and all(
        name in _ELSEWHERE or best.get(name) == value
        for name, value in parameters.items()
    )


def printed_accuracy(
    classifier: str, parameters: Mapping[str, Any], way: str, epochs: int | None = None
) -> float | None:
    """Return the accuracy that the paper prints for a row, None for most.

    Parameters
    ----------
    classifier : str
    parameters : mapping
        Of the row's condition.
    way : str
        How the splits are drawn; the paper has its own way alone.
    epochs : int, optional
        Of the row, if not those of `parameters`.
    """
    if way != "paper":
        return None
    if classifier in ("rnn", "lstm") and parameters.get("timesteps") == FRAMES:
        return ONE_FRAME_PER_STEP
    if not is_best(classifier, parameters):
        return None
    by_epochs = ACCURACY_BY_EPOCHS[classifier]
    return by_epochs.get(epochs or int(parameters.get("epochs", _EPOCHS)))


def printed_seconds(
    classifier: str, parameters: Mapping[str, Any], way: str, n_train: int
) -> float | None:
    """Return the training time that the paper prints for a row (s), None for most."""
    if not _is_papers(classifier, parameters, way):
        return None
    return TRAIN_SECONDS[classifier].get(n_train)


def printed_pooled(
    classifier: str, parameters: Mapping[str, Any], way: str
) -> float | None:
    """Return the accuracy on old and new examples together, None for most."""
    if not _is_papers(classifier, parameters, way):
        return None
    return POOLED_WITH_NEW[classifier]


def _is_papers(classifier: str, parameters: Mapping[str, Any], way: str) -> bool:
    trained_alike = parameters.get("epochs", _EPOCHS) == _EPOCHS
    return way == "paper" and trained_alike and is_best(classifier, parameters)
