"""The training loop: Adam on the cross-entropy, as in Section IV-B of the paper."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from numpy.typing import NDArray
from sklearn.utils.multiclass import check_classification_targets
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim.adam import adam

from napari_celltype.errors import ModelError
from napari_celltype.files import write_atomically
from napari_celltype.labels import Targets
from napari_celltype.models.device import halve, keep_freed_memory, traces_at_once
from napari_celltype.models.model_file import signed, verified
from napari_celltype.models.networks import Network, weighted_layers
from napari_celltype.models.registry import Notice
from napari_celltype.progress import (
    OnProgress,
    Progress,
    ShouldStop,
    never_stop,
    raise_if_stopped,
)

History = list[dict[str, float]]
Rank = Callable[[Mapping[str, float]], tuple[float, ...]]

# Section IV-B; the epsilon is Keras's, which the paper leaves open.
ADAM_BETAS = (0.9, 0.99)
ADAM_EPSILON = 1e-7

# An epoch of the RNN takes a tenth of a second, less than writing it safely may take.
SECONDS_BETWEEN = 3.0


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
    after_epoch: Callable[[History], Mapping[str, float]] = lambda _: {},
    rank: Rank | None = None,
    should_finish: ShouldStop = never_stop,
) -> History:
    """Train a network in place and return its history, a row per epoch."""
    # `targets` are class indices, or bool (n_traces, n_classes), the classes that each
    # label leaves possible. For the callables see `TraceClassifier.fit`: what an
    # unfinished epoch changed is given up where `rank` is given.
    x = torch.from_numpy(traces).to(device)
    y = torch.from_numpy(targets).to(device)
    network.to(device).to(memory_format=torch.channels_last).train()
    optimizer = Adam(_trained_weights(network).values(), learning_rate)
    dropout = generator
    if device.type != "cpu":  # A generator of the device's own.
        seed = int(torch.randint(2**62, (), generator=generator))
        dropout = torch.Generator(device=device).manual_seed(seed)
    # Places for the weights of the best epoch.
    best = _copies(network) if rank is not None else {}
    history: History = []
    if checkpoint is not None:
        state = _state(network, optimizer, generator, dropout, best)
        if history := checkpoint.load(state, epochs):
            dropout.set_state(state["dropout"])
            generator.set_state(state["generator"])
            for count in optimizer.counts:
                count.copy_(state["step"])
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
        network.eval()
        scores = after_epoch(list(history))
        network.train()
        history[-1] |= {name: float(value) for name, value in scores.items()}
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


def _trained_weights(network: Network) -> dict[str, Tensor]:
    """Return the weights that training changes, by name."""
    return {
        name: weights
        for name, weights in network.named_parameters()
        if weights.requires_grad
    }


def _learnt(network: Network) -> dict[str, Tensor]:
    """Return all that training changes in a network, by name."""
    return _trained_weights(network) | dict(network.named_buffers())


def _copies(network: Network) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in _learnt(network).items()}


def loss_sum(logits: Tensor, y: Tensor) -> Tensor:
    """Return the summed loss of logits (n, n_classes)."""
    # Where a label leaves several classes possible, the loss is minus the logarithm of
    # their summed probability; of a single class that is the cross-entropy.
    if y.dtype != torch.bool:
        return cross_entropy(logits, y, reduction="sum")
    possible = logits.masked_fill(~y, -torch.inf)
    return (logits.logsumexp(1) - possible.logsumexp(1)).sum()


def hit_count(logits: Tensor, y: Tensor) -> Tensor:
    """Return how many of the best guesses the labels allow."""
    guess = logits.argmax(1)
    return (guess == y if y.dtype != torch.bool else y.gather(1, guess[:, None])).sum()


def _leave_gradients(
    network: Network,
    x: Tensor,
    batch: Tensor,
    labels: Tensor,
    *,
    at_once: int,
    dropout: torch.Generator,
) -> tuple[list[Tensor], list[Tensor]]:
    """Leave the gradient of a batch's mean loss; return summed losses and logits."""
    # The batch goes through in parts, whose gradients add up to the same.
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
        _trained_weights(network), optimizer.means, optimizer.squares, strict=True
    ):
        tensors[f"exp_avg.{name}"] = mean
        tensors[f"exp_avg_sq.{name}"] = square
    return tensors | {f"best.{name}": weights for name, weights in best.items()}


