"""Layers of the networks that torch does not have in this form."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from napari_celltype.models.recurrence import LstmSteps, ReluSteps


class Dropout(nn.Module):
    """Dropout (Section III-B) whose mask comes from a generator of the caller's."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        if not 0 <= probability < 1:
            raise ValueError(f"dropout must be in [0, 1), got {probability!r}.")
        self.probability = probability

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Zero each value with the given probability while training."""
        if not self.training or self.probability == 0:
            return x
        return x * dropout_mask(x, self.probability, generator)


def dropout_mask(
    x: Tensor, probability: float, generator: torch.Generator | None
) -> Tensor:
    """Return a mask like `x`: 0 with `probability`, else the inverse of keeping.

    On the processor, drawing 64 random bits at a time and reading them as four numbers
    is several times cheaper than one draw per value; the probability is then a multiple
    of 2**-16.
    """
    if x.device.type != "cpu":
        draws = torch.rand(x.shape, device=x.device, generator=generator)
        return (draws >= probability).to(x.dtype).mul_(1 / (1 - probability))
    drop = round(probability * 2**16)
    words = torch.empty((x.numel() + 3) // 4, dtype=torch.int64)
    words.random_(-(2**63), None, generator=generator)
    kept = words.view(torch.int16)[: x.numel()] >= drop - 2**15
    return kept.view(x.shape) * (2**16 / (2**16 - drop))


class ReluRecurrence(nn.Module):
    """One recurrent layer, equation 2 with ReLU as f1.

    Takes ``(n_traces, T, n_inputs)`` and gives ``(n_traces, T, units)``.
    """

    gates = 1
    steps: type[torch.autograd.Function] = ReluSteps

    def __init__(self, n_inputs: int, units: int, recurrent_dropout: float) -> None:
        super().__init__()
        self.units = units
        self.recurrent_dropout = recurrent_dropout
        self.kernel = nn.Parameter(torch.empty(n_inputs, self.gates * units))
        self.recurrent_kernel = nn.Parameter(torch.empty(units, self.gates * units))
        self.bias = nn.Parameter(torch.empty(self.gates * units))

    def initialise(self, generator: torch.Generator) -> None:
        """Draw a Glorot-uniform kernel, an orthogonal recurrence and zero biases."""
        nn.init.xavier_uniform_(self.kernel, generator=generator)
        nn.init.orthogonal_(self.recurrent_kernel, generator=generator)
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return the outputs of all time steps."""
        mask = None
        if self.training and self.recurrent_dropout > 0:
            # One mask per trace for all its time steps, as Keras does.
            like = x.new_empty(len(x), self.units)
            mask = dropout_mask(like, self.recurrent_dropout, generator)
        outputs: Tensor = self.steps.apply(
            x, self.kernel, self.recurrent_kernel, self.bias, mask
        )
        return outputs


class LongShortTermMemory(ReluRecurrence):
    """One LSTM layer, equations 4 to 9, with ReLU on what it hands to the next layer.

    The recurrence itself keeps the hidden state of equation 9, without the ReLU.
    """

    gates = 4
    steps = LstmSteps

    def initialise(self, generator: torch.Generator) -> None:
        """Draw as `ReluRecurrence`, with forget biases of one."""
        super().initialise(generator)
        with torch.no_grad():
            self.bias[self.units : 2 * self.units] = 1
