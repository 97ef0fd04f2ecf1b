"""The training loop: Adam on the cross-entropy, as in Section IV-B of the paper."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.multiclass import check_classification_targets
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.optim.adam import adam

from napari_celltype.labels import Targets
from napari_celltype.models.checkpoint import Checkpoint, History
from napari_celltype.models.device import (
    halve,
    keep_freed_memory,
    traces_at_once,
)
from napari_celltype.models.networks import Network
from napari_celltype.models.notices import Notice
from napari_celltype.progress import (
    OnProgress,
    Progress,
    ShouldStop,
    never_stop,
    raise_if_stopped,
)

AfterEpoch = Callable[[Network, History], Mapping[str, float]]
Rank = Callable[[Mapping[str, float]], tuple[float, ...]]


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
    rank: Rank | None = None,
    should_finish: ShouldStop = never_stop,
) -> History:
    """Train a network in place and return its history.

    The training set is reshuffled each epoch and the last partial batch is kept.

    Parameters
    ----------
    network : Network
        With its initial weights; left on the processor, in evaluation mode. Weights
        that want no gradient stay as they are.
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
    rank : callable, optional
        Takes an epoch's row; the weights of the epoch with the largest answer are
        kept, the first of equals, in place of the last.
    should_finish : callable
        Once it answers True and an epoch is finished, training ends; asked once per
        batch, and what an unfinished epoch changed is given up where `rank` is given.

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
    optimizer = Adam(trained_weights(network).values(), learning_rate)
    dropout = dropout_generator(generator, device)
    # Places for the weights of the best epoch.
    best = _copies(network) if rank is not None else {}
    history: History = []
    if checkpoint is not None:
        history = _resume(
            checkpoint, network, optimizer, generator, dropout, best, epochs
        )
        if history:
            on_progress(
                Progress("Training goes on from its checkpoint", len(history), epochs)
            )
    keep_freed_memory()
    at_once = min(batch_size, traces_at_once(device, x.shape[1], network.cached_frames))
    for epoch in range(len(history) + 1, epochs + 1):
        if history and should_finish():
            break
        start = time.perf_counter()
        order = torch.randperm(len(x), generator=generator).to(device)
        labels = y[order]
        losses: list[Tensor] = []
        logits: list[Tensor] = []
        for batch, of_batch in zip(
            torch.split(order, batch_size), torch.split(labels, batch_size), strict=True
        ):
            raise_if_stopped(should_stop)
            if best and history and should_finish():
                break
            done = None
            while done is None:
                try:
                    done = _leave_gradients(
                        network, x, batch, of_batch, at_once=at_once, dropout=dropout
                    )
                except torch.OutOfMemoryError:
                    if at_once == 1:
                        raise
                if done is None:
                    network.zero_grad()
                    at_once = halve(min(at_once, len(batch)), on_notice)
            optimizer.step()
            losses += done[0]
            logits += done[1]
        if sum(map(len, logits)) < len(x):
            break
        # Only here does a GPU have to answer, and the steps have less to do.
        loss = torch.stack(losses).sum()
        right = hit_count(torch.cat(logits), labels)
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
        if rank is not None and best_epoch(history, rank) == epoch:
            best = _copies(network)
        if checkpoint is not None and (epoch == epochs or checkpoint.is_due()):
            checkpoint.save(
                _state(network, optimizer, generator, dropout, best), history
            )
        on_progress(
            Progress(f"Training, loss {history[-1]['loss']:.3f}", epoch, epochs)
        )
    with torch.no_grad():
        for name, value in _learnt(network).items():
            if name in best:
                value.copy_(best[name])
    network.to("cpu").eval()
    return history


def best_epoch(history: History, rank: Rank | None) -> int:
    """Return the first epoch with the largest rank, the last one without a rank."""
    if rank is None:
        return len(history)
    ranks = [rank(row) for row in history]
    return ranks.index(max(ranks)) + 1


def trained_weights(network: Network) -> dict[str, Tensor]:
    """Return the weights that training changes, by name."""
    return {
        name: weights
        for name, weights in network.named_parameters()
        if weights.requires_grad
    }


def _learnt(network: Network) -> dict[str, Tensor]:
    """Return all that training changes in a network, by name."""
    return trained_weights(network) | dict(network.named_buffers())


def _copies(network: Network) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in _learnt(network).items()}


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


def _leave_gradients(
    network: Network,
    x: Tensor,
    batch: Tensor,
    labels: Tensor,
    *,
    at_once: int,
    dropout: torch.Generator,
) -> tuple[list[Tensor], list[Tensor]]:
    """Leave the gradient of a batch's mean loss; return summed losses and logits.

    The batch goes through in parts, whose gradients add up to the same.
    """
    losses, found = [], []
    share = torch.tensor(1 / len(batch), device=x.device)
    for part, of_part in zip(
        torch.split(batch, at_once), torch.split(labels, at_once), strict=True
    ):
        logits = network(x.index_select(0, part), dropout)
        loss = loss_sum(logits, of_part)
        loss.backward(share)  # type: ignore[no-untyped-call]
        losses.append(loss.detach())
        found.append(logits.detach())
    return losses, found


