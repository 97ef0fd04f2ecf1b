"""The training loop: Adam on the cross-entropy, as in Section IV-B of the paper."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from napari_celltype.classifiers.checkpoint import Checkpoint, History
from napari_celltype.classifiers.device import halve
from napari_celltype.classifiers.networks import Network
from napari_celltype.classifiers.notices import Notice
from napari_celltype.progress import OnProgress, Progress, ShouldStop, raise_if_stopped

# Section IV-B; the epsilon is Keras's, which the paper leaves open.
ADAM_BETAS = (0.9, 0.99)
ADAM_EPSILON = 1e-7

AfterEpoch = Callable[[Network, History], Mapping[str, float]]


def train(
    network: Network,
    traces: NDArray[np.float32],
    targets: NDArray[np.int64] | NDArray[np.bool_],
    *,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    generator: torch.Generator,
    device: torch.device,
    on_progress: OnProgress,
    should_stop: ShouldStop,
    on_notice: Notice,
    checkpoint: Checkpoint | None = None,
    after_epoch: AfterEpoch | None = None,
) -> History:
    """Train a network in place and return its history.

    The training set is reshuffled each epoch and the last partial batch is kept.

    Parameters
    ----------
    network : Network
        With its initial weights; left on the processor, in evaluation mode.
    traces : ndarray of float32, shape (n_traces, n_frames)
        Normalised traces.
    targets : ndarray of int64 (n_traces,) or of bool (n_traces, n_classes)
        Class indices, or the classes that each label leaves possible.
    generator : torch.Generator
        On the processor; the only source of chance.
    checkpoint : Checkpoint, optional
        Where training goes on from, and what is written as it goes.
    after_epoch : callable, optional
        Takes a copy of the network, ready to predict, and the history so far; what it
        returns joins the epoch's row.

    Returns
    -------
    list of dict
        One row per epoch: epoch, loss, accuracy (of the batches as they were trained
        on), seconds.

    Raises
    ------
    Stopped
        If `should_stop` answers True, asked once per batch.
    OutputError
        If the checkpoint cannot be written.
    """
    x = torch.from_numpy(traces).to(device)
    y = torch.from_numpy(targets).to(device)
    network.to(device).to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.Adam(
        network.parameters(),
        lr=learning_rate,
        betas=ADAM_BETAS,
        eps=ADAM_EPSILON,
        fused=device.type in ("cpu", "cuda"),
    )
    dropout = _dropout_generator(generator, device)
    history: History = []
    if checkpoint is not None:
        history = _resume(checkpoint, network, optimizer, generator, dropout, epochs)
        if history:
            on_progress(
                Progress("Training goes on from its checkpoint", len(history), epochs)
            )
    at_once = batch_size
    for epoch in range(len(history) + 1, epochs + 1):
        start = time.perf_counter()
        loss = torch.zeros((), device=device)
        right = torch.zeros((), device=device, dtype=torch.int64)
        order = torch.randperm(len(x), generator=generator).to(device)
        for batch in torch.split(order, batch_size):
            raise_if_stopped(should_stop)
            sums = None
            while sums is None:
                try:
                    sums = _accumulate_gradients(
                        network, x, y, batch, at_once=at_once, dropout=dropout
                    )
                except torch.OutOfMemoryError:
                    if at_once == 1:
                        raise
                if sums is None:
                    at_once = halve(min(at_once, len(batch)), on_notice)
            optimizer.step()
            loss += sums[0]
            right += sums[1]
        history.append(
            {
                "epoch": epoch,
                "loss": loss.item() / len(x),
                "accuracy": right.item() / len(x),
                "seconds": time.perf_counter() - start,
            }
        )
        if after_epoch is not None:
            ready = copy.deepcopy(network).to("cpu").eval()
            said = after_epoch(ready, list(history))
            history[-1] |= {name: float(value) for name, value in said.items()}
        if checkpoint is not None and (epoch == epochs or checkpoint.is_due()):
            checkpoint.save(_state(network, optimizer, generator, dropout), history)
        on_progress(
            Progress(f"Training, loss {history[-1]['loss']:.3f}", epoch, epochs)
        )
    network.to("cpu").eval()
    return history


def loss_sum(logits: Tensor, y: Tensor) -> Tensor:
    """Return the summed loss of logits (n, n_classes).

    Where a label leaves several classes possible, the loss is minus the logarithm of
    their summed probability; of a single class that is the cross-entropy.
    """
    if y.dtype != torch.bool:
        return cross_entropy(logits, y, reduction="sum")
    possible = logits.masked_fill(~y, -torch.inf)
    return (logits.logsumexp(1) - possible.logsumexp(1)).sum()


def hit_count(logits: Tensor, y: Tensor) -> Tensor:
    """Return how many of the best guesses the labels allow."""
    guess = logits.argmax(1)
    if y.dtype != torch.bool:
        return (guess == y).sum()
    return y.gather(1, guess[:, None]).sum()


def _accumulate_gradients(
    network: Network,
    x: Tensor,
    y: Tensor,
    batch: Tensor,
    *,
    at_once: int,
    dropout: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Leave the gradient of a batch's mean loss; return the sums of loss and of hits.

    Where memory is short the batch goes through in parts whose gradients add up to the
    same.
    """
    network.zero_grad()
    losses, hits = [], []
    for part in torch.split(batch, at_once):
        logits = network(x[part], dropout)
        loss = loss_sum(logits, y[part])
        (loss / len(batch)).backward()  # type: ignore[no-untyped-call]
        losses.append(loss.detach())
        hits.append(hit_count(logits.detach(), y[part]))
    return torch.stack(losses).sum(), torch.stack(hits).sum()


def _dropout_generator(
    generator: torch.Generator, device: torch.device
) -> torch.Generator:
    """Return a generator on the device; the given one itself on the processor."""
    if device.type == "cpu":
        return generator
    seed = int(torch.randint(2**62, (), generator=generator))
    return torch.Generator(device=device).manual_seed(seed)


def _state(
    network: Network,
    optimizer: torch.optim.Adam,
    generator: torch.Generator,
    dropout: torch.Generator,
) -> dict[str, Tensor]:
    """Return all that the next epoch depends on; before the first, Adam's zeros."""
    tensors = {
        "generator": generator.get_state(),
        "dropout": dropout.get_state(),
        "step": torch.zeros(()),
    }
    for name, parameter in network.named_parameters():
        moments = optimizer.state.get(parameter, {})
        tensors[f"network.{name}"] = parameter
        for key in ("exp_avg", "exp_avg_sq"):
            tensors[f"{key}.{name}"] = moments.get(key, torch.zeros_like(parameter))
        tensors["step"] = moments.get("step", tensors["step"])
    return tensors


def _resume(
    checkpoint: Checkpoint,
    network: Network,
    optimizer: torch.optim.Adam,
    generator: torch.Generator,
    dropout: torch.Generator,
    epochs: int,
) -> History:
    """Put the checkpoint's state in place and return its history; [] without one."""
    found = checkpoint.load(_state(network, optimizer, generator, dropout), epochs)
    if found is None:
        return []
    tensors, history = found
    dropout.set_state(tensors["dropout"])
    generator.set_state(tensors["generator"])
    for name, parameter in network.named_parameters():
        with torch.no_grad():
            parameter.copy_(tensors[f"network.{name}"])
        # Copied into tensors of the weights' own memory order and device.
        optimizer.state[parameter] = {
            "step": tensors["step"].to(parameter.device, copy=True),
            **{
                key: torch.zeros_like(parameter).copy_(tensors[f"{key}.{name}"])
                for key in ("exp_avg", "exp_avg_sq")
            },
        }
    return history
