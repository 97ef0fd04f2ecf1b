"""The model that a training starts from, or none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from napari_celltype.errors import ModelError

if TYPE_CHECKING:
    from napari_celltype.classifiers import CellTypeModel, TraceClassifier
    from napari_celltype.classifiers.fine_tuning import FineTuning
    from napari_celltype.workflows.train import TrainRequest


def find_base(
    name: str, sampling_frequency: float | None = None
) -> tuple[CellTypeModel, tuple[str, ...]]:
    """Return the model that a training starts from, and what has to be known of it.

    Nothing is fine-tuned twice: of a model that was fine-tuned itself it is its base.

    Parameters
    ----------
    name : str
        A family, a name or a file.
    sampling_frequency : float, optional
        Of the slowest recording, Hz; chooses within a family.

    Raises
    ------
    ModelError
        If there is no such model, or its own base is gone or another one by now.
    SamplingFrequencyError
        If the recordings are slower than every model of a family.
    """
    from napari_celltype.classifiers import load_model

    model = load_model(name, sampling_frequency)
    origin = model.card.training_data.get("base")
    if isinstance(origin, Mapping):
        first = load_model(str(origin.get("name")))
        if first.sha256 != origin.get("sha256"):
            raise ModelError(
                f"{model.name} was fine-tuned from another version of "
                f"{first.name!r} than the one that is there; start from another model."
            )
        return first, (
            f"{model.name} was itself fine-tuned from {first.name}, so training "
            f"started from {first.name}, with all labels.",
        )
    if model.card.origin == "user":
        return model, (
            f"{model.name} may have been trained on some of the cells that are held "
            "out here; if so, the score flatters.",
        )
    return model, ()


def classifier_for(
    request: TrainRequest, base: CellTypeModel | None
) -> tuple[TraceClassifier, FineTuning | None]:
    """Return an unfitted classifier, and the weights that it starts from."""
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
    classifier: TraceClassifier = clone(base.classifier).set_params(**said)
    return classifier, FineTuning(base.classifier, request.tuned_layers)
