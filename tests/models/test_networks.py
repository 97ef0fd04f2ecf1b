import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from napari_celltype.models import NETWORKS
from napari_celltype.models.networks import (
    ConvolutionalNetwork,
    LstmNetwork,
    PooledNetwork,
    RecurrentNetwork,
    build_network,
    new_network,
)

TABLE_1_CNN = ["C", "CC", "CCC", "CCPC", "CCPCD", "CDCPC", "CCPDC"]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def initialised(network):
    network.initialise(generator())
    return network


@pytest.mark.parametrize("layers", TABLE_1_CNN)
def test_cnn_takes_each_row_of_table_1(layers):
    network = initialised(ConvolutionalNetwork(100, 4, layers=tuple(layers)))
    assert network(torch.randn(3, 100)).shape == (3, 4)


@pytest.mark.parametrize("layers", TABLE_1_CNN)
def test_cnn_minimum_leaves_one_frame(layers):
    shortest = ConvolutionalNetwork.minimum_frames(layers=layers)
    network = ConvolutionalNetwork(shortest, 4, layers=layers)
    assert network.output.in_features in (32, 64)


@pytest.mark.parametrize("layers", TABLE_1_CNN)
def test_cnn_refuses_one_frame_less_than_the_minimum(layers):
    shortest = ConvolutionalNetwork.minimum_frames(layers=layers)
    with pytest.raises(ValueError, match=f"the least is {shortest}"):
        ConvolutionalNetwork(shortest - 1, 4, layers=layers)


def test_paper_cnn_needs_38_frames():
    assert ConvolutionalNetwork.minimum_frames() == 38


def test_paper_cnn_has_the_papers_sizes_at_4000_frames():
    network = ConvolutionalNetwork(4000, 4)
    shapes = [tuple(p.shape) for p in network.parameters() if p.ndim > 1]
    assert shapes == [(32, 1, 1, 10), (64, 32, 1, 10), (64, 64, 1, 10), (4, 126848)]


def test_cnn_equals_plain_one_dimensional_layers():
    network = initialised(ConvolutionalNetwork(200, 4))
    network.to(memory_format=torch.channels_last).eval()
    x = torch.randn(5, 200, generator=generator(1))
    first, second, third = (m for m in network.modules() if isinstance(m, nn.Conv2d))
    y = functional.conv1d(x[:, None], first.weight[:, :, 0], first.bias).relu()
    y = functional.conv1d(y, second.weight[:, :, 0], second.bias).relu()
    y = functional.max_pool1d(y, 2)
    y = functional.conv1d(y, third.weight[:, :, 0], third.bias).relu()
    expected = network.output(y.transpose(1, 2).flatten(1))
    torch.testing.assert_close(network(x), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("layers", ["", "CX", "PD", 3])
def test_cnn_refuses_layers_that_are_none(layers):
    with pytest.raises(ValueError, match="at least one C"):
        ConvolutionalNetwork(100, 4, layers=layers)


def test_cnn_refuses_a_kernel_of_nothing():
    with pytest.raises(ValueError, match="at least 1"):
        ConvolutionalNetwork(100, 4, kernel_size=0)


def test_recurrent_network_cuts_frames_beyond_the_time_steps():
    network = initialised(RecurrentNetwork(101, 3, timesteps=2))
    x = torch.randn(4, 101, generator=generator(1))
    changed = x.clone()
    changed[:, -1] = 1000
    torch.testing.assert_close(network(x), network(changed))


def test_recurrent_network_reads_time_steps_in_order():
    network = RecurrentNetwork(10, 3, timesteps=5)
    seen = []
    network.layers[0].register_forward_pre_hook(lambda _m, args: seen.append(args[0]))
    initialised(network)(torch.arange(10.0)[None])
    assert seen[0][0].tolist() == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]


def test_papers_lstm_has_two_layers_of_100_units():
    network = LstmNetwork(4000, 4)
    shapes = [tuple(layer.kernel.shape) for layer in network.layers]
    assert shapes == [(2000, 400), (100, 400)]


def test_papers_rnn_has_one_layer_of_100_units():
    network = RecurrentNetwork(4000, 4)
    assert [tuple(layer.kernel.shape) for layer in network.layers] == [(2000, 100)]


@pytest.mark.parametrize("wrong", [{"layers": 0}, {"timesteps": 0}, {"units": 0}])
def test_recurrent_network_refuses_sizes_below_one(wrong):
    with pytest.raises(ValueError, match="at least 1"):
        RecurrentNetwork(100, 3, **wrong)


def test_recurrent_network_refuses_more_time_steps_than_frames():
    with pytest.raises(ValueError, match="cannot give 20 time steps"):
        RecurrentNetwork(10, 3, timesteps=20)


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


def test_unknown_architecture_lists_what_there_is():
    with pytest.raises(ValueError, match="use one of cnn, rnn, lstm"):
        build_network("transformer", 100, 4, {})


def test_setting_of_another_architecture_is_refused():
    with pytest.raises(ValueError, match="'cnn' has no units"):
        build_network("cnn", 100, 4, {"units": 5})


def test_pooled_network_takes_traces_of_any_length():
    network = initialised(PooledNetwork(600, 4)).eval()
    for n_frames in (1, 299, 9600):
        assert network(torch.randn(2, n_frames)).shape == (2, 4)


def test_pooled_network_fits_into_two_megabytes():
    network = PooledNetwork(600, 4)
    assert sum(4 * p.numel() for p in network.state_dict().values()) < 2e6


def test_pooled_network_answers_for_a_trace_whatever_stands_beside_it():
    network = initialised(PooledNetwork(600, 4))
    network(torch.randn(64, 600), generator())
    network.eval()
    traces = torch.randn(5, 600)
    torch.testing.assert_close(network(traces)[:2], network(traces[:2]))


def test_pooled_network_trains_on_a_single_trace():
    network = initialised(PooledNetwork(600, 4)).train()
    before = network.center.clone()
    network(torch.randn(1, 600), generator()).sum().backward()
    assert network.hidden.weight.grad is not None
    assert torch.equal(network.center, before)


def test_pooled_network_keeps_its_statistics_where_layers_are_frozen():
    network = initialised(PooledNetwork(600, 4)).train()
    network.hidden.requires_grad_(False)
    before = network.center.clone()
    network(torch.randn(8, 600), generator())
    assert torch.equal(network.center, before)


@pytest.mark.parametrize("filters", [(8, 8, 8), (8, 8, 8, 0)])
def test_pooled_network_refuses_impossible_filters(filters):
    with pytest.raises(ValueError, match="filters must be 4"):
        PooledNetwork(600, 4, filters=filters)
