"""Saving a fitted classifier with its card, and building it again from a file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_celltype.errors import ModelError, OutputError
from napari_celltype.files import write_atomically
from napari_celltype.models.calibration import probabilities_of
from napari_celltype.models.card import ModelCard
from napari_celltype.models.model_file import (
    COPY_AGAIN,
    SUFFIX,
    ModelBytes,
    digest,
    read_model_bytes,
    split_content,
)

if TYPE_CHECKING:
    import torch

    from napari_celltype.models.estimator import TraceClassifier
    from napari_celltype.models.preparation import Normalization

# Parameters of a card beside those that shape the network, and largest values where
# the general limit does not suit.
_TRAINING = ("epochs", "batch_size", "learning_rate", "random_state")
_MOST = {"layers": 100, "epochs": 10**9, "batch_size": 10**9, "random_state": 2**32}


@dataclass(frozen=True, eq=False)
class CellTypeModel:
    """A trained classifier with its card.

    Attributes
    ----------
    classifier : TraceClassifier
        Fitted; takes windows of ``card.window_frames`` frames.
    card : ModelCard
    sha256 : str
        Digest over card and weights, hexadecimal.
    name : str
    """

    classifier: TraceClassifier
    card: ModelCard
    sha256: str
    name: str

    @property
    def classes_(self) -> NDArray[np.str_]:
        """Class names, in the order of `predict_proba`'s columns."""
        classes: NDArray[np.str_] = self.classifier.classes_
        return classes

    def predict(self, X: ArrayLike) -> NDArray[np.str_]:
        """Return the most probable type of each window.

        Parameters
        ----------
        X : array-like, shape (n_windows, card.window_frames)
            At the card's frame rate; `predict_recording_traces` cuts whole recordings.
        """
        named: NDArray[np.str_] = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return named

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return calibrated probabilities of windows, shape (n_windows, n_classes)."""
        logs = self.classifier.predict_log_proba(X)
        one_each = np.ones(len(logs), dtype=np.int64)
        return probabilities_of(logs, one_each, self.card.calibration)


def save_model(
    classifier: TraceClassifier, card: ModelCard, path: str | os.PathLike[str]
) -> str:
    """Write a fitted classifier and its card to one file, atomically.

    Parameters
    ----------
    classifier : TraceClassifier
        Fitted.
    card : ModelCard
        Must describe this classifier; `card_for` makes one that does.
    path : path
        Ends in ``.safetensors``.

    Returns
    -------
    str
        The SHA-256 that `verify_model` will find.

    Raises
    ------
    ModelError
        If the card describes another classifier.
    OutputError
        If the file cannot be written.
    """
    import safetensors.torch
    import torch

    target = Path(path)
    if target.suffix != SUFFIX:
        raise OutputError(
            f"A model is saved as a file that ends in {SUFFIX}, but {target.name!r} "
            "does not; choose another name."
        )
    for name, said, is_ in (
        ("classes", card.classes, tuple(str(c) for c in classifier.classes_)),
        ("window_frames", card.window_frames, classifier.n_features_in_),
        ("architecture", card.architecture, classifier.architecture),
        ("normalization", card.normalization, classifier.normalization),
    ):
        if said != is_:
            raise ModelError(
                f"The card of {card.name!r} says {name} = {said!r}, but the classifier "
                f"has {is_!r}; make the card of this classifier with `card_for`."
            )
    tensors = {
        f"network.{key}": value.contiguous()
        for key, value in classifier.network_.state_dict().items()
    }
    statistics = classifier.normalization_
    if statistics.mean is not None and statistics.deviation is not None:
        tensors["normalization.mean"] = torch.from_numpy(statistics.mean)
        tensors["normalization.deviation"] = torch.from_numpy(statistics.deviation)
    text = card.to_json()
    header, data = split_content(safetensors.torch.save(tensors), target)
    sha256 = digest(text, header, data)
    metadata = {"card": text, "sha256": sha256}
    content = safetensors.torch.save(tensors, metadata=metadata)
    write_atomically(target, lambda file: file.write(content))
    return sha256


def read_model(path: str | os.PathLike[str]) -> CellTypeModel:
    """Load a model file.

    Raises
    ------
    ModelError
        If it is absent, damaged, changed since it was saved, or no model.
    """
    return build_model(read_model_bytes(path))


def verify_model(path: str | os.PathLike[str]) -> ModelBytes:
    """Check a model file whole, its digest and that it builds a network.

    Returns
    -------
    ModelBytes
        `card` and `sha256` of the file.

    Raises
    ------
    ModelError
        If it is absent, damaged, changed since it was saved, or no model.
    """
    content = read_model_bytes(path)
    build_model(content)
    return content


def build_model(file: ModelBytes) -> CellTypeModel:
    """Build the classifier of a verified file.

    Raises
    ------
    ModelError
        If the weights do not fit the card.
    """
    import safetensors
    import safetensors.torch

    card = file.card
    try:
        tensors = safetensors.torch.load(file.content)
        classifier = restore_classifier(
            _constructor_parameters(card),
            card.classes,
            card.window_frames,
            {
                key.removeprefix("network."): value
                for key, value in tensors.items()
                if not key.startswith("normalization.")
            },
            _normalization(card, tensors),
        )
    except (
        safetensors.SafetensorError,
        ValueError,
        TypeError,
        OverflowError,
        RuntimeError,
    ) as error:
        raise ModelError(
            f"The model file {file.path} does not hold a network that fits its card "
            f"({str(error).splitlines()[0][:200]}); {COPY_AGAIN}."
        ) from error
    return CellTypeModel(classifier, card, file.sha256, card.name)


def restore_classifier(
    parameters: Mapping[str, Any],
    classes: Sequence[str],
    n_frames: int,
    weights: Mapping[str, torch.Tensor],
    normalization: Normalization,
) -> TraceClassifier:
    """Build a fitted classifier from saved weights, allocating nothing but them.

    Parameters
    ----------
    parameters : mapping
        Constructor parameters of `TraceClassifier`.
    classes : sequence of str
    n_frames : int
        Frames per trace.
    weights : mapping of str to tensor
        State of the network.

    Raises
    ------
    ValueError
        If the parameters are not those of a network, or the weights do not fit it.
    """
    import torch

    from napari_celltype.models.estimator import TraceClassifier
    from napari_celltype.models.networks import build_network

    classifier = TraceClassifier(**parameters)
    network = build_network(
        classifier.architecture, n_frames, len(classes), classifier._structure()
    )
    expected = {name: tuple(t.shape) for name, t in network.state_dict().items()}
    found = {name: tuple(t.shape) for name, t in weights.items()}
    if expected != found or any(t.dtype != torch.float32 for t in weights.values()):
        raise ValueError("the weights do not have the shapes that the card says")
    network.load_state_dict(dict(weights), assign=True)
    classifier.network_ = network.to(memory_format=torch.channels_last).eval()
    classifier.classes_ = np.asarray(classes)
    classifier.n_features_in_ = n_frames
    classifier.normalization_ = normalization
    classifier.history_ = []
    return classifier


def _constructor_parameters(card: ModelCard) -> dict[str, Any]:
    """Return the constructor's parameters if they are plain and of sane size."""
    from napari_celltype.models.estimator import STRUCTURE

    parameters = dict(card.parameters)
    if strange := set(parameters) - {*STRUCTURE, *_TRAINING}:
        raise ValueError(f"unknown parameter {min(strange)[:60]!r}")
    for key, value in parameters.items():
        if isinstance(value, str | list) and len(value) > 100:
            raise ValueError(f"{key} has {len(value)} parts")
        most = _MOST.get(key, 10**5)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, int | float) and abs(item) > most:
                raise ValueError(f"{key} is out of all proportion")
    if isinstance(parameters.get("filters"), list):
        parameters["filters"] = tuple(parameters["filters"])
    parameters["architecture"] = card.architecture
    parameters["normalization"] = card.normalization
    return parameters


def _normalization(
    card: ModelCard, tensors: Mapping[str, torch.Tensor]
) -> Normalization:
    from napari_celltype.models.preparation import NORMALIZATIONS, Normalization

    if card.normalization not in NORMALIZATIONS:
        raise ValueError(f"normalization {card.normalization!r} is not known")
    if card.normalization == "trace":
        return Normalization("trace")
    mean = tensors.get("normalization.mean")
    deviation = tensors.get("normalization.deviation")
    if mean is None or deviation is None or mean.shape != deviation.shape:
        raise ValueError("the statistics of the training set are missing")
    return Normalization(card.normalization, mean.numpy(), deviation.numpy())