class Adam:
    """Adam (Kingma and Ba 2015) on a fixed list of parameters, by torch's own function.

    Making a torch.optim.Adam imports torch's compiler: 2.8 s and 150 MB.
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
        adam(
            self.parameters,
            [p.grad for p in self.parameters if p.grad is not None],
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
        for parameter in self.parameters:
            parameter.grad = None


def read_labels(
    y: NDArray[Any], targets: Targets | None
) -> tuple[NDArray[Any], Targets]:
    """Return the classes in the type of y, and the targets (read from y if None)."""
    # Names of types, parents and negations are read as in `Targets.of`; numbers are
    # classes, and a single class is a `ValueError`.
    if targets is not None:
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


def start_from(
    base: Network,
    base_classes: Iterable[Any],
    network: Network,
    classes: Sequence[str],
    n_layers: int,
) -> None:
    """Give a new network the base's weights, and freeze all but its last layers."""
    # The rows of the output layer go by the names of the classes: a class that the base
    # knows starts as it was, a new one as it was drawn.
    if type(base) is not type(network) or base.settings != network.settings:
        raise ValueError(
            f"the base is built as {base.settings} and the new network as "
            f"{network.settings}; give the classifier the base's parameters."
        )
    layers, base_layers = weighted_layers(network), weighted_layers(base)
    if not 1 <= n_layers <= len(layers):
        raise ModelError(
            f"The last {n_layers} layers cannot be trained of a network of "
            f"{len(layers)}; choose 1 to {len(layers)}."
        )
    output, base_output = layers[-1], base_layers[-1]
    assert isinstance(output, nn.Linear)
    assert isinstance(base_output, nn.Linear)
    rows = {str(name): row for row, name in enumerate(base_classes)}
    other_length = ValueError(
        "the base was trained on traces of another length; cut them to its length."
    )
    if output.in_features != base_output.in_features:
        raise other_length
    try:
        with torch.no_grad():
            for new, old in zip(layers[:-1], base_layers[:-1], strict=True):
                new.load_state_dict(old.state_dict())
            for name, buffer in base.named_buffers():
                network.get_buffer(name).copy_(buffer)
            for row, name in enumerate(classes):
                if name in rows:
                    output.weight[row] = base_output.weight[rows[name]]
                    output.bias[row] = base_output.bias[rows[name]]
    except RuntimeError:
        raise other_length from None
    for layer in layers[:-n_layers]:
        layer.requires_grad_(False)


class Checkpoint:
    """The last finished epoch of one training, in one safetensors file.

    Nothing is written within `SECONDS_BETWEEN` of the last time, except the last epoch:
    what is lost when the process is killed is at most that, and one epoch. A file whose
    key (from `training_key`) is another is not read.
    """

    def __init__(self, path: Path, key: str) -> None:
        self.path, self.key = path, key
        self._written = time.monotonic()

    def load(self, state: Mapping[str, Tensor], most_epochs: int) -> History:
        """Fill the tensors of a training's state and return its history."""
        # Nothing is filled, and the history is empty, if the file is absent, damaged,
        # of another training, longer than `most_epochs`, or has other tensors.
        try:
            content = self.path.read_bytes()
            text, _ = verified(content, self.path, "training")
            noted = json.loads(text)
            history: History = noted["history"]
            if noted["key"] != self.key or len(history) > most_epochs:
                return []
            tensors = safetensors.torch.load(content)
        except (
            *(OSError, ModelError, KeyError, TypeError, ValueError),
            safetensors.SafetensorError,
        ):
            return []
        kinds, wanted = (
            {name: (tensor.shape, tensor.dtype) for name, tensor in part.items()}
            for part in (tensors, state)
        )
        if kinds != wanted:
            return []
        with torch.no_grad():
            for name, tensor in state.items():
                tensor.copy_(tensors[name])
        return history

    def is_due(self) -> bool:
        """Tell whether the last writing was long enough ago."""
        return time.monotonic() - self._written >= SECONDS_BETWEEN

    def save(self, state: Mapping[str, Tensor], history: History) -> None:
        """Write the state after an epoch, atomically; `OutputError` if that fails."""
        plain = {
            name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
            for name, tensor in state.items()
        }
        text = json.dumps({"key": self.key, "history": history})
        content, _ = signed(plain, "training", text, self.path)
        write_atomically(self.path, lambda file: file.write(content))
        self._written = time.monotonic()


def training_key(
    traces: NDArray[np.float32],
    allowed: NDArray[np.bool_],
    *settings: Any,
) -> str:
    """Return a digest of all that the weights' last bits depend on, threads too."""
    versions = torch.__version__, version("napari-celltype"), torch.get_num_threads()
    everything = [*versions, traces.shape, allowed.shape, *settings]
    sha256 = hashlib.sha256(
        json.dumps(everything, sort_keys=True, default=str).encode()
    )
    sha256.update(np.ascontiguousarray(traces).data)
    sha256.update(np.ascontiguousarray(allowed).data)
    return sha256.hexdigest()