def dropout_generator(
    generator: torch.Generator, device: torch.device
) -> torch.Generator:
    """Return a generator on the device; the given one itself on the processor."""
    if device.type == "cpu":
        return generator
    seed = int(torch.randint(2**62, (), generator=generator))
    return torch.Generator(device=device).manual_seed(seed)


def _state(
    network: Network,
    optimizer: Adam,
    generator: torch.Generator,
    dropout: torch.Generator,
    best: Mapping[str, Tensor],
) -> dict[str, Tensor]:
    """Return all that the next epoch, and the end of the training, depends on."""
    tensors = {
        "generator": generator.get_state(),
        "dropout": dropout.get_state(),
        "step": optimizer.counts[0],
    }
    tensors |= {f"network.{name}": value for name, value in _learnt(network).items()}
    for name, mean, square in zip(
        trained_weights(network), optimizer.means, optimizer.squares, strict=True
    ):
        tensors[f"exp_avg.{name}"] = mean
        tensors[f"exp_avg_sq.{name}"] = square
    return tensors | {f"best.{name}": weights for name, weights in best.items()}


def _resume(
    checkpoint: Checkpoint,
    network: Network,
    optimizer: Adam,
    generator: torch.Generator,
    dropout: torch.Generator,
    best: Mapping[str, Tensor],
    epochs: int,
) -> History:
    """Put the checkpoint's state in place and return its history; [] without one."""
    found = checkpoint.load(
        _state(network, optimizer, generator, dropout, best), epochs
    )
    if found is None:
        return []
    tensors, history = found
    dropout.set_state(tensors["dropout"])
    generator.set_state(tensors["generator"])
    # Copied into tensors of the weights' own memory order and device.
    state = _state(network, optimizer, generator, dropout, best)
    with torch.no_grad():
        for name, tensor in state.items():
            if name not in ("generator", "dropout", "step"):
                tensor.copy_(tensors[name])
    for count in optimizer.counts:
        count.copy_(tensors["step"])
    return history


# Section IV-B; the epsilon is Keras's, which the paper leaves open.
ADAM_BETAS = (0.9, 0.99)
ADAM_EPSILON = 1e-7


class Adam:
    """Adam (Kingma and Ba 2015) on a fixed list of parameters.

    torch.optim.Adam spends Python on what never changes here, in every step, and making
    one imports torch's compiler. The arithmetic is torch's own, in one fused operation
    where the device has it.

    Parameters
    ----------
    parameters : iterable of Tensor
        On the device that they stay on.
    learning_rate : float

    Attributes
    ----------
    means, squares : list of Tensor
        Moving averages of the gradients and of their squares.
    counts : list of Tensor
        Steps taken, once for each parameter, as torch wants it.
    """

    def __init__(self, parameters: Iterable[Tensor], learning_rate: float) -> None:
        self.parameters = list(parameters)
        self.learning_rate = learning_rate
        self.means = [torch.zeros_like(p) for p in self.parameters]
        self.squares = [torch.zeros_like(p) for p in self.parameters]
        self.counts = [torch.zeros((), device=p.device) for p in self.parameters]
        device = self.parameters[0].device.type
        self._fused = device in ("cpu", "cuda")

    @torch.no_grad()
    def step(self) -> None:
        """Move the parameters along their gradients, and forget the gradients."""
        gradients = []
        for parameter in self.parameters:
            assert parameter.grad is not None
            gradients.append(parameter.grad)
            parameter.grad = None
        adam(
            self.parameters,
            gradients,
            self.means,
            self.squares,
            [],
            self.counts,
            fused=self._fused,
            amsgrad=False,
            beta1=ADAM_BETAS[0],
            beta2=ADAM_BETAS[1],
            lr=self.learning_rate,
            weight_decay=0.0,
            eps=ADAM_EPSILON,
            maximize=False,
        )


def read_labels(
    y: NDArray[Any], targets: Targets | None
) -> tuple[NDArray[Any], Targets]:
    """Return the classes in the type of y, and the targets.

    Parameters
    ----------
    y : ndarray, shape (n_traces,)
        Names of types, parents and negations are read as in `Targets.of`; numbers are
        classes.
    targets : Targets, optional
        Instead of what y says.

    Raises
    ------
    ValueError
        If there is a single class, or `targets` has another length than y.
    LabelError
        If the labels name no class, or one of them leaves none possible.
    """
    if targets is not None:
        if len(targets.allowed) != len(y):
            raise ValueError(
                f"targets holds {len(targets.allowed)} labels and y {len(y)}; give "
                "one of each per trace."
            )
        classes = np.array(targets.classes)
    else:
        check_classification_targets(y)
        if all(isinstance(label, str) for label in y):
            targets = Targets.of(y.tolist())
            classes = np.array(targets.classes, dtype=y.dtype)
        else:
            classes, index = np.unique(y, return_inverse=True)
            allowed = np.eye(len(classes), dtype=bool)[index]
            targets = Targets(tuple(str(c) for c in classes), allowed)
    if len(classes) < 2:
        raise ValueError(
            f"Training needs at least two classes, but the labels hold only one class, "
            f"{classes[0]!r}."
        )
    return classes, targets
