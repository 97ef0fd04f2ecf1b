"""Adam, as in Section IV-B of the paper, without an optimizer object's overhead."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.optim.adam import adam

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
