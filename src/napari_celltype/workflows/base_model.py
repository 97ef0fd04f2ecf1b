"""The model that a training starts from, or none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from napari_celltype.errors import ModelError

if TYPE_CHECKING:
    from napari_celltype.classifiers import CellTypeModel, ModelCard, TraceClassifier
    from napari_celltype.classifiers.fine_tuning import FineTuning
    from napari_celltype.classifiers.model_file import ModelBytes
    from napari_celltype.workflows.train import TrainRequest


def find_base(
    name: str, sampling_frequency: float | None = None
) -> tuple[ModelBytes, tuple[str, ...]]:
    """Find the model that a training starts from, and what has to be known of it.

    Nothing is fine-tuned twice: of a model that was fine-tuned itself it is its base.
    The network is not built, so that torch is not needed.

    Parameters
    ----------
    name : str
        A family, a name or a file.
    sampling_frequency : float, optional
        Of the slowest recording, Hz; chooses within a family.

    Raises
    ------
    ModelError
        If there is no such model, its own base is gone or another one by now, or it
        does not say its frame rate.
    SamplingFrequencyError
        If the recordings are slower than every model of a family.
    """
    from napari_celltype.classifiers.models import find_model

    file = find_model(name, sampling_frequency)
    remarks: tuple[str, ...] = ()
    origin = file.card.training_data.get("base")
    if isinstance(origin, Mapping):
        first = find_model(str(origin.get("name")))
        if first.sha256 != origin.get("sha256"):
            raise ModelError(
                f"{file.card.name} was fine-tuned from another version of "
                f"{first.card.name!r} than the one that is there; start from another "
                "model."
            )
        remarks = (
            f"{file.card.name} was itself fine-tuned from {first.card.name}, so "
            f"training started from {first.card.name}, with all labels.",
        )
        file = first
    elif file.card.origin == "user":
        remarks = (
            f"{file.card.name} may have been trained on some of the cells that are "
            "held out here; if so, the score flatters.",
        )
    if file.card.sampling_frequency is None:
        raise ModelError(
            f"{file.card.name} does not say at which frame rate it was trained, so "
            "nothing can be trained from it; start from another model."
        )
    return file, remarks


def n_layers(card: ModelCard) -> int:
    """Return how many layers with weights a model has, its output among them."""
    layers = card.parameters.get("layers")
    return (layers.count("C") if isinstance(layers, str) else int(layers or 1)) + 1


def classifier_for(
    request: TrainRequest, base: CellTypeModel | None
) -> tuple[TraceClassifier, FineTuning | None]:
    """Return an unfitted classifier, and the weights that it starts from.

    Raises
    ------
    ModelError
        If the base has fewer layers than are to be trained.
    """
    from sklearn.base import clone

    from napari_celltype.classifiers import TraceClassifier
    from napari_celltype.classifiers.fine_tuning import FineTuning

    said: dict[str, Any] = {
        "epochs": request.epochs,
        "random_state": request.random_state,
        "device": request.device,
    }
    if base is None:
        return (
            TraceClassifier(
                request.architecture, normalization=request.normalization, **said
            ),
            None,
        )
    most = n_layers(base.card)
    if not 1 <= request.tuned_layers <= most:
        raise ModelError(
            f"{base.name} has {most} layers, so {request.tuned_layers} cannot be "
            f"trained; choose 1 to {most}."
        )
    classifier: TraceClassifier = clone(base.classifier).set_params(**said)
    return classifier, FineTuning(base.classifier, request.tuned_layers)
