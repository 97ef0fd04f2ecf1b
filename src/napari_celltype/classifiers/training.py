"""The training loop: Adam on the cross-entropy, as in Section IV-B of the paper."""

from __future__ import annotations

import time

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from napari_celltype.classifiers.device import halve
from napari_celltype.classifiers.networks import Network
from napari_celltype.classifiers.notices import Notice
from napari_celltype.progress import OnProgress, Progress, ShouldStop, raise_if_stopped

# Section IV-B; the epsilon is Keras's, which the paper leaves open.
ADAM_BETAS = (0.9, 0.99)
ADAM_EPSILON = 1e-7


def train(
    network: Network,
    traces: NDArray[np.float32],
    targets: NDArray[np.int64],
    *,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    generator: torch.Generator,
    device: torch.device,
    on_progress: OnProgress,
    should_stop: ShouldStop,
    on_notice: Notice,
) -> list[dict[str, float]]:
    """Train a network in place and return its history.

    The training set is reshuffled each epoch and the last partial batch is kept.

    Parameters
    ----------
    network : Network
        With its initial weights; left on the processor, in evaluation mode.
    traces : ndarray of float32, shape (n_traces, n_frames)
        Normalised traces.
    targets : ndarray of int64, shape (n_traces,)
        Class indices.
    generator : torch.Generator
        On the processor; the only source of chance.

    Returns
    -------
    list of dict
        One row per epoch: epoch, loss, accuracy (of the batches as they were trained
        on), seconds.

    Raises
    ------
    Stopped
        If `should_stop` answers True, asked once per batch.
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
    history: list[dict[str, float]] = []
    at_once = batch_size
    for epoch in range(1, epochs + 1):
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
        on_progress(
            Progress(f"Training, loss {history[-1]['loss']:.3f}", epoch, epochs)
        )
    network.to("cpu").eval()
    return history


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
        loss = cross_entropy(logits, y[part], reduction="sum")
        (loss / len(batch)).backward()  # type: ignore[no-untyped-call]
        losses.append(loss.detach())
        hits.append((logits.detach().argmax(1) == y[part]).sum())
    return torch.stack(losses).sum(), torch.stack(hits).sum()


def _dropout_generator(
    generator: torch.Generator, device: torch.device
) -> torch.Generator:
    """Return a generator on the device; the given one itself on the processor."""
    if device.type == "cpu":
        return generator
    seed = int(torch.randint(2**62, (), generator=generator))
    return torch.Generator(device=device).manual_seed(seed)
