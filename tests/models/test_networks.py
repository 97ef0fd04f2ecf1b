import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from napari_celltype.models import NETWORKS
from napari_celltype.models.networks import (
    ConvolutionalNetwork,
    LongShortTermMemory,
    LstmNetwork,
    Network,
    PooledNetwork,
    RecurrentNetwork,
    build_network,
    dropout_mask,
    new_network,
    weighted_layers,
)

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
TABLE_1_CNN = ["C", "CC", "CCC", "CCPC", "CCPCD", "CDCPC", "CCPDC"]


N_FRAMES, N_CLASSES, BATCH = 301, 4, 6


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def initialised(network):
    network.initialise(generator())
    return network


def test_paper_cnn_has_the_papers_sizes_at_4000_frames():
    network = ConvolutionalNetwork(4000, 4)
    shapes = [tuple(p.shape) for p in network.parameters() if p.ndim > 1]
    assert shapes == [(32, 1, 1, 10), (64, 32, 1, 10), (64, 64, 1, 10), (4, 126848)]


def test_initial_kernels_lie_in_glorots_range():
    network = initialised(RecurrentNetwork(4000, 4))
    limit = np.sqrt(6 / (2000 + 100))
    largest = network.layers[0].kernel.abs().max().item()
    assert 0.99 * limit < largest <= limit


@pytest.mark.parametrize("name", NETWORKS)
def test_initial_weights_depend_on_the_generator_only(name):
    first, second = (
        dict(new_network(name, 60, 3, {}, generator(3)).named_parameters())
        for _ in range(2)
    )
    assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("name", NETWORKS)
def test_settings_build_the_same_network_again(name):
    network = build_network(name, 60, 3, {"dropout": 0.25})
    again = build_network(name, 60, 3, network.settings)
    assert again.settings == network.settings


def test_recurrent_dropout_changes_training_only():
    network = initialised(RecurrentNetwork(60, 3, recurrent_dropout=0.5))
    x = torch.randn(4, 60, generator=generator(1))
    trained = network.train()(x, generator(2))
    assert not torch.equal(trained, network.eval()(x))


@pytest.mark.parametrize(
    ("architecture", "sentence"),
    [("transformer", "use one of cnn, rnn, lstm"), ("cnn", "'cnn' has no units")],
)
def test_what_cannot_be_built_is_refused(architecture, sentence):
    with pytest.raises(ValueError, match=sentence):
        build_network(architecture, 100, 4, {"units": 5})


def test_pooled_network_takes_traces_of_any_length():
    network = initialised(PooledNetwork(600, 4)).eval()
    for n_frames in (1, 299, 9600):
        assert network(torch.randn(2, n_frames)).shape == (2, 4)


def test_pooled_network_answers_for_a_trace_whatever_stands_beside_it():
    network = initialised(PooledNetwork(600, 4))
    network(torch.randn(64, 600), generator())
    network.eval()
    traces = torch.randn(5, 600)
    torch.testing.assert_close(network(traces)[:2], network(traces[:2]))


@pytest.mark.parametrize("layers", TABLE_1_CNN)
def test_cnn_minimum_leaves_one_frame_and_less_is_refused(layers):
    shortest = ConvolutionalNetwork.minimum_frames(layers=layers)
    network = ConvolutionalNetwork(shortest, 4, layers=layers)
    assert network.output.in_features in (32, 64)
    assert initialised(network)(torch.randn(3, shortest)).shape == (3, 4)
    with pytest.raises(ValueError, match=f"the least is {shortest}"):
        ConvolutionalNetwork(shortest - 1, 4, layers=layers)


@pytest.mark.parametrize(
    ("network", "sizes"),
    [(RecurrentNetwork, [(2000, 100)]), (LstmNetwork, [(2000, 400), (100, 400)])],
)
def test_the_papers_recurrent_networks_have_100_units(network, sizes):
    layers = network(4000, 4).layers
    assert [tuple(layer.kernel.shape) for layer in layers] == sizes


