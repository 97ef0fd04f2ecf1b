"""The paper's three networks (Sections III and IV-B) in general form, and one of today.

A network takes normalised traces ``(n_traces, n_frames)`` and gives one logit per
class, ``(n_traces, n_classes)``; it knows nothing of fitting. The softmax of equation 1
is left to whoever wants probabilities. A new network is one subclass of `Network`, here
or in a module of its own, and one line of `models.registry.NETWORKS`.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import batch_norm, conv2d, conv_transpose2d, pad

from napari_celltype.models.registry import NETWORKS

POOL_SIZE = 2


class Network(nn.Module):
    """Base of all networks: a constructor and `forward` are enough for a new one.

    The constructor takes ``n_frames, n_classes`` and, by keyword, those structure
    parameters of `TraceClassifier` that it wants. `forward(x, generator)` draws chance
    from the generator only, as `Dropout` does. Each layer with weights is a module of
    its own, the output layer last.
    """

    # What the constructor took, enough to build the same network again; filled in by
    # `build_network`.
    settings: dict[str, Any]
    # Frames of all traces together that a processor works on at once: more of them and
    # the activations leave its cache, fewer and it waits for Python.
    cached_frames = 2**16
    # Whether traces may have another length than those of the training.
    any_length = False

    @classmethod
    def minimum_frames(cls, **_settings: Any) -> int:
        """Return the shortest trace that a network of these settings can take."""
        return 1

    def initialise(self, generator: torch.Generator) -> None:
        """Draw Glorot-uniform weights and zero biases, as Keras and the paper do."""
        for weights in self.parameters():
            if weights.dim() > 1:
                nn.init.xavier_uniform_(weights, generator=generator)
            else:
                nn.init.zeros_(weights)


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
    """Return a mask like `x`: 0 with `probability`, else the inverse of keeping."""
    if x.device.type != "cpu":
        draws = torch.rand(x.shape, device=x.device, generator=generator)
        return (draws >= probability).to(x.dtype).mul_(1 / (1 - probability))
    # On a processor, 64 random bits read as four numbers are several times cheaper
    # than a draw per value; the probability is then a multiple of 2**-16.
    drop = round(probability * 2**16)
    words = torch.empty((x.numel() + 3) // 4, dtype=torch.int64)
    words.random_(-(2**63), None, generator=generator)
    kept = words.view(torch.int16)[: x.numel()] >= drop - 2**15
    return kept.view(x.shape) * (2**16 / (2**16 - drop))


class Convolution(nn.Conv2d):
    """Torch's convolution over images of one row, trained faster on a processor."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the filtered traces."""
        if x.device.type != "cpu":
            return super().forward(x)
        filtered: Tensor = _Convolution.apply(x, self.weight, self.bias)
        return filtered


