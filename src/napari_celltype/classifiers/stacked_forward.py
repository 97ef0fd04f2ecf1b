"""The forward pass of several networks of one structure, with stacked weights.

Weights and tensors have the network as their first axis, S below. The layers are those
of `networks`, whose modules give the structure and whose tests are the standard: alone
and stacked give the same logits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from napari_celltype.classifiers.convolution import POOL_SIZE, Convolution
from napari_celltype.classifiers.layers import (
    Dropout,
    LongShortTermMemory,
    ReluRecurrence,
    dropout_mask,
)
from napari_celltype.classifiers.networks import (
    ConvolutionalNetwork,
    Network,
    RecurrentNetwork,
)


def stacked_logits(
    network: Network,
    weights: Mapping[str, Tensor],
    x: Tensor,
    generators: Sequence[torch.Generator],
) -> Tensor:
    """Return the logits of all networks in training, (S, n_traces, n_classes).

    Parameters
    ----------
    network : Network
        One of them, for its structure.
    weights : mapping of str to Tensor, each (S, ...)
        Under the names of the network's parameters.
    x : Tensor, shape (S, n_traces, n_frames)
        Normalised traces of each network.
    generators : sequence of torch.Generator
        One of each network, for its dropout.

    Raises
    ------
    TypeError
        If the network is of a class that nobody has stacked.
    """
    if isinstance(network, ConvolutionalNetwork):
        features = _convolutional(network, weights, x, generators)
    elif isinstance(network, RecurrentNetwork):
        features = _recurrent(network, weights, x, generators)
    else:
        raise TypeError(f"{type(network).__name__} cannot be trained stacked.")
    return torch.baddbmm(
        weights["output.bias"][:, None], features, weights["output.weight"].mT
    )


def convolve(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Convolve each network's channels with its own filters, as grouped convolution.

    Parameters
    ----------
    x : Tensor, shape (n_traces, S x channels, n_frames)
    weight : Tensor, shape (S, filters, channels, 1, kernel_size)
    bias : Tensor, shape (S, filters)

    Returns
    -------
    Tensor, shape (n_traces, S x filters, n_frames - kernel_size + 1)
    """
    kernel = weight.flatten(0, 1).squeeze(2)
    return functional.conv1d(x, kernel, bias.flatten(), groups=len(weight))


def _convolutional(
    network: ConvolutionalNetwork,
    weights: Mapping[str, Tensor],
    x: Tensor,
    generators: Sequence[torch.Generator],
) -> Tensor:
    """Return what the last layer takes, (S, n_traces, frames x channels).

    The channels of all networks lie side by side, a group of channels for each.
    """
    n_networks = len(x)
    x = x.transpose(0, 1)
    for name, step in network.steps.items():
        if isinstance(step, Convolution):
            x = convolve(
                x, weights[f"steps.{name}.weight"], weights[f"steps.{name}.bias"]
            )
            if step.pooled:
                x = functional.max_pool1d(x, POOL_SIZE)
            x = x.relu_()
        elif isinstance(step, Dropout):
            apart = _drop(_apart(x, n_networks), step.probability, generators)
            x = apart.transpose(0, 1).flatten(1, 2)
        else:
            x = functional.max_pool1d(x, POOL_SIZE)
    # (frame, channel) order, as the network alone flattens.
    return _apart(x, n_networks).mT.flatten(2)


def _apart(x: Tensor, n_networks: int) -> Tensor:
    """View (n_traces, S x channels, n_frames) as (S, n_traces, channels, n_frames)."""
    n_traces, _, n_frames = x.shape
    return x.reshape(n_traces, n_networks, -1, n_frames).transpose(0, 1)


def _recurrent(
    network: RecurrentNetwork,
    weights: Mapping[str, Tensor],
    x: Tensor,
    generators: Sequence[torch.Generator],
) -> Tensor:
    """Return the outputs of the last time step, (S, n_traces, units)."""
    used = network.timesteps * network.step_frames
    x = x[:, :, :used].reshape(*x.shape[:2], network.timesteps, network.step_frames)
    for number, layer in enumerate(network.layers):
        assert isinstance(layer, ReluRecurrence)
        kernel, recurrent, bias = (
            weights[f"layers.{number}.{name}"]
            for name in ("kernel", "recurrent_kernel", "bias")
        )
        gates = torch.baddbmm(bias[:, None], x.flatten(1, 2), kernel)
        gates = gates.view(*x.shape[:3], -1)
        like = x.new_empty(()).expand(*x.shape[:2], layer.units)
        mask = _mask(like, layer.recurrent_dropout, generators)
        advance = _lstm if isinstance(layer, LongShortTermMemory) else _relu
        # The state before the first step is zero, so that step has no recurrence.
        hidden, cell = advance(gates[:, :, 0], None)
        outputs = [hidden]
        for t in range(1, network.timesteps):
            recalled = hidden if mask is None else hidden * mask
            now = torch.baddbmm(gates[:, :, t], recalled, recurrent)
            hidden, cell = advance(now, cell)
            outputs.append(hidden)
        x = torch.stack(outputs, dim=2).relu()
        x = _drop(x, network.dropout.probability, generators)
    return x[:, :, -1]


def _relu(gates: Tensor, _cell: Tensor | None) -> tuple[Tensor, Tensor]:
    hidden = gates.relu()
    return hidden, hidden


def _lstm(gates: Tensor, cell: Tensor | None) -> tuple[Tensor, Tensor]:
    """Equations 4 to 9."""
    enter, forget, candidate, leave = gates.chunk(4, dim=2)
    new = enter.sigmoid() * candidate.tanh()
    if cell is not None:
        new = forget.sigmoid() * cell + new
    return leave.sigmoid() * new.tanh(), new


def _mask(
    like: Tensor, probability: float, generators: Sequence[torch.Generator]
) -> Tensor | None:
    """Return each network's own mask like a tensor (S, ...); None if nothing drops."""
    if probability == 0:
        return None
    return torch.stack(
        [
            dropout_mask(alone, probability, generator)
            for alone, generator in zip(like, generators, strict=True)
        ]
    )


def _drop(
    x: Tensor, probability: float, generators: Sequence[torch.Generator]
) -> Tensor:
    mask = _mask(x, probability, generators)
    return x if mask is None else x * mask