@pytest.mark.parametrize(
    ("network", "wrong", "sentence"),
    [
        *((ConvolutionalNetwork, {"layers": x}, "one C") for x in ("", "CX", "PD", 3)),
        (ConvolutionalNetwork, {"kernel_size": 0}, "at least 1"),
        *((RecurrentNetwork, {x: 0}, "at least 1") for x in ("layers", "timesteps")),
        (RecurrentNetwork, {"units": 0}, "at least 1"),
        (RecurrentNetwork, {"timesteps": 101}, "cannot give 101 time steps"),
        (PooledNetwork, {"filters": (8, 8, 8)}, "filters must be 4"),
        (PooledNetwork, {"filters": (8, 8, 8, 0)}, "filters must be 4"),
        (RecurrentNetwork, {"dropout": 1.0}, "dropout must be in"),
        (RecurrentNetwork, {"recurrent_dropout": -0.1}, "dropout must be in"),
    ],
)
def test_impossible_settings_are_refused(network, wrong, sentence):
    with pytest.raises(ValueError, match=sentence):
        network(100, 4, **wrong)


@pytest.mark.parametrize(("n_traces", "frozen"), [(1, False), (8, True)])
def test_pooled_network_keeps_its_statistics_of_one_trace_or_frozen(n_traces, frozen):
    network = initialised(PooledNetwork(600, 4)).train()
    network.hidden.requires_grad_(not frozen)
    before = network.center.clone()
    network(torch.randn(n_traces, 600), generator()).sum().backward()
    assert (network.hidden.weight.grad is None) == frozen
    assert torch.equal(network.center, before)


class Plain(Network):
    """The least that a new network has to bring."""

    def __init__(self, n_frames, n_classes, *, units=5):
        super().__init__()
        self.first = nn.Linear(n_frames, units)
        self.output = nn.Linear(units, n_classes)

    def forward(self, x, generator=None):
        return self.output(self.first(x).relu())


def test_a_constructor_and_forward_are_enough_for_a_new_network(monkeypatch):
    monkeypatch.setitem(NETWORKS, "plain", f"{__name__}:Plain")
    network = new_network("plain", 60, 3, {}, generator())
    assert network.settings == {"units": 5}
    assert network(torch.zeros(2, 60)).tolist() == [[0, 0, 0]] * 2


def test_initial_recurrent_kernel_is_orthogonal():
    layer = initialised(LongShortTermMemory(30, 8, 0.0))
    product = layer.recurrent_kernel @ layer.recurrent_kernel.T
    torch.testing.assert_close(product, torch.eye(8), atol=1e-5, rtol=0)


def test_initial_forget_biases_are_one():
    layer = initialised(LongShortTermMemory(30, 2, 0.0))
    assert layer.bias.tolist() == [0, 0, 1, 1, 0, 0, 0, 0]


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.9])
def test_dropout_drops_its_share_and_keeps_the_mean(probability):
    mask = dropout_mask(torch.ones(1000, 1001), probability, generator())
    assert (mask == 0).float().mean().item() == pytest.approx(probability, abs=0.003)
    assert mask.mean().item() == pytest.approx(1, abs=0.02)


class PlainCnn(nn.Module):
    """Convolutions in one dimension, ReLU, pooling after it."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        x = x[:, None]
        convolutions = iter(weighted_layers(self.network))
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


@pytest.mark.parametrize("architecture", ["rnn", "lstm"])
def test_recurrent_dropout_has_the_right_gradient(architecture):
    settings = {"timesteps": 4, "layers": 1, "units": 3}
    network = new_network(architecture, 20, 2, settings, generator()).double()
    layer = network.layers[0]
    layer.recurrent_dropout.probability = 0.5
    x = torch.randn(2, 4, 5, dtype=torch.double, generator=generator())
    inputs = [x.requires_grad_(), layer.kernel, layer.recurrent_kernel, layer.bias]
    assert torch.autograd.gradcheck(lambda *_: layer(x, generator(1)), inputs)