class _Convolution(torch.autograd.Function):
    """A convolution whose weights' gradient is one matrix product per frame of them.

    Torch's own takes 1.5 to 2 times as long.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return conv2d(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor, Tensor]:
        x, weight = ctx.saved_tensors
        kernel = weight.shape[3]
        # (frames of all traces, channels); zeros where a filter would end in the next.
        frames = x.permute(0, 2, 3, 1).flatten(0, 2)
        rows = gradient.permute(0, 2, 3, 1)
        rows = pad(rows, (0, 0, 0, kernel - 1)).flatten(0, 2)
        products = [
            rows[: len(rows) - frame].T @ frames[frame:] for frame in range(kernel)
        ]
        to_weight = torch.stack(products, 2).unsqueeze(2)
        to_x = None
        if ctx.needs_input_grad[0]:
            to_x = conv_transpose2d(gradient, weight)
        return to_x, to_weight, rows.sum(0)


class ConvolutionalNetwork(Network):
    """1D-CNN (Sections III-A.2, III-C, IV-B; Fig. 1c).

    Convolutions of stride 1 without padding, each followed by ReLU; max pooling of size
    and stride 2; dropout; a fully connected layer. `layers` are letters of Table I (C
    convolution, P max pooling, D dropout), `filters` those of the first and of each
    later convolution, `kernel_size` the frames that a filter spans.
    """

    # Four traces of 4,000 frames, whose training takes some 40 MB.
    cached_frames = 2**14

    def __init__(
        self,
        n_frames: int,
        n_classes: int,
        *,
        layers: str | Sequence[str] = "CCPCD",
        filters: Sequence[int] = (32, 64),
        kernel_size: int = 10,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        first, later = filters
        if min(first, later, kernel_size) < 1:
            raise ValueError(
                "filters and kernel_size must be at least 1, got "
                f"{filters!r} and {kernel_size!r}."
            )
        steps: list[nn.Module] = []
        length, channels = n_frames, 1
        for letter in _letters(layers):
            if letter == "C":
                width = first if channels == 1 else later
                # On images of one row, in channels-last memory, torch is twice as fast
                # as on one-dimensional convolutions.
                steps.append(Convolution(channels, width, (1, kernel_size)))
                steps.append(nn.ReLU(inplace=True))
                length, channels = length - kernel_size + 1, width
            elif letter == "P":
                # ReLU keeps order: pooling before it gives the same for half the work.
                after_relu = bool(steps) and isinstance(steps[-1], nn.ReLU)
                steps.insert(len(steps) - after_relu, nn.MaxPool2d((1, POOL_SIZE)))
                length //= POOL_SIZE
            else:
                steps.append(Dropout(dropout))
        if length < 1:
            shortest = self.minimum_frames(layers=layers, kernel_size=kernel_size)
            raise ValueError(
                f"traces of {n_frames} frames are too short for the layers {layers} "
                f"with kernels of {kernel_size}; the least is {shortest}."
            )
        self.steps = nn.Sequential(*steps)
        self.output = nn.Linear(length * channels, n_classes)

    @classmethod
    def minimum_frames(
        cls,
        *,
        layers: str | Sequence[str] = "CCPCD",
        kernel_size: int = 10,
        **_settings: Any,
    ) -> int:
        """Return the shortest trace that leaves one frame for the last layer."""
        length = 1
        for letter in reversed(_letters(layers)):
            if letter == "C":
                length += kernel_size - 1
            elif letter == "P":
                length *= POOL_SIZE
        return length

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return logits (n_traces, n_classes) of traces (n_traces, n_frames)."""
        n_traces, n_frames = x.shape
        # One channel in channels-last strides, which torch cannot tell from the shape.
        x = x.contiguous().as_strided(
            (n_traces, 1, 1, n_frames), (n_frames, 1, n_frames, 1)
        )
        for step in self.steps:
            x = step(x, generator) if isinstance(step, Dropout) else step(x)
        # (frame, channel) order, as Keras flattens; a view in channels-last memory.
        logits: Tensor = self.output(x.permute(0, 2, 3, 1).flatten(1))
        return logits


class _ReluRecurrence(nn.Module):
    """One recurrent layer, equation 2 with ReLU as f1; faster than torch's own."""

    gates = 1

    def __init__(self, n_inputs: int, units: int, recurrent_dropout: float) -> None:
        super().__init__()
        self.units = units
        self.recurrent_dropout = Dropout(recurrent_dropout)
        self.kernel = nn.Parameter(torch.empty(n_inputs, self.gates * units))
        self.recurrent_kernel = nn.Parameter(torch.empty(units, self.gates * units))
        self.bias = nn.Parameter(torch.empty(self.gates * units))

    def initialise(self, generator: torch.Generator) -> None:
        """Draw a Glorot-uniform kernel, an orthogonal recurrence and zero biases."""
        nn.init.xavier_uniform_(self.kernel, generator=generator)
        nn.init.orthogonal_(self.recurrent_kernel, generator=generator)
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return the outputs of all time steps; the state before the first is zero."""
        n_traces, timesteps, n_inputs = x.shape
        # One mask per trace for all its time steps, as Keras does.
        mask = self.recurrent_dropout(x.new_ones(n_traces, self.units), generator)
        # One product for the inputs of all time steps.
        inputs = torch.addmm(self.bias, x.reshape(-1, n_inputs), self.kernel)
        hidden = cell = None
        outputs = []
        for gates in inputs.view(n_traces, timesteps, -1).unbind(1):
            if hidden is not None:
                gates = torch.addmm(gates, hidden * mask, self.recurrent_kernel)
            hidden, cell = self.step(gates, cell)
            outputs.append(hidden)
        return torch.stack(outputs, 1)

    def step(self, gates: Tensor, cell: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Return the hidden state and the cell state after a time step."""
        return gates.relu(), None


class LongShortTermMemory(_ReluRecurrence):
    """One LSTM layer, equations 4 to 9, with ReLU on what the next layer gets."""

    gates = 4

    def initialise(self, generator: torch.Generator) -> None:
        """Draw as `_ReluRecurrence`, with forget biases of one."""
        super().initialise(generator)
        with torch.no_grad():
            self.bias[self.units : 2 * self.units] = 1

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return the rectified outputs of all time steps."""
        return super().forward(x, generator).relu()

    def step(self, gates: Tensor, cell: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return the hidden state and the cell state after a time step."""
        enter, forget, candidate, leave = gates.chunk(4, dim=1)
        now = enter.sigmoid() * candidate.tanh()
        if cell is not None:
            now = torch.addcmul(now, forget.sigmoid(), cell)
        return leave.sigmoid() * now.tanh(), now


