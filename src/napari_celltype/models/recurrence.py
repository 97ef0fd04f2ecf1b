"""The time steps of the recurrent layers, with gradients written out.

Networks this small spend their time between the operations, not in them: a step of
automatic differentiation records and runs some forty operations on a few thousand
numbers. Written out, the products of all time steps with the kernel and their gradients
are one matrix product each and the rest works in place.

Both functions take inputs (n_traces, T, n_inputs), the kernel (n_inputs, gates), the
recurrent kernel (units, gates), the bias (gates,) and the mask of the recurrent dropout
(n_traces, units) or None, and give what the layer hands on, (n_traces, T, units). The
state before the first time step is zero, so that step has no recurrence.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

Gradients = tuple[Tensor | None, Tensor, Tensor, Tensor, None]

relu_backward = torch.ops.aten.threshold_backward
sigmoid_backward = torch.ops.aten.sigmoid_backward
tanh_backward = torch.ops.aten.tanh_backward


class ReluSteps(torch.autograd.Function):
    """Equation 2 with ReLU as f1."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        kernel: Tensor,
        recurrent: Tensor,
        bias: Tensor,
        mask: Tensor | None,
    ) -> Tensor:
        """Return the hidden states."""
        hidden = _from_inputs(x, kernel, bias)
        hidden[:, 0].relu_()
        for t in range(1, x.shape[1]):
            hidden[:, t].addmm_(_masked(hidden[:, t - 1], mask), recurrent).relu_()
        ctx.save_for_backward(x, kernel, recurrent, mask, hidden)
        return hidden

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Gradients:
        """Return the gradients, from the last time step to the first."""
        x, kernel, recurrent, mask, hidden = ctx.saved_tensors
        gradient = gradients[0]
        to_gates = torch.empty_like(hidden)
        last = x.shape[1] - 1
        for t in range(last, -1, -1):
            to_hidden = gradient[:, t]
            if t < last:
                recalled = to_gates[:, t + 1] @ recurrent.T
                to_hidden = to_hidden + _masked(recalled, mask)
            relu_backward(to_hidden, hidden[:, t], 0, grad_input=to_gates[:, t])
        return _to_weights(ctx, x, kernel, hidden, mask, to_gates)


class LstmSteps(torch.autograd.Function):
    """Equations 4 to 9, and ReLU on what is handed on."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        kernel: Tensor,
        recurrent: Tensor,
        bias: Tensor,
        mask: Tensor | None,
    ) -> Tensor:
        """Return the rectified hidden states."""
        units = len(recurrent)
        gates = _from_inputs(x, kernel, bias)
        cells, squashed, hidden = gates.new_empty(3, *gates.shape[:2], units)
        for t in range(x.shape[1]):
            now = gates[:, t]
            if t > 0:
                now.addmm_(_masked(hidden[:, t - 1], mask), recurrent)
            now[:, : 2 * units].sigmoid_()
            now[:, 2 * units : 3 * units].tanh_()
            now[:, 3 * units :].sigmoid_()
            enter, forget, candidate, leave = now.chunk(4, dim=1)
            torch.mul(enter, candidate, out=cells[:, t])
            if t > 0:
                cells[:, t].addcmul_(forget, cells[:, t - 1])
            torch.tanh(cells[:, t], out=squashed[:, t])
            torch.mul(leave, squashed[:, t], out=hidden[:, t])
        ctx.save_for_backward(
            x, kernel, recurrent, mask, gates, cells, squashed, hidden
        )
        return torch.relu(hidden)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Gradients:
        """Return the gradients, from the last time step to the first."""
        x, kernel, recurrent, mask, gates, cells, squashed, hidden = ctx.saved_tensors
        gradient = relu_backward(gradients[0], hidden, 0)
        to_gates = torch.empty_like(gates)
        carried = None
        last = x.shape[1] - 1
        for t in range(last, -1, -1):
            to_hidden = gradient[:, t]
            if t < last:
                recalled = to_gates[:, t + 1] @ recurrent.T
                to_hidden = to_hidden + _masked(recalled, mask)
            enter, forget, candidate, leave = gates[:, t].chunk(4, dim=1)
            to_enter, to_forget, to_candidate, to_leave = to_gates[:, t].chunk(4, dim=1)
            sigmoid_backward(to_hidden * squashed[:, t], leave, grad_input=to_leave)
            to_cell = tanh_backward(to_hidden * leave, squashed[:, t])
            if carried is not None:
                to_cell += carried
            sigmoid_backward(to_cell * candidate, enter, grad_input=to_enter)
            tanh_backward(to_cell * enter, candidate, grad_input=to_candidate)
            if t > 0:
                before = cells[:, t - 1]
                sigmoid_backward(to_cell * before, forget, grad_input=to_forget)
                carried = to_cell * forget
            else:
                to_forget.zero_()
        return _to_weights(ctx, x, kernel, hidden, mask, to_gates)


def _from_inputs(x: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
    """Return what the inputs of all time steps give to the gates, (n, T, gates)."""
    n_traces, timesteps, n_inputs = x.shape
    gates = torch.addmm(bias, x.reshape(-1, n_inputs), kernel)
    return gates.view(n_traces, timesteps, -1)


def _masked(hidden: Tensor, mask: Tensor | None) -> Tensor:
    return hidden if mask is None else hidden * mask


def _to_weights(
    ctx: Any,
    x: Tensor,
    kernel: Tensor,
    hidden: Tensor,
    mask: Tensor | None,
    to_gates: Tensor,
) -> Gradients:
    """Return the gradients of inputs, kernel, recurrent kernel and bias."""
    flat = to_gates.flatten(0, 1)
    to_x = (flat @ kernel.T).view(x.shape) if ctx.needs_input_grad[0] else None
    to_kernel = x.reshape(len(flat), -1).T @ flat
    recalled = _masked(hidden[:, :-1], None if mask is None else mask[:, None])
    to_recurrent = recalled.flatten(0, 1).T @ to_gates[:, 1:].flatten(0, 1)
    return to_x, to_kernel, to_recurrent, flat.sum(0), None
