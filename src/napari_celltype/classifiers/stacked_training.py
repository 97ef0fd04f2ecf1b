"""The training loop of stacked networks: `training.train` of all of them at once."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_celltype.classifiers.adam import Adam
from napari_celltype.classifiers.checkpoint import History
from napari_celltype.classifiers.networks import Network
from napari_celltype.classifiers.preparation import Normalization
from napari_celltype.classifiers.stacked_forward import stacked_logits
from napari_celltype.classifiers.training import dropout_generator
from napari_celltype.labels import Targets
from napari_celltype.progress import OnProgress, Progress, ShouldStop, raise_if_stopped


class StackedExamples:
    """All traces, once, and which of them each network learns as what."""

    def __init__(
        self,
        traces: NDArray[np.float32],
        targets: Sequence[Targets],
        rows: Sequence[NDArray[np.int64]],
        scores: Sequence[Normalization],
        device: torch.device,
    ) -> None:
        self.device = device
        self.n_training = len(rows[0])
        self.rows = torch.from_numpy(np.stack(rows)).to(device)
        allowed = np.stack([of_rows.allowed for of_rows in targets])
        self.allowed = torch.from_numpy(allowed).to(device)
        means = [s.mean for s in scores if s.mean is not None]
        deviations = [s.deviation for s in scores if s.deviation is not None]
        self.statistics: tuple[Tensor, Tensor] | None = None
        if means:
            # (n_networks, 1, 1 or n_frames): the same for all examples of a network.
            mean, deviation = (
                torch.from_numpy(np.stack(of_all)[:, None]).to(device)
                for of_all in (means, deviations)
            )
            self.statistics = mean, deviation
        else:
            traces = scores[0].apply(traces)
        # A copy, since traces may be read-only.
        self.traces = torch.tensor(traces, device=device)

    def take(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        """Return z-scored traces (S, n, n_frames) and allowed classes (S, n, C).

        `batch` (S, n) holds positions among the training rows of each network.
        """
        x = self.traces[self.rows.gather(1, batch)]
        if self.statistics is not None:
            mean, deviation = self.statistics
            x.sub_(mean).div_(deviation)
        places = batch[:, :, None].expand(-1, -1, self.allowed.shape[2])
        return x, self.allowed.gather(1, places)


def train_stacked(
    networks: Sequence[Network],
    examples: StackedExamples,
    generators: Sequence[torch.Generator],
    *,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    on_progress: OnProgress,
    should_stop: ShouldStop,
) -> list[History]:
    """Train networks in place, each as `training.train` would, and return histories.

    Parameters are those of `training.train`; `generators` are one of each network.
    Networks are left on the processor, in evaluation mode; untouched if this raises.
    "seconds" is each network's share of the epoch.
    """
    device, n_training = examples.device, examples.n_training
    stacked = {
        name: torch.stack([n.get_parameter(name).detach() for n in networks])
        .to(device)
        .requires_grad_()
        for name, _ in networks[0].named_parameters()
    }
    optimizer = Adam(stacked.values(), learning_rate)
    dropout = [dropout_generator(g, device) for g in generators]
    histories: list[History] = [[] for _ in networks]
    for epoch in range(1, epochs + 1):
        start = time.perf_counter()
        orders = [torch.randperm(n_training, generator=g) for g in generators]
        loss = torch.zeros(len(networks), device=device)
        hits = torch.zeros(len(networks), device=device, dtype=torch.int64)
        order = torch.stack(orders).to(device)
        for batch in torch.split(order, batch_size, dim=1):
            raise_if_stopped(should_stop)
            x, allowed = examples.take(batch)
            logits = stacked_logits(networks[0], stacked, x, dropout)
            losses = _losses(logits, allowed)
            (losses.sum() / batch.shape[1]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            loss += losses.detach()
            guess = logits.argmax(2, keepdim=True)
            hits += allowed.gather(2, guess).sum((1, 2))
        rates = (torch.stack((loss, hits.float())) / n_training).T.tolist()
        seconds = (time.perf_counter() - start) / len(networks)
        for history, (mean_loss, accuracy) in zip(histories, rates, strict=True):
            history.append(
                {
                    "epoch": epoch,
                    "loss": mean_loss,
                    "accuracy": accuracy,
                    "seconds": seconds,
                }
            )
        told = sum(mean_loss for mean_loss, _ in rates) / len(rates)
        on_progress(
            Progress(
                f"Training {len(networks)} networks at once, loss {told:.3f}",
                epoch,
                epochs,
            )
        )
    for s, network in enumerate(networks):
        network.load_state_dict({k: v[s].detach() for k, v in stacked.items()})
        network.to(memory_format=torch.channels_last).eval()
    return histories


def _losses(logits: Tensor, allowed: Tensor) -> Tensor:
    """Return each network's summed loss, as `training.loss_sum` of its labels."""
    possible = logits.masked_fill(~allowed, -torch.inf)
    return (logits.logsumexp(2) - possible.logsumexp(2)).sum(1)


@contextmanager
def tf32() -> Iterator[None]:
    """Let a GPU compute products and convolutions in TF32, then as before.

    Ten bits of mantissa, which recent GPUs multiply many times faster than 23; on a
    processor nothing changes.
    """
    products: Any = torch.backends.cuda.matmul
    convolutions: Any = torch.backends.cudnn
    name: str = "allow_tf32"
    wanted: Any = True
    if hasattr(products, "fp32_precision"):  # Newer torch warns of the other.
        convolutions, name, wanted = convolutions.conv, "fp32_precision", "tf32"
    before = [(where, getattr(where, name)) for where in (products, convolutions)]
    try:
        for where, _ in before:
            setattr(where, name, wanted)
        yield
    finally:
        for where, value in before:
            setattr(where, name, value)