class RecurrentNetwork(Network):
    """RNN (Sections III-A.3, III-C, IV-B; Fig. 1a).

    A trace of N frames becomes T = `timesteps` time steps of N // T frames; stacked
    recurrent `layers` follow, each with optional dropout on its output, and the last
    time step goes to a fully connected layer (equation 3).
    """

    cached_frames = 2**21
    layer_class: type[_ReluRecurrence] = _ReluRecurrence
    default_layers = 1

    def __init__(
        self,
        n_frames: int,
        n_classes: int,
        *,
        layers: int | None = None,
        timesteps: int = 2,
        units: int = 100,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if layers is None:
            layers = self.default_layers
        if not isinstance(layers, int) or min(layers, timesteps, units) < 1:
            raise ValueError(
                "layers, timesteps and units must be whole numbers of at least 1, got "
                f"{layers!r}, {timesteps!r} and {units!r}."
            )
        if n_frames < timesteps:
            raise ValueError(
                f"traces of {n_frames} frames cannot give {timesteps} time steps."
            )
        self.settings = {
            "layers": layers,
            "timesteps": timesteps,
            "units": units,
            "dropout": dropout,
            "recurrent_dropout": recurrent_dropout,
        }
        self.timesteps = timesteps
        self.step_frames = n_frames // timesteps
        sizes = [self.step_frames] + [units] * (layers - 1)
        self.layers = nn.ModuleList(
            self.layer_class(size, units, recurrent_dropout) for size in sizes
        )
        self.dropout = Dropout(dropout)
        self.output = nn.Linear(units, n_classes)

    @classmethod
    def minimum_frames(cls, *, timesteps: int = 2, **_settings: Any) -> int:
        """Return the shortest trace: one frame per time step."""
        return timesteps

    def initialise(self, generator: torch.Generator) -> None:
        """Draw Keras's initial weights of every layer."""
        for layer in self.layers:
            assert isinstance(layer, _ReluRecurrence)
            layer.initialise(generator)
        nn.init.xavier_uniform_(self.output.weight, generator=generator)
        nn.init.zeros_(self.output.bias)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return logits (n_traces, n_classes) of traces (n_traces, n_frames)."""
        used = self.timesteps * self.step_frames
        x = x[:, :used].reshape(len(x), self.timesteps, self.step_frames)
        for layer in self.layers:
            x = self.dropout(layer(x, generator), generator)
        logits: Tensor = self.output(x[:, -1])
        return logits


class LstmNetwork(RecurrentNetwork):
    """LSTM (Sections III-A.4, III-C, IV-B; Fig. 1b), of two layers by default."""

    layer_class = LongShortTermMemory
    default_layers = 2


class PooledNetwork(Network):
    """Residual convolutions with statistics pooling, for traces of any length.

    Four levels of convolutions with ReLU, each at a coarser time step, all but one with
    a residual convolution (He et al., CVPR 2016). Mean and deviation over time of every
    filter (Snyder et al., ICASSP 2018), batch-normalised, and the length of the trace
    go through two fully connected layers, the first of `units`.
    """

    any_length = True
    center: Tensor
    variance: Tensor
    # Kernel and stride of the convolution that enters each level.
    _ENTRANCES = ((11, 2), (5, 2), (5, 3), (5, 3))

    def __init__(
        self,
        n_frames: int,
        n_classes: int,
        *,
        filters: Sequence[int] = (48, 64, 96, 128),
        units: int = 128,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if len(filters) != len(self._ENTRANCES) or min(*filters, units) < 1:
            raise ValueError(
                f"filters must be {len(self._ENTRANCES)} whole numbers of at least 1, "
                f"and units one, got {filters!r} and {units!r}."
            )
        widths = zip((1, *filters[:-1]), filters, self._ENTRANCES, strict=True)
        self.entrances = nn.ModuleList(
            nn.Conv1d(before, width, kernel, stride, padding=kernel // 2)
            for before, width, (kernel, stride) in widths
        )
        self.residuals = nn.ModuleList(
            nn.Conv1d(width, width, 3, padding=1) for width in filters[1:]
        )
        # Running statistics of the batch normalisation, which learns no others.
        self.register_buffer("center", torch.zeros(2 * sum(filters)))
        self.register_buffer("variance", torch.ones(2 * sum(filters)))
        self.hidden = nn.Linear(1 + 2 * sum(filters), units)
        self.dropout = Dropout(dropout)
        self.output = nn.Linear(units, n_classes)

    def initialise(self, generator: torch.Generator) -> None:
        """Draw He-normal convolutions, halved in residuals, and small last layers."""
        for module in self.modules():
            if isinstance(module, nn.Conv1d):
                nn.init.kaiming_normal_(module.weight, generator=generator)
                assert module.bias is not None
                nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Linear):
                bound = module.in_features**-0.5
                nn.init.uniform_(module.weight, -bound, bound, generator=generator)
                nn.init.zeros_(module.bias)
        with torch.no_grad():
            for residual in self.residuals:
                assert isinstance(residual, nn.Conv1d)
                residual.weight /= 2
        nn.init.zeros_(self.center)
        nn.init.ones_(self.variance)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return logits (n_traces, n_classes) of traces (n_traces, n_frames)."""
        return self.logits(self.statistics(x), generator)

    def statistics(self, x: Tensor) -> Tensor:
        """Return what is pooled of traces, and how long they are: (n_traces, n)."""
        x = x[:, None]
        # How far a statistic can be trusted depends on the length.
        found = [x.new_full((len(x), 1), math.log(x.shape[2] / 1000))]
        for level, entrance in enumerate(self.entrances):
            x = entrance(x).relu()
            if level:
                x = x + self.residuals[level - 1](x).relu()
            variance = x.var(2, correction=0).clamp_min(1e-6)
            # The logarithm because filters of rare transients and of noise differ by
            # far.
            found += [x.mean(2).log1p(), variance.sqrt().log1p()]
        return torch.cat(found, 1)

    def logits(
        self, statistics: Tensor, generator: torch.Generator | None = None
    ) -> Tensor:
        """Return logits of statistics, which may be of traces of several lengths."""
        length, pooled = statistics[:, :1], statistics[:, 1:]
        # A single trace has no deviation, and frozen layers keep their statistics.
        learns = self.training and len(pooled) > 1 and self.hidden.weight.requires_grad
        pooled = batch_norm(pooled, self.center, self.variance, training=learns)
        hidden = self.hidden(torch.cat([length, pooled], 1)).relu()
        logits: Tensor = self.output(self.dropout(hidden, generator))
        return logits


def network_class(architecture: str) -> type[Network]:
    """Return the network of an architecture's name; `ValueError` if there is none."""
    if architecture not in NETWORKS:
        raise ValueError(
            f"architecture {architecture!r} is not known; use one of "
            f"{', '.join(NETWORKS)}."
        )
    module, _, name = NETWORKS[architecture].partition(":")
    network: type[Network] = getattr(import_module(module, __package__), name)
    return network


def build_network(
    architecture: str, n_frames: int, n_classes: int, settings: Mapping[str, Any]
) -> Network:
    """Build a network whose weights, on torch's meta device, cost and draw nothing."""
    # Shorter traces than the network's minimum are padded by the caller. `ValueError`
    # for an unknown architecture or setting.
    network_type = network_class(architecture)
    known = inspect.signature(network_type).parameters
    strange = [name for name in settings if name not in known]
    if strange:
        raise ValueError(
            f"the architecture {architecture!r} has no {' or '.join(strange)}; leave "
            f"{'it' if len(strange) == 1 else 'them'} at None."
        )
    n_frames = max(n_frames, network_type.minimum_frames(**settings))
    with torch.device("meta"):
        built = network_type(n_frames, n_classes, **settings)
    if not hasattr(built, "settings"):
        defaults = {name: p.default for name, p in known.items()}
        del defaults["n_frames"], defaults["n_classes"]
        built.settings = defaults | dict(settings)
    return built


def new_network(
    architecture: str,
    n_frames: int,
    n_classes: int,
    settings: Mapping[str, Any],
    generator: torch.Generator,
) -> Network:
    """Build a network with initial weights on the processor, ready to train."""
    network = build_network(architecture, n_frames, n_classes, settings)
    network.to_empty(device="cpu")
    network.initialise(generator)
    return network


def weighted_layers(network: nn.Module) -> list[nn.Module]:
    """Return the layers that hold weights, from the input to the output."""
    return [
        module
        for module in network.modules()
        if next(module.parameters(recurse=False), None) is not None
    ]


def _letters(layers: str | Sequence[str]) -> str:
    letters = "".join(layers).replace(" ", "") if not isinstance(layers, int) else ""
    if not set(letters) <= set("CPD") or "C" not in letters:
        raise ValueError(
            "layers of a CNN are letters C (convolution), P (pooling) and D (dropout) "
            f"with at least one C, such as 'CCPCD'; got {layers!r}."
        )
    return letters
