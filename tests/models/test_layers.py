import pytest
import torch
from torch import nn

from napari_celltype.models.layers import (
    Dropout,
    LongShortTermMemory,
    ReluRecurrence,
    dropout_mask,
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def initialised(layer):
    layer.initialise(generator())
    return layer


def test_recurrence_equals_torch_rnn_with_relu():
    layer = initialised(ReluRecurrence(30, 8, 0.0))
    other = nn.RNN(30, 8, nonlinearity="relu", batch_first=True)
    with torch.no_grad():
        other.weight_ih_l0.copy_(layer.kernel.T)
        other.weight_hh_l0.copy_(layer.recurrent_kernel.T)
        other.bias_ih_l0.copy_(layer.bias)
        other.bias_hh_l0.zero_()
    x = torch.randn(4, 5, 30, generator=generator(1))
    torch.testing.assert_close(layer(x), other(x)[0])


def test_lstm_layer_equals_torch_lstm_then_relu():
    layer = initialised(LongShortTermMemory(30, 8, 0.0))
    other = nn.LSTM(30, 8, batch_first=True)
    with torch.no_grad():
        other.weight_ih_l0.copy_(layer.kernel.T)
        other.weight_hh_l0.copy_(layer.recurrent_kernel.T)
        other.bias_ih_l0.copy_(layer.bias)
        other.bias_hh_l0.zero_()
    x = torch.randn(4, 5, 30, generator=generator(1))
    torch.testing.assert_close(layer(x), other(x)[0].relu())


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


def test_dropout_mask_shows_no_pattern_of_its_four_numbers_a_word():
    mask = dropout_mask(torch.ones(40_000), 0.5, generator())
    shares = (mask.view(-1, 4) == 0).float().mean(dim=0)
    assert shares.tolist() == pytest.approx([0.5] * 4, abs=0.02)


def test_dropout_does_nothing_after_training():
    x = torch.randn(10, 10)
    assert Dropout(0.5).eval()(x) is x


@pytest.mark.parametrize("wrong", [-0.1, 1.0])
def test_dropout_refuses_impossible_probabilities(wrong):
    with pytest.raises(ValueError, match="dropout must be in"):
        Dropout(wrong)
