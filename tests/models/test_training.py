import numpy as np
import pytest
import torch

from napari_celltype.errors import Stopped
from napari_celltype.models.networks import RecurrentNetwork
from napari_celltype.models.training import train
from napari_celltype.progress import ignore_progress, never_stop


class SmallMemory(RecurrentNetwork):
    """A network on a device that holds few traces at a time."""

    most = 8

    def forward(self, x, generator=None):
        if len(x) > self.most:
            raise torch.OutOfMemoryError("out of memory")
        return super().forward(x, generator)


@pytest.fixture
def examples():
    random = np.random.default_rng(0)
    return (
        random.normal(size=(50, 20)).astype(np.float32),
        random.integers(3, size=50),
    )


def trained(network, examples, **changes):
    generator = torch.Generator().manual_seed(0)
    network.initialise(generator)
    settings = {
        "epochs": 2,
        "batch_size": 16,
        "learning_rate": 1e-3,
        "generator": generator,
        "device": torch.device("cpu"),
        "on_progress": ignore_progress,
        "should_stop": never_stop,
        "on_notice": pytest.fail,
        **changes,
    }
    return train(network, *examples, **settings)


def test_history_has_a_row_per_epoch(examples):
    history = trained(RecurrentNetwork(20, 3), examples, epochs=3)
    assert [row["epoch"] for row in history] == [1, 2, 3]


def test_loss_falls(examples):
    history = trained(RecurrentNetwork(20, 3), examples, epochs=10)
    assert history[-1]["loss"] < history[0]["loss"]


def test_accuracy_is_a_share(examples):
    history = trained(RecurrentNetwork(20, 3), examples)
    assert 0 <= history[0]["accuracy"] <= 1


def test_progress_is_told_after_each_epoch(examples):
    told = []
    trained(RecurrentNetwork(20, 3), examples, on_progress=told.append)
    assert [(p.done, p.total) for p in told] == [(1, 2), (2, 2)]


def test_stopping_ends_the_training_within_a_batch(examples):
    answers = iter([False, True])
    with pytest.raises(Stopped):
        trained(RecurrentNetwork(20, 3), examples, should_stop=lambda: next(answers))


def test_short_memory_trains_the_same_weights_in_parts(examples):
    whole, parts = RecurrentNetwork(20, 3), SmallMemory(20, 3)
    trained(whole, examples)
    trained(parts, examples, on_notice=[].append)
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(parts.state_dict()[name], value)


def test_short_memory_is_told_once(examples):
    notices = []
    trained(SmallMemory(20, 3), examples, on_notice=notices.append)
    assert len(notices) == 1


def test_memory_too_short_for_one_trace_is_an_error(examples):
    network = SmallMemory(20, 3)
    network.most = 0
    with pytest.raises(torch.OutOfMemoryError):
        trained(network, examples, on_notice=[].append)


def test_network_is_left_ready_to_predict(examples):
    network = RecurrentNetwork(20, 3)
    trained(network, examples)
    assert not network.training
