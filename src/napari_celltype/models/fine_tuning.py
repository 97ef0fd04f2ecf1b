"""Training that starts from the weights of another model and changes its end only."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from napari_celltype.models.networks import Network

if TYPE_CHECKING:
    from napari_celltype.models.estimator import TraceClassifier


@dataclass(frozen=True, eq=False)
class FineTuning:
    """Where a training starts.

    Attributes
    ----------
    base : TraceClassifier
        Fitted; of the same architecture and length of traces. It is not changed.
    layers : int
        How many layers are trained, counted from the output; those before them keep
        the base's weights to the last bit.
    """

    base: TraceClassifier
    layers: int = 1

    def start(self, network: Network, classes: Sequence[str]) -> None:
        """Give a new network the base's weights, and freeze all but its last layers.

        The rows of the output layer go by the names of the classes: a class that the
        base knows starts as it was, a new one as it was drawn.

        Parameters
        ----------
        network : Network
            With initial weights.
        classes : sequence of str
            Of its outputs.

        Raises
        ------
        ValueError
            If the base has another structure, or no such number of layers.
        """
        old = self.base.network_
        if type(old) is not type(network) or old.settings != network.settings:
            raise ValueError(
                f"the base is built as {old.settings} and the new network as "
                f"{network.settings}; give the classifier the base's parameters."
            )
        layers = weighted_layers(network)
        if not 1 <= self.layers <= len(layers):
            raise ValueError(
                f"{self.layers} layers cannot be trained of a network of "
                f"{len(layers)}; choose 1 to {len(layers)}."
            )
        known = [str(name) for name in self.base.classes_]
        with torch.no_grad():
            for new, source in zip(layers[:-1], weighted_layers(old)[:-1], strict=True):
                for to, value in zip(
                    new.parameters(), source.parameters(), strict=True
                ):
                    if to.shape != value.shape:
                        raise ValueError(
                            "the base was trained on traces of another length; cut "
                            f"them to {self.base.n_features_in_} frames."
                        )
                    to.copy_(value)
            for name, buffer in old.named_buffers():
                network.get_buffer(name).copy_(buffer)
            output, old_output = layers[-1], weighted_layers(old)[-1]
            assert isinstance(output, nn.Linear)
            assert isinstance(old_output, nn.Linear)
            if output.in_features != old_output.in_features:
                raise ValueError(
                    "the base was trained on traces of another length; cut them to "
                    f"{self.base.n_features_in_} frames."
                )
            for row, name in enumerate(classes):
                if name in known:
                    output.weight[row] = old_output.weight[known.index(name)]
                    output.bias[row] = old_output.bias[known.index(name)]
        for layer in layers[: -self.layers]:
            layer.requires_grad_(False)

    def digest(self) -> str:
        """Return what the start depends on, for the key of a checkpoint."""
        sha256 = hashlib.sha256(f"{self.layers} {list(self.base.classes_)}".encode())
        for name, value in sorted(self.base.network_.state_dict().items()):
            sha256.update(name.encode())
            sha256.update(value.contiguous().numpy().tobytes())
        return sha256.hexdigest()


def weighted_layers(network: Network) -> list[nn.Module]:
    """Return the layers that hold weights, from the input to the output."""
    return [
        module
        for module in network.modules()
        if next(module.parameters(recurse=False), None) is not None
    ]
