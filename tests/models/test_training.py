"""The training loop, and labels that leave several classes possible."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from napari_celltype.errors import LabelError
from napari_celltype.labels import Targets
from napari_celltype.models import TraceClassifier
from napari_celltype.models.estimator import EpochScoring
from napari_celltype.models.networks import ConvolutionalNetwork, RecurrentNetwork
from napari_celltype.models.training import (
    ADAM_BETAS,
    ADAM_EPSILON,
    Adam,
    loss_sum,
    read_labels,
    train,
)
from napari_celltype.progress import ignore_progress, never_stop

QUICK = {"epochs": 2, "random_state": 0, "device": "cpu"}
LONGER = {"epochs": 30, "filters": (8, 16), "kernel_size": 5, "learning_rate": 0.003}


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


def test_progress_is_told_after_each_epoch(examples):
    told = []
    trained(RecurrentNetwork(20, 3), examples, on_progress=told.append)
    assert [(p.done, p.total) for p in told] == [(1, 2), (2, 2)]


def test_memory_too_short_for_one_trace_is_an_error(examples):
    network = SmallMemory(20, 3)
    network.most = 0
    with pytest.raises(torch.OutOfMemoryError):
        trained(network, examples, on_notice=[].append)


def test_history_has_a_row_per_epoch_and_the_loss_falls(examples):
    network = RecurrentNetwork(20, 3)
    history = trained(network, examples, epochs=10)
    assert [row["epoch"] for row in history] == list(range(1, 11))
    assert history[-1]["loss"] < history[0]["loss"]
    assert all(0 <= row["accuracy"] <= 1 for row in history)
    assert not network.training


def test_short_memory_is_told_once_and_trains_the_same_weights_in_parts(examples):
    whole, parts, notices = RecurrentNetwork(20, 3), SmallMemory(20, 3), []
    trained(whole, examples)
    trained(parts, examples, on_notice=notices.append)
    assert len(notices) == 1
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(parts.state_dict()[name], value)


def test_parts_that_fit_the_cache_train_the_same_weights():
    random = np.random.default_rng(0)
    examples = random.normal(size=(6, 301)).astype(np.float32), np.arange(6) % 4
    networks = [ConvolutionalNetwork(301, 4, dropout=0.0) for _ in range(2)]
    for network, cached_frames in zip(networks, (602, 2**20), strict=True):
        network.cached_frames = cached_frames
        trained(network, examples, epochs=1)
    for name, value in networks[0].state_dict().items():
        other = networks[1].state_dict()[name]
        torch.testing.assert_close(other, value, atol=1e-4, rtol=0)


def test_adam_steps_as_kingma_and_ba_write_it():
    # Making a torch.optim.Adam imports Triton, which crashes a process that has drawn
    # a window: Triton's LLVM and that of Mesa are two.
    weights = np.linspace(-2, 2, 20)
    ours = torch.tensor(weights, requires_grad=True)
    adam = Adam([ours], 1e-2)
    mean, square = np.zeros(20), np.zeros(20)
    for step in range(1, 6):
        ours.grad = 2 * ours.detach() + 1
        adam.step()
        gradient = 2 * weights + 1
        mean = ADAM_BETAS[0] * mean + (1 - ADAM_BETAS[0]) * gradient
        square = ADAM_BETAS[1] * square + (1 - ADAM_BETAS[1]) * gradient**2
        unbiased = mean / (1 - ADAM_BETAS[0] ** step)
        spread = np.sqrt(square / (1 - ADAM_BETAS[1] ** step))
        weights = weights - 1e-2 * unbiased / (spread + ADAM_EPSILON)
    np.testing.assert_allclose(ours.detach().numpy(), weights, rtol=1e-6)


@pytest.fixture
def logits():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(6, 3, generator=generator, requires_grad=True)


def test_loss_of_single_classes_is_the_cross_entropy(logits):
    y = torch.tensor([0, 1, 2, 2, 1, 0])
    one_hot = torch.eye(3, dtype=torch.bool)[y]
    torch.testing.assert_close(
        loss_sum(logits, one_hot), cross_entropy(logits, y, reduction="sum")
    )


def test_loss_is_minus_the_logarithm_of_what_is_allowed(logits):
    allowed = torch.tensor([[True, False, True]] * 6)
    share = logits.softmax(1)[:, [0, 2]].sum(1)
    torch.testing.assert_close(loss_sum(logits, allowed), -share.log().sum())


@pytest.mark.filterwarnings("error")
def test_sure_logits_give_finite_gradients():
    logits = torch.tensor([[500.0, -500.0, 0.0]], requires_grad=True)
    loss_sum(logits, torch.tensor([[False, True, True]])).backward()
    assert torch.isfinite(logits.grad).all()


def test_numbers_stay_numbers():
    classes, targets = read_labels(np.array([3, 1, 3]), None)
    assert classes.tolist() == [1, 3]
    assert targets.index.tolist() == [1, 0, 1]


def test_parent_and_negation_become_no_class():
    classes, targets = read_labels(np.array(["PY", "PV", "SOM", "IN", "!PV"]), None)
    assert classes.tolist() == ["PV", "PY", "SOM"]
    assert targets.allowed[3].tolist() == [True, False, True]
    assert targets.allowed[4].tolist() == [False, True, True]


def test_single_class_beside_its_parent_is_refused():
    with pytest.raises(ValueError, match="only one class"):
        read_labels(np.array(["PV", "IN"]), None)


def test_negations_alone_are_refused(labelled):
    with pytest.raises(LabelError, match="only say what cells are not"):
        TraceClassifier("rnn", **QUICK).fit(labelled[0], ["!PV"] * 60)


def test_counts_are_of_single_labels(labelled):
    y = labelled[1].copy()
    y[y == "SOM"] = np.where(np.arange(20) < 15, "SOM", "IN")
    y[0] = "!PV"
    fitted = TraceClassifier("rnn", **QUICK).fit(labelled[0], y)
    counts = dict(zip(fitted.classes_, fitted.class_counts_, strict=True))
    assert counts == {"PV": 20, "PY": 19, "SOM": 15}


def test_targets_give_classes_without_an_example(labelled):
    y = Targets.of([*labelled[1], "VIP"])
    fitted = TraceClassifier("rnn", **QUICK).fit(
        *labelled, targets=y.take(np.arange(60))
    )
    assert fitted.classes_.tolist() == ["PV", "PY", "SOM", "VIP"]
    assert fitted.class_counts_.tolist() == [20, 20, 20, 0]


def test_negations_are_learnt(labelled):
    X, truth = labelled
    most = np.arange(60) >= 6
    y = np.where(most & (truth == "PV"), "!SOM", truth)
    fitted = TraceClassifier("cnn", **QUICK | LONGER).fit(X, y)
    guess = fitted.predict(X[y == "!SOM"])
    assert (guess != "SOM").mean() > 0.9


def test_history_counts_allowed_guesses_as_right(labelled):
    X, truth = labelled
    y = np.where(np.arange(60) < 50, truth, "!SOM")
    y[50:][truth[50:] == "SOM"] = "IN"
    fitted = TraceClassifier("cnn", **QUICK | LONGER).fit(X, y)
    assert fitted.history_[-1]["accuracy"] > 0.9


def test_asking_after_each_epoch_changes_nothing(labelled):
    def ask(trained):
        return {"score": trained.score(*labelled)}

    plain, asked = (
        TraceClassifier("lstm", dropout=0.3, **QUICK).fit(*labelled, scoring=f)
        for f in (None, EpochScoring(ask))
    )
    np.testing.assert_array_equal(
        plain.predict_proba(labelled[0]), asked.predict_proba(labelled[0])
    )


def test_what_is_scored_after_an_epoch_joins_its_row(labelled):
    def score(classifier):
        seen = len(classifier.history_)
        return {"seen": seen, "score": classifier.score(*labelled)}

    fitted = TraceClassifier("rnn", **QUICK).fit(*labelled, scoring=EpochScoring(score))
    assert [row["seen"] for row in fitted.history_] == [1, 2]
    assert fitted.history_[-1]["score"] == fitted.score(*labelled)
