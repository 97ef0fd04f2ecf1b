"""The fast forms of the layers give what their plain forms give."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from napari_celltype.models.convolution import Convolution
from napari_celltype.models.layers import dropout_mask
from napari_celltype.models.networks import new_network
from napari_celltype.models.training import ADAM_BETAS, ADAM_EPSILON, Adam, train
from napari_celltype.progress import ignore_progress, never_stop

N_FRAMES, N_CLASSES, BATCH = 301, 4, 6
SETTINGS = [
    ("cnn", {}),
    ("cnn", {"layers": "CCC"}),
    ("cnn", {"layers": "CPC"}),
    ("cnn", {"layers": "CCPCPC", "kernel_size": 4}),
    ("cnn", {"kernel_size": 7}),
    ("rnn", {}),
    ("rnn", {"timesteps": 5, "layers": 2}),
    ("lstm", {}),
    ("lstm", {"timesteps": 5}),
]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


class PlainCnn(nn.Module):
    """Convolutions in one dimension, ReLU, pooling after it."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        x = x[:, None]
        convolutions = iter(
            m for m in self.network.modules() if isinstance(m, Convolution)
        )
        for letter in self.network.settings["layers"]:
            if letter == "C":
                step = next(convolutions)
                x = functional.conv1d(x, step.weight[:, :, 0], step.bias).relu()
            elif letter == "P":
                x = functional.max_pool1d(x, 2)
        return self.network.output(x.transpose(1, 2).flatten(1))


class PlainRecurrent(nn.Module):
    """torch's own recurrent layers, each with its weights from one of ours."""

    def __init__(self, network, layer_class, **settings):
        super().__init__()
        self.network = network
        self.layer_class, self.settings = layer_class, settings

    def forward(self, x):
        network = self.network
        used = network.timesteps * network.step_frames
        x = x[:, :used].reshape(len(x), network.timesteps, -1)
        for layer in network.layers:
            n_inputs, units = len(layer.kernel), layer.units
            plain = self.layer_class(n_inputs, units, batch_first=True, **self.settings)
            weights = {
                "weight_ih_l0": layer.kernel.T,
                "weight_hh_l0": layer.recurrent_kernel.T,
                "bias_ih_l0": layer.bias,
                "bias_hh_l0": torch.zeros_like(layer.bias),
            }
            x = torch.func.functional_call(plain, weights, (x,))[0].relu()
        return network.output(x[:, -1])


def plain_form(architecture, network):
    if architecture == "cnn":
        return PlainCnn(network)
    if architecture == "rnn":
        return PlainRecurrent(network, nn.RNN, nonlinearity="relu")
    return PlainRecurrent(network, nn.LSTM)


def logits_and_gradients(module, network, x, y):
    """Return the logits and the gradients of one step by the network's weights."""
    network.zero_grad()
    logits = module(x)
    functional.cross_entropy(logits, y).backward()
    return [logits.detach(), *(p.grad.clone() for p in network.parameters())]


@pytest.fixture
def batch():
    x = torch.randn(BATCH, N_FRAMES, generator=generator(1))
    return x, torch.arange(BATCH) % N_CLASSES


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def network_of(architecture, settings):
    network = new_network(architecture, N_FRAMES, N_CLASSES, settings, generator())
    with torch.no_grad():  # So that the biases' part is seen too.
        for name, parameter in network.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(std=0.1, generator=generator(2))
    return network.to(memory_format=torch.channels_last).eval()


@pytest.mark.parametrize(("architecture", "settings"), SETTINGS)
def test_a_step_equals_the_plain_layers(architecture, settings, batch):
    network = network_of(architecture, settings)
    found = logits_and_gradients(network, network, *batch)
    plain = plain_form(architecture, network)
    expected = logits_and_gradients(plain, network, *batch)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("architecture", "settings"), SETTINGS)
def test_a_step_equals_itself_with_another_number_of_threads(
    architecture, settings, batch, two_threads
):
    network = network_of(architecture, settings)
    found = logits_and_gradients(network, network, *batch)
    torch.set_num_threads(1)
    expected = logits_and_gradients(network, network, *batch)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("pooled", [True, False])
def test_the_gradient_by_the_input_equals_plain_differentiation(pooled):
    layer = Convolution(3, 5, 4, pooled=pooled).double()
    x = torch.randn(2, 1, 26 + pooled, 3, dtype=torch.double, generator=generator())
    x = x.permute(0, 3, 1, 2).requires_grad_()
    assert torch.autograd.gradcheck(layer, (x,))


@pytest.mark.parametrize("architecture", ["rnn", "lstm"])
def test_recurrent_dropout_has_the_right_gradient(architecture):
    settings = {"timesteps": 4, "layers": 1, "units": 3}
    network = new_network(architecture, 20, 2, settings, generator()).double()
    layer = network.layers[0]
    mask = dropout_mask(torch.ones(2, 3), 0.5, generator()).double()
    x = torch.randn(2, 4, 5, dtype=torch.double, generator=generator())
    inputs = [x.requires_grad_(), layer.kernel, layer.recurrent_kernel, layer.bias]
    assert torch.autograd.gradcheck(
        lambda *given: layer.steps.apply(*given, mask), inputs
    )


def test_adam_equals_torchs_own():
    start = torch.randn(20, generator=generator())
    ours, theirs = start.clone().requires_grad_(), start.clone().requires_grad_()
    adam = Adam([ours], 1e-2)
    reference = torch.optim.Adam([theirs], 1e-2, ADAM_BETAS, ADAM_EPSILON)
    for _ in range(5):
        for parameter in (ours, theirs):
            parameter.grad = 2 * parameter.detach() + 1
        adam.step()
        reference.step()
    torch.testing.assert_close(ours, theirs)


def test_training_in_parts_that_fit_the_cache_gives_the_same_weights(batch):
    x, y = (tensor.numpy() for tensor in batch)
    trained = []
    for cached_frames in (2 * N_FRAMES, 2**20):
        network = new_network("cnn", N_FRAMES, N_CLASSES, {"dropout": 0.0}, generator())
        network.cached_frames = cached_frames
        train(
            network,
            x,
            y.astype(np.int64),
            epochs=1,
            batch_size=BATCH,
            learning_rate=1e-3,
            generator=generator(),
            device=torch.device("cpu"),
            on_progress=ignore_progress,
            should_stop=never_stop,
            on_notice=pytest.fail,
        )
        trained.append(copy.deepcopy(network.state_dict()))
    for name, value in trained[0].items():
        torch.testing.assert_close(trained[1][name], value, atol=1e-4, rtol=0)
