"""A model of the user's own: what it is trained on, held out, and its card."""

from napari_celltype.training.request import TrainRequest
from napari_celltype.training.train import Trained, train_model

__all__ = ["TrainRequest", "Trained", "train_model"]
